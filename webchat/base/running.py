"""The user as whom a command runs, and the line that runs it as another one."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def own_name() -> str:
    return name_of(os.geteuid())


def line_as(uid: int) -> str:
    """Return the present command as a line for a shell that runs it as that user."""
    name = name_of(uid)
    user = f"#{uid}" if name == str(uid) else name
    return shlex.join(["sudo", "-u", user, sys.executable, *sys.argv])


def nearest(path: Path) -> Path:
    """Return a path, or the folder above it that hides it or where it would be."""
    for each in (path, *path.absolute().parents):
        try:
            each.stat()
        except OSError:
            continue
        return each
    return Path("/")


def owner_of(path: Path) -> int:
    """Return the owner of the nearest that there is."""
    return nearest(path).stat().st_uid


def make_folder(folder: Path) -> None:
    """Make a folder that is missing; root does it as the person whose folder it will lie in.

    A first start by root would otherwise leave data that their server cannot use. Somebody who
    cannot reach the place, or has no account here, has come with an archive from elsewhere.
    """
    above = next(each for each in folder.absolute().parents if each.exists()).stat()
    has_account = name_of(above.st_uid) != str(above.st_uid)
    if os.geteuid() == 0 and above.st_uid and has_account:
        with suppress(PermissionError), _acting_as(above.st_uid, above.st_gid):
            folder.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _acting_as(uid: int, gid: int) -> Iterator[None]:
    before = os.geteuid(), os.getegid()
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])
