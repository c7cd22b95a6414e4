"""The search over many messages of one person: correctness, time, size and cost.

search_bench.py [MESSAGES]   in a database of its own, which is deleted afterwards
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

FOLDER = tempfile.TemporaryDirectory(prefix="webchat-search-")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "webchat.settings",
    "DATA_DIR": FOLDER.name,
    "DATABASE_URL": "",
    "SECRET_KEY": "only-for-this-bench-" + "k" * 30,
    "SEND_RATE": "off",
}

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from chat.models import Conversation, Message  # noqa: E402
from chat.search.finding import Query, find_messages  # noqa: E402
from chat.search.index import build_all  # noqa: E402
from chat.search.triggers import drop_triggers, make_triggers  # noqa: E402
from friends.models import Friendship  # noqa: E402
from webchat.database.bulk import insert  # noqa: E402

FRIENDS = 40
ROUNDS = 9
LIMIT = 20
COLUMNS = ("conversation", "sender", "text", "client_id", "digest", "sent_at")
ENGLISH = (
    "the be to of and a in that have it for not on with he as you do at this but his by from"
    " we say her she or an will my one all would there what so up out if about who get which go"
    " meeting project homework python server tomorrow station library exam computer teacher"
).split()
# By frequency in the messages made here: from very common to none.
QUERIES = ["我", "龘", "我们", "下午", "电脑", "饕餮", "下午开会", "不存在的词"]
QUERIES += ["the", "me", "meeting", "homework server", "xylophone"]


def make_words() -> tuple[list[str], list[float]]:
    """Make words of one to four characters, few very common and many rare, as in a language."""
    words = "我 的 我们 了 是 今天 你 在 不 下午 有 就 开会 好 电脑 明天 老师 作业".split()
    characters = [chr(n) for n in range(0x4E00, 0x9F00)]
    random.shuffle(characters)
    for _ in range(40_000):
        length = random.choices([1, 2, 3, 4], [1, 14, 4, 2])[0]
        # A few characters make up most words.
        words.append("".join(characters[int(5000 * random.random() ** 3)] for _ in range(length)))
    return words, list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))


def make_texts(count: int) -> list[str]:
    words, weights = make_words()
    english = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(ENGLISH))))
    texts = []
    for _ in range(count):
        length = random.choice([2, 3, 4, 6, 8, 12, 20])
        text = "".join(random.choices(words, cum_weights=weights, k=length))
        if random.random() < 0.2:
            text += " " + " ".join(random.choices(ENGLISH, cum_weights=english, k=length))
        texts.append(text)
    return texts


def make_people() -> tuple[User, list[int]]:
    with transaction.atomic():
        me, *friends = [User.objects.create(username=f"bench{n:03}") for n in range(FRIENDS + 1)]
        for friend in friends:
            Friendship.objects.create(owner=me, friend=friend)
            Friendship.objects.create(owner=friend, friend=me)
    return me, list(Conversation.objects.values_list("pk", flat=True))


def write(me: User, conversations: list[int], texts: list[str], batch: int) -> float:
    """Write messages, half into the first conversation; returns the microseconds for each."""
    began = time.perf_counter()
    for start in range(0, len(texts), batch):
        rows = [
            (conversations[0 if n % 2 else n // 2 % FRIENDS], me.pk, text, uuid4().hex, b"", "2026")
            for n, text in enumerate(texts[start : start + batch], start)
        ]
        with transaction.atomic():
            insert(Message, COLUMNS, rows)
    return (time.perf_counter() - began) / len(texts) * 1e6


def measure_writing(me: User, conversations: list[int], texts: list[str]) -> None:
    """Measure with and without triggers in turn, as the machine is never quiet for long."""
    took: dict[str, list[float]] = {"with triggers": [], "without": []}
    for start in range(0, len(texts), len(texts) // ROUNDS):
        for name, prepare in (("with triggers", make_triggers), ("without", drop_triggers)):
            prepare()
            part = texts[start : start + len(texts) // ROUNDS]
            took[name].append(write(me, conversations, part, batch=50))
    for name, values in took.items():
        print(f"a message written in groups of 50, {name}: {statistics.median(values):.1f} µs")
    make_triggers()


def index_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%chat_search%'")
        return cursor.fetchone()[0]


def measure_queries(me: User, texts: list[str]) -> None:
    for typed in QUERIES:
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found, more = find_messages(me, Query(typed), limit=LIMIT)
            times.append((time.perf_counter() - began) * 1e3)
        right = [text for text in texts if all(word in text.lower() for word in typed.split())]
        newest = right[: -LIMIT - 1 : -1]
        is_right = [hit.message.text for hit in found] == newest and more == (len(right) > LIMIT)
        print(
            f"{typed}: {statistics.median(times):.1f} ms, worst {max(times):.1f},"
            f" {len(found)} of {len(right)} hits, {'right' if is_right else 'WRONG'}"
        )


def main(count: int) -> None:
    random.seed(7)
    call_command("migrate", verbosity=0)
    me, conversations = make_people()
    texts = make_texts(count)
    size = sum(len(text.encode()) for text in texts)
    print(f"{count} messages in {FRIENDS} chats, {size / 1e6:.1f} MB of text")
    write(me, conversations, texts, batch=2000)
    began = time.perf_counter()
    blocks = build_all()
    print(f"{blocks} blocks made in {time.perf_counter() - began:.1f} s")
    print(f"index: {index_bytes() / 1e6:.1f} MB, {index_bytes() / size:.2f} of the text")
    measure_queries(me, texts)
    measure_writing(me, conversations, make_texts(ROUNDS * 1000))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
