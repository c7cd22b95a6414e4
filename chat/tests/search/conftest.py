"""Conversations to search in."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import Conversation, Message, SearchFilter, SearchSegment
from chat.search.index import build_all
from tests.cast import Api
from webchat.database.bulk import insert


@pytest.fixture(autouse=True)
def no_rate(settings):
    settings.SEND_RATE = None


def search(user, typed, **more):
    response = Api(user).get("search/", q=typed, **more)
    assert response.status_code == 200, response.content
    return response.json()


def texts(user, typed, **more):
    return [found["message"]["text"] for found in search(user, typed, **more)["messages"]]


def names(user, typed):
    return [friend["username"] for friend in search(user, typed)["friends"]]


def fill(sender, friend, count, words="第{n}条消息，还没有什么可说的，再见"):
    """Insert enough messages for some blocks, bypassing the services."""
    conversation = Conversation.objects.open_between(sender, friend)
    now = str(timezone.now())
    rows = [
        (conversation.pk, sender.pk, words.format(n=n), uuid4().hex, b"0" * 16, now)
        for n in range(count)
    ]
    names = ("conversation", "sender", "text", "client_id", "digest", "sent_at")
    return insert(Message, names, rows)


def segments():
    return list(SearchSegment.objects.order_by("pk"))


@pytest.fixture
def index(alice, bob):
    """A conversation with 600 messages before those of the test, most of them in blocks."""
    fill(alice, bob, 600)
    assert build_all() > 1
    assert SearchFilter.objects.exists()
