"""The uploads of the Flask program, copied to the folder of attachments."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import re
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from chat.media.clean import look
from chat.media.describing import SHOWN
from chat.media.processing import EXTENSIONS
from chat.models import Attachment, MediaKind
from chat.models.files import UNKNOWN, attachments_folder, new_name, parts_folder
from webchat.base.text import mend_text
from webchat.database.archive import digest
from webchat.database.steps import Counted, quietly

from .reading import Tree
from .staging import in_parts
from .talk import OldFile, OldMessage

NAME_LENGTH = 255
FILES_AT_ONCE = 500  # looked for in one query
MIMETYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
EXTENSION = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)
DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL | re.IGNORECASE)


class FileStore:
    """Copies files and remembers which, so that a failure leaves none of them behind."""

    def __init__(self, tree: Tree, *, is_dry: bool) -> None:
        self._tree = tree
        self._is_dry = is_dry
        self._written: list[Path] = []

    def fetch(self, message: OldMessage) -> Attachment | None:
        """Copy the file of a message and return its attachment; None if the file is lost.

        Raises OSError when the file cannot be written, or be read to its end, by its name then.
        """
        if message.file is None:
            return None
        source: Path | bytes | None = _data_of(message.file.url)
        if source is None:
            source = self._tree.upload(message.file.url)
        if source is None:
            return None
        try:
            with self._open(source) as old:
                found = look(old)
        except OSError:
            return None
        name = name_of(message.file)
        mimetype = found or _claimed(message.file, name)
        file = _free(str(message.client_id), _extension(name, mimetype))
        kind = SHOWN.get(mimetype.partition("/")[0] if found else "", MediaKind.FILE)
        attachment = Attachment(file=file, name=name, mimetype=mimetype, kind=kind)
        if not self._is_dry:
            attachment.sha256 = self._write(source, attachment.path)
            attachment.size = attachment.path.stat().st_size
        return attachment

    def _write(self, source: Path | bytes, target: Path) -> str:
        """Copy a file, and return its SHA-256; an error names it only if it cannot be read."""
        for folder in (attachments_folder(), parts_folder()):
            folder.mkdir(mode=0o700, exist_ok=True)
        part = parts_folder() / new_name()  # a backup takes what has its own name for whole
        try:
            with part.open("xb") as new:
                old = self._open(source)
                found = digest(old if isinstance(source, bytes) else Counted(old, quietly), new)
            self._written.append(target)
            os.replace(part, target)  # there may be one of an import that was killed
        finally:
            part.unlink(missing_ok=True)
        return found

    def _open(self, source: Path | bytes) -> BinaryIO:
        return BytesIO(source) if isinstance(source, bytes) else self._tree.open(source)

    def take_back(self) -> None:
        """Delete the files that were copied, but for those of messages that are here."""
        for part in in_parts(self._written, FILES_AT_ONCE):
            here = Attachment.objects.filter(file__in=[path.name for path in part])
            names = set(here.values_list("file", flat=True))
            for path in part:
                if path.name not in names:
                    path.unlink(missing_ok=True)


def _free(stem: str, extension: str) -> str:
    """Return a name for a file that no other attachment has."""
    is_taken = Attachment.objects.filter(file=stem + extension).exists()
    return f"{uuid4() if is_taken else stem}{extension}"


def _data_of(url: str) -> bytes | None:
    """Decode a `data:` URL (RFC 2397)."""
    found = DATA_URL.fullmatch(url)
    if found is None:
        return None
    content = unquote_to_bytes(found[3].encode(errors="replace"))
    if not found[2].lower().endswith(";base64"):
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        return None


def name_of(file: OldFile) -> str:
    """Name the file: its original name where that is known, without a path."""
    is_data = file.url[:5].lower() == "data:"
    name = file.name or ("" if is_data else file.url)
    name = re.split(r"[/\\]", name)[-1]
    name, _removed = mend_text(name)
    if name in ("", ".", ".."):
        name = f"file{_extension('', file.mimetype)}"
    stem, dot, extension = name.rpartition(".")
    room = NAME_LENGTH - len(dot + extension)
    return name if len(name) <= NAME_LENGTH else (stem[:room] + dot + extension)[:NAME_LENGTH]


def _claimed(file: OldFile, name: str) -> str:
    """Return the type that was claimed; by that alone nothing is shown in a page."""
    claimed = file.mimetype.lower()
    if not claimed and (data := DATA_URL.fullmatch(file.url)):
        claimed = data[1].lower()
    if not MIMETYPE.fullmatch(claimed):
        claimed = mimetypes.guess_type(name)[0] or ""
    return UNKNOWN if not claimed or claimed in EXTENSIONS else claimed


def _extension(name: str, mimetype: str) -> str:
    extension = Path(name).suffix.lower()
    if EXTENSION.fullmatch(extension):
        return extension
    return mimetypes.guess_extension(mimetype) or ".bin"
