"""Life after an import goes on, and a second import undoes nothing."""

from __future__ import annotations

from accounts.models import User
from accounts.services import delete_account, rename
from chat.legacy.report import KINDS
from chat.models import Attachment, Event, EventLog, Message
from friends.models import FriendRequest, Friendship
from friends.services import decline, remove
from tests.cast import Api, befriend, make_user, say

from .conftest import accounted, stored_files, tables, texts, tree_v1, tree_v3


def test_what_people_changed_since_is_not_undone_by_a_second_import(old):
    tree_v3(old)
    old.run()
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    decline(request=FriendRequest.objects.get())
    remove(friendship=Friendship.objects.get(owner=alice, friend=bob))
    delete_account(user=User.objects.get(username="王伟"))
    rename(user=User.objects.get(username="carol"), username="caro")
    report, _printed = old.run()
    accounted(report)
    assert [report[kind]["imported"] for kind in KINDS] == [0, 0, 0, 0, 0]
    assert not Friendship.objects.exists()
    assert not FriendRequest.objects.exists()
    assert set(User.objects.values_list("username", flat=True)) == {"alice", "bob", "caro"}


def test_old_messages_are_not_mixed_into_a_conversation_that_goes_on(old):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    say(alice, bob, "new")
    tree_v1(old)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 1, 0, 3]
    assert accounted(report)["attachments"] == [1, 0, 0, 1]
    assert texts("alice", "bob") == ["new"]
    assert len(stored_files()) == len(set(Attachment.objects.values_list("file", flat=True)))


def test_an_import_after_talk_on_imported_messages_finds_them_there(old):
    tree_v1(old)
    old.run()
    say(User.objects.get(username="bob"), User.objects.get(username="alice"), "new")
    before = tables()
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 0, 4, 0]
    assert tables() == before


def test_nothing_is_news_and_every_open_page_loads_anew(old):
    alice = make_user("alice")
    head = EventLog.objects.head()
    count = Event.objects.count()
    tree_v1(old)
    old.run()
    assert Event.objects.count() == count
    assert Api(alice).get("events/", after=head).json() == {"reset": True}
    after = EventLog.objects.head()
    old.run()
    assert EventLog.objects.head() == after


def test_nobody_can_send_again_what_was_imported(old):
    tree_v1(old)
    old.run()
    message = Message.objects.get(text="你好，Bob")
    answer = Api(message.sender).say("bob", message.text, message.client_id)
    assert answer.status_code == 409
