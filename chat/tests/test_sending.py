"""One message for each client_id, and the faults of the previous program."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.models import User
from chat.models import Conversation, Event, Message
from chat.sending import posting
from chat.sending.drafts import Draft
from tests.cast import Api, befriend, error_of, make_user, say

NOON = timezone.now().replace(hour=4, minute=0, second=10, microsecond=0)


def draft(sender: User, to: str, text: str, client_id: str | None = None) -> Draft:
    return Draft.parse(sender.pk, to=to, text=text, client_id=client_id or str(uuid4()))


# The form of the page


@pytest.mark.parametrize("text", ["字" * 4001, "😀" * 4001, " a" * 20_000])
def test_a_text_that_is_too_long_comes_back_whole_with_the_limit(alice, bob, text):
    form = {"text": text, "client_id": str(uuid4())}
    answer = Api(alice).client.post("/chat/bob/", form, headers={"accept-language": "en"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert text in page
    assert "A message has at most 4000 characters." in page
    assert 'data-limit="4000"' in page
    assert not Message.objects.exists()


def test_no_browser_cuts_a_text_that_is_short_enough(alice, bob):
    """`maxlength` counts UTF-16, in which this has 4,500."""
    text = "字" * 1500 + "😀" * 1500
    page = Api(alice).client.get("/chat/bob/").content.decode()
    assert "maxlength" not in page[page.index('id="composer-text"') :].split(">")[0]
    assert Api(alice).say("bob", text).status_code == 201


# One message


def test_a_retry_answers_with_the_same_message_and_stores_nothing(alice, bob):
    client_id = str(uuid4())
    first = Api(alice).say("bob", "hi", client_id)
    for _attempt in range(3):
        again = Api(alice).say("BOB", " hi ", client_id)
        assert (again.status_code, again.json()) == (200, first.json())
    assert Message.objects.count() == 1
    assert Event.objects.filter(kind="message").count() == 1


def test_an_id_that_stands_for_another_message_is_refused(alice, bob):
    befriend(alice, make_user("dora"))
    client_id = str(uuid4())
    assert Api(alice).say("bob", "hi", client_id).status_code == 201
    assert error_of(Api(alice).say("bob", "ho", client_id)) == (409, "duplicate_id")
    assert error_of(Api(alice).say("dora", "hi", client_id)) == (409, "duplicate_id")
    # Another person may use the same id.
    assert Api(bob).say("alice", "hi", client_id).status_code == 201


def test_a_retry_after_a_recall_answers_with_the_message_as_it_is(alice, bob):
    client_id = str(uuid4())
    sent = Api(alice).say("bob", "hi", client_id).json()["message"]
    Message.objects.update(text="", recalled_at=timezone.now())
    again = Api(alice).say("bob", "hi", client_id)
    assert again.status_code == 200
    assert again.json()["message"] == sent | {"text": None, "state": "recalled"}


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_sends_at_once_are_one_message(alice, bob):
    client_id = str(uuid4())

    def go(_number: int) -> tuple[int, int]:
        try:
            answer = Api(alice).say("bob", "hi", client_id)
            return answer.status_code, answer.json()["message"]["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(go, range(20)))
    assert sorted(status for status, _id in answers) == [200] * 19 + [201]
    assert len({message_id for _status, message_id in answers}) == 1
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_320_sends_from_8_threads_are_320_messages_in_one_order(alice, bob, settings):
    settings.SEND_RATE = None
    dora = make_user("dora")
    befriend(alice, dora)

    def go(number: int) -> None:
        try:
            sender, to = [(alice, "bob"), (bob, "alice"), (alice, "dora"), (dora, "alice")][
                number % 4
            ]
            for index in range(40):
                posting.post_message(draft(sender, to, f"{number}-{index}"))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(go, range(8)))
    assert Message.objects.count() == 320
    events = Event.objects.filter(kind="message").order_by("id").values_list("message", flat=True)
    assert list(events) == list(Message.objects.order_by("id").values_list("id", flat=True))
    for conversation in Conversation.objects.all():
        assert conversation.messages.count() == 160
    # The messages of each thread kept their order.
    for number in range(8):
        ids = Message.objects.filter(text__startswith=f"{number}-").order_by("id")
        assert [m.text for m in ids] == [f"{number}-{index}" for index in range(40)]


# A batch


def test_a_draft_that_fails_does_not_fail_its_neighbours(alice, bob, mallory):
    Api(alice).say("bob", "before", "00000000-0000-4000-8000-000000000001")
    outcomes = posting.post_messages(
        [
            draft(alice, "bob", "1"),
            draft(mallory, "bob", "2"),
            draft(bob, "nobody", "3"),
            draft(alice, "bob", "other", "00000000-0000-4000-8000-000000000001"),
            draft(bob, "alice", "5"),
        ]
    )
    assert [getattr(o, "code", "posted") for o in outcomes] == [
        "posted", "not_found", "not_found", "duplicate_id", "posted",
    ]  # fmt: skip
    assert Api(alice).texts("bob") == ["before", "1", "5"]


def test_the_same_draft_twice_in_a_batch_is_one_message(alice, bob):
    twice = [draft(alice, "bob", "hi", "00000000-0000-4000-8000-000000000001")] * 2
    first, second = posting.post_messages(twice)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.message == second.message
    assert Message.objects.count() == 1


def test_a_batch_that_the_commit_refuses_is_tried_one_by_one(alice, bob, monkeypatch):
    post = posting._Batch.post

    def refuse_bob(batch):
        if any(each.sender_id == bob.pk for each in batch.drafts):
            raise IntegrityError("FOREIGN KEY constraint failed")
        return post(batch)

    monkeypatch.setattr(posting._Batch, "post", refuse_bob)
    outcomes = posting.post_messages(
        [draft(alice, "bob", "1"), draft(bob, "alice", "2"), draft(alice, "bob", "3")]
    )
    assert [getattr(o, "code", "posted") for o in outcomes] == ["posted", "not_found", "posted"]
    assert Api(alice).texts("bob") == ["1", "3"]


# Faults of the previous program


def test_reading_by_one_side_leaves_the_badge_of_the_other(alice, bob):
    say(alice, bob, "1")
    last = say(bob, alice, "2")
    assert (Api(alice).unread(), Api(bob).unread()) == ({"bob": 1}, {"alice": 1})
    Api(alice).post("conversations/bob/read/", up_to=last.id)
    assert (Api(alice).unread(), Api(bob).unread()) == ({}, {"alice": 1})


def test_own_messages_are_never_unread(alice, bob):
    say(alice, bob, "1")
    assert Api(alice).unread() == {}
    assert Api(bob).unread() == {"alice": 1}


def test_of_two_messages_in_one_minute_one_can_be_read_and_the_other_unread(alice, bob):
    with time_machine.travel(NOON, tick=False):
        first, second = say(bob, alice, "1"), say(bob, alice, "2")
    assert first.time == second.time
    Api(alice).post("conversations/bob/read/", up_to=first.id)
    assert Api(alice).unread() == {"bob": 1}


def test_names_with_underscores_never_share_a_chat(db):
    people = {name: make_user(name) for name in ("a_b", "c_", "aa", "b_c", "a_b_c")[::2]}
    people |= {name: make_user(name) for name in ("b_c", "a_b_c_d", "cd")}
    befriend(people["a_b"], people["cd"])
    befriend(people["aa"], people["b_c"])
    say(people["a_b"], people["cd"], "一")
    say(people["aa"], people["b_c"], "二")
    assert Api(people["cd"]).texts("a_b") == ["一"]
    assert Api(people["b_c"]).texts("aa") == ["二"]
    assert error_of(Api(people["cd"]).get("conversations/b_c/messages/"))[0] == 404


def test_looking_never_marks_as_read(alice, bob):
    say(bob, alice, "1")
    for path in ["/", "/chat/bob/", "/api/conversations/", "/api/conversations/bob/messages/"]:
        assert Api(alice).client.get(path).status_code == 200
    assert Api(alice).unread() == {"bob": 1}


def test_deleting_bob_leaves_bob_smith(alice, bob):
    smith = make_user("bob_smith")
    befriend(alice, smith)
    say(bob, alice, "von bob")
    say(smith, alice, "von smith")
    bob.delete()
    assert Api(alice).friend_names() == ["bob_smith"]
    assert Api(alice).texts("bob_smith") == ["von smith"]
    assert User.objects.named("bob_smith").exists()


def test_a_clock_that_steps_back_reorders_hides_and_unreads_nothing(alice, bob):
    with time_machine.travel(NOON, tick=False):
        first = say(bob, alice, "1")
        Api(alice).post("conversations/bob/read/", up_to=first.id)
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        second = say(bob, alice, "2")
        assert Api(alice).unread() == {"bob": 1}
        Api(alice).post("conversations/bob/read/", up_to=second.id)
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        say(bob, alice, "3")
    with time_machine.travel(NOON, tick=False):
        assert Api(alice).texts("bob") == ["1", "2", "3"]
        assert Api(alice).unread() == {"bob": 1}
        [conversation] = Api(alice).get("conversations/").json()["conversations"]
        assert conversation["last_message"]["text"] == "3"
    ids = list(Message.objects.order_by("id").values_list("sent_at", flat=True))
    assert any(later < earlier for earlier, later in pairwise(ids)), "the clock did step back"


# The rate


def test_who_sends_too_fast_is_told_how_long_to_wait(alice, bob, settings):
    settings.SEND_RATE = (3, 10)
    with time_machine.travel(NOON, tick=False) as clock:
        ids = [str(uuid4()) for _number in range(3)]
        for client_id in ids:
            assert Api(alice).say("bob", "hi", client_id).status_code == 201
        clock.shift(4)
        answer = Api(alice).say("bob", "hi")
        assert error_of(answer) == (429, "rate_limited")
        assert answer["Retry-After"] == "6"
        # A retry is not a new message, and another person's rate is their own.
        assert Api(alice).say("bob", "hi", ids[0]).status_code == 200
        assert Api(bob).say("alice", "hi").status_code == 201
        clock.shift(6)
        assert Api(alice).say("bob", "hi").status_code == 201


def test_the_rate_counts_within_a_batch(alice, bob, settings):
    settings.SEND_RATE = (3, 10)
    outcomes = posting.post_messages([draft(alice, "bob", str(n)) for n in range(5)])
    assert [getattr(o, "code", "posted") for o in outcomes] == ["posted"] * 3 + ["rate_limited"] * 2


def test_a_clock_that_was_set_back_locks_nobody_out(alice, bob, settings):
    settings.SEND_RATE = (3, 10)
    with time_machine.travel(NOON, tick=False):
        for _number in range(3):
            Api(alice).say("bob", "hi")
        assert Api(alice).say("bob", "hi").status_code == 429
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        assert Api(alice).say("bob", "hi").status_code == 201
