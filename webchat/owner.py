"""Root gives way to the owner of the data, before anything of theirs is opened.

What root writes into somebody's data that person's server can neither write nor delete: one
backup by root would end every nightly one.
"""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from . import environment
from .base import running
from .database.folders import GENERATION

WRITE_NOTHING = ("help", "version")


def leave_root(data_dir: Path, command: str = "") -> None:
    """Become the owner of what a command writes for good, if this is root and that somebody else.

    Ends the process where that person could not run this program.
    """
    if os.geteuid() != 0 or command in WRITE_NOTHING or command.startswith("-"):
        return
    place = _beside_the_program(command) or data_dir
    found = _first_existing(place).stat()
    has_account = running.name_of(found.st_uid) != str(found.st_uid)
    # The program may have come with an archive from elsewhere.
    if found.st_uid == 0 or (place != data_dir and not has_account):
        return
    # As sudo leaves it: what follows may ask who has typed the command.
    os.environ.setdefault("SUDO_USER", running.own_name())
    try:
        _become(found.st_uid, found.st_gid)
    except PermissionError:  # as in a container that was started without this right
        _end_where_nobody_may_go(found.st_uid)
    if closed := _first_closed():
        name = running.name_of(found.st_uid)
        sys.exit(
            f"{place} 属于 {name}，而 {name} 不能读取程序所在的 {closed}。\n"
            f"{place} belongs to {name}, who cannot read the program at {closed}."
            " Let them, or give it to root:\n"
            f"  chown -R root: {shlex.quote(str(place))}"
        )


def _beside_the_program(command: str) -> Path | None:
    """Return the folder of a command that writes there, and reads no data; it may be missing.

    For any other no setting is looked at: a server asks before Django has them.
    """
    place: Path | None = None
    if command == "collectstatic":
        place = settings.STATIC_ROOT
    elif command in ("compilemessages", "makemessages"):
        place = settings.LOCALE_PATHS[0]
    return place


def _first_existing(place: Path) -> Path:
    return next(each for each in (place, *place.parents) if each.exists())


def _end_where_nobody_may_go(uid: int) -> NoReturn:
    name, line = running.name_of(uid), running.line_as(uid)
    sys.exit(
        f"这里的 root 不能切换为 {name}（缺少 CAP_SETUID 或 CAP_SETGID）。请这样运行：\n"
        f"Root may not become {name} here (without CAP_SETUID or CAP_SETGID). Run it as that"
        f" user:\n  {line}"
    )


def left_by_root() -> list[Path]:
    """Return what root has left in the data of somebody else, who may be unable to use it."""
    if settings.DATA_DIR.stat().st_uid == 0:
        return []
    return [path for path in _kept() if _is_roots(path)]


def _kept() -> Iterator[Path]:
    for folder, names, files in os.walk(settings.DATA_DIR):
        yield from (Path(folder, name) for name in names + files)
        # A backup that root has copied here is root's as a whole: a look at its folder is enough.
        names[:] = [name for name in names if not GENERATION.fullmatch(name)]


def gift() -> str:
    """Return the line that gives all data to their owner."""
    name = running.name_of(settings.DATA_DIR.stat().st_uid)
    return shlex.join(["sudo", "chown", "-R", f"{name}:", str(settings.DATA_DIR)])


def _is_roots(path: Path) -> bool:
    try:
        return path.lstat().st_uid == 0
    except OSError:  # just deleted
        return False


def _become(uid: int, gid: int) -> None:
    """Change user and groups, and what tells programs of them; there is no way back."""
    try:
        account = pwd.getpwuid(uid)
    except KeyError:  # a number without an account, as in a container
        os.setgroups([gid])
        os.environ["HOME"] = "/"
    else:
        gid = account.pw_gid
        os.initgroups(account.pw_name, gid)
        os.environ |= {
            "HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name
        }  # fmt: skip
    os.setgid(gid)
    os.setuid(uid)


def _first_closed() -> Path | None:
    """Return the first place that this process imports from and may not read."""
    places = [environment.ROOT / "manage.py", *map(Path, sys.path)]
    return next((each for each in places if not _is_open(each)), None)


def _is_open(path: Path) -> bool:
    """Return whether a path can be read; one that is not there at all can do no harm."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return os.access(path, os.R_OK)
