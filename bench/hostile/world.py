"""A class and its attackers. Run in a process of its own, on the server's data.

Prints them as JSON, with a session each.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import uuid4

BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH.parent), str(BENCH)]
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat.settings"

import django  # noqa: E402

django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from seed import cookie_of  # noqa: E402

from accounts.models import User  # noqa: E402
from chat.models import Conversation, Membership, Message  # noqa: E402
from chat.search.index import build_all  # noqa: E402
from friends.models import Friendship  # noqa: E402

PUPILS = 30
SAID = 12  # messages in each chat of the class: some five thousand
LONG = 4_000  # characters: the longest possible message
REPEATED = 2_000  # messages of one letter, for searches with many comparisons
RANDOM = 1_500  # messages that hardly compress, for long downloads
BRIDGE = 20  # one message in this many holds “ab bc”, so that no index can rule a block out
PASSWORD = "blaue-Wolke-7"


def make_world() -> dict[str, Any]:
    with transaction.atomic():
        pupils = [_enrol(f"pupil{number:02}") for number in range(1, PUPILS + 1)]
        mallory, trudy, eve = (_enrol(name) for name in ("mallory", "trudy", "eve"))
        mallory.set_password(PASSWORD)
        mallory.save()
        warden = User.objects.create_superuser("warden", password=None)
        for chat in _befriend(list(combinations(pupils, 2))):
            _fill(chat, SAID, lambda number: f"下午开会 {number}, homework on the server")
        to_trudy, to_eve = _befriend([(mallory, trudy), (mallory, eve)])
        _fill(to_trudy, REPEATED, lambda number: "a" * LONG if number % BRIDGE else "ab bc")
        _fill(to_eve, RANDOM, lambda _number: f"{secrets.randbits(LONG):0{LONG}b}")
    build_all()
    of_trudy = Message.objects.filter(conversation=to_trudy, sender=trudy).order_by("id")
    return {
        "pupils": [{"name": user.username, "cookie": cookie_of(user)} for user in pupils],
        "cookies": {user.username: cookie_of(user) for user in (mallory, trudy, eve, warden)},
        "password": PASSWORD,
        "messages": list(of_trudy.values_list("id", flat=True)),
    }


def _enrol(name: str) -> User:
    return User.objects.create_user(name)


def _befriend(pairs: Sequence[tuple[User, User]]) -> list[Conversation]:
    """Make friends without requests, as nobody may ask so many people."""
    Friendship.objects.bulk_create(
        Friendship(owner=owner, friend=friend)
        for pair in pairs
        for owner, friend in (pair, pair[::-1])
    )
    chats = Conversation.objects.bulk_create(
        Conversation(low_id=min(pair, key=_pk).pk, high_id=max(pair, key=_pk).pk) for pair in pairs
    )
    Membership.objects.bulk_create(
        Membership(conversation=chat, user_id=pk)
        for chat in chats
        for pk in (chat.low_id, chat.high_id)
    )
    return chats


def _pk(user: User) -> int:
    return user.pk


def _fill(chat: Conversation, count: int, text: Callable[[int], str]) -> None:
    began = timezone.now() - timedelta(days=1)
    Message.objects.bulk_create(
        Message(
            conversation=chat,
            sender_id=chat.low_id if number % 2 else chat.high_id,
            text=text(number),
            client_id=uuid4(),
            digest=secrets.token_bytes(16),
            sent_at=began + timedelta(seconds=number),
        )
        for number in range(count)
    )


if __name__ == "__main__":
    print(json.dumps(make_world()))
