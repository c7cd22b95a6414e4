"""What is wrong with the server, as far as a request may find out: no network, no long reading.

Doctor looks closer; what it found last night is told here, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webchat import doctor
from webchat.base.times import minute
from webchat.doctor.finding import Level
from webchat.mail_failures import last_failure
from webchat.nightly import last_nightly

CHEAP = ("disk", "backup", "nightly", "env_file", "secret_key")  # of doctor's: a folder at the most

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    message: str
    fix: str = ""  # for who may mend it: it may name folders and commands
    is_grave: bool = True


def troubles() -> list[Trouble]:
    """List everything that is wrong, the worst first. A check that fails is one of them."""
    found: list[Trouble] = []
    for check in (_mail, _found_at_night, *map(_by_doctor, CHEAP)):
        found += _tried(check)
    return sorted(found, key=lambda trouble: not trouble.is_grave)


def _tried(check: Callable[[], Iterator[Trouble]]) -> list[Trouble]:
    try:
        return list(check())
    except Exception as error:  # its words may name folders, and are for the log
        logger.exception("A check of the front page failed")
        words = _("This could not be checked: %(reason)s") % {"reason": type(error).__name__}
        return [Trouble(words, _("Look at the log of the server."))]


def _by_doctor(name: str) -> Callable[[], Iterator[Trouble]]:
    """Return one of doctor's checks, which also gives its advice here."""

    def check() -> Iterator[Trouble]:
        finding = doctor.CHECKS[name]()
        if finding.level != Level.OK:
            yield Trouble(finding.message, finding.fix, finding.level == Level.WRONG)

    return check


def _mail() -> Iterator[Trouble]:
    if settings.MAIL_MODE == "console":
        words = _("Mails are only printed by the server.")
        yield Trouble(words, _("Set MAIL_MODE=qq or smtp in .env."), is_grave=False)
    failure = last_failure()
    if failure is None:
        return
    if failure.is_about_address:
        words = _("The mail server refused the address of the last mail (%(time)s): %(reason)s")
        facts = {"time": minute(failure.at), "reason": failure.reason}
        fix = _("Perhaps it was mistyped. If mails to other addresses fail, too: manage.py doctor.")
        yield Trouble(words % facts, fix, is_grave=False)
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


def _found_at_night() -> Iterator[Trouble]:
    """Tell what doctor found in the last nightly run; its other failures are doctor's to tell."""
    last = last_nightly()
    if last is not None and (sentence := last.failures.get("doctor")):
        words = _("Last night's check of the server has found this (%(time)s).")
        yield Trouble(words % {"time": minute(last.at)}, sentence)
