"""Failures of a command in a sentence: everything that is no bug of ours."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from webchat.database import connecting, locks, scratch
from webchat.database.archive import NoRoomError
from webchat.database.folders import FULL
from webchat.database.trouble import Trouble, trouble_of

from . import places, running
from .telling import tell
from .terminal import Terminated

BY_SIGNAL = 128  # and the number of the signal: the status by which shells tell of one
CLOSED = (errno.EACCES, errno.EPERM)
# Of a path that was typed, or of a file that somebody else changes.
OTHER_REASONS = {
    errno.EROFS: gettext_noop("%(path)s is on a disk that can only be read."),
    errno.ENOENT: gettext_noop("There is no %(path)s."),
    errno.EISDIR: gettext_noop("%(path)s is a folder."),
    errno.ENOTDIR: gettext_noop("%(path)s is no folder."),
    errno.EEXIST: gettext_noop("%(path)s is there already."),
    errno.ENAMETOOLONG: gettext_noop("The name is too long: %(path)s"),
    errno.ELOOP: gettext_noop("The links at %(path)s lead in a circle."),
    errno.EFBIG: gettext_noop("The disk of %(path)s takes no file as large as that."),
    errno.EIO: gettext_noop("The disk of %(path)s fails: look at the log of the system."),
    errno.ESTALE: gettext_noop("The disk of %(path)s is gone: is it still mounted?"),
}
OF_THE_DATABASE = {
    Trouble.LOCKED: gettext_noop(
        "The database %(path)s is locked by another program (process: %(holders)s)."
        " Run this again when that one is done."
    ),
    Trouble.FAILING: OTHER_REASONS[errno.EIO],
    Trouble.DAMAGED: gettext_noop(
        "The database %(path)s is damaged. Stop the server and restore the newest backup:"
        " manage.py restore FILE"
    ),
    Trouble.WITHOUT_TABLES: gettext_noop(
        "The database %(path)s lacks tables that this version needs. This makes them:"
        " manage.py migrate"
    ),
}
PATH_LENGTH = 300  # characters: a name that is too long need not be read in full


class StoppedError(CommandError):
    """The end of a command at Ctrl+C, or by a signal like SIGTERM, with the status for it."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message, returncode=BY_SIGNAL + number)


def explain(error: BaseException, at: Path | None = None) -> CommandError | None:
    """Return a failure as a sentence with its exit code; None if it may be a bug of ours.

    `at` is where it was writing, for errors that do not know.
    """
    if isinstance(error, StoppedError):
        return _with_signal(error)
    if isinstance(error, CommandError):
        return error
    if isinstance(error, KeyboardInterrupt):
        number = error.number if isinstance(error, Terminated) else signal.SIGINT
        return StoppedError(_("Stopped."), number)
    if isinstance(error, BrokenPipeError):
        return CommandError("", returncode=BY_SIGNAL + signal.SIGPIPE)  # nobody reads on
    words = _of_the_database(error, at) or _of_a_file(error, at) or _of_input(error)
    return CommandError(words) if words else None


def full(path: Path | None = None) -> str:
    if path is None:
        return _("A disk is full. Make room on it (df -h shows which), and run this again.")
    return _("The disk of %(path)s is full. Make room on it, and run this again.") % {"path": path}


def end(failure: CommandError) -> NoReturn:
    """Say what has failed, without the name of a class before it, and exit."""
    if words := str(failure):
        tell(OutputWrapper(sys.stderr), words)
    sys.exit(failure.returncode)


def _with_signal(error: StoppedError) -> StoppedError:
    """Give a command that has caught the signal the status for it."""
    if isinstance(error.__context__, Terminated):
        error.returncode = BY_SIGNAL + error.__context__.number
    return error


def _of_the_database(error: BaseException, at: Path | None) -> str:
    path = connecting.own_file()
    trouble = trouble_of(error)
    if trouble is Trouble.CLOSED and _is_missing(path):
        trouble = Trouble.WITHOUT_TABLES
    if trouble is Trouble.FULL:
        return full(at or path.parent)
    if trouble in (Trouble.READONLY, Trouble.CLOSED):
        return _closed(path)
    if trouble is None:
        return ""
    holders = ", ".join(locks.holders_of(connecting.files_of(path))) or "?"
    return _(OF_THE_DATABASE[trouble]) % {"path": path, "holders": holders}


def _of_a_file(error: BaseException, at: Path | None) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return ""
    path = _path_of(error) or at
    if path is None:  # the error of a write knows none
        return full() if error.errno in FULL else ""
    if error.errno in FULL:
        return full(path)
    if error.errno in CLOSED:
        return _closed(path)
    if error.errno == errno.EROFS and "INVOCATION_ID" in os.environ:  # a service of systemd
        words = _("%(path)s is closed to this service: open it with ReadWritePaths=-%(path)s")
        return words % {"path": _folder_of(path)}
    reason = OTHER_REASONS.get(error.errno)
    return _(reason) % {"path": str(path)[:PATH_LENGTH]} if reason else ""


def _of_input(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        return "\n".join(error.messages)
    return str(error) if isinstance(error, (locks.HeldError, NoRoomError)) else ""


def _closed(path: Path) -> str:
    """Say who may use a path and who tries; with the line that does it as its owner."""
    owner = running.owner_of(path)
    facts = {"path": path, "user": running.own_name()}
    if owner == os.geteuid():
        return _("%(path)s may not be used by %(user)s, as whom this runs.") % facts
    facts |= {"owner": running.name_of(owner), "line": running.line_as(owner)}
    if owner == 0:  # as whom the commands do not run: see webchat.owner
        return _roots(path, facts)
    return (
        _(
            "%(path)s may not be used by %(user)s, as whom this runs: it belongs to %(owner)s."
            " Run it as %(owner)s:\n  %(line)s"
        )
        % facts
    )


def _roots(path: Path, facts: dict[str, Any]) -> str:
    """Say that a path is root's, with the line that gives it away, or the folder of a new one."""
    place = running.nearest(path)
    if places.is_of_the_system(place):  # others need it
        words = _(
            "%(path)s may not be used by %(user)s, as whom this runs: it belongs to %(owner)s."
            " Name another place."
        )
        return words % facts
    words = _(
        "%(path)s may not be used by %(user)s, as whom this runs: it belongs to %(owner)s."
        " Name another place, or give this one away:\n  %(line)s"
    )
    gift = shlex.join(["sudo", "chown", f"{running.own_name()}:", str(place)])
    return words % (facts | {"line": gift})


def _folder_of(path: Path) -> Path:
    """Return the folder to open for a path: systemd passes over one that is not there."""
    found = running.nearest(path)
    return found if found.is_dir() else found.parent


def _is_missing(path: Path) -> bool:
    return path.parent.is_dir() and os.access(path.parent, os.X_OK) and not path.exists()


def _path_of(error: OSError) -> Path | None:
    name = error.filename
    is_path = isinstance(name, (str, bytes, os.PathLike))
    return scratch.outside(Path(os.fsdecode(name))) if is_path else None
