"""Two worker processes and a shell, one log."""

from __future__ import annotations

import httpx
import pytest

from tests.live import settle
from tests.server import Server


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off", WEB_CONCURRENCY="2") as server:
        yield settle(server, ["alice", "bob"], [("alice", "bob")])


def test_a_message_sent_through_one_worker_is_in_the_events_of_both_at_once(people):
    alice, bob = people["alice"], people["bob"]
    for number in range(20):
        after = bob.get("me/").json()["last_event"]
        # A new connection each time: the kernel decides which worker gets it.
        assert alice.say("bob", f"n{number}").status_code == 201
        for _look in range(3):
            events = bob.get("events/", after=after).json()["events"]
            assert [event["message"]["text"] for event in events] == [f"n{number}"]


def test_what_the_shell_writes_is_in_the_events_at_once(people):
    alice, bob = people["alice"], people["bob"]
    after = bob.get("me/").json()["last_event"]
    code = """
from uuid import uuid4
from accounts.models import User
from chat.sending.drafts import Draft
from chat.sending.posting import post_message
alice = User.objects.get(username="alice")
post_message(Draft.parse(alice.pk, to="bob", text="aus der Shell", client_id=str(uuid4())))
"""
    alice.server.manage("shell", "-c", code)
    [event] = bob.get("events/", after=after).json()["events"]
    assert event["message"]["text"] == "aus der Shell"
    assert alice.texts("bob")[-1] == "aus der Shell"


def test_sockets_of_both_workers_hear_of_every_message_in_one_order(people):
    alice, bob = people["alice"], people["bob"]
    sockets = [bob.open() for _number in range(6)]
    try:
        for live in sockets:
            live.expect("caught_up")
        with alice.open() as one, alice.open() as other:
            one.expect("caught_up")
            other.expect("caught_up")
            for number in range(10):
                (one, other)[number % 2].say("bob", f"s{number}")
        heard = [[live.expect("message") for _number in range(10)] for live in sockets]
    finally:
        for live in sockets:
            live.socket.close()
    for events in heard:
        assert events == heard[0]
        assert [e["id"] for e in events] == sorted(e["id"] for e in events)
    assert {e["message"]["text"] for e in heard[0]} == {f"s{number}" for number in range(10)}


def test_pages_are_served_by_two_processes(people):
    server = people["alice"].server
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
    with open(children) as file:
        assert len(file.read().split()) == 2


def test_typing_reaches_the_sockets_of_both_workers(people):
    alice, bob = people["alice"], people["bob"]
    sockets = [bob.open() for _number in range(6)]
    try:
        for live in sockets:
            live.expect("caught_up")
        with alice.open() as writer:
            writer.expect("caught_up")
            writer.send({"type": "typing", "to": "bob"})
            for live in sockets:
                assert live.expect("typing") == {"type": "typing", "from": "alice"}
    finally:
        for live in sockets:
            live.socket.close()
