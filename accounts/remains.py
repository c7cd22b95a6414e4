"""Remains in the files outside of any row: free pages, gaps, the log, exports, forgotten copies."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection, connections
from django.utils.translation import gettext as _

from webchat.backup_places import FILE_NAME as PLACES
from webchat.backup_places import known_places
from webchat.base.text import fold
from webchat.database import scratch, wal
from webchat.database.archive import DATABASE
from webchat.database.backup import backups_in, own_folder
from webchat.database.connecting import files_of, own_file
from webchat.database.folders import BEFORE_RESTORE, FILES, PARTS, PREVIEWS
from webchat.database.pages import dead_parts
from webchat.database.steps import Step, quietly
from webchat.disks import check_other_disk
from webchat.nightly import FILE_NAME as NIGHTLY
from webchat.nightly import last_nightly

from .names import username_key
from .traces import Kept, Name

LOG_SECONDS = 3.0  # for a reader that holds the log; a large backup may take longer
ESCAPE = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)
CHUNK = 1024 * 1024  # bytes of a file in memory


def count_files() -> int:
    """Count them without those that come and go with a connection to the database."""
    return len(set(_files()).difference(files_of(own_file())[1:]))


def find_in_files(username: str, texts: Sequence[str], step: Step = quietly) -> Iterator[str]:
    """Find raw files that name the account outside of any row, or hold one of `texts` at all.

    Call this last: it closes connections, since closing one of SQLite's files in passing would
    release the locks that a connection of this process has on it. Inside a transaction nothing
    is reported: its changes are in no file yet. `step` hears of each file, and of the parts of
    each as of nothing.
    """
    if connection.in_atomic_block:
        return
    database = own_file()
    name = Name(username)
    connections.close_all()
    wal.truncate_within(database, LOG_SECONDS)
    # Values lie side by side in a page: nobody can tell where a name begins and ends.
    key = username_key(username)
    if any(key in _readable(part) for part in dead_parts(database, lambda _bytes: step(0))):
        yield _("%(path)s: bytes of no row") % {"path": database.name}
    log = wal.log_of(database)
    if log.exists() and key in _readable(log.read_bytes()):
        yield _("%(path)s: held by somebody who reads, a backup perhaps; try again") % {
            "path": log.name
        }
    own = files_of(database)
    for path in _files():
        step(path not in own[1:])
        words = _why_left(path, path in own, name, _needles(texts), step)
        if words:
            yield about(_shown(path), words)


def count_copies() -> int:
    return len(_copies())


def list_copies(username: str, texts: Sequence[str], step: Step = quietly) -> Iterator[Kept]:
    """List the copies of all data that are kept on purpose, and whether they name the account.

    A name that does not occur in one cannot be in it; one that does may be part of something else.
    `step` hears of each, and of its parts as of nothing.
    """
    needles = _needles([username_key(username)])
    examine = _Examiner(needles, _needles(texts), step)
    for path in _copies():
        is_backup = not path.name.startswith(BEFORE_RESTORE)
        kind = _("a backup") if is_backup else _("what was there before a restore")
        finding = examine.copy(path)
        step(1)
        facts = {"path": _shown(path), "kind": kind, "finding": finding}
        yield Kept(_("%(path)s: %(kind)s; %(finding)s") % facts)
    for place in _places_elsewhere():
        if words := _why_unknown(place):
            yield Kept(about(_shown(place), words))


def _why_unknown(place: Path) -> str:
    """Say why nobody can tell what a place of backups holds; "" if all is seen."""
    if not _is_reachable(place):
        return _("backups may be there; it is not reachable now")
    if known_places().get(place) and not backups_in(place):  # the folder below a disk, perhaps
        return _("a backup was written there and is there no more; the disk may be elsewhere")
    return ""


def about(place: str, words: str) -> str:
    return _("%(place)s: %(words)s") % {"place": place, "words": words}


def _copies() -> list[Path]:
    there = [each for place in _places_elsewhere(reachable=True) for each in backups_in(place)]
    before = sorted(settings.DATA_DIR.glob(f"{BEFORE_RESTORE}*"))
    return list(dict.fromkeys([*backups_in(own_folder()), *there, *before]))


def _places_elsewhere(*, reachable: bool = False) -> list[Path]:
    """Return the folders into which backups were written, too; those that can be read now."""
    last = last_nightly()
    named = [Path(last.to).absolute()] if last and last.to else []
    places = list(dict.fromkeys([*named, *known_places()]))
    return list(filter(_is_reachable, places)) if reachable else places


def _is_reachable(folder: Path) -> bool:
    try:
        check_other_disk(folder)
    except OSError:
        return False
    return True


class _Examiner:
    """A search for a name and texts in copies, which reads a file once that several share."""

    def __init__(self, name: Sequence[bytes], texts: Sequence[bytes], step: Step) -> None:
        self._needles = (name, texts)
        self._step = step
        self._known: dict[tuple[int, int], tuple[bool, bool]] = {}

    def copy(self, path: Path) -> str:
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        try:
            found = [self._occur(each) for each in files]
        except (OSError, EOFError, zlib.error):
            return _("it cannot be read")
        if any(has_text for _has_name, has_text in found):
            return _("one of the texts is in it")
        if any(has_name for has_name, _has_text in found):
            return _("the name is in it")
        return _("the name is not in it")

    def _occur(self, path: Path) -> tuple[bool, bool]:
        found = path.stat()
        identity = (found.st_dev, found.st_ino)
        if identity not in self._known:
            name, texts = self._needles
            # Files of people may say anything: by chance their bytes hold any short name.
            has_name, has_text = _which_occur(
                path, () if path.parent.name == FILES else name, texts, step=self._step
            )
            self._known[identity] = has_name, has_text
        return self._known[identity]


def _why_left(path: Path, is_own: bool, name: Name, texts: Sequence[bytes], step: Step) -> str:
    """Say why a file should not be there, or be other; "" if it may stay."""
    if not is_own and (_is_in_scratch(path) or path.name.startswith(DATABASE)):
        return _("a copy that a killed command left, or one that is being made")
    try:
        if any(_which_occur(path, texts, step=step)):
            return _("one of the texts")
        is_own = is_own or path in _records()  # their own words are names, too
        if not is_own and path.parent not in _sent_by_people() and _names(path, name, step):
            return _("names the account; an export or a list perhaps")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return _("it cannot be read")
    return ""


def _sent_by_people() -> list[Path]:
    """List the folders of files that may say anything."""
    return [settings.DATA_DIR / name for name in (FILES, PARTS, PREVIEWS)]


def _records() -> list[Path]:
    return [settings.DATA_DIR / name for name in (NIGHTLY, PLACES)]


def _names(path: Path, name: Name, step: Step) -> bool:
    """Return whether a file that is not the program's own names the account."""
    if path.suffix == ".zip" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(map(name.stands_in, [path.name, *archive.namelist()]))
    parts = _parts(path, CHUNK // 16, step)
    return any(name.stands_in(part.decode(errors="ignore")) for part in parts)


def _readable(content: bytes) -> str:
    """Return it as a text of keys, with the escapes of JSON resolved."""
    text = content.decode(errors="ignore")
    unescaped = ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return fold(unescaped, most=len(unescaped)) or ""


def _files() -> Iterator[Path]:
    """List all files of DATA_DIR but the copies that are kept on purpose, and ours elsewhere."""
    kept = _copies()
    yield from _files_elsewhere()
    for path in sorted(settings.DATA_DIR.rglob("*")):
        if (
            path.is_file()
            and not path.is_symlink()
            and not {path, *path.parents}.intersection(kept)
        ):
            yield path


def _files_elsewhere() -> Iterator[Path]:
    """List the files of a database that is not in DATA_DIR, and of work folders there."""
    database = own_file()
    if not database.is_relative_to(settings.DATA_DIR):
        yield from filter(Path.is_file, files_of(database))
    for place in dict.fromkeys([database.parent, *_places_elsewhere(reachable=True)]):
        if not place.is_relative_to(settings.DATA_DIR):
            for folder in scratch.found_in(place):
                yield from filter(Path.is_file, sorted(folder.rglob("*")))


def _is_in_scratch(path: Path) -> bool:
    if not path.is_relative_to(settings.DATA_DIR):
        return scratch.outside(path) != path
    return any(
        part.startswith(scratch.PREFIXES) for part in path.relative_to(settings.DATA_DIR).parts
    )


def _needles(texts: Sequence[str]) -> list[bytes]:
    """Return the bytes of texts, as they are and as JSON writes them."""
    forms = {form for text in texts if text for form in (text, json.dumps(text)[1:-1])}
    return [form.encode(errors="replace") for form in forms]


def _which_occur(path: Path, *groups: Sequence[bytes], step: Step) -> list[bool]:
    """Return of each group whether one of its needles is in a file, unpacked if it is a backup."""
    is_in = [False for _group in groups]
    overlap = max((len(each) for group in groups for each in group), default=0)
    for part in _parts(path, overlap, step) if overlap else ():
        is_in = [
            was or any(each in part for each in group)
            for was, group in zip(is_in, groups, strict=True)
        ]
        if is_in == [bool(group) for group in groups]:
            break
    return is_in


def _parts(path: Path, overlap: int, step: Step) -> Iterator[bytes]:
    """Yield a file in parts, each of which begins with the end of the one before."""
    before = b""
    with _open(path) as file:
        while chunk := file.read(CHUNK):
            part = before + chunk
            yield part
            step(0)
            before = part[-overlap:] if overlap else b""


def _open(path: Path) -> IO[bytes]:
    is_packed = path.suffix == ".gz" and path.parent.name != FILES  # as an import brings any
    return gzip.open(path) if is_packed else path.open("rb")  # type: ignore[return-value]


def _shown(path: Path) -> str:
    is_inside = path.is_relative_to(settings.DATA_DIR)
    return str(path.relative_to(settings.DATA_DIR) if is_inside else path)
