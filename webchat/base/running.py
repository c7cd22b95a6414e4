"""The user as whom a command runs, and the line that runs it as another one."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
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


def owner_of(path: Path) -> int | None:
    """Return the owner of a path, or of the folder above it that hides it or where it would be."""
    for each in (path, *path.absolute().parents):
        try:
            return each.stat().st_uid
        except OSError:
            continue
    return None
