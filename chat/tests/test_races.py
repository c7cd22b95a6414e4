"""Somebody or something is deleted between the look and the act: the answer is a clean one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import RetiredUsername, User
from accounts.services import delete_account, rename
from chat import marking
from chat.access import get_message
from chat.live import typing
from chat.marking import Mark
from chat.models import Message, Notice, Report
from chat.moderation import services as moderation
from chat.pruning import delete_messages
from friends import services as friends
from friends.models import Friendship
from tests.cast import Api, befriend, make_user, say
from webchat.database import queueing

# Every POST of the chat and the friends that is about somebody, and its data.
POSTS = {
    "conversations/bob/messages/": {"text": "x", "client_id": str(uuid4())},
    "conversations/bob/messages/hide/": {"ids": list(range(1, 100))},
    "conversations/bob/read/": {"up_to": 2**40},
    "conversations/bob/pin/": {"on": True},
    "conversations/bob/mute/": {"on": True},
    "conversations/bob/hide/": {"on": True},
    "conversations/bob/unread/": {"on": True},
    "messages/{mine}/recall/": {},
    "messages/{theirs}/hide/": {},
    "messages/{theirs}/report/": {"reason": "x"},
    "friends/bob/report/": {"reason": "x"},
    "friends/bob/remove/": {},
    "friends/bob/remark/": {"remark": "x"},
    "friends/bob/block/": {},
    "friends/bob/unblock/": {},
    "friends/requests/{request}/accept/": {},
    "friends/requests/{request}/decline/": {},
    "friends/requests/{asked}/withdraw/": {},
    "friends/requests/": {"username": "mallory", "note": ""},
}
PAGES = {
    "/chat/bob/": {"text": "x", "client_id": str(uuid4()), "up_to": "9"},
    "/chat/bob/?": {"action": "read", "up_to": "9"},
    "/chat/bob/report/": {"message": "{theirs}", "reason": "x"},
    "/chat/bob/report/?": {"message": "", "reason": "x"},
    "/chat/bob/file/": {"client_id": str(uuid4())},
    "/chat/bob/arrange/": {"pinned": "on", "muted": "on"},
    "/contacts/bob/remove/": {},
    "/contacts/bob/remark/": {"remark": "x"},
    "/contacts/bob/block/": {},
    "/contacts/bob/unblock/": {},
    "/contacts/requests/": {"username": "mallory", "note": ""},
    "/contacts/requests/{request}/accept/": {},
    "/contacts/requests/{request}/decline/": {},
    "/contacts/requests/{asked}/withdraw/": {},
}
# These are about nobody else: one's own notices and announcements.
OWN = {
    "notices/<int:pk>/confirm/",
    "announcements/seen/",
    "notices/confirm/",
    "export/",
    "uploads/",
    "me/avatar/",
    "uploads/<uuid:client_id>/finish/",
}
LOSSES: dict[str, Callable[[], Any]] = {
    "the account": lambda: [delete_account(user=user) for user in _all_but_alice()],
    "the friendship": lambda: [
        friends.remove(friendship=each) for each in Friendship.objects.filter(owner__username="bob")
    ],
    "the message": lambda: delete_messages(list(Message.objects.values_list("pk", flat=True))),
    "the name": lambda: [rename(user=user, username=f"{user}-2") for user in _all_but_alice()],
}


def _all_but_alice() -> list[User]:
    return list(User.objects.exclude(username="alice"))


@contextmanager
def losing(monkeypatch, loss: Callable[[], Any]) -> Iterator[list[bool]]:
    """Delete something just before the next transaction begins; the list says if it happened."""
    done = []

    def after_the_loss(begin: Callable[..., Any]) -> Callable[..., Any]:
        def lose_and_begin(*args: Any, **kwargs: Any) -> Any:
            if not done:
                done.append(True)
                loss()
            return begin(*args, **kwargs)

        return lose_and_begin

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "atomic", after_the_loss(transaction.atomic))
        patch.setattr(queueing, "begin", after_the_loss(queueing.begin))
        yield done


@pytest.fixture
def ids(alice, bob, carol, mallory) -> dict[str, int]:
    """The ids of one row of each kind, all of which alice may act on."""
    friends.block(owner=alice, target=make_user("dora"))
    asked = friends.ask(sender=alice, username="dora")
    return {
        "mine": say(alice, bob, "1").id,
        "theirs": say(bob, alice, "2").id,
        "request": alice.requests_received.get().pk,
        "asked": asked.pk,
    }


def is_whole() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        return cursor.fetchall() == []


def fill(words: str, ids: dict[str, int]) -> str:
    return words.format(**ids)


@pytest.mark.sweeps
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("path", POSTS)
def test_whatever_is_posted_while_it_goes_is_answered(ids, alice, monkeypatch, path, loss):
    api = Api(alice)
    with losing(monkeypatch, LOSSES[loss]) as done:
        answer = api.post(fill(path, ids), **POSTS[path])
    assert done
    assert answer.status_code < 500
    assert is_whole()
    is_of_a_thread = path.startswith(("conversations/", "messages/"))
    if loss in ("the account", "the friendship") and is_of_a_thread:
        assert answer.status_code == 404
    if loss == "the message" and path.startswith("messages/"):
        assert answer.status_code == 404


@pytest.mark.sweeps
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_answered_too(ids, alice, monkeypatch, path, loss):
    client = Client()
    client.force_login(alice)
    data: dict[str, Any] = {name: fill(value, ids) for name, value in PAGES[path].items()}
    if path.endswith("/file/"):
        data["file"] = SimpleUploadedFile("x.txt", b"x")
    with losing(monkeypatch, LOSSES[loss]) as done:
        answer = client.post(fill(path, ids), data)
    assert done
    assert answer.status_code < 500
    assert is_whole()


@pytest.mark.django_db(transaction=True)  # foreign keys are checked at the commit
@pytest.mark.parametrize("path", POSTS)
def test_who_deletes_the_account_meanwhile_has_no_session(ids, alice, monkeypatch, path):
    api = Api(alice)
    with losing(monkeypatch, partial(delete_account, user=alice)):
        answer = api.post(fill(path, ids), **POSTS[path])
    assert answer.status_code in (200, 401, 404)
    assert is_whole()
    assert not User.objects.filter(pk=alice.pk).exists()


def test_none_is_forgotten_here():
    """The tables above name every address of the two apps that takes a POST."""
    known = {_shape(path) for path in [*POSTS, *PAGES, *OWN]}
    assert {_shape(route) for route in _posted_to()} <= known


def _posted_to() -> Iterator[str]:
    for app in ("chat.urls", "friends.urls"):
        for route, pattern in _routes(get_resolver(app)):
            # `endpoint` stores its handlers, `require_POST` and the like their methods.
            cells = [cell.cell_contents for cell in _closures(pattern.callback)]
            if any("POST" in each for each in cells if isinstance(each, dict | list)):
                yield route.removeprefix("api/")


def _closures(function: Any) -> Iterator[Any]:
    while function is not None:
        yield from function.__closure__ or ()
        function = getattr(function, "__wrapped__", None)


def _routes(resolver: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        else:
            yield route, pattern


def _shape(path: str) -> str:
    path = path.strip("/?").replace("{", "<").replace("}", ">")
    words = ["<>" if "<" in word or word == "bob" else word for word in path.split("/")]
    return "/".join(words) + "/"


@pytest.mark.parametrize("loss", LOSSES)
def test_the_frames_of_a_socket_are_answered_too(ids, alice, monkeypatch, loss):
    for act in (
        lambda: marking.mark_all([Mark(alice.pk, "bob", ids["theirs"])]),
        lambda: typing.note_to(alice, "bob"),
    ):
        with losing(monkeypatch, LOSSES[loss]), suppress(Http404):
            act()
        assert is_whole()


@pytest.mark.parametrize("act", ["warn", "mute", "unmute", "ban", "unban", "sign_out"])
def test_a_moderator_who_acts_upon_somebody_who_goes_is_told_so(ids, bob, monkeypatch, act):
    root = Client(headers={"accept-language": "en"})
    root.force_login(User.objects.create_superuser("root"))
    with losing(monkeypatch, bob.delete):
        url = f"/admin/accounts/user/{bob.pk}/moderate/{act}/"
        answer = root.post(url, {"words": "x", "hours": "1"}, follow=True)
    assert "This account is gone already." in answer.content.decode()
    assert is_whole()
    assert not Notice.objects.exists()


def test_what_is_recalled_meanwhile_gets_into_no_report(ids, alice, monkeypatch):
    def recall() -> None:
        thread, message = get_message(User.objects.get(username="bob"), ids["theirs"])
        message.recall()

    with losing(monkeypatch, recall):
        thread, message = get_message(alice, ids["theirs"])
        moderation.report_message(reporter=alice, thread=thread, message=message, reason="x")
    assert [each["text"] for each in Report.objects.get().snapshot] == ["1", ""]


def act_at_random(user: User, seed: int, statuses: list[int]) -> None:
    chance, api = random.Random(seed), Api(user)
    paths = [path for path in POSTS if "request" not in path]
    try:
        for _time in range(15):
            path = chance.choice(paths)
            newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 1
            data = POSTS[path] | ({"client_id": str(uuid4())} if "text" in POSTS[path] else {})
            answer = api.post(fill(path, {"mine": newest, "theirs": newest}), **data)
            statuses.append(answer.status_code)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_everything_at_once_and_nothing_breaks(alice, settings):
    """A friend comes and goes while alice does all she can, in three tabs."""
    settings.SEND_RATE = None
    statuses: list[int] = []

    def come_and_go() -> None:
        try:
            while any(not each.done() for each in acting):
                bob = make_user("bob")
                befriend(bob, alice)
                before = len(statuses)
                while len(statuses) == before and any(not each.done() for each in acting):
                    with suppress(ValidationError):  # alice has ended it
                        say(bob, alice, "x")
                    time.sleep(0.02)
                delete_account(user=bob)
                RetiredUsername.objects.all().delete()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        acting = [threads.submit(act_at_random, alice, seed, statuses) for seed in range(3)]
        threads.submit(come_and_go).result()
        assert [each.result() for each in acting] == [None] * 3
    assert len(statuses) == 45
    assert 200 in statuses
    assert {status for status in statuses if status >= 500} <= {503}
    assert is_whole()
