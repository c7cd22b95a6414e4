"""The time over which everybody comes back after a restart."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import UserSession
from chat.live import frames, returning
from chat.live.returning import A_SECOND, Returning


@pytest.fixture
def hub():
    return []


def test_so_few_that_nobody_notices_are_told_nothing(hub):
    hub += range(A_SECOND // 2)
    assert Returning(hub).seconds() == 0
    assert Returning(hub).reason() == ""
    hello = json.loads(frames.hello("alice", 7, Returning(hub).seconds()))
    assert list(hello) == ["type", "username", "last_event", "now"]


def test_a_thousand_are_told_a_time_that_is_shown_as_a_hiccup(hub):
    """And no longer: after three seconds a page says that it has no connection."""
    hub += range(1_000)
    seconds = Returning(hub).seconds()
    assert 2 < seconds < 3
    assert Returning(hub).reason() == f"spread={seconds}"
    assert json.loads(frames.hello("alice", 7, seconds))["spread"] == seconds


def test_the_last_one_told_goodbye_hears_the_number_of_the_first(hub):
    hub += range(2_000)
    back = Returning(hub)
    back.end()
    hub.clear()
    assert back.reason() == f"spread={round(2_000 / A_SECOND, 1)}"


@pytest.mark.django_db
def test_a_new_process_expects_those_of_the_one_before(hub, alice, monkeypatch):
    Client().force_login(alice)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    for _tab in range(2):
        Client().force_login(alice)
    monkeypatch.setattr(returning, "A_SECOND", 1)
    back = Returning(hub)
    assert back.seconds() == 0
    back.remember()
    assert back.seconds() == 2
    hub += range(5)
    assert back.seconds() == 5
    hub.clear()
    back._until = time.monotonic()
    assert back.seconds() == 0, "by then they are back, or do not come"
