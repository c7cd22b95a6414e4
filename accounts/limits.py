"""Limits on how often something may be done, counted in the database, so across all workers.

The key of a count is kept as an HMAC. Names and mail addresses count as they were typed, so that
an unknown one is limited like a known one, and no count tells which name an address belongs to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from webchat.base.addresses import network, networks
from webchat.base.text import fold
from webchat.database.bulk import loaded, placeholders, stored

from .models import Attempt
from .names import NAME_OR_MAIL_AT_MOST

# The use that must be too old for one more; plain SQL, because each log-in asks several times. In
# the future are those from before the clock was set back: they do not count.
OLDEST = """(
    SELECT at FROM accounts_attempt
    WHERE "limit" = %s AND key = %s AND at > %s AND at <= %s
    ORDER BY at DESC LIMIT 1 OFFSET %s
)"""
COUNT = 'INSERT INTO accounts_attempt ("limit", key, at) VALUES'
GIVE_BACK = "DELETE FROM accounts_attempt WHERE id IN"
WIDER = 10  # a whole /48 has this many times the allowance of a /64


class Claim(NamedTuple):
    """One more use of a limit, by somebody."""

    limit: Limit
    key: str


class Limit(NamedTuple):
    name: str
    most: int
    window: timedelta

    def of(self, *who: object) -> Claim:
        digest = salted_hmac("accounts.Attempt", repr(who), algorithm="sha256")
        return Claim(self, digest.hexdigest())

    def at(self, address: str, *who: object) -> list[Claim]:
        """Return the claims for somebody at an address; in IPv6 also for the /48 around it.

        An address that says nothing (none, as on a unix socket, or this machine) counts only
        together with somebody: behind a proxy that does not tell who its clients are, it stands
        for everybody.
        """
        around = networks(address)
        if not around:
            return [self.of(*who, network(address))] if who else []
        claims = [self.of(*who, around[0])]
        return claims + [self._wider().of(*who, wide) for wide in around[1:]]

    def _wider(self) -> Limit:
        return Limit(f"{self.name}-wide", self.most * WIDER, self.window)


TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)

# Guesses: only the wrong ones stay counted. Per account *and* address, so that nobody locks out
# an owner who is elsewhere; per address enough for a class that has forgotten its passwords.
LOGIN = Limit("login", 10, TEN_MINUTES)
LOGIN_BY_ADDRESS = Limit("login-address", 100, TEN_MINUTES)
RESET = Limit("reset", 10, TEN_MINUTES)
RESET_BY_ADDRESS = Limit("reset-address", 100, TEN_MINUTES)
# The code of a registration. Its own session spends the code's tries; guesses of others, who only
# know the name, count here and take nothing from the owner: each of them, and all together.
CODE_TYPED_BY_ADDRESS = Limit("code-typed-address", 100, TEN_MINUTES)
CODE_TYPED_ELSEWHERE = Limit("code-typed-elsewhere", 5, TEN_MINUTES)  # by account and address
CODE_TYPED_BY_OTHERS = Limit("code-typed-by-others", 20, TEN_MINUTES)  # by account
REGISTRATION_CODE = Limit("registration-code", 100, TEN_MINUTES)  # by address
OWN_PASSWORD = Limit("own-password", 10, TEN_MINUTES)  # by account

# Right passwords: a script that logs in again and again makes sessions, and hashes.
LOGGED_IN = Limit("logged-in", 100, TEN_MINUTES)  # by account and address
REGISTRATION = Limit("registration", 100, HOUR)  # by address
REGISTERED = Limit("registered", 1, TEN_MINUTES)  # by name and browser: a form that is sent twice
ENROLLED = Limit("enrolled", 1, HOUR)  # by list and superuser: its form is perhaps sent twice
# By form and issuer, for as long as its codes are good: a reload of the page sends it again.
CODES_PRINTED = Limit("codes-printed", 1, DAY)
# By account and session: the form that changed the password is perhaps sent twice.
PASSWORD_CHANGED = Limit("password-changed", 1, TEN_MINUTES)
CODE = Limit("code", 5, HOUR)  # by the mail address to which it goes
RESET_CODE = Limit("reset-code", 5, HOUR)  # by account: the visitor must not learn its address
CODE_BY_ADDRESS = Limit("code-address", 30, HOUR)
# By account: these stay counted where the mail fails, and the three above are given back. Enough
# to try every half a minute while the mail server is down.
CODE_TRIED = Limit("code-tried", 20, TEN_MINUTES)
FRIEND_REQUEST = Limit("friend-request", 20, DAY)  # by account
RENAMING = Limit("renaming", 5, DAY)  # by account
FACE = Limit("face", 60, HOUR)  # by account: each is an event for every friend

LONGEST = DAY


class Taken:
    """Counted attempts; `give_back` takes them back if they turn out not to count."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids

    def give_back(self) -> None:
        if not self._ids:
            return
        these = placeholders(len(self._ids), 1)
        with connection.cursor() as cursor:
            cursor.execute(f"{GIVE_BACK} {these}", [*self._ids])

    def exchange(self, *claims: Claim) -> None:
        """Give them back, and count one more for each claim, in one commit.

        Raises as `take` does; what is given back stays given back.
        """
        with transaction.atomic():
            self.give_back()
            now = timezone.now()
            seconds = _seconds_to_wait(claims, now)
            if not seconds:
                _count(claims, now)
        if seconds:
            raise refusal(seconds)


def take(*claims: Claim) -> Taken:
    """Count one more for each claim, or for none of them.

    Raises ValidationError("rate_limited"), whose `retry_after` is the seconds until it may be
    tried again. Counting comes before the act: of any number at once, no more than the limit
    get through.
    """
    if not claims:
        return Taken([])
    _refuse_over(claims)  # without the write lock, which a flood of attempts would hold otherwise
    with transaction.atomic():
        now = _refuse_over(claims)
        return Taken(_count(claims, now))


def _count(claims: Sequence[Claim], now: datetime) -> list[int]:
    """Insert a row for each claim, and return their ids."""
    if not claims:
        return []
    at = stored(Attempt, "at", now)
    values = [value for limit, key in claims for value in (limit.name, key, at)]
    with connection.cursor() as cursor:
        cursor.execute(f"{COUNT} {placeholders(3, len(claims))} RETURNING id", values)
        return [row[0] for row in cursor.fetchall()]


def has_taken(claim: Claim) -> bool:
    """Return whether somebody has done something within the window of its limit."""
    since = timezone.now() - claim.limit.window
    return Attempt.objects.filter(limit=claim.limit.name, key=claim.key, at__gt=since).exists()


def guess_login(*, typed: str, address: str) -> Taken:
    """Count a guess before its password is checked; give it back if that was right."""
    return take(*LOGIN.at(address, _fold(typed)), *LOGIN_BY_ADDRESS.at(address))


def guess_reset(*, typed: str, address: str) -> Taken:
    return take(*RESET.at(address, _fold(typed)), *RESET_BY_ADDRESS.at(address))


def guess_code(*, user_id: int, is_own: bool, address: str) -> Taken:
    """Count a guess before a registration code is checked; `is_own`: in its own session."""
    claims = CODE_TYPED_BY_ADDRESS.at(address)
    if not is_own:
        claims += [*CODE_TYPED_ELSEWHERE.at(address, user_id), CODE_TYPED_BY_OTHERS.of(user_id)]
    return take(*claims)


def take_code(user_id: int, *claims: Claim) -> Taken:
    """Count a code by mail, in a transaction; give it back if the mail cannot be sent."""
    take(CODE_TRIED.of(user_id))
    return take(*claims)


def code_to(email: str) -> Claim:
    return CODE.of(_fold(email))


def outdated(now: datetime) -> QuerySet[Attempt]:
    """Return the attempts that no limit counts any more."""
    return Attempt.objects.filter(at__lte=now - LONGEST)


def _fold(typed: str) -> str:
    """Fold a name or address; all that are too long to be anybody's count as one."""
    return (fold(typed, most=NAME_OR_MAIL_AT_MOST) or "").strip()


def _refuse_over(claims: Sequence[Claim]) -> datetime:
    now = timezone.now()
    if seconds := _seconds_to_wait(claims, now):
        raise refusal(seconds)
    return now


def _seconds_to_wait(claims: Sequence[Claim], now: datetime) -> int:
    """Return the seconds until every claim may be made; 0 if they may be now."""
    if not claims:
        return 0
    until = stored(Attempt, "at", now)
    values: list[Any] = []
    for limit, key in claims:
        since = stored(Attempt, "at", now - limit.window)
        values += [limit.name, key, since, until, limit.most - 1]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([OLDEST] * len(claims))}", values)
        found = [loaded(Attempt, "at", value) for value in cursor.fetchone()]
    return max(
        math.ceil((oldest + claim.limit.window - now).total_seconds()) if oldest else 0
        for claim, oldest in zip(claims, found, strict=True)
    )


def refusal(seconds: int) -> ValidationError:
    message = _("Too many attempts. Please try again in %(wait)s.")
    return ValidationError(
        message, "rate_limited", {"wait": _in_words(seconds), "retry_after": seconds}
    )


def _in_words(seconds: int) -> str:
    """Put a wait into words, rounded up."""
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = math.ceil(minutes / 60)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
