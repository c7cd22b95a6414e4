"""Checks of the database, and of its backups."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from webchat.backup_doubts import doubts, rotted_in
from webchat.backup_places import AGE_AT_MOST, last_elsewhere
from webchat.base import failures
from webchat.base.times import minute
from webchat.database import examining
from webchat.database.backup import newest_backup, own_folder
from webchat.database.connecting import files_of
from webchat.database.trouble import DriverError, Trouble, trouble_of
from webchat.disks import file_system_of
from webchat.health import migrations_are_applied
from webchat.nightly import LATE_AFTER, last_nightly

from . import remedies
from .finding import Finding, advice, ok, wrong

CHECK_SECONDS = 20.0  # for reading the whole database; a larger one is read by restore and backup
CLOCK_MINUTES = 5
YEAR = 2025  # this was written then: a clock behind it cannot be right
# SQLite's log in shared memory works on one machine only (https://sqlite.org/wal.html).
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.s3fs", "davfs"}


def check_engine() -> Finding:
    if not examining.is_durable():
        return wrong(
            _("SQLite does not use its log, or does not wait for the disk."),
            remedies.while_stopped("migrate"),
        )
    if examining.has_wal_bug():
        return advice(
            _("SQLite %(version)s has a rare bug that can damage a database.")
            % {"version": examining.VERSION},
            _("Keep backups, and take the system's update of libsqlite3 when there is one."),
        )
    return ok(f"SQLite {examining.VERSION}, WAL, synchronous=FULL")


def check_file_system() -> Finding:
    kind = file_system_of(settings.DATABASE_FILE.parent)
    if kind in REMOTE:
        return wrong(
            _("The database is on a network file system (%(kind)s): messages can be lost.")
            % {"kind": kind},
            _("Set DATA_DIR to a folder on a disk of this machine."),
        )
    return ok(_("The database is on a disk of this machine"))


def check_database() -> Finding:
    try:
        examining.check_whole(settings.DATABASE_FILE, CHECK_SECONDS)
    except examining.TooLargeError:
        return ok(_("The database is too large to be read here; what was read is whole"))
    except DriverError as error:
        reason = failures.explain(error, settings.DATABASE_FILE) or error
        message = _("The database cannot be opened: %(reason)s") % {"reason": reason}
        return wrong(message, _fix_of(trouble_of(error)))
    except examining.DamagedError as error:
        message = _("The database is damaged: %(reason)s") % {"reason": error}
        return wrong(message, _restore())
    return ok(_("The database is whole"))


def _fix_of(trouble: Trouble | None) -> str:
    """Return what helps against it; nobody should restore what is only closed, or in use."""
    if trouble in (Trouble.CLOSED, Trouble.READONLY):
        return remedies.open_up(files_of(settings.DATABASE_FILE)) or _restore()
    if trouble is Trouble.LOCKED:
        return _("Wait for that program, or stop it.")
    if trouble is Trouble.FULL:
        return "df -h"
    return remedies.by_root("journalctl -k -n 50")


def _restore() -> str:
    newest = newest_backup()
    if newest is None and not settings.DATABASE_FILE.exists():
        return remedies.manage("migrate")
    file = str(own_folder() / newest.name) if newest else "FILE"
    command = remedies.while_stopped(f"restore {shlex.quote(file)}")
    return _("Restore the newest backup: %(command)s") % {"command": command}


def check_migrations() -> Finding:
    if not migrations_are_applied():
        return wrong(_("The database is older than the program."), remedies.manage("migrate"))
    return ok(_("All migrations are applied"))


def check_clock() -> Finding:
    fix = remedies.by_root("timedatectl set-ntp true")
    if timezone.now().year < YEAR:
        return wrong(_("The clock is wrong: it says %(now)s.") % {"now": timezone.now()}, fix)
    try:
        with connection.cursor() as cursor:
            newest = cursor.execute("SELECT max(created_at) FROM chat_event").fetchone()[0]
    except DatabaseError:
        newest = None  # another check says why
    limit = timezone.now() + timedelta(minutes=CLOCK_MINUTES)
    if newest and datetime.fromisoformat(newest).replace(tzinfo=UTC) > limit:
        return wrong(_("Messages are from the future: the clock was set back."), fix)
    return ok(_("The clock is believable"))


def check_administrator() -> Finding:
    administrators = get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
    if not administrators.exists():
        return advice(_("There is no administrator."), remedies.manage("createsuperuser"))
    return ok(_("There is an administrator"))


def check_backup() -> Finding:
    fix = remedies.manage("backup")
    if remedies.installed() is not None:
        fix += "; systemctl list-timers webchat-nightly.timer"
    newest = newest_backup()
    if newest is None:
        return advice(_("There is no backup yet."), fix)
    if newest.is_old:
        days = {"days": newest.age.days}
        return wrong(_("The newest backup is %(days)s days old.") % days, fix)
    if newest.is_of_the_future:
        return wrong(_("All backups are dated in the future: a clock was wrong."), fix)
    if newest.doubtful:
        return advice(
            _("Backups dated in the future by a wrong clock: %(count)s")
            % {"count": newest.doubtful},
            _("They count as the oldest. Delete them, or give them the date that is right."),
        )
    return _judge_elsewhere() or ok(_("The newest backup: %(name)s") % {"name": newest.name})


def check_backup_files() -> Finding:
    """Look at what the newest backup has found out about files: it reads them, doctor does not."""
    newest = newest_backup()
    path = own_folder() / newest.name if newest else None
    if path is None or not (found := doubts(path)):
        return ok(_("The files of messages are whole, as far as the backup saw"))
    if rotted_in(path):
        return wrong(" ".join(found), _("Make backups on another disk, and replace this one."))
    return advice(" ".join(found), _("An older backup may have them: look at attachments/ there."))


def _judge_elsewhere() -> Finding | None:
    """Judge the age of the backups on other disks, if there ever was one; no disk is asked."""
    last = last_elsewhere()
    if last is None or (age := timezone.now() - last) <= AGE_AT_MOST:
        return None
    return advice(
        _("The newest backup on another disk is %(days)s days old.") % {"days": age.days},
        remedies.manage("backup --to FOLDER"),
    )


def check_nightly() -> Finding:
    """Look at the record of the last night; what doctor found then, the other checks find now."""
    last = last_nightly()
    if last is None:
        return _without_record()
    time = {"time": minute(last.at)}
    if last.is_late:
        return _not_since(last.at)
    failed = {name: words for name, words in last.failed.items() if name != "doctor"}
    if failed:
        names = {"name": _(", ").join(map(_part, failed))}
        words = _("Last night's %(name)s failed (%(time)s).") % (names | time)
        return wrong(words, "\n    ".join(failed.values()))
    return ok(_("The last nightly run: %(time)s") % time)


def _part(name: str) -> str:
    """Return a part of the nightly run in words; its name if there are none."""
    words = {
        "backup": _("backup"),
        "backup --to": _("backup on the other disk"),
        "prune": _("clean-up"),
        "mail": _("mail about it"),
    }
    return words.get(name, name)


def _without_record() -> Finding:
    """Judge by when this release was made: an earlier one may have kept no record."""
    whole = settings.BASE_DIR / ".content"  # the last that make_release in deploy/release.sh writes
    if remedies.installed() is not None and whole.exists():
        made = datetime.fromtimestamp(whole.stat().st_mtime, UTC)
        if timezone.now() - made > LATE_AFTER:
            return _not_since(made)
    return ok(_("There was no nightly run yet"))


def _not_since(moment: datetime) -> Finding:
    message = _("The nightly has not run since %(time)s.") % {"time": minute(moment)}
    return wrong(message, "systemctl status webchat-nightly.timer")
