"""The plain way of reading the log makes the frames of the ORM's way, to the byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from chat import services
from chat.access import get_thread
from chat.live import frames, news
from chat.log import reading, writing
from chat.models import Attachment, Conversation, Event, EventLog, HiddenMessage, Message
from chat.sending.drafts import Draft
from chat.sending.posting import post_message
from friends import services as friends
from tests.cast import make_user, say

pytestmark = pytest.mark.django_db

ODD_TEXTS = [
    "下午开会", "a\nb\r\n\tc", '"quoted" \\back\\ /slash/', "\u2028\u2029\x85", "\x01\x1f\x7f",
    "\U0001f600\u200d\U0001f525", "e\u0301" * 9, "\u202eabc", "</script>&amp;", "%s ? :after {}",
    "null", "[1]", "{}", "0", " ", "\ufeff\ufffe\U0010ffff", "x" * 4000, "'", "''",
]  # fmt: skip
HEAD = sys.maxsize


class Asked:
    """A watch on the connection of the test, which sees what that has not committed."""

    def ask(self, question: str, params: dict[str, int]) -> tuple[object, ...]:
        return connection.connection.execute(question, params).fetchone()


def plain(after: int, viewers: Iterable[User], before: int = HEAD) -> news.News:
    return news.read(Asked(), lambda: {viewer.pk for viewer in viewers}, after, before)


def by_orm(after: int, viewers: Iterable[User], through: int = HEAD) -> list[tuple[int, int, str]]:
    found = reading.read_for(lambda: {viewer.pk for viewer in viewers}, after)
    return [
        (user_id, body["id"], frames.event(body))
        for user_id, body in found.shown
        if body["id"] <= through
    ]


def told(after: int, viewers: list[User]) -> news.News:
    """Read the plain way, once that has been shown to be the other way as far as it goes."""
    found = plain(after, viewers)
    assert sorted(found.told) == sorted(by_orm(after, viewers, found.through))
    assert [event_id for _user, event_id, _frame in found.told] == sorted(
        event_id for _user, event_id, _frame in found.told
    )
    return found


def write(sender: User, to: User, text: str, **fields: object) -> Message:
    """Store a message, whatever its text, and its event."""
    message = Message.objects.create(
        conversation=Conversation.objects.open_between(sender, to),
        sender=sender,
        text=text,
        client_id=uuid4(),
        digest=b"x" * 16,
        **{"sent_at": timezone.now(), **fields},
    )
    writing.record(
        [Event(kind="message", conversation_id=message.conversation_id, message=message)]
    )
    return message


def test_odd_texts(alice, bob):
    head = EventLog.objects.head()
    for text in ODD_TEXTS:
        write(alice, bob, text)
        write(bob, alice, text)
    assert len(told(head, [alice, bob]).told) == 4 * len(ODD_TEXTS)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_any_texts(alice, bob, texts):
    head = EventLog.objects.head()
    for text in texts:
        write(alice, bob, text)
    found = told(head, [alice, bob])
    assert found.is_plain == all(texts)


def test_odd_times(alice, bob):
    head = EventLog.objects.head()
    for moment in (
        datetime(2025, 10, 17, 4, 11, 8, 707862, tzinfo=UTC),
        datetime(2025, 10, 17, 4, 11, 8, 700000, tzinfo=UTC),
        datetime(2025, 10, 17, 4, 11, 8, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
    ):
        write(alice, bob, "x", sent_at=moment)
    assert len(told(head, [alice, bob]).told) == 10


CHANGES: dict[str, tuple[Callable[[User, User, Message], object], bool, int]] = {
    # The change after alice's message to bob, whether that is plain then, and who is told of it.
    "recalled": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(
        text="", recalled_at=timezone.now()), False, 0),
    "recalled and its text left": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(
        recalled_at=timezone.now()), False, 0),
    "removed": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(
        removed_at=timezone.now()), False, 0),
    "hidden by the reader": (lambda _a, b, m: HiddenMessage.objects.create(
        user=b, conversation=m.conversation, message=m.pk), False, 0),
    "hidden by the sender": (lambda a, _b, m: HiddenMessage.objects.create(
        user=a, conversation=m.conversation, message=m.pk), False, 0),
    "hidden by a third person": (lambda _a, _b, m: HiddenMessage.objects.create(
        user=make_user("eve"), conversation=m.conversation, message=m.pk), True, 2),
    "no friends any more": (lambda a, b, _m: a.friendships.all().delete() and
        b.friendships.all().delete(), True, 0),
    "no friend of hers": (lambda a, _b, _m: a.friendships.all().delete(), True, 1),
    "no friend of his": (lambda _a, b, _m: b.friendships.all().delete(), True, 1),
    "blocked": (lambda a, b, _m: friends.block(owner=a, target=b), True, 2),
    "blocked by the reader": (lambda a, b, _m: friends.block(owner=b, target=a), True, 2),
    "renamed": (lambda a, _b, _m: User.objects.filter(pk=a.pk).update(
        username="爱丽丝", username_key="爱丽丝"), True, 2),
    "deactivated": (lambda a, b, _m: User.objects.filter(pk__in=[a.pk, b.pk]).update(
        is_active=False), True, 2),
    "with a remark": (lambda _a, b, _m: b.friendships.update(remark="小艾"), True, 2),
    "a quote": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(quote=m.pk), False, 0),
    "a quote of nothing": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(
        quote=m.pk + 99), False, 0),
    "a file": (lambda _a, _b, m: Message.objects.filter(pk=m.pk).update(text="") and
        Attachment.objects.create(message=m, conversation=m.conversation, file="f.png",
        name="图.png", mimetype="image/png"), False, 0),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_message_as_it_is_by_now(alice, bob, change):
    apply, is_plain, people = CHANGES[change]
    head = EventLog.objects.head()
    message = write(alice, bob, "嗨")
    event_id = EventLog.objects.head()
    assert len(told(head, [alice, bob]).told) == 2
    apply(alice, bob, message)
    found = told(head, [alice, bob])
    assert (found.through >= event_id) == is_plain
    assert sum(event == event_id for _user, event, _frame in found.told) == people


def test_read_marks(alice, bob):
    head = EventLog.objects.head()
    for text in ("1", "2"):
        message = say(bob, alice, text)
        services.mark_read(thread=get_thread(alice, "bob"), up_to=message.id)
    found = told(head, [alice, bob])
    assert found.is_plain
    assert len(found.told) == 6
    alice.friendships.all().delete()
    assert len(told(head, [alice, bob]).told) == 2


def test_only_to_those_who_are_here(alice, bob, carol, mallory):
    head = EventLog.objects.head()
    say(alice, bob, "嗨")
    through = EventLog.objects.head()
    for viewers, number in (([], 0), ([alice], 1), ([bob, carol, mallory], 1), ([mallory], 0)):
        found = told(head, viewers)
        assert (len(found.told), found.through) == (number, through)


def test_what_is_not_plain_stops_it_only_for_those_who_are_here(alice, bob, carol, mallory):
    head = EventLog.objects.head()
    say(alice, bob, "1")
    friends.ask(sender=mallory, username="alice")
    say(alice, bob, "2")
    found = told(head, [bob])
    assert (len(found.told), found.is_plain, found.through) == (2, True, EventLog.objects.head())
    found = told(head, [alice, bob])
    assert (len(found.told), found.is_plain) == (2, False)


def test_every_other_kind_is_left_to_the_other_way(alice, bob):
    conversation = Conversation.objects.open_between(alice, bob)
    for kind in Event.Kind.values:
        head = EventLog.objects.head()
        event = Event(kind=kind, user=alice, data={})
        if kind == "read":
            event.data = {"last_read": 1, "unread": 0}
        writing.record([event])
        assert not plain(head, [alice]).is_plain, "one's own, of no conversation"
        writing.record([Event(kind=kind, conversation=conversation, data={})])
        assert not plain(event.pk, [alice]).is_plain


def test_between_two_ids_and_in_parts(alice, bob, monkeypatch):
    head = EventLog.objects.head()
    ids = [post_message(Draft.parse(alice.pk, to="bob", text=text, client_id=str(uuid4()))).event_id
           for text in "12345"]  # fmt: skip
    assert ids == list(range(head + 1, head + 6))
    found = plain(ids[0], [bob], before=ids[3])
    assert [event_id for _user, event_id, _frame in found.told] == ids[1:3]
    assert (found.through, found.more) == (ids[2], False)
    assert plain(ids[-1], [bob]).told == []
    monkeypatch.setattr(news, "AT_ONCE", 2)
    parts, after, more = [], head, True
    while more:
        found = plain(after, [bob])
        parts.append(len(found.told))
        after, more = found.through, found.more
    assert (parts, after) == ([2, 2, 1], ids[-1])


def test_an_id_whose_row_is_gone_is_passed(alice, bob):
    head = EventLog.objects.head()
    say(alice, bob, "1")
    last = EventLog.objects.head()
    writing.keep_head()
    Event.objects.all().delete()
    found = plain(head, [bob])
    assert (found.told, found.through, found.is_plain) == ([], last, True)


def test_a_log_that_can_no_longer_tell_is_left_to_the_other_way(alice, bob):
    head = EventLog.objects.head()
    writing.have_all_reload()
    say(alice, bob, "1")
    found = plain(head, [bob])
    assert (found.told, found.through, found.is_plain) == ([], head, False)
    assert not plain(EventLog.objects.head() + 1, [bob]).is_plain
