"""People, friendships, sessions, messages. Run in a process of its own, on the server's data:

seed.py people PAIRS FRIENDS    prints the people as JSON
seed.py messages USERNAME TOTAL fills that person's conversations up to TOTAL messages
seed.py files SENDER FRIEND COUNT BYTES   stores COUNT messages with files; without BYTES, texts
seed.py lesson STUDENTS TALKERS VISITORS PASSWORD prints the people as JSON
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from chat.access import get_thread  # noqa: E402
from chat.models import Attachment, MediaKind, Message  # noqa: E402
from chat.models.files import attachments_folder, new_name  # noqa: E402
from friends import services  # noqa: E402
from friends.models import FriendRequest  # noqa: E402

NEIGHBOURS = 5  # friends on either side, in a class that sits in a ring
TALKED = 60  # messages in each of their conversations
UNREAD = 3  # messages that stay unread in a conversation, however long it is

# Half of all messages go into the first conversation, so that it has deep pages.
FILL = """
INSERT INTO chat_message (conversation_id, sender_id, text, client_id, digest, sent_at)
WITH RECURSIVE number(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM number WHERE n < ?)
SELECT conversation_id, iif(n % 4 < 2, owner, friend), 'message number ' || n,
       lower(hex(randomblob(16))), randomblob(16), datetime('2026-01-01', n || ' seconds')
FROM number JOIN place ON place.number = iif(n % 2, 0, n / 2 % (SELECT count(*) FROM place))
"""
# Of each conversation: the two take turns.
TALK = """
INSERT INTO chat_message (conversation_id, sender_id, text, client_id, digest, sent_at)
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
SELECT id, iif(n % 2, low_id, high_id), '第' || n || '题的答案我写在黑板上了，你看一下。',
       lower(hex(randomblob(16))), randomblob(16), datetime('now', (n - 1000) || ' minutes')
FROM number, chat_conversation ORDER BY n
"""
READ = """
UPDATE chat_membership SET last_read = coalesce((
    SELECT id FROM chat_message m WHERE m.conversation_id = chat_membership.conversation_id
    ORDER BY id DESC LIMIT 1 OFFSET ?), 0)
"""


def seed_people(pairs: int, friends: int) -> list[dict[str, str]]:
    """Make pairs of friends, then one person with many friends, then those friends."""
    names = [f"bench{number:04}" for number in range(2 * pairs + 1 + friends)]
    people = []
    with transaction.atomic():
        for name in names:
            user = User(username=name)
            user.set_unusable_password()
            user.save()
            people.append(user)
        star = people[2 * pairs]
        couples = [(people[i], people[i + 1]) for i in range(0, 2 * pairs, 2)]
        # The friends ask the star, as nobody may ask so many people.
        for one, other in couples + [(friend, star) for friend in people[2 * pairs + 1 :]]:
            services.ask(sender=one, username=other.username)
            services.accept(request=FriendRequest.objects.get(sender=one, recipient=other))
        return [{"username": user.username, "cookie": cookie_of(user)} for user in people]


def seed_lesson(students: int, talkers: int, visitors: int, password: str) -> dict[str, Any]:
    """Make a class of people with a password and ten friends each, and two crowds with sessions.

    Of the talkers two each are friends; the visitors have none.
    """
    encoded = make_password(password)  # one for all of them: a check costs the same
    with transaction.atomic():
        pupils, pairs, others = (
            [
                User.objects.create(username=f"{what}{number:04}", password=encoded)
                for number in range(count)
            ]
            for what, count in (
                ("student", students),
                ("talker", talkers),
                ("visitor", visitors),
            )
        )
        couples = [
            (one, pupils[(at + step) % students])
            for at, one in enumerate(pupils)
            for step in range(1, NEIGHBOURS + 1)
        ]
        couples += [(pairs[i], pairs[i + 1]) for i in range(0, talkers, 2)]
        for one, other in couples:
            services.ask(sender=one, username=other.username)
            services.accept(request=FriendRequest.objects.get(sender=one, recipient=other))
        connection.connection.execute(TALK, [TALKED])
        connection.connection.execute(READ, [UNREAD])
        crowds = {"talkers": pairs, "visitors": others}
        return {"students": [{"username": user.username} for user in pupils]} | {
            what: [{"username": user.username, "cookie": cookie_of(user)} for user in crowd]
            for what, crowd in crowds.items()
        }


def cookie_of(user: User) -> str:
    """Log in, and return the cookie as a browser sends it."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


def fill_messages(username: str, total: int) -> None:
    """Insert messages behind Django's back: a million rows in seconds."""
    user = User.objects.get(username=username)
    database = sqlite3.connect(connection.settings_dict["NAME"], timeout=30)
    database.execute("PRAGMA synchronous=OFF")
    database.execute(
        "CREATE TEMP TABLE place (number INTEGER PRIMARY KEY, conversation_id, owner, friend)"
    )
    places = database.execute(
        "SELECT id, iif(low_id = ?1, high_id, low_id) FROM chat_conversation"
        " WHERE ?1 IN (low_id, high_id) ORDER BY id",
        [user.pk],
    ).fetchall()
    database.executemany(
        "INSERT INTO place VALUES (?, ?, ?, ?)",
        [(number, pk, user.pk, friend) for number, (pk, friend) in enumerate(places)],
    )
    [there] = database.execute("SELECT count(*) FROM chat_message").fetchone()
    with database:
        database.execute(FILL, [there + 1, total])
        database.execute(READ, [UNREAD])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def store_files(sender: str, friend: str, count: int, size: int) -> None:
    """Store files as they are when they have been sent, without their way in."""
    owner = User.objects.get(username=sender)
    conversation = get_thread(owner, friend).membership.conversation
    attachments_folder().mkdir(exist_ok=True)
    with transaction.atomic():
        for _number in range(count):
            message = Message.objects.create(
                conversation=conversation,
                sender=owner,
                text="" if size else "message",
                client_id=uuid4(),
                digest=os.urandom(16),
                sent_at=timezone.now(),
            )
            if size:
                _store_file(message, os.urandom(size))


def _store_file(message: Message, content: bytes) -> None:
    file = Attachment.objects.create(
        message=message,
        conversation=message.conversation,
        file=new_name(),
        name="file.bin",
        mimetype="application/octet-stream",
        kind=MediaKind.FILE,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    file.path.write_bytes(content)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["people", pairs, friends]:
            print(json.dumps(seed_people(int(pairs), int(friends))))
        case ["lesson", students, talkers, visitors, password]:
            people = seed_lesson(int(students), int(talkers), int(visitors), password)
            print(json.dumps(people))
        case ["messages", username, total]:
            fill_messages(username, int(total))
        case ["files", sender, friend, count, size]:
            store_files(sender, friend, int(count), int(size))
