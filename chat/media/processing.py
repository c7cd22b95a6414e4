"""From a complete part to a file that can be sent: on threads beside those of requests.

Whoever waits for it waits on the event loop, or not at all. One process works on an upload at a
time, in whatever worker: it holds the lock of the part. If it is killed, the row says `processing`
and nobody holds the lock, so the next who asks begins again.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models import MediaKind, Upload
from chat.models.files import attachments_folder, new_name, parts_folder, previews_folder
from webchat.base.holding import holding
from webchat.database import locks
from webchat.database.folders import sync_folder

from .orders import Kind, Order, Processed, Why
from .turns import Turns
from .workshop import PLACES, process

ELSEWHERE_SECONDS = 15  # for another worker that is at it
VOICE_SECONDS = 60
A_LITTLE_MORE = 1.5  # seconds: recorders stop when they are told to, or a moment later
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}


class Job(NamedTuple):
    """Work on a file, told from other work by its key; its owner waits for it."""

    key: Hashable
    owner: int
    work: Callable[[], Any]


_lock = threading.Lock()
_jobs: dict[Hashable, Future[None]] = {}
_turns: Turns[Job] = Turns()
_threads: list[threading.Thread] = []


def close(upload: Upload) -> None:
    """Take no more pieces. Raises ValidationError("not_finished") if some are missing.

    A part that has lost bytes, as on a broken disk, is sent again from its beginning.
    """
    with holding(upload):
        if upload.state != Upload.State.OPEN:
            return
        if not (is_complete := upload.is_complete and _size_of(upload) == upload.announced_size):
            if upload.is_complete:
                upload.note_received(0)
                upload.received = 0
        else:
            upload.state, upload.changed_at = Upload.State.PROCESSING, timezone.now()
            upload.save(update_fields=["state", "changed_at"])
    if not is_complete:
        facts = {"beside": {"received": upload.received}}
        raise ValidationError(_("This file is not complete yet."), "not_finished", facts)


def job_of(upload: Upload) -> Job:
    """Return the job that processes an upload, to `begin` it."""
    return Job(("upload", upload.pk), upload.owner_id, partial(run, upload.pk))


def begin(job: Job) -> Future[None]:
    """Have a job done on a thread of ours; of two calls at once, both get the same future."""
    with _lock:
        if (end := _jobs.get(job.key)) is None:
            end = _jobs[job.key] = Future()
            _turns.put(job, owner=job.owner)
            if len(_threads) < PLACES:
                thread = threading.Thread(target=_work, name="media", daemon=True)
                _threads.append(thread)
                thread.start()
        return end


def _work() -> None:
    while True:
        job = _turns.get()
        end = _jobs[job.key]
        try:
            job.work()
        except BaseException as error:
            outcome: BaseException | None = error
        else:
            outcome = None
        with _lock:
            del _jobs[job.key]
        if outcome is None:
            end.set_result(None)
        else:
            end.set_exception(outcome)
        connection.close_if_unusable_or_obsolete()


def run(pk: int) -> None:
    """Process an upload that is closed, unless it is ready, gone, or being processed elsewhere.

    Raises UnavailableError and OSError as `workshop.process` does: nothing has changed
    then, and it may be tried again.
    """
    upload = Upload.objects.filter(pk=pk, state=Upload.State.PROCESSING).first()
    if upload is None:
        return
    try:
        part = locks.take(upload.part_path, seconds=ELSEWHERE_SECONDS)
    except locks.HeldError:
        return
    with part:
        path = upload.part_path
        upload = Upload.objects.filter(pk=pk).first()
        if upload is not None and upload.state == Upload.State.PROCESSING:
            _process(upload, part)
        elif upload is None or upload.state != Upload.State.OPEN:
            path.unlink(missing_ok=True)  # whoever had the lock has deleted it, and ours made it


def _process(upload: Upload, part: IO[bytes]) -> None:
    if os.fstat(part.fileno()).st_size != upload.announced_size:
        # The disk has lost it: its sender begins again.
        Upload.objects.filter(pk=upload.pk).update(received=0, state=Upload.State.OPEN)
        return
    if not has_room(upload.announced_size):  # of its clean copy
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    theirs = Upload.objects.filter(pk=upload.pk, state=Upload.State.PROCESSING)
    try:
        columns = store(upload.part_path, Kind(upload.announced_kind))
    except FileNotFoundError:
        if theirs.exists():
            raise
        return  # its sender has given it up
    kept = [attachments_folder() / columns["file"]]
    if columns["preview"]:
        kept.append(previews_folder() / columns["preview"])
    try:
        is_there = theirs.update(state=Upload.State.READY, changed_at=timezone.now(), **columns)
    except BaseException:
        _remove(kept)
        raise
    _remove([upload.part_path] if is_there else [upload.part_path, *kept])


def store(source: Path, kind: Kind) -> dict[str, Any]:
    """Process a file and put what is made of it in place, synced, before any row names it.

    Returns the columns of its content, and `why` it is not of this kind. Raises UnavailableError
    and OSError as `workshop.process` does: nothing is left then but the source.
    """
    name = new_name()
    order = Order(
        kind=kind,
        source=str(source),
        target=str(parts_folder() / name),
        preview=str(parts_folder() / f"{name}-preview"),
    )
    try:
        return _keep(order, process(order), name)
    finally:
        for path in (order.target, order.preview):
            with suppress(OSError):
                os.unlink(path)


def _keep(order: Order, done: Processed, name: str) -> dict[str, Any]:
    kind, why = _kind_of(done)
    if kind == MediaKind.FILE:
        done = done._replace(width=None, height=None, duration=None)
    file = f"{name}{EXTENSIONS.get(done.mimetype, '')}"
    preview = f"{name}.webp" if done.has_preview else ""
    kept = [attachments_folder() / file]
    try:
        place(done.stored(order), kept[0])
        if preview:
            kept.append(previews_folder() / preview)
            place(order.preview, kept[1])
    except BaseException:
        _remove(kept)
        raise
    return {
        "kind": kind,
        "why": why,
        "mimetype": done.mimetype,
        "size": done.size,
        "sha256": done.sha256,
        "width": done.width,
        "height": done.height,
        "duration": done.duration,
        "file": file,
        "preview": preview,
    }


def _kind_of(done: Processed) -> tuple[MediaKind, Why]:
    is_long = (done.duration or 0) > VOICE_SECONDS + A_LITTLE_MORE
    if done.kind is Kind.VOICE and is_long:
        return MediaKind.FILE, Why.TOO_LARGE
    return MediaKind(done.kind), done.why


def has_room(size: int = 0) -> bool:
    """Return whether the disk has room for so many bytes: what is kept free is for words."""
    return shutil.disk_usage(settings.DATA_DIR).free - size >= settings.MIN_FREE


def place(source: str, target: Path) -> None:
    """Give a file its name in another folder, and sync that; the source may stay until the end."""
    with suppress(FileExistsError):
        target.parent.mkdir(mode=0o700)
        sync_folder(target.parent.parent)
    os.utime(source)  # before it is committed, a file without a row must not look old
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.replace(source, target)
    sync_folder(target.parent)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _size_of(upload: Upload) -> int:
    try:
        return upload.part_path.stat().st_size
    except FileNotFoundError:
        return 0
