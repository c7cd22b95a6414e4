"""What `manage.py prune` deletes by itself, and its effect on open pages."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta

import time_machine
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from accounts import limits, services
from accounts.mail import codes
from accounts.models import Attempt, OneTimeCode, RetiredUsername, User, UserSession
from chat import pruning
from chat.log import writing
from chat.models import (
    Event,
    EventLog,
    Presence,
)
from chat.models.files import attachments_folder
from tests.cast import Api, say

WEEK = timedelta(days=7)
YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)


def prune(*options: str) -> str:
    return ask_to_prune(*options, "--yes")


def ask_to_prune(*options: str) -> str:
    printed = io.StringIO()
    call_command("prune", *options, stdout=printed)
    return printed.getvalue()


def age(rows, field: str, by: timedelta) -> None:
    rows.update(**{field: timezone.now() - by})


# The log


def test_the_log_keeps_seven_days_and_forgets_what_is_older(alice, bob, monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    for number in range(5):
        say(alice, bob, f"{number}")
    forgotten = list(Event.objects.order_by("id").values_list("id", flat=True)[:5])
    with time_machine.travel(timezone.now(), tick=False):
        age(Event.objects.filter(id__lte=forgotten[-1]), "created_at", WEEK + SECOND)
        age(Event.objects.filter(id__gt=forgotten[-1]), "created_at", WEEK - SECOND)
        kept = Event.objects.count() - 5
        assert kept > 0
        prune()
    assert Event.objects.count() == kept
    assert EventLog.objects.get().pruned_through == forgotten[-1]


def test_a_page_from_before_is_told_to_reload_and_one_from_after_misses_nothing(alice, bob):
    away = EventLog.objects.head()
    say(alice, bob, "1")
    back = EventLog.objects.head()
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    say(alice, bob, "2")
    assert "reset" not in Api(bob).get("events/", after=away).json()
    prune()
    assert Api(bob).get("events/", after=away).json() == {"reset": True}
    [event] = Api(bob).get("events/", after=back).json()["events"]
    assert event["message"]["text"] == "2"


def test_a_log_that_is_forgotten_as_a_whole_goes_on_where_it_was(alice, bob):
    say(alice, bob, "1")
    head = EventLog.objects.head()
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    prune()
    assert not Event.objects.exists()
    assert EventLog.objects.head() == head
    assert Api(bob).get("events/", after=head).json()["events"] == []


def test_a_clock_that_was_wrong_takes_nothing_out_of_the_middle(alice, bob):
    say(alice, bob, "1")
    say(alice, bob, "2")
    age(Event.objects.filter(id=EventLog.objects.head()), "created_at", YEAR)
    before = Event.objects.count()
    prune()
    assert Event.objects.count() == before


def test_the_log_never_takes_back_that_everybody_has_to_reload(alice, bob):
    say(alice, bob, "1")
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    writing.have_all_reload()
    through = EventLog.objects.get().pruned_through
    prune()
    assert EventLog.objects.get().pruned_through == through


# Accounts


def test_ended_sessions_go_and_the_others_stay(alice):
    Api(alice)
    ended = Session.objects.get().pk
    age(Session.objects.all(), "expire_date", SECOND)
    Api(alice)
    prune()
    assert not UserSession.objects.filter(pk=ended).exists()
    assert UserSession.objects.get().session == Session.objects.get()


def test_expired_codes_go_but_not_the_one_that_alone_knows_the_address_of_a_newcomer(alice):
    newcomer = services.register(username="newcomer", password="blaue-Wolke-7", is_verified=False)
    for user, purpose in [(newcomer, "registration"), (alice, "email"), (alice, "reset")]:
        codes.issue(user=user, purpose=purpose, email="x@example.com")
    age(OneTimeCode.objects.exclude(purpose="reset"), "expires_at", SECOND)
    prune()
    assert sorted(OneTimeCode.objects.values_list("purpose", flat=True)) == [
        "registration",
        "reset",
    ]


def test_an_account_that_was_never_verified_gives_its_name_back_after_a_day(db):
    for username in ("late", "waiting"):
        services.register(username=username, password="blaue-Wolke-7", is_verified=False)
    age(User.objects.filter(username="late"), "unverified_since", timedelta(days=1, seconds=1))
    age(User.objects.filter(username="waiting"), "unverified_since", timedelta(hours=23))
    prune()
    assert [user.username for user in User.objects.all()] == ["waiting"]
    assert services.check_available("late") == "late"


def test_names_are_held_back_for_as_long_as_they_were_to_be(alice, bob):
    services.delete_account(user=bob)
    services.rename(user=alice, username="anna")
    first = RetiredUsername.objects.order_by("id")[0]
    age(RetiredUsername.objects.filter(pk=first.pk), "expires_at", SECOND)
    prune()
    assert RetiredUsername.objects.count() == 1
    services.check_available("bob")


def test_attempts_and_signs_of_presence_go_when_nothing_asks_for_them(alice, bob):
    limits.take(limits.LOGIN.of("alice"), limits.LOGIN.of("bob"))
    age(Attempt.objects.filter(pk=Attempt.objects.first().pk), "at", limits.LONGEST)
    now = timezone.now()
    Presence.objects.create(user=alice, seen_at=now - timedelta(minutes=1))
    Presence.objects.create(user=bob, seen_at=now)
    attempts = Attempt.objects.count()
    prune()
    assert Attempt.objects.count() == attempts - 1
    assert Presence.objects.get().user == bob


def test_files_that_no_message_has_go(db):
    folder = attachments_folder()
    folder.mkdir(exist_ok=True)
    orphan, fresh = folder / "orphan.png", folder / "fresh.png"
    for path in (orphan, fresh):
        path.write_bytes(b"x")
    os.utime(orphan, (time.time() - 90_000, time.time() - 90_000))
    assert "1" in prune("--dry-run")
    assert orphan.exists()
    prune()
    assert not orphan.exists()
    fresh.unlink()
