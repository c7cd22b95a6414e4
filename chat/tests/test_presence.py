from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from chat.live import presence
from chat.models import Presence
from friends.services import block
from tests.cast import Api, error_of

NORMAL, FULL = 1, 2


def online(user):
    return Api(user).get("online/").json()["online"]


@pytest.fixture
def everyone_is_here(alice, bob, carol, mallory):
    presence.note([alice.pk, bob.pk, carol.pk, mallory.pk])


def test_friends_with_an_open_page_are_online_and_strangers_never(alice, bob, everyone_is_here):
    assert online(alice) == ["bob"]
    assert error_of(Api().get("online/")) == (401, "not_authenticated")


def test_who_is_not_noted_any_more_is_offline(alice, bob, everyone_is_here):
    with time_machine.travel(timezone.now() + presence.ONLINE_FOR, tick=False):
        assert online(alice) == []
        presence.note([bob.pk])
        assert online(alice) == ["bob"]
    # A note from a clock that was a day ahead keeps nobody online.
    Presence.objects.update(seen_at=timezone.now() + timedelta(days=1))
    assert online(alice) == []


def test_a_block_hides_both_from_each_other(alice, bob, everyone_is_here):
    assert online(bob) == ["alice"]
    block(owner=bob, target=alice)
    assert online(alice) == online(bob) == []


def test_who_does_not_show_it_is_not_online(alice, bob, everyone_is_here):
    bob.shows_online = False
    bob.save()
    assert online(alice) == []
    Presence.objects.all().delete()
    presence.note([bob.pk])
    assert not Presence.objects.exists()


def test_somebody_who_has_just_gone_spoils_nothing(alice, bob):
    gone = bob.pk
    bob.delete()
    presence.note([alice.pk, gone])
    assert list(Presence.objects.values_list("user", flat=True)) == [alice.pk]


def synced() -> int:
    [level] = connection.connection.execute("PRAGMA synchronous").fetchone()
    return level


@pytest.mark.django_db(transaction=True)
def test_a_note_does_not_wait_for_the_disk_and_what_follows_does(alice):
    levels = []

    def note_level(execute, sql, *args):
        if sql.startswith("INSERT"):
            levels.append(synced())
        return execute(sql, *args)

    assert synced() == FULL
    with connection.execute_wrapper(note_level):
        presence.note([alice.pk])
        Presence.objects.all().delete()
        Presence.objects.create(user=alice, seen_at=timezone.now())
    assert levels == [NORMAL, FULL]


@pytest.mark.django_db(transaction=True)
def test_what_follows_a_note_that_failed_waits_for_the_disk(alice, monkeypatch):
    monkeypatch.setattr(Presence.objects, "bulk_create", None)
    with pytest.raises(TypeError):
        presence.note([alice.pk])
    assert synced() == FULL


def test_within_a_transaction_it_is_left_as_it_is(alice):
    presence.note([alice.pk])
    assert synced() == FULL
