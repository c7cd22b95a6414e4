"""Old messages, which `manage.py prune` deletes for those who say so, and what hangs on them."""

from __future__ import annotations

import io
import re
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError
from django.db import OperationalError
from django.utils import timezone

from accounts.models import User
from chat import pruning
from chat.models import (
    Attachment,
    Event,
    EventLog,
    HiddenMessage,
    Membership,
    Message,
    SearchFilter,
    SearchSegment,
)
from chat.models.files import attachments_folder
from chat.search.index import build_all
from chat.sending.drafts import Draft
from chat.sending.posting import post_message
from tests.cast import Api, say
from webchat.base import commands

from .test_pruning import SECOND, WEEK, YEAR, age, ask_to_prune, prune


def counts(line: str) -> list[str]:
    return re.findall(r"\d+", line)


def texts(username: str, friend: str) -> list[str | None]:
    return Api(User.objects.get(username=username)).texts(friend)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)


@pytest.fixture
def talk(alice, bob):
    """Three old messages and a new one, all from bob; alice has read the first."""
    old = [say(bob, alice, f"alt {number}") for number in range(3)]
    age(Message.objects.all(), "sent_at", YEAR + SECOND)
    Api(alice).post("conversations/bob/read/", up_to=old[0].id)
    return [*old, say(bob, alice, "neu")]


def test_messages_stay_unless_they_are_to_go(talk):
    prune()
    assert Message.objects.count() == 4
    prune("--messages-older-than", "366")
    assert Message.objects.count() == 4


def test_messages_older_than_that_go_and_what_is_left_is_counted_right(talk, small_batches):
    assert Api(User.objects.get(username="alice")).unread() == {"bob": 3}
    prune("--messages-older-than", "365")
    assert texts("alice", "bob") == texts("bob", "alice") == ["neu"]
    assert Api(User.objects.get(username="alice")).unread() == {"bob": 1}


def test_a_chat_of_which_nothing_is_left_is_empty_and_goes_on(alice, bob, talk):
    Message.objects.update(sent_at=timezone.now() - YEAR - SECOND)
    prune("--messages-older-than", "365")
    [chat] = Api(alice).get("conversations/").json()["conversations"]
    assert (chat["last_message"], chat["unread"]) == (None, 0)
    assert say(alice, bob, "wieder").id > talk[-1].id
    assert Api(bob).unread() == {"alice": 1}


def test_what_hangs_on_a_message_goes_with_it(alice, bob, talk, django_capture_on_commit_callbacks):
    conversation = Message.objects.get(pk=talk[0].id).conversation
    folder = attachments_folder()
    folder.mkdir(exist_ok=True)
    (folder / "old.png").write_bytes(b"x")
    attached = Attachment(message_id=talk[0].id, conversation=conversation, file="old.png")
    attached.save()
    Api(alice).post(f"messages/{talk[1].id}/hide/")
    answer = Draft.parse(alice.pk, to="bob", text="ja", client_id=str(uuid4()), quote=talk[2].id)
    post_message(answer)
    assert Api(alice).get("conversations/bob/messages/").json()["messages"][-1]["quote"]
    with django_capture_on_commit_callbacks(execute=True):
        prune("--messages-older-than", "365")
    assert not attached.path.exists()
    assert not Attachment.objects.exists()
    assert not HiddenMessage.objects.exists()
    assert not Message.objects.exclude(quote=None).exists()
    assert not Event.objects.filter(message__in=[message.id for message in talk[:3]]).exists()
    assert "quote" not in Api(alice).get("conversations/bob/messages/").json()["messages"][-1]


def test_the_search_finds_what_is_left_and_nothing_else(alice, bob, monkeypatch):
    monkeypatch.setattr("chat.search.index.MESSAGES_AT_MOST", 2)
    monkeypatch.setattr("chat.search.index.BLOCKS_AT_MOST", 1)
    for number in range(6):
        say(alice, bob, f"Kuchen {number}")
    build_all()
    old = list(Message.objects.order_by("id").values_list("id", flat=True)[:3])
    age(Message.objects.filter(pk__in=old), "sent_at", YEAR + SECOND)
    prune("--messages-older-than", "365")
    assert SearchSegment.objects.count() == 2
    build_all()
    assert SearchFilter.objects.filter(segment__in=SearchSegment.objects.all()).exists()
    found = Api(alice).get("search/", q="Kuchen").json()
    assert sorted(each["message"]["text"] for each in found["messages"]) == [
        "Kuchen 3", "Kuchen 4", "Kuchen 5",
    ]  # fmt: skip


def test_open_pages_see_the_list_as_it_is_and_load_their_chats_anew(alice, talk, monkeypatch):
    head = EventLog.objects.head()
    with monkeypatch.context() as patch:
        patch.setattr(pruning.writing, "have_all_reload", lambda: None)
        prune("--messages-older-than", "365")
    [event] = Api(alice).get("events/", after=head).json()["events"]
    assert event["conversation"]["unread"] == 1
    age(Message.objects.all(), "sent_at", YEAR + SECOND)
    prune("--messages-older-than", "365")
    assert Api(alice).get("events/", after=EventLog.objects.head() - 1).json() == {"reset": True}


def test_nobody_has_to_reload_where_no_message_went(alice, talk):
    head = EventLog.objects.head()
    prune("--messages-older-than", "1000")
    assert Api(alice).get("events/", after=head).json()["events"] == []


# The command


@pytest.fixture
def answers(monkeypatch):
    """Let somebody sit at the terminal who answers so."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda typed: monkeypatch.setattr("sys.stdin", Terminal(typed))


@pytest.mark.parametrize("typed", ["y\n", "YES\n", "是\n"])
def test_old_messages_go_when_somebody_says_so(talk, answers, typed):
    answers(typed)
    told = ask_to_prune("--messages-older-than", "365")
    assert counts(told)[:3] == ["3", "1", "365"], "messages, people, days"
    assert "Asia/Shanghai" in told
    assert Message.objects.count() == 1


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yellow\n", "不\n"])
def test_any_other_answer_deletes_nothing(talk, answers, typed):
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    events = Event.objects.count()
    answers(typed)
    with pytest.raises(CommandError):
        ask_to_prune("--messages-older-than", "365")
    assert (Event.objects.count(), Message.objects.count()) == (events, 4)


def test_where_nobody_can_be_asked_nothing_goes(talk, monkeypatch):
    for stdin in (io.StringIO("y\n"), None):
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(CommandError, match="--yes"):
            ask_to_prune("--messages-older-than", "365")
        with pytest.raises(CommandError, match="--yes"):
            ask_to_prune("--messages-older-than", "1000")  # a timer should not fail later only
    assert Message.objects.count() == 4


def test_nobody_is_asked_where_nothing_is_old(talk, answers):
    answers("")
    ask_to_prune("--messages-older-than", "1000")
    ask_to_prune()
    assert Message.objects.count() == 4


def test_what_becomes_old_while_the_question_waits_stays(talk, answers, monkeypatch):
    def wait(command, question):
        age(Message.objects.filter(text="neu"), "sent_at", YEAR - SECOND)
        clock.shift(10)
        return True

    monkeypatch.setattr(commands.Command, "confirm", wait)
    answers("")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ask_to_prune("--messages-older-than", "365")
    assert Message.objects.get().text == "neu"


@pytest.mark.parametrize(
    "days", ["6", "0", "-1", "x", "1e9", "9" * 30, "999999", "36501", "1_000", "٣٦٥"]
)
def test_what_is_no_number_of_days_is_refused_and_nothing_goes(talk, days):
    with pytest.raises((CommandError, SystemExit)):
        prune(f"--messages-older-than={days}")
    assert Message.objects.count() == 4


def test_a_dry_run_counts_what_would_go_and_deletes_nothing(talk):
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    count = Event.objects.count()
    told = prune("--dry-run", "--messages-older-than", "365")
    assert str(count) in told
    assert (Event.objects.count(), Message.objects.count()) == (count, 4)
    assert not EventLog.objects.exists()
    done = prune("--messages-older-than", "365")
    assert counts(told) == counts(done.splitlines()[-1]) != []


@pytest.mark.parametrize(("trouble", "code"), [(KeyboardInterrupt, 130), (OperationalError, 1)])
def test_what_stops_it_leaves_whole_batches_and_has_pages_load_anew(
    alice, talk, small_batches, monkeypatch, trouble, code
):
    delete, head = pruning.delete_messages, EventLog.objects.head()

    def stop_at_the_second(ids):
        delete(ids)
        if talk[2].id in ids:
            raise trouble

    monkeypatch.setattr(pruning, "delete_messages", stop_at_the_second)
    with pytest.raises(CommandError) as error:
        prune("--messages-older-than", "365")
    assert error.value.returncode == code
    assert " 2" in str(error.value)
    assert texts("alice", "bob") == ["alt 2", "neu"]
    assert Api(alice).get("events/", after=head).json() == {"reset": True}
    assert Membership.objects.with_unread().get(user=alice).unread == 2


def test_a_second_run_finds_nothing_more(talk):
    prune("--messages-older-than", "365")
    age(Event.objects.all(), "created_at", WEEK + SECOND)
    prune()
    before = EventLog.objects.get().pruned_through
    prune("--messages-older-than", "365")
    assert EventLog.objects.get().pruned_through == before
