"""Deleting an account, by any way, deletes all of its data, and nobody is misinformed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models
from django.http import Http404
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from accounts.services import delete_account, rename
from chat import access, services
from chat.access import get_thread
from chat.models import Event, EventLog, Message
from chat.moderation.services import report_message
from friends.services import ask, block, set_remark
from tests.cast import Api, befriend, error_of, make_user, say

WAYS = {
    "the page": lambda user: delete_account(user=user),
    "a shell": lambda user: User.objects.get(pk=user.pk).delete(),
    "a query": lambda user: User.objects.filter(pk=user.pk).delete(),
}


def told(user: User, head: int) -> list[dict[str, Any]]:
    return Api(user).get("events/", after=head).json()["events"]


def rows_that_name(pk: int) -> dict[str, int]:
    """Count the rows of each table that point to an account."""
    found = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model is User:
                found[f"{model.__name__}.{field.name}"] = model.objects.filter(
                    **{field.attname: pk}
                ).count()
    return {name: count for name, count in found.items() if count}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_the_account_stays(alice, bob, carol, mallory, way):
    befriend(bob, mallory)
    say(alice, bob, "1")
    say(bob, alice, "2")
    Api(alice).post("conversations/bob/read/", up_to=99)
    ask(sender=bob, username="carol")
    ask(sender=make_user("dora"), username="bob")
    block(owner=alice, target=bob)
    block(owner=bob, target=mallory)
    Api(bob)
    pk = bob.pk
    assert len(rows_that_name(pk)) >= 12
    WAYS[way](bob)
    assert rows_that_name(pk) == {}
    assert not Message.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        assert cursor.fetchall() == []


@pytest.mark.parametrize("way", WAYS)
def test_the_head_of_the_log_only_rises_and_nobody_has_to_reload(alice, bob, carol, mallory, way):
    """The newest events belong to the account, and are deleted with it."""
    heads = {user: EventLog.objects.head() for user in (alice, carol, mallory)}
    say(alice, bob, "1")
    message = say(bob, alice, "2")
    Api(bob).post("conversations/alice/read/", up_to=message.id)
    assert Event.objects.latest("id").user == bob
    before = EventLog.objects.head()
    late = [*heads.items(), *[(user, before) for user in heads]]
    WAYS[way](bob)
    assert EventLog.objects.head() >= before
    for user, head in late:
        kinds = [event["kind"] for event in told(user, head)]
        assert kinds == (["friend_removed"] if user == alice else [])
        assert told(user, EventLog.objects.head()) == []


def test_several_accounts_go_at_once_though_they_know_each_other(alice, bob, carol, mallory):
    befriend(bob, carol)
    ask(sender=bob, username="mallory")
    head = EventLog.objects.head()
    User.objects.filter(username__in=["bob", "carol"]).delete()
    assert [(e["kind"], e.get("username")) for e in told(alice, head)] == [
        ("friend_removed", "bob"),
        ("request_changed", None),
    ]
    assert [e["kind"] for e in told(mallory, head)] == ["request_changed"]


def test_the_deletion_of_the_blocked_tells_the_blocker_of_the_friend_only(alice, bob, carol):
    block(owner=alice, target=bob)
    block(owner=alice, target=carol)
    head = EventLog.objects.head()
    bob.delete()
    carol.delete()
    [event] = told(alice, head)
    assert (event["kind"], event["username"]) == ("friend_removed", "bob")


def test_who_is_deleted_can_neither_read_nor_be_written_to(alice, bob):
    assert Api(alice).say("bob", "1").status_code == 201
    api = Api(bob)
    bob.delete()
    assert error_of(Api(alice).say("bob", "2")) == (404, "not_found")
    assert error_of(Api(alice).get("conversations/bob/messages/")) == (404, "not_found")
    assert error_of(api.say("alice", "3")) == (401, "not_authenticated")


def test_a_reader_whose_friend_goes_meanwhile_is_told_so(alice, bob):
    message = say(bob, alice, "1")
    thread = get_thread(alice, "bob")
    bob.delete()
    with pytest.raises(Http404):
        services.mark_read(thread=thread, up_to=message.id)


def test_a_thread_whose_friend_goes_while_it_is_fetched_is_not_there(alice, bob, monkeypatch):
    get_friendship = access.get_friendship

    def get_and_lose(user: User, username: str) -> Any:
        friendship = get_friendship(user, username)
        bob.delete()
        return friendship

    monkeypatch.setattr(access, "get_friendship", get_and_lose)
    answer = Api(alice).post("conversations/bob/read/", up_to=1)
    assert error_of(answer) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_an_account_that_goes_while_friends_write_goes_whole(alice, settings):
    settings.SEND_RATE = None
    friends = [make_user(f"friend{number}") for number in range(4)]
    for friend in friends:
        befriend(alice, friend)
    head = EventLog.objects.head()

    def write(friend: User) -> list[int]:
        api = Api(friend)
        try:
            return [api.say("alice", f"{number}").status_code for number in range(20)]
        finally:
            connection.close()

    def go() -> None:
        try:
            delete_account(user=alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as threads:
        writing = [threads.submit(write, friend) for friend in friends]
        threads.submit(go).result()
    for each in writing:
        statuses = each.result()
        assert set(statuses) <= {201, 404}
        assert statuses == sorted(statuses), "once gone, gone"
    assert not Message.objects.exists()
    for friend in friends:
        assert [event["kind"] for event in told(friend, head)] == ["friend_removed"]


def verify(username: str) -> str:
    out = StringIO()
    with translation.override("en"):
        call_command("verify_deletion", username, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("way", [*WAYS, "the admin"])
def test_nothing_names_the_account_but_what_is_kept_on_purpose(alice, bob, carol, way):
    befriend(bob, carol)
    set_remark(friendship=alice.friendships.get(), remark="bob 同学")
    say(bob, carol, "bob was here")
    rename(user=bob, username="bobby")
    rename(user=bob, username="bob.b")
    message = say(bob, alice, "1")
    thread, message = access.get_message(alice, message.id)
    report_message(reporter=alice, thread=thread, message=message, reason="bob.b")
    Api(alice).client.post("/contacts/bob.b/remove/")
    ask(sender=bob, username="alice", note="I am bob.b")
    if way == "the admin":
        root = Client()
        root.force_login(User.objects.create_superuser("root"))
        root.post(reverse("admin:accounts_user_delete", args=[bob.pk]), {"post": "yes"})
    else:
        WAYS[way](bob)
    printed = verify("bob.b")
    assert "tells a friend" in printed
    assert "what was reported" in printed
    assert "entries of the audit log" in printed
    verify("bob")
    verify("bobby")


def test_raw_sql_is_refused_by_the_foreign_keys(transactional_db, alice, bob):
    say(alice, bob, "1")
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [bob.pk])
    assert User.objects.filter(pk=bob.pk).exists()
    assert Message.objects.exists()
    connection.check_constraints()


@pytest.mark.django_db(transaction=True)
def test_what_a_careless_hand_leaves_is_found(alice, bob):
    say(bob, alice, "1")
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [bob.pk])
    err = StringIO()
    with translation.override("en"), pytest.raises(CommandError):
        call_command("verify_deletion", "bob", stdout=StringIO(), stderr=err)
    assert "points to a accounts_user that is gone" in err.getvalue()
    for table in ("chat_message", "friends_friendship", "chat_membership"):
        assert f"LEFT: {table}" in err.getvalue()
