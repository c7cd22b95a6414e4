"""The files of an export: each content is in it once, under the name of its first message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from accounts.models import User

from .media.names import clean_name
from .models import Attachment
from .models.files import attachments_folder
from .presentation import MessageView

FOLDER = "attachments"
FACE = "avatar.webp"  # no chat has a file of this kind
# Windows knows no file with one of these in its name, nor with a dot or a blank at its end.
_UNUSABLE = re.compile(r"[<>:\"|?*]|[. ]+$")


class Files:
    """The names of files in a zip, and those that are not written yet."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._new: list[tuple[Path, str]] = []

    def names_of(self, page: Iterable[MessageView]) -> dict[int, str]:
        """Return the names by message; a file that is lost has none."""
        ids = [message.id for message in page if message.attachment]
        found = Attachment.objects.filter(message__in=ids) if ids else []
        names = ((each.message_id, self._name_of(each)) for each in found)
        return {pk: name for pk, name in names if name}

    def add_face(self, user: User) -> str:
        """Add somebody's own profile picture, and return its name; "" without one."""
        path = attachments_folder() / user.face
        if not user.face or not path.is_file():
            return ""
        self._new.append((path, FACE))
        return FACE

    def take_new(self) -> list[tuple[Path, str]]:
        new, self._new = self._new, []
        return new

    def _name_of(self, attachment: Attachment) -> str:
        try:
            found = attachment.path.stat()
        except FileNotFoundError:
            return ""
        # A forwarded file is a second name of the first one.
        content = attachment.sha256 or f"{found.st_dev} {found.st_ino}"
        if content not in self._names:
            name = _UNUSABLE.sub("_", clean_name(attachment.name))
            self._names[content] = f"{FOLDER}/{attachment.message_id}-{name}"
            self._new.append((attachment.path, self._names[content]))
        return self._names[content]
