"""The files that the demo class has sent each other, and the profile pictures of some of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, Self

from accounts.models import User
from chat.media.orders import Kind
from chat.media.processing import store
from chat.models import Attachment
from chat.models.files import (
    CONTENT,
    attachments_folder,
    links_of,
    new_name,
    parts_folder,
    previews_folder,
)
from chat.sending.files import NewFile, attach
from webchat.database.folders import sync_folder

WITHOUT_FACE = 3  # each so many-th has none, and shows the initials

TABLE = "第二组.csv"
HEADER = "t/s,U/V,ΔU/V"
ROWS = 12
ASTRAY = 8  # the row that somebody has circled in the picture of it


class Shared:
    """Files that were made before anybody waits for the database; gone if it comes to nothing.

    Each is made once, and everybody who has it has a name of it. Without Pillow there are no
    pictures.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._contents: dict[str, dict[str, Any]] = {}
        self._files: list[Path] = []
        self._is_used = False

    def __enter__(self) -> Self:
        try:
            self._make(TABLE, Kind.FILE, _table(self._random).encode())
            if can_draw():
                from .pictures import DRAWN

                for name, draw in DRAWN.items():
                    self._make(name, Kind.PICTURE, draw(self._random))
        except BaseException:
            self._take_back()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        if kind is not None or not self._is_used:
            self._take_back()

    def __contains__(self, name: str) -> bool:
        return name in self._contents

    def attach(self, messages: Iterable[tuple[int, int, str]]) -> None:
        """Give messages their files: (message, conversation, name) each."""
        unused = dict(self._contents)
        new = []
        for pk, conversation, name in messages:
            content = unused.pop(name, None) or self._link(name)
            new.append((pk, conversation, NewFile(name, content)))
        attach(new)
        self._forget(unused.values())
        self._is_used = True

    def give_faces(self, users: Sequence[User]) -> None:
        if not can_draw():
            return
        from .pictures import draw_face

        attachments_folder().mkdir(mode=0o700, exist_ok=True)
        for number, user in enumerate(users):
            if number % WITHOUT_FACE != WITHOUT_FACE - 1:
                user.face = self._put(draw_face(number, self._random))
                user.save(update_fields=["face"])
        sync_folder(attachments_folder())

    def _make(self, name: str, kind: Kind, content: bytes) -> None:
        parts_folder().mkdir(mode=0o700, exist_ok=True)
        part = parts_folder() / new_name()
        try:
            self._write(part, content)
            columns = store(part, kind)
        finally:
            part.unlink(missing_ok=True)
        self._contents[name] = self._note({key: columns[key] for key in CONTENT})

    def _link(self, name: str) -> dict[str, Any]:
        return self._note(links_of(Attachment(**self._contents[name])))

    def _note(self, columns: dict[str, Any]) -> dict[str, Any]:
        self._files += _paths_of(columns)
        return columns

    def _put(self, content: bytes) -> str:
        """Store a file and return its name, under which a backup must find no half of it."""
        name = new_name()
        self._write(parts_folder() / name, content)
        self._files.append(attachments_folder() / name)
        os.replace(parts_folder() / name, attachments_folder() / name)
        return name

    def _write(self, path: Path, content: bytes) -> None:
        self._files.append(path)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _forget(self, contents: Iterable[dict[str, Any]]) -> None:
        """Delete what nobody has sent."""
        for columns in contents:
            for path in _paths_of(columns):
                path.unlink(missing_ok=True)

    def _take_back(self) -> None:
        for path in self._files:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def can_draw() -> bool:
    return find_spec("PIL") is not None


def _paths_of(columns: dict[str, Any]) -> list[Path]:
    preview = [previews_folder() / columns["preview"]] if columns["preview"] else []
    return [attachments_folder() / columns["file"], *preview]


def _table(random: Random) -> str:
    lines = [HEADER]
    for row in range(ROWS):
        volts = 0.42 + 0.31 * row + random.uniform(-0.05, 0.05) - 0.9 * (row == ASTRAY)
        lines.append(f"{row * 0.5:.1f},{volts:.2f},0.08")
    return "\r\n".join(lines) + "\r\n"
