"""Read marks, one of a page or many of sockets, do what the same would do row by row."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db.models import Max
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from chat import marking, services
from chat.access import get_thread
from chat.live import batches, frames
from chat.log import reading, writing
from chat.marking import Mark
from chat.models import Conversation, Event, EventLog, HiddenMessage, Membership, Message
from chat.sending.drafts import Draft
from friends import services as friends
from tests.cast import befriend, make_user, say

BEYOND = 2**63 - 1


def cursor(user: User, friend: User) -> Membership:
    return Membership.objects.get(user=user, conversation=chat_of(user, friend))


def chat_of(user: User, friend: User) -> Conversation:
    return Conversation.objects.between(user, friend).get()


def events_since(head: int) -> list[tuple]:
    fields = ("kind", "user", "conversation", "message", "data")
    return list(Event.objects.filter(id__gt=head).order_by("id").values_list(*fields))


def by_page(reader: User, friend: str, up_to: int) -> bool:
    try:
        services.mark_read(thread=get_thread(reader, friend), up_to=up_to)
    except Http404:
        return False
    return True


def by_socket(reader: User, friend: str, up_to: int) -> bool:
    [marked] = marking.mark_all([Mark(reader.pk, friend, up_to)])
    return marked is not None


def by_hand(reader: User, friend: str, up_to: int) -> bool:
    """Say the rule in the ORM's terms, with a query for each of its parts."""
    try:
        thread = get_thread(reader, friend)
    except Http404:
        return False
    row = Membership.objects.filter(pk=thread.membership.pk)
    newest = thread.membership.conversation.messages.aggregate(newest=Max("id"))["newest"] or 0
    moved = row.filter(last_read__lt=min(up_to, newest)).update(
        last_read=min(up_to, newest), last_read_at=timezone.now()
    )
    if row.filter(marked_unread=True).update(marked_unread=False):
        writing.record_chats(row)
    if moved:
        now = row.with_unread().get()
        facts = {"last_read": now.last_read, "unread": now.unread}
        chat = now.conversation_id
        writing.record([Event(kind="read", user=reader, conversation_id=chat, data=facts)])
    return True


STATES: dict[str, Callable[[User, User], object]] = {
    "as they were": lambda _alice, _bob: None,
    "marked unread": lambda alice, bob: cursor(alice, bob).mark_unread(True),
    "read and marked unread": lambda alice, bob: (
        by_page(alice, "bob", BEYOND) and cursor(alice, bob).mark_unread(True)
    ),
    "hidden": lambda alice, bob: cursor(alice, bob).hide(True),
    "one hidden": lambda alice, bob: HiddenMessage.objects.create(
        user=alice, conversation=chat_of(alice, bob), message=Message.objects.latest("id").pk
    ),
    "one recalled": lambda _alice, _bob: Message.objects.latest("id").recall(),
    "own ones": lambda alice, bob: say(alice, bob, "4") and say(alice, bob, "5"),
    "many unread": lambda alice, bob: [say(bob, alice, "x") for _number in range(103)],
    "blocked": lambda alice, bob: friends.block(owner=alice, target=bob),
    "closed": lambda _alice, bob: User.objects.filter(pk=bob.pk).update(is_active=False),
    "no friends": lambda alice, bob: alice.friendships.all().delete(),
    "no conversation": lambda alice, bob: chat_of(alice, bob).delete(),
    "no messages": lambda _alice, _bob: (
        Event.objects.all().delete() and Message.objects.all().delete()
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_a_mark_of_a_page_or_a_socket_does_what_its_rule_says(alice, bob, state, settings):
    settings.SEND_RATE = None
    ids = [say(bob, alice, text).id for text in "123"]
    names = ("bob", "BOB", "ｂｏｂ", "nobody", "alice", "", "\ud800", "?1")
    marks = [(name, up_to) for name in names for up_to in (ids[1], ids[2])]
    marks = [("bob", -1), ("bob", 0), ("bob", ids[0]), *marks, ("bob", ids[0]), ("bob", BEYOND)]
    STATES[state](alice, bob)
    seen = []
    for mark in (by_hand, by_page, by_socket):
        with undone():
            told, head = [], EventLog.objects.head()
            for name, up_to in marks:
                told.append(mark(alice, name, up_to))
            rows = Membership.objects.order_by("id").values()
            moments = [(row["last_read"], row.pop("last_read_at") is None) for row in rows]
            shown = reading.read_after(alice, head).events
            for body in shown:
                del body["id"]
            seen.append((told, [dict(row) for row in rows], moments, events_since(head), shown))
    ruled, of_page, of_socket = seen
    assert ruled == of_page == of_socket
    assert any(ruled[0]) == (state not in ("no friends", "no conversation"))


class undone:  # noqa: N801
    """Take back what was written in the block."""

    def __enter__(self) -> None:
        self.point = connection.savepoint() if connection.in_atomic_block else None

    def __exit__(self, *exc_info: object) -> None:
        connection.savepoint_rollback(self.point)


def test_each_chat_is_marked_once_up_to_its_furthest_mark(alice, bob):
    carol = make_user("carol")
    befriend(alice, carol)
    ids = [say(bob, alice, text).id for text in "123"]
    say(alice, carol, "x")
    other = say(alice, bob, "4").id
    head = EventLog.objects.head()
    marks = [
        Mark(alice.pk, "bob", ids[1]),
        Mark(bob.pk, "alice", other),
        Mark(alice.pk, "BOB", ids[2]),
        Mark(alice.pk, "nobody", 1),
        Mark(alice.pk, "bob", ids[0]),
        Mark(carol.pk, "alice", BEYOND),
    ]
    marked = marking.mark_all(marks)
    assert [each and each.event_id for each in marked] == [
        head + 1, head + 2, None, None, None, head + 3
    ]  # fmt: skip
    assert marked[0][:4] == (alice.pk, "bob", ids[2], 0)
    assert cursor(alice, bob).last_read == ids[2]
    assert [event[0] for event in events_since(head)] == ["read"] * 3
    assert not any(each and each.event_id for each in marking.mark_all(marks))


@pytest.mark.parametrize("size", [1, 40])
def test_marks_cost_the_same_queries_whatever_their_number(alice, size):
    people = [make_user(f"friend{number}") for number in range(size)]
    for friend in people:
        befriend(friend, alice)
        say(friend, alice, "x")
    with CaptureQueriesContext(connection) as by_orm:
        marking.mark_all([Mark(alice.pk, friend.username, BEYOND) for friend in people])
    assert Event.objects.filter(kind="read").count() == size
    assert all("SAVEPOINT" in query["sql"] for query in by_orm)


def draft(sender: User, to: str, text: str) -> Draft:
    return Draft.parse(sender.pk, to=to, text=text, client_id=str(uuid4()))


def test_a_batch_of_both_is_answered_in_its_order_and_logged_messages_first(alice, bob):
    first = say(bob, alice, "1").id
    head = EventLog.objects.head()
    jobs = [
        Mark(alice.pk, "bob", first),
        draft(alice, "bob", "2"),
        Mark(alice.pk, "nobody", 1),
        draft(alice, "nobody", "3"),
        draft(bob, "alice", "4"),
    ]
    mark, posted, no_mark, refused, last = batches.write(jobs)
    assert (posted.event_id, last.event_id, mark.event_id) == (head + 1, head + 2, head + 3)
    assert (posted.message.text, refused.code, no_mark) == ("2", "not_found", None)
    assert (mark.up_to, mark.unread) == (first, 1), "the one just written is not read"


@pytest.mark.parametrize("name", ["bob", "王伟", "O'Brien", "a.b_c"])
def test_it_is_told_from_memory_as_from_the_log(alice, name):
    befriend(make_user(name), alice)
    ids = [say(User.objects.get(username=name), alice, text).id for text in "12"]
    head = EventLog.objects.head()
    for up_to in ids:
        [marked] = marking.mark_all([Mark(alice.pk, name, up_to)])
        frame = frames.read_event(marked.event_id, marked.friend, marked.up_to, marked.unread)
        [body] = reading.read_after(alice, head).events
        assert frame == frames.event(body)
        head = marked.event_id


def test_a_commit_that_fails_fails_nobody_else(alice, bob, monkeypatch):
    up_to = say(bob, alice, "1").id

    def fail(*_args):
        raise IntegrityError("FOREIGN KEY constraint failed")

    with monkeypatch.context() as patch:
        patch.setattr(marking, "mark_in", fail)
        patch.setattr(marking, "mark_all", lambda marks: [None] * len(marks))
        posted, mark = batches.write([draft(alice, "bob", "2"), Mark(alice.pk, "bob", up_to)])
    assert (posted.message.text, mark) == ("2", None)
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["1", "2"]


def test_the_time_of_reading_is_noted_when_the_cursor_moves(alice, bob):
    up_to = say(bob, alice, "1").id
    before = timezone.now()
    by_socket(alice, "bob", up_to)
    noted = cursor(alice, bob).last_read_at
    assert noted >= before
    by_socket(alice, "bob", up_to)
    assert cursor(alice, bob).last_read_at == noted
