"""Whatever people do, an open page ends up showing the same as a fresh one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from chat.log import reading
from chat.models import EventLog, Message, conversations
from chat.pruning import delete_messages
from tests.cast import Api, befriend, make_user
from webchat.database.questions import Listing

NAMES = ("anna", "bert", "cleo")
UNREAD_AT_MOST = 3
BATCH = 3
# `FOLDING_EXAMPLES=500 pytest chat/tests/test_folding.py` looks harder.
EFFORT = settings(
    max_examples=int(os.environ.get("FOLDING_EXAMPLES", "18")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

pairs = st.permutations(NAMES).map(lambda names: names[:2])
names = st.sampled_from(NAMES)
numbers = st.integers(0, 3)


class Page:
    """The state of a page in somebody's browser, and its folding of events."""

    def __init__(self, api: Api, user: User) -> None:
        self.api = api
        self.user = user
        answer = self.api.get("conversations/").json()
        self.cursor = answer["last_event"]
        self.chats = {chat["with"]: chat for chat in answer["conversations"]}
        self.is_complete = False
        self.is_live = False

    def complete(self) -> None:
        """Load the lists that need requests of their own, maybe later."""
        self.friends = {f["username"]: f for f in self.api.get("friends/").json()["friends"]}
        requests = self.api.get("friends/requests/").json()
        self.received = {request["id"]: request for request in requests["received"]}
        self.sent = {request["id"]: request for request in requests["sent"]}
        self.is_complete = True

    @property
    def shown(self) -> dict[str, Any]:
        unread = {name: chat["unread"] for name, chat in self.chats.items() if chat["unread"]}
        order = sorted(self.chats.values(), key=newest_first)
        return {
            "chats": order,
            "friends": self.friends,
            "received": self.received,
            "sent": self.sent,
            "unread": unread,
        }

    def catch_up(self) -> None:
        more = True
        while more:
            answer = self.api.get("events/", after=self.cursor).json()
            assert "reset" not in answer
            assert len(answer["events"]) <= BATCH
            for event in answer["events"]:
                assert event["id"] > self.cursor, "in order, and each once"
                self.fold(event)
            assert answer["last_event"] >= self.cursor
            self.cursor, more = answer["last_event"], answer["more"]

    def fold(self, event: dict[str, Any]) -> None:
        self.cursor = event["id"]
        getattr(self, f"on_{event['kind']}")(event)

    def on_message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        chat = self.chats[message["with"]]
        chat["last_message"] = message
        chat.pop("hidden", None)  # the chat comes back with the next message
        if message["sender"] == message["with"]:
            chat["unread"] = min(chat["unread"] + 1, UNREAD_AT_MOST)

    def on_message_changed(self, event: dict[str, Any]) -> None:
        pass  # the last message and the count come with the conversation

    def on_message_hidden(self, event: dict[str, Any]) -> None:
        pass

    def on_read(self, event: dict[str, Any]) -> None:
        self.chats[event["with"]] |= {key: event[key] for key in ("unread", "last_read")}

    def on_conversation_changed(self, event: dict[str, Any]) -> None:
        self.chats[event["conversation"]["with"]] = event["conversation"]

    def on_friend_added(self, event: dict[str, Any]) -> None:
        friend = event["friend"]
        self.friends[friend["username"]] = friend
        empty = {
            "last_message": None, "unread": 0, "last_read": 0, "pinned": False, "muted": False,
        }  # fmt: skip
        self.chats.setdefault(friend["username"], empty)
        self.chats[friend["username"]] |= {"with": friend["username"], "remark": friend["remark"]}

    def on_friend_changed(self, event: dict[str, Any]) -> None:
        self.on_friend_added(event)

    def on_friend_removed(self, event: dict[str, Any]) -> None:
        self.friends.pop(event["username"], None)
        self.chats.pop(event["username"], None)

    def on_friend_request(self, event: dict[str, Any]) -> None:
        requests = {"sent": self.sent, "received": self.received}[event["direction"]]
        requests[event["request"]["id"]] = event["request"]

    def on_request_changed(self, event: dict[str, Any]) -> None:
        self.received.pop(event["request_id"], None)
        self.sent.pop(event["request_id"], None)


def newest_first(chat: dict[str, Any]) -> tuple[int, str]:
    message = chat["last_message"]
    return (-message["id"] if message else 0), chat["with"]


class Lives(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.users: dict[str, User] = {}
        self.apis: dict[str, Api] = {}
        for name in NAMES:
            self.register(name)
        befriend(self.users["anna"], self.users["bert"])
        self.pages: list[Page] = []
        self.delivered_through = EventLog.objects.head()

    def teardown(self) -> None:
        try:
            for page in self.pages:
                self.bring_up_to_date(page)
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    # Acts of people. Many are refused, which must change nothing.

    def register(self, name: str) -> None:
        self.users[name] = make_user(name)
        self.apis[name] = Api(self.users[name])

    def post(self, who: str, path: str, **data: Any) -> int:
        answer = self.apis[who].post(path, **data)
        assert answer.status_code < 500
        return answer.status_code

    @rule(pair=pairs, number=numbers)
    def say(self, pair, number):
        self.apis[pair[0]].say(pair[1], f"{number}")

    @rule(pair=pairs, number=numbers)
    def read(self, pair, number):
        newest = Message.objects.order_by("-id").values_list("id", flat=True).first() or 0
        self.post(pair[0], f"conversations/{pair[1]}/read/", up_to=newest - number)

    @rule(number=numbers, what=st.sampled_from(["recall", "hide"]), who=names)
    def take_away(self, number, what, who):
        newest = Message.objects.order_by("-id").values_list("id", flat=True).first() or 0
        self.post(who, f"messages/{max(newest - number, 0)}/{what}/")

    @rule(pair=pairs, how=st.sampled_from(["pin", "mute", "unread", "hide"]), on=st.booleans())
    def arrange(self, pair, how, on):
        self.post(pair[0], f"conversations/{pair[1]}/{how}/", on=on)

    @rule(pair=pairs)
    def ask(self, pair):
        self.post(pair[0], "friends/requests/", username=pair[1])

    @rule(who=names, act=st.sampled_from(["accept", "accept", "decline", "withdraw"]))
    def answer(self, who, act):
        waiting = self.apis[who].get("friends/requests/").json()
        for request in waiting["sent" if act == "withdraw" else "received"]:
            assert self.post(who, f"friends/requests/{request['id']}/{act}/") == 200

    @rule(pair=pairs, act=st.sampled_from(["remove", "block", "unblock"]))
    def act(self, pair, act):
        self.post(pair[0], f"friends/{pair[1]}/{act}/")

    @rule(pair=pairs)
    def reunite(self, pair):
        """End a friendship, and begin it again with another conversation."""
        self.act(pair, "remove")
        self.ask(pair)
        self.answer(pair[1], "accept")

    @rule(pair=pairs, number=numbers)
    def remark(self, pair, number):
        self.post(pair[0], f"friends/{pair[1]}/remark/", remark="r" * number)

    @rule(number=numbers, skipped=numbers)
    def prune(self, number, skipped):
        said = Message.objects.order_by("id").values_list("id", flat=True)
        delete_messages(said[skipped : skipped + number])

    @rule(who=names)
    def leave_and_return(self, who):
        self.pages = [page for page in self.pages if page.user != self.users[who]]
        self.users[who].delete()
        self.register(who)

    # Acts of pages.

    @rule(who=names)
    def open_page(self, who):
        self.pages.append(Page(self.apis[who], self.users[who]))

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def finish_loading(self, data):
        page = data.draw(st.sampled_from(self.pages))
        if not page.is_complete:
            page.complete()

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), live=st.booleans())
    def update(self, data, live):
        page = data.draw(st.sampled_from(self.pages))
        self.bring_up_to_date(page)
        page.is_live = live

    @rule()
    def deliver(self):
        """Deliver events as the feed does, to everyone connected."""
        live = {page.user.pk for page in self.pages if page.is_live}
        more = True
        while more:
            news = reading.read_for(lambda: live, self.delivered_through)
            for user_id, event in news.shown:
                assert user_id in live
                for page in self.pages:
                    if page.is_live and page.user.pk == user_id and event["id"] > page.cursor:
                        page.fold(json.loads(json.dumps(event)))
            self.delivered_through, more = news.through, news.more
        for page in self.pages:
            if page.is_live:
                page.cursor = max(page.cursor, self.delivered_through)
                self.compare(page)

    def bring_up_to_date(self, page: Page) -> None:
        if not page.is_complete:
            page.complete()
        page.catch_up()
        self.compare(page)

    def compare(self, page: Page) -> None:
        fresh = Page(page.api, page.user)
        fresh.complete()
        assert page.shown == fresh.shown
        assert page.shown["unread"] == page.api.unread()


@contextmanager
def compiled_anew(question: Listing[Any]) -> Iterator[None]:
    """Let a constant that is changed meanwhile count: it was compiled by an earlier test, maybe."""
    with mock.patch.dict(vars(question)):
        vars(question).pop("_compiled", None)
        yield


@pytest.mark.django_db
def test_an_open_page_comes_to_show_what_a_fresh_one_shows(settings):
    settings.SEND_RATE = None
    with (
        mock.patch.object(conversations, "UNREAD_AT_MOST", UNREAD_AT_MOST),
        compiled_anew(conversations.UNREAD),
        compiled_anew(conversations.WITH_STATE),
        mock.patch.object(reading, "BATCH", BATCH),
    ):
        run_state_machine_as_test(Lives, settings=EFFORT)
