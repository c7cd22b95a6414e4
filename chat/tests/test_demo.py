"""The class of `manage.py demo`: complete, usable, and removed without a trace."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import RetiredUsername, User
from accounts.pinyin import read_names
from accounts.traces import find_orphans
from chat.demo import making, shared
from chat.demo.people import NAMES
from chat.demo.pictures import DRAWN
from chat.demo.talk import TALKS
from chat.models import Attachment, Conversation, EventLog, Membership, Message
from friends.models import FriendRequest, Friendship
from tests.cast import Api, befriend, make_user, say

FIRST = NAMES[0]


def demo(*options: str) -> str:
    printed = io.StringIO()
    call_command("demo", *options, stdout=printed)
    return printed.getvalue()


@cache
def read_once(names):
    return read_names(names)


@pytest.fixture(autouse=True)
def _one_process_is_enough(monkeypatch, request, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(making, "read_names", lambda names: read_once(tuple(names)))
    if "with_pictures" not in request.fixturenames:
        monkeypatch.setattr(shared, "can_draw", lambda: False)


@pytest.fixture
def with_pictures():
    pytest.importorskip("PIL")


@pytest.fixture
def first(db):
    demo("--password", "blaue-Wolke-7")
    return User.objects.get(username=FIRST)


def test_it_makes_thirty_people_who_can_log_in_and_have_talked(first):
    assert User.objects.filter(is_demo=True).count() == 30
    request = RequestFactory().post("/login/")
    for user in User.objects.all()[:2]:
        assert authenticate(request, username=user.username, password="blaue-Wolke-7") == user
    assert Friendship.objects.count() == 2 * Conversation.objects.count() > 120
    for friendship in Friendship.objects.select_related("owner", "friend"):
        mirrored = Friendship.objects.filter(owner=friendship.friend, friend=friendship.owner)
        assert mirrored.count() == 1
    assert Membership.objects.count() == 2 * Conversation.objects.count()
    assert Message.objects.count() > 500


def test_times_and_ids_go_the_same_way_over_several_days_and_none_is_in_the_future(first):
    times = list(Message.objects.order_by("id").values_list("sent_at", flat=True))
    assert times == sorted(times)
    assert times[-1] < timezone.now()
    assert timedelta(days=3) < times[-1] - times[0] < timedelta(days=7)
    for message in Message.objects.select_related("conversation"):
        assert message.sender_id in (message.conversation.low_id, message.conversation.high_id)
        assert "{" not in message.text


def test_the_first_of_them_finds_something_of_everything(first):
    api = Api(first)
    chats = api.get("conversations/").json()["conversations"]
    assert len(chats) == 18
    assert all(chat["last_message"] for chat in chats)
    assert sorted(api.unread().values()) == [1, 1, 1, 1, 4]
    assert sum(chat["pinned"] for chat in chats) == 2
    assert sum(chat["muted"] for chat in chats) == 1
    assert sum(bool(chat["remark"]) for chat in chats) == 7
    requests = api.get("friends/requests/").json()
    assert (len(requests["received"]), len(requests["sent"])) == (3, 1)
    assert api.get("search/", q="实验").json()["messages"]
    assert Friendship.objects.of(first).exclude(friend__pinyin="").exists()
    [found] = api.get("search/", q="wangzihan").json()["friends"]
    assert found["username"] == "王子涵"


def files_in(*folders: str) -> set[str]:
    return {path.name for each in folders for path in (settings.DATA_DIR / each).iterdir()}


def test_they_have_sent_each_other_pictures_and_some_have_a_face(with_pictures, first):
    sent = Attachment.objects.select_related("message")
    assert {each.name for each in sent} == {shared.TABLE, *DRAWN}
    for each in sent:
        assert each.message.text == ""
        assert each.size == each.path.stat().st_size
        assert (each.kind == "picture") == bool(each.preview_path and each.preview_path.stat())
    with_face = User.objects.exclude(face="")
    assert 10 < len(with_face) < 30
    faces = {user.face for user in with_face}
    assert files_in("attachments") == faces | {each.file for each in sent}
    assert files_in("previews") == {each.preview for each in sent} - {""}
    assert not files_in("uploads")


def test_without_pillow_the_talk_goes_on_without_its_pictures(first):
    assert {each.name for each in Attachment.objects.all()} == {shared.TABLE}
    assert not Message.objects.filter(text="", attachment=None).exists()
    assert not User.objects.exclude(face="").exists()


def test_a_class_that_fails_leaves_no_files(with_pictures, db, monkeypatch):
    def fail(*_args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(making, "_read", fail)
    with pytest.raises(RuntimeError):
        demo()
    assert files_in("attachments", "previews", "uploads") == set()


def test_nobody_hears_the_same_talk_twice(first):
    openings = Counter(
        Message.objects.filter(conversation__in=Conversation.objects.of(first))
        .exclude(text__in=[talk[0].text for talk in TALKS if len(talk) < 3])
        .filter(text__in=[talk[0].text for talk in TALKS])
        .values_list("text", flat=True)
    )
    assert openings
    assert max(openings.values()) == 1


def test_they_can_go_on_talking(first):
    api = Api(first)
    [name, *_others] = api.friend_names()
    assert api.say(name, "下午见").status_code == 201
    assert api.texts(name)[-1] == "下午见"


def test_a_second_run_says_that_it_is_there_and_changes_nothing(first):
    count = Message.objects.count()
    assert "30" in demo()
    assert (User.objects.count(), Message.objects.count()) == (30, count)


def test_a_password_is_made_where_none_is_given(db):
    password = re.findall(r"[\w-]+", demo())[-1]
    request = RequestFactory().post("/login/")
    assert authenticate(request, username=FIRST, password=password)


def test_a_password_that_nobody_may_have_is_refused(db):
    with pytest.raises(CommandError):
        demo("--password", "12345")
    assert not User.objects.exists()


def test_where_people_have_accounts_it_wants_to_be_told_twice(alice):
    with pytest.raises(CommandError, match="--yes"):
        demo()
    assert User.objects.count() == 1
    demo("--yes")
    assert User.objects.count() == 31


def test_an_administrator_alone_is_not_people(db):
    User.objects.create_superuser("chief", password="blaue-Wolke-7")
    demo()
    assert User.objects.filter(is_demo=True).count() == 30


def test_a_name_that_somebody_has_is_left_to_them(db):
    real = make_user(NAMES[3])
    demo("--yes")
    assert User.objects.filter(is_demo=True).count() == 30
    assert not User.objects.get(pk=real.pk).is_demo
    assert not Friendship.objects.filter(owner=real).exists()


def test_too_many_names_that_are_taken_are_an_honest_end(db):
    for name in NAMES[:11]:
        make_user(name)
    with pytest.raises(CommandError):
        demo("--yes")
    assert User.objects.count() == 11


def test_a_picture_of_a_face_has_its_name_only_when_it_is_whole(with_pictures, db, monkeypatch):
    real, synced = os.fsync, []

    def sync(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append(path.parent.name if path.is_file() else "")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    demo("--yes")
    assert User.objects.exclude(face="").exists()
    assert synced.count("uploads") > 0
    assert synced.count("attachments") == 0
    assert files_in("uploads") == set()


def test_removed_it_leaves_no_trace_and_can_be_made_again(
    with_pictures, first, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert "30" in demo("--remove")
    assert not User.objects.exists()
    assert not Message.objects.exists()
    assert not FriendRequest.objects.exists()
    assert not RetiredUsername.objects.exists()
    assert find_orphans() == []
    assert files_in("attachments", "previews", "uploads") == set()
    for name in (FIRST, NAMES[17], "Kevin_Lu"):
        call_command("verify_deletion", name, stdout=io.StringIO())
    demo()
    assert User.objects.get(username=FIRST).is_demo


def test_real_people_keep_what_is_theirs_and_see_the_class_leave(alice, bob):
    demo("--yes")
    befriend(alice, User.objects.get(username=FIRST))
    kept = say(alice, bob, "bleibt")
    head = EventLog.objects.head()
    demo("--remove")
    assert Api(alice).friend_names() == ["bob"]
    assert Api(bob).texts("alice") == ["bleibt"]
    assert Message.objects.get().pk == kept.id
    told = Api(alice).get("events/", after=head).json()["events"]
    assert [(each["kind"], each["username"], each["reason"]) for each in told] == [
        ("friend_removed", FIRST, "deleted")
    ]


def test_without_a_class_there_is_nothing_to_remove(alice):
    assert "0" in demo("--remove")
    assert User.objects.get() == alice


def test_ctrl_c_while_it_is_removed_leaves_whole_people_and_the_next_run_goes_on(
    first, monkeypatch
):
    from chat.management.commands import demo as command

    delete, deleted = command.delete_account, []

    def stop_after_three(*, user):
        if len(deleted) == 3:
            raise KeyboardInterrupt
        delete(user=user)
        deleted.append(user)

    monkeypatch.setattr(command, "delete_account", stop_after_three)
    with pytest.raises(CommandError) as error:
        demo("--remove")
    assert error.value.returncode == 130
    assert User.objects.count() == 27
    assert find_orphans() == []
    monkeypatch.undo()
    demo("--remove")
    assert not User.objects.exists()
