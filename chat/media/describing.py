"""Finds out what is not known yet about stored files, as about imported ones and lost previews.

One at a time, and in processes of their own, as for uploads. The bytes of a file stay as they are:
whoever imported it has it like that, and its metadata are theirs. What was looked at is not looked
at again by this process, whatever came of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from chat.models import Attachment, MediaKind
from chat.models.files import UNKNOWN, new_name, parts_folder, previews_folder
from webchat.base.pruning import ROWS_AT_ONCE, short_transaction
from webchat.database import locks

from .orders import Kind, Order, Processed
from .processing import EXTENSIONS, has_room, place
from .workshop import UnavailableError, process, process_on_loop

UNDESCRIBED = (
    Q(sha256="")
    | Q(kind=MediaKind.PICTURE, preview="")
    | Q(kind=MediaKind.VIDEO, width=None)
)  # fmt: skip
# The kinds that the first half of a type makes. A sound is a file: only its sender can say that it
# is a voice.
SHOWN = {"image": MediaKind.PICTURE, "video": MediaKind.VIDEO}

logger = logging.getLogger(__name__)

Work = Generator[Order, Processed, dict[str, Any]]


class Paths(NamedTuple):
    """The files of the work on one file: a copy that nobody needs, and a preview."""

    source: str
    copy: str
    preview: str


class Describer:
    """Describes the files that need it, by their ids, from where it was before."""

    def __init__(self) -> None:
        self._through = 0
        self._knows_lost = False

    def next(self) -> Attachment | None:
        """Return the next that needs it; None when there is no more, for now."""
        # Without it every picture would seem to be damaged.
        if find_spec("PIL") is None or not has_room():
            return None
        rest = self._rest()
        found = rest.filter(UNDESCRIBED).order_by("pk").first()
        last = found.pk if found else rest.aggregate(last=Max("pk"))["last"]
        self._through = last or self._through
        return found

    def count(self) -> int:
        return self._rest().filter(UNDESCRIBED).count()

    def _rest(self) -> QuerySet[Attachment]:
        if not self._knows_lost:
            forget_lost_previews()
            self._knows_lost = True
        return Attachment.objects.seen().filter(pk__gt=self._through)


def forget_lost_previews() -> None:
    """Leave no row the name of a preview that is not in its folder, so that it is made again."""
    folder = previews_folder()
    there = set(os.listdir(folder)) if folder.is_dir() else set()
    rows = Attachment.objects.exclude(preview="").values_list("pk", "preview")
    missed = [(pk, name) for pk, name in rows.iterator() if name not in there]
    # Looked at again: a message may have come since the folder was read.
    lost = [pk for pk, name in missed if not (folder / name).exists()]
    for begin in range(0, len(lost), ROWS_AT_ONCE):
        with short_transaction():
            pks = lost[begin : begin + ROWS_AT_ONCE]
            Attachment.objects.filter(pk__in=pks).update(preview="")


def describe(file: Attachment) -> None:
    """Find out what is not known about a file, while this thread waits."""
    with _paths_of(file) as paths:
        work = _look(file, paths)
        try:
            order = next(work)
            while True:
                order = work.send(process(order))
        except StopIteration as end:
            keep(file, paths, end.value)
        except (UnavailableError, OSError) as error:
            _note(file, error)


async def find_out(file: Attachment) -> tuple[Paths, dict[str, Any]] | None:
    """Do as `describe` does, on the event loop, and return what is for `keep`, in a thread."""
    paths = _new_paths(file)
    work = _look(file, paths)
    try:
        order = next(work)
        while True:
            order = work.send(await process_on_loop(order))
    except StopIteration as end:
        return paths, end.value
    except (UnavailableError, OSError) as error:
        _note(file, error)
    finally:
        _forget(paths.copy)
    return None


def keep(file: Attachment, paths: Paths, facts: dict[str, Any]) -> None:
    """Write down what was found out, and put a preview in place, synced, before its row names it.

    A message that was recalled meanwhile gets nothing.
    """
    kept = None
    try:
        if facts.pop("has_preview"):
            kept = previews_folder() / f"{new_name()}.webp"
            place(paths.preview, kept)
            facts["preview"] = kept.name
        is_there = Attachment.objects.filter(pk=file.pk, preview=file.preview).update(**facts)
    except BaseException:
        _forget(kept)
        raise
    finally:
        _forget(paths.preview)
    if not is_there:
        _forget(kept)


@contextmanager
def alone() -> Iterator[bool]:
    """Keep the other workers from describing files; False if one of them does."""
    try:
        lock = locks.take(settings.DATA_DIR / "describing.lock", seconds=0)
    except locks.HeldError:
        yield False
        return
    with lock:
        yield True


def _look(file: Attachment, paths: Paths) -> Work:
    """Yield orders, take what was made of them, and return the columns that are known then."""
    facts: dict[str, Any] = {"has_preview": False}
    kind = MediaKind(file.kind)
    if not file.sha256:
        measured = yield Order(Kind.FILE, paths.source, "")
        facts |= {"size": measured.size, "sha256": measured.sha256}
        told = yield Order(Kind.FILE, paths.source, paths.copy)
        kind = _kind_of(told)
        facts |= {"kind": kind, "mimetype": _type_of(file, told)}
    if kind not in SHOWN.values():
        return facts
    preview = paths.preview if kind == MediaKind.PICTURE else ""
    done = yield Order(Kind(kind), paths.source, paths.copy, preview)
    if done.kind == Kind(kind):
        size = {"width": done.width, "height": done.height, "duration": done.duration}
        return facts | size | {"has_preview": done.has_preview}
    was_seen = file.width is not None or file.duration is not None
    if was_seen and (done.is_clean or done.sha256 == file.sha256):
        # It is of its kind: a failure now may pass, as one for want of memory.
        return facts
    size = {"width": None, "height": None, "duration": None}
    return facts | size | {"kind": MediaKind.FILE, "mimetype": UNKNOWN}


def _kind_of(told: Processed) -> MediaKind:
    family = told.mimetype.partition("/")[0] if told.is_clean else ""
    return SHOWN.get(family, MediaKind.FILE)


def _type_of(file: Attachment, told: Processed) -> str:
    """Return the type that the bytes say, else what was claimed, unless it would be shown."""
    if told.is_clean:
        return told.mimetype
    return UNKNOWN if file.mimetype in EXTENSIONS else file.mimetype


def _new_paths(file: Attachment) -> Paths:
    parts_folder().mkdir(mode=0o700, exist_ok=True)
    name = new_name()
    copy, preview = (str(parts_folder() / f"{name}{end}") for end in ("", "-preview"))
    return Paths(str(file.path), copy, preview)


@contextmanager
def _paths_of(file: Attachment) -> Iterator[Paths]:
    paths = _new_paths(file)
    try:
        yield paths
    finally:
        _forget(paths.copy, paths.preview)


def _forget(*paths: str | Path | None) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path or "")


def _note(file: Attachment, error: Exception) -> None:
    logger.warning("File %s could not be described: %s", file.pk, type(error).__name__)
