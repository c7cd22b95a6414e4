"""The export of a person's chats: one zip of pages and texts that can be read without us."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import budgets
from accounts.http import UserRequest
from accounts.models import User
from accounts.names import username_key
from webchat.base.api import STATUS, describe
from webchat.base.times import minute

from .access import Thread, get_thread
from .exported_files import Files
from .presentation import ConversationView, MessageView, list_conversations, view_thread

AT_ONCE = 2  # of the threads that serve everybody
PAGE_SIZE = 500
PIECE_BYTES = 64 * 1024
RETRY_SECONDS = 60

INDEX = "index"
# Windows opens a device in place of a file whose name is one of these up to the first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")

SendFile = Callable[[Path, int], None]

_running: set[int] = set()  # accounts
_lock = Lock()


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def export(request: UserRequest) -> HttpResponseBase:
    if request.method != "POST":
        return render(request, "chat/export.html")
    try:
        # The server sends the files from where they are: their copy would fill the disk.
        send_file = request.META.get("webchat.send_file")
        chunks = write_zip(request.user, translation.get_language(), send_file)
        turn = _Turn(request.user.pk, chunks)
    except ValidationError as refusal:
        code, busy, params = describe(refusal)
        response = render(request, "chat/export.html", {"busy": busy}, status=STATUS[code])
        response["Retry-After"] = str(params["retry_after"])
        return response
    request.META["webchat.is_download"] = True
    return _answer(turn)


def _answer(turn: _Turn) -> StreamingHttpResponse:
    response = StreamingHttpResponse(turn, content_type="application/zip")
    name = f"webchat-{timezone.localdate():%Y-%m-%d}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Encoding"] = "identity"  # already compressed
    return response


class _Turn:
    """The slot of a running export, freed when its response ends, however it ends.

    Raises ValidationError: rate_limited, unavailable.
    """

    def __init__(self, user_id: int, chunks: Iterator[bytes]) -> None:
        self._user_id = user_id
        self._chunks = chunks
        with _lock:
            _refuse_busy(user_id)
            budgets.EXPORTS.take(user_id)
            _running.add(user_id)
        self._is_over = False

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            _running.discard(self._user_id)


def _refuse_busy(user_id: int) -> None:
    if user_id in _running:
        message = _("Your chats are being exported already.")
        raise ValidationError(message, "rate_limited", {"retry_after": RETRY_SECONDS})
    if len(_running) >= AT_ONCE:
        message = _("Others are exporting just now. Please try again in a minute.")
        raise ValidationError(message, "unavailable", {"retry_after": RETRY_SECONDS})


def write_zip(
    user: User, language: str | None, send_file: SendFile | None = None
) -> Iterator[bytes]:
    """Yield the zip in pieces while it is made, so that memory does not grow with its size.

    With `send_file`, files are not in the pieces: it is told which bytes follow the last one.
    """
    pipe, files = _Pipe(), Files()
    with translation.override(language), _new_zip(pipe) as target:
        chats = [chat for chat in list_conversations(user) if chat.last_message]
        named = [(chat, file_name(chat.username)) for chat in chats]
        face = files.add_face(user)
        context = {"user": user, "chats": named, "now": minute(timezone.now()), "face": face}
        target.writestr(f"{INDEX}.html", render_to_string("chat/export/index.html", context))
        yield pipe.take()
        yield from _write_files(target, pipe, files, send_file)
        for chat in chats:
            try:
                thread = get_thread(user, chat.username)
            except Http404:
                continue  # gone while the others were written
            for kind in ("html", "txt"):
                yield from _write_chat(target, pipe, thread, user, chat, kind, files)
            yield from _write_files(target, pipe, files, send_file)
    yield pipe.take()


def _new_zip(pipe: _Pipe) -> zipfile.ZipFile:
    """Begin a zip; of a file from before 1980, its first year, it says that one."""
    return zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False)


def file_name(username: str) -> str:
    """Return the name of a friend's files: theirs, with a “_” before one that is taken.

    No user name begins with that.
    """
    key = username_key(username)
    return f"_{username}" if key == INDEX or DEVICES.match(key) else username


def _write_chat(
    target: zipfile.ZipFile,
    pipe: _Pipe,
    thread: Thread,
    user: User,
    chat: ConversationView,
    kind: str,
    files: Files,
) -> Iterator[bytes]:
    context = {"user": user, "chat": chat}
    with target.open(f"{file_name(chat.username)}.{kind}", "w") as file:
        file.write(render_to_string(f"chat/export/head.{kind}", context).encode())
        for page in _pages(user, thread):
            names = files.names_of(page)
            rows = {"page": [(message, names.get(message.id)) for message in page]}
            part = render_to_string(f"chat/export/page.{kind}", context | rows)
            file.write(part.encode())
            yield pipe.take()
        file.write(render_to_string(f"chat/export/foot.{kind}", context).encode())
    yield pipe.take()


def _pages(user: User, thread: Thread) -> Iterator[list[MessageView]]:
    after, more = 0, True
    while more:
        page, more = thread.page(after=after, limit=PAGE_SIZE)
        if page:
            after = page[-1].pk
            yield view_thread(page, viewer=user, friend=thread.friend)


def _write_files(
    target: zipfile.ZipFile, pipe: _Pipe, files: Files, send_file: SendFile | None
) -> Iterator[bytes]:
    """Write those that are new, as they are: they are compressed already."""
    for path, name in files.take_new():
        with suppress(FileNotFoundError), path.open("rb") as source:  # else recalled meanwhile
            about = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
            about.compress_type = zipfile.ZIP_STORED
            with target.open(about, "w") as file:
                yield pipe.take()
                pipe.is_open = send_file is None
                yield from _copy(source, file, pipe)
                pipe.is_open = True
                if send_file is not None:
                    send_file(path, source.tell())
            yield pipe.take()


def _copy(source: IO[bytes], file: IO[bytes], pipe: _Pipe) -> Iterator[bytes]:
    while piece := source.read(PIECE_BYTES):
        file.write(piece)
        yield pipe.take()


class _Pipe:
    """The target of the zip, without seeking; while it is not open, bytes are only counted."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.is_open = True

    def write(self, data: bytes) -> int:
        if self.is_open:
            self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)
