"""Privacy from other users of this machine, who may neither read nor lock what is kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from . import environment, lent
from .base import running
from .database import connecting
from .database.folders import GENERATION

OTHERS = 0o077
LINES = 20  # at the first start with old data there may be a hundred thousand files


def close_to_others(*, only_look: bool = False) -> list[str]:
    """Take others' rights away from all that is kept; return a line for each that was open.

    With `only_look` the line is the command that would close it, and nothing is changed. The
    folders come before what is in them. A line also tells what cannot be mended here: files that
    are not ours, and folders above in which others could put another one in our place.
    """
    lines = [line for path in _kept() if (line := _close(path, only_look))]
    if len(lines) > LINES:
        lines[LINES:] = [f"… {len(lines) - LINES}"]
    return lines + [line for folder in _ways() if (line := _doubt(folder))]


def _kept() -> Iterator[Path]:
    yield settings.DATA_DIR
    for folder, names, files in os.walk(settings.DATA_DIR):
        # Backups hold most of all files, each start would look at them, and a closed folder is
        # enough.
        inside = [name for name in names if not _is_closed_backup(Path(folder, name))]
        yield from (Path(folder, name) for name in sorted(names + files))
        names[:] = inside
    database: Path = settings.DATABASE_FILE
    if not database.is_relative_to(settings.DATA_DIR):
        # Its folder may be there for others, too.
        yield from connecting.files_of(database)
    yield (settings.BASE_DIR / ".env").resolve()


def _is_closed_backup(path: Path) -> bool:
    if not GENERATION.fullmatch(path.name):
        return False
    try:
        found = path.lstat()
    except FileNotFoundError:  # another backup has just made room
        return False
    return not found.st_mode & OTHERS and _is_ours(found)


def _close(path: Path, only_look: bool) -> str | None:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return _leads_out(path)
        mode = stat.S_IMODE(found.st_mode)
        if not _is_ours(found):
            # We may have access ourselves through a group that root has made for us.
            return _foreign(path, found) if found.st_uid or mode & 0o007 else None
        kept = _lent_at(path, found)
        wanted = mode & ~OTHERS | kept
        is_open = bool(mode & OTHERS & ~kept)
        if only_look:
            how = f"{wanted & 0o777:04o}" if kept else "go-rwx"
            return f"chmod {how} {path}" if is_open else None
        if mode != wanted:
            # Without what a sandbox forbids to set: our group needs it for nothing.
            path.chmod(wanted & ~(stat.S_ISUID | stat.S_ISGID))
        if not is_open:
            return None
    except FileNotFoundError:  # a log or a file that has just been deleted
        return None
    except OSError as error:
        return f"无法收紧权限 / Cannot be closed to others: {path} ({error.strerror})"
    return f"已收紧权限 / Closed to others: {path} ({mode:04o} → {wanted:04o})"


def _lent_at(path: Path, found: os.stat_result) -> int:
    """Return what nginx keeps; a file of a message may have a second name in a closed folder."""
    is_linked = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
    kept = lent.IN_FILE & found.st_mode if settings.NGINX_SENDS_FILES and is_linked else 0
    return lent.rights_at(path) | kept


def _leads_out(path: Path) -> str | None:
    """Tell of a link whose target others can read: it is not ours to change."""
    if path.exists() and path.stat().st_mode & 0o007:
        target = path.resolve()
        return f"他人可读 / Others can read {target}, to which {path} leads: chmod go-rwx {target}"
    return None


def _ways() -> list[Path]:
    """Return the folders that lead to data and program, with those of a link to the data."""
    typed = Path(os.path.abspath(settings.BASE_DIR / environment.text("DATA_DIR", "data")))
    places = (typed, settings.DATA_DIR, settings.DATABASE_FILE, settings.BASE_DIR / ".env")
    return sorted({folder for place in places for folder in place.parents} - {settings.DATA_DIR})


def _doubt(folder: Path) -> str | None:
    try:
        found = folder.stat()
    except OSError:  # `link/../data` is elsewhere than it looks
        return None
    is_shared = found.st_mode & 0o002 or (
        # A group for one person has the number of that person.
        found.st_mode & 0o020 and found.st_gid not in (0, found.st_uid)
    )
    if is_shared and not found.st_mode & stat.S_ISVTX:
        return (
            "他人可以掉包数据 / Others could put something else in the place of the data:"
            f" {folder} ({stat.S_IMODE(found.st_mode):04o}): chmod go-w {folder}"
        )
    return None if _is_ours(found) or found.st_uid == 0 else _foreign(folder, found)


def _is_ours(found: os.stat_result) -> bool:
    return os.geteuid() in (0, found.st_uid)


def _foreign(path: Path, found: os.stat_result) -> str:
    owner = running.name_of(found.st_uid)
    return f"不属于运行本程序的用户 / Belongs to {owner}, who can read or replace it: {path}"
