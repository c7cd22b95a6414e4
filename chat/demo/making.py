"""The rows of a class that has talked for some days, made all at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.pinyin import Reading, read_names
from accounts.services import check_available
from chat.models import Conversation, Membership, Message
from friends.models import FriendRequest, Friendship
from webchat.database.bulk import insert, stored

from .people import NAMES, NOTES, REMARKS
from .shared import Shared
from .talk import TALKS, fill

SIZE = 30
SEED = 35  # the same class each time, with unread messages and pictures for the first two
FRIENDS_OF_THE_FIRST = 18
APART = (1, 3, 7)  # how many places away one's friends sit, around the class
DAYS = 6
FROM_HOUR, TO_HOUR = 8, 22
FRESH_MINUTES = (15, 90)  # ago; no talk begins later, so that none runs into the future
UNREAD_SHARE = 0.5  # of the chats in which the other person spoke last
NOT_A_DRAFT = b""  # no draft has this digest

Pair = tuple[int, int]  # places in the class, the lower one first


@dataclass(frozen=True, slots=True)
class Said:
    at: datetime
    pair: Pair
    sender: int
    text: str
    file: str = ""  # the name of one, in place of a text


def make_class(*, password: str) -> list[User]:
    """Make the class, unless it exists; its people are marked with `is_demo`.

    `password` is already hashed, and the same for all. No events are written: none of them can
    have a page open yet. Raises ValidationError when too many of the names are taken.
    """
    random = Random(SEED)  # noqa: S311
    called = [*NAMES, *REMARKS]
    readings = dict(zip(called, read_names(called), strict=True))  # in a process of its own
    with Shared(Random(SEED)) as shared, transaction.atomic():  # noqa: S311
        if User.objects.filter(is_demo=True).exists():
            return []
        users = _enrol(_free_names(), readings, password)
        shared.give_faces(users)
        pairs = _befriend(users, readings)
        _ask(users, pairs)
        conversations = _open(users, pairs)
        talk = [each for each in _talk(pairs, random) if not each.file or each.file in shared]
        said = sorted(talk, key=lambda each: each.at)
        ids = _write(said, users, conversations)
        with_file = [(pk, each) for pk, each in zip(ids, said, strict=True) if each.file]
        shared.attach((pk, conversations[each.pair].pk, each.file) for pk, each in with_file)
        _read(list(zip(ids, said, strict=True)), users, conversations, random)
    return users


def _free_names() -> list[str]:
    free = []
    for name in NAMES:
        try:
            free.append(check_available(name))
        except ValidationError as error:
            taken = error
    if len(free) < SIZE:
        raise taken
    return free[:SIZE]


def _enrol(names: Sequence[str], readings: dict[str, Reading], password: str) -> list[User]:
    for name in names:
        User.objects.named(name).lapsed().delete()
    users = [
        User(username=name, password=password, is_demo=True, pinyin=readings[name])
        for name in names
    ]
    for user in users:
        user.save(force_insert=True)
    return users


def _befriend(users: Sequence[User], readings: dict[str, Reading]) -> list[Pair]:
    of_the_first = {(0, place) for place in range(1, FRIENDS_OF_THE_FIRST + 1)}
    others = {(place, place + apart) for apart in APART for place in range(1, SIZE - apart)}
    pairs = sorted(of_the_first | others)
    rows = [
        Friendship(owner=users[owner], friend=users[friend])
        for pair in pairs
        for owner, friend in (pair, pair[::-1])
    ]
    of_first = (row for row in rows if row.owner == users[0])
    for row, remark in zip(of_first, REMARKS, strict=False):
        row.remark = remark
        row.remark_pinyin = readings[remark]
    Friendship.objects.bulk_create(rows)
    return pairs


def _ask(users: Sequence[User], pairs: Sequence[Pair]) -> None:
    """Make friend requests: some to the first person, one from them, a few among the others."""
    last = SIZE - 1
    asked = [(last, 0), (last - 1, 0), (last - 2, 0), (0, last - 3), (2, 20), (25, 4)]
    FriendRequest.objects.bulk_create(
        FriendRequest(
            sender=users[sender], recipient=users[recipient], note=NOTES[number % len(NOTES)]
        )
        for number, (sender, recipient) in enumerate(asked)
        if (min(sender, recipient), max(sender, recipient)) not in pairs
    )


def _open(users: Sequence[User], pairs: Sequence[Pair]) -> dict[Pair, Conversation]:
    opened = {}
    for pair in pairs:
        low, high = sorted(users[place].pk for place in pair)
        opened[pair] = Conversation(low_id=low, high_id=high)
    Conversation.objects.bulk_create(opened.values())
    Membership.objects.bulk_create(
        # For the first person, two friends are pinned and one is muted.
        Membership(
            conversation=conversation,
            user=users[place],
            pinned=place == 0 and pair[1] in (1, 4),
            muted=place == 0 and pair[1] == 9,
        )
        for pair, conversation in opened.items()
        for place in pair
    )
    return opened


def _talk(pairs: Sequence[Pair], random: Random) -> Iterator[Said]:
    """Let people talk, and repeat nothing while there is something else to say."""
    heard: Counter[tuple[int, int]] = Counter()  # by place in the class and number of the talk
    for pair in pairs:
        for day in random.sample(range(DAYS), k=2 if pair[0] == 0 else random.choice((1, 1, 2))):
            numbers = random.sample(range(len(TALKS)), k=len(TALKS))
            number = min(numbers, key=lambda each: sum(heard[place, each] for place in pair))
            heard.update((place, number) for place in pair)
            speakers = random.sample(pair, k=2)
            at = _begin(day, random)
            for line in TALKS[number]:
                text = "" if line.file else fill(line.text, random)
                yield Said(at, pair, speakers[line.speaker], text, line.file)
                at += timedelta(seconds=random.randint(4, 55))


def _begin(days_ago: int, random: Random) -> datetime:
    now = timezone.localtime()
    hour, minute = random.randrange(FROM_HOUR, TO_HOUR), random.randrange(60)
    at = (now - timedelta(days=days_ago)).replace(hour=hour, minute=minute)
    fresh = now - timedelta(minutes=random.randint(*FRESH_MINUTES))
    return min(at, fresh)


def _write(
    said: Sequence[Said], users: Sequence[User], conversations: dict[Pair, Conversation]
) -> Sequence[int]:
    """Write the messages in the order of their times, by which the chats are sorted."""
    return insert(
        Message,
        ("conversation", "sender", "text", "client_id", "digest", "sent_at"),
        [
            (
                conversations[each.pair].pk,
                users[each.sender].pk,
                each.text,
                stored(Message, "client_id", uuid4()),
                NOT_A_DRAFT,
                stored(Message, "sent_at", each.at),
            )
            for each in said
        ],
    )


def _read(
    said: Sequence[tuple[int, Said]],
    users: Sequence[User],
    conversations: dict[Pair, Conversation],
    random: Random,
) -> None:
    """Set the read cursors: nearly everybody has read nearly everything."""
    by_pair: dict[Pair, list[tuple[int, Said]]] = defaultdict(list)
    for each in said:
        by_pair[each[1].pair].append(each)
    for pair, conversation in conversations.items():
        for place in pair:
            read = by_pair[pair]
            if random.random() < UNREAD_SHARE:
                while read and read[-1][1].sender != place:
                    read = read[:-1]
            if read:
                pk, last = read[-1]
                Membership.objects.filter(conversation=conversation, user=users[place]).update(
                    last_read=pk, last_read_at=last.at
                )
