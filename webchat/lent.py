"""Files that nginx reads and sends in our place: install.sh lets it into our group for that.

The group may read two folders; all else in DATA_DIR stays closed. What is not lent, as in a copy on
another machine, is sent by us.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from functools import cache
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest

from .database.folders import FILES, PREVIEWS

# Rights of the group: to get through a folder, to read one, to read a file.
THROUGH, IN_FOLDER, IN_FILE = 0o010, 0o050, 0o040
# By the templates of ours alone, in which the places below LOCATION are.
SAYS_SO = "HTTP_X_SENDS_FILES"
LOCATION = "/~files/"
# Of these nginx would judge by a tag of its own.
CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")


def rights_at(path: Path) -> int:
    """Return the rights that our group has at a place in DATA_DIR, as nginx is in it."""
    if not settings.NGINX_SENDS_FILES or not _is_of_one(settings.DATA_DIR.stat()):
        return 0
    if path == settings.DATA_DIR:
        return THROUGH
    folders = (settings.DATA_DIR / FILES, settings.DATA_DIR / PREVIEWS)
    if path in folders:
        return IN_FOLDER
    return IN_FILE if path.parent in folders else 0


def _is_of_one(folder: os.stat_result) -> bool:
    """Return whether the group of a folder is that of its owner alone, and not of all users."""
    return _has_own_group(folder.st_uid, folder.st_gid)


@cache
def _has_own_group(user: int, group: int) -> bool:
    try:
        return pwd.getpwuid(user).pw_name == grp.getgrgid(group).gr_name
    except KeyError:
        return False


def place_of(request: HttpRequest, path: Path, found: os.stat_result) -> str | None:
    """Return where nginx has a file of a message; None if it shall not or cannot send it."""
    # Without a body there is nothing to hand over, and nginx would answer HEAD with a part.
    is_asked = request.method == "GET" and request.META.get(SAYS_SO) == "on"
    if not is_asked or any(name in request.META for name in CONDITIONS):
        return None
    if not rights_at(path) or not _is_lent(path, found):
        return None
    return quote(f"{settings.PREFIX}{LOCATION}{path.parent.name}/{path.name}")


def _is_lent(path: Path, file: os.stat_result) -> bool:
    ways = [folder.stat() for folder in (path.parent, settings.DATA_DIR)]
    if any(way.st_gid != file.st_gid for way in ways):
        return False
    if ways[0].st_mode & IN_FOLDER != IN_FOLDER or not ways[1].st_mode & THROUGH:
        return False
    return bool(file.st_mode & IN_FILE) or _lend(path, file)


def _lend(path: Path, file: os.stat_result) -> bool:
    """Lend a file that has come since the start, when it is first asked for."""
    try:
        path.chmod(stat.S_IMODE(file.st_mode) & 0o700 | IN_FILE)
    except OSError:
        return False
    return True
