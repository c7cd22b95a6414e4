"""What is wrong with the server, as far as a request may find out: no network, no long reading.

Doctor looks closer; what it found last night is told here, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webchat import doctor
from webchat.base.times import minute
from webchat.database.backup import newest_backup
from webchat.doctor.finding import Level
from webchat.health import LOW_DISK_BYTES
from webchat.mail_failures import last_failure
from webchat.nightly import last_nightly

CHEAP = ("env_file", "secret_key")  # of doctor's checks: a stat at the most


@dataclass(frozen=True, slots=True)
class Trouble:
    message: str
    fix: str = ""  # for who may mend it: it may name folders and commands


def troubles() -> list[Trouble]:
    """List everything that is wrong, the worst first. A check that fails is one of them."""
    found: list[Trouble] = []
    for check in (_disk, _mail, _backup, _nightly, _settings):
        found += _tried(check)
    return list(dict.fromkeys(found))  # the night may have found the same


def _tried(check: Callable[[], Iterator[Trouble]]) -> list[Trouble]:
    try:
        return list(check())
    except Exception as error:
        words = _("This could not be checked: %(reason)s")
        return [Trouble(words % {"reason": error}, _("Look at the log of the server."))]


def _disk() -> Iterator[Trouble]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < LOW_DISK_BYTES:
        words = _("The disk is full: %(free)s are left.") % {"free": filesizeformat(free)}
        yield Trouble(words, _("Delete old backups, or move DATA_DIR to a larger disk."))


def _mail() -> Iterator[Trouble]:
    if settings.MAIL_MODE == "console":
        words = _("Mails are only printed by the server.")
        yield Trouble(words, _("Set MAIL_MODE=qq or smtp in .env."))
    failure = last_failure()
    if failure is None or failure.is_about_address:
        return
    words = ngettext(
        "The last mail could not be sent (%(time)s): %(reason)s",
        "The last %(number)d mails could not be sent (since %(time)s): %(reason)s",
        failure.number,
    )
    since = minute(failure.since)
    yield Trouble(
        words % {"number": failure.number, "time": since, "reason": failure.reason},
        _(
            "Run manage.py doctor: it says why. This goes with the next mail that is sent;"
            " until then, let in newcomers yourself."
        ),
    )


def _backup() -> Iterator[Trouble]:
    newest = newest_backup()
    fix = _("Make one with manage.py backup, or look at the nightly timer.")
    if newest is None:
        yield Trouble(_("There is no backup yet."), fix)
    elif newest.is_of_the_future:
        yield Trouble(_("All backups are dated in the future: a clock was wrong."), fix)
    elif newest.is_old:
        words = _("The newest backup is %(days)s days old.") % {"days": newest.age.days}
        yield Trouble(words, fix)


def _nightly() -> Iterator[Trouble]:
    """Tell what failed in the last nightly, doctor's findings among it, or that it is overdue."""
    last = last_nightly()
    if last is None:  # none is set up: the age of the backup tells the same
        return
    if last.is_late:
        words = _("The nightly has not run since %(time)s.") % {"time": minute(last.at)}
        yield Trouble(words, _("Look at it with systemctl status webchat-nightly.timer"))
    for name, sentence in last.failures.items():
        words = _("Last night's %(name)s failed (%(time)s).")
        yield Trouble(words % {"name": name, "time": minute(last.at)}, sentence)


def _settings() -> Iterator[Trouble]:
    for name in CHEAP:
        finding = doctor.CHECKS[name]()
        if finding.level == Level.WRONG:
            yield Trouble(finding.message, finding.fix)
