"""The socket of a real server: the handshake."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.live import Person

from .conftest import head


def test_without_after_it_is_live_from_the_head(alice):
    with alice.open() as live:
        hello = live.next()
        now = datetime.fromisoformat(hello.pop("now"))
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
        assert hello == {"type": "hello", "username": "alice", "last_event": head(alice)}
        assert live.next() == {"type": "caught_up"}
        assert live.is_silent()


def test_what_was_missed_comes_in_order_before_what_is_live(alice, bob):
    after = head(bob)
    for number in range(3):
        assert alice.say("bob", f"m{number}").status_code == 201
    with bob.open(after) as live:
        hello = live.expect("hello")
        live.expect("caught_up")
        missed = [f for f in live.frames if f["type"] == "event"]
        assert [f["message"]["text"] for f in missed] == ["m0", "m1", "m2"]
        assert after < missed[0]["id"] < missed[1]["id"] < missed[2]["id"] == hello["last_event"]
        alice.say("bob", "live")
        event = live.expect("message")
        assert event["id"] > hello["last_event"]
        assert event["message"]["text"] == "live"
        assert event["message"]["with"] == "alice"


@pytest.mark.parametrize("after", ["x", "", "-1", str(2**70), "10000000"])
def test_an_after_that_the_log_does_not_know_is_a_reset(alice, after):
    with alice.open(after) as live:
        assert live.next()["type"] == "hello"
        assert live.next() == {"type": "reset"}


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null"])
def test_a_foreign_origin_is_refused_at_the_handshake(alice, origin):
    with pytest.raises(InvalidStatus) as refused:
        alice.open(origin=origin)
    assert refused.value.response.status_code == 403


def test_the_own_origin_is_welcome(alice):
    with alice.open(origin=alice.server.url) as live:
        assert live.next()["type"] == "hello"


@pytest.mark.parametrize("cookie", ["", "sessionid=nonsense", "sessionid=" + "a" * 32, ";;=;"])
def test_without_a_session_it_is_closed_with_4401(alice, cookie):
    with Person(alice.server, "nobody", "x").open(cookie=cookie) as live:
        assert live.close_code() == 4401


def test_a_page_of_somebody_else_gets_no_socket(alice, bob):
    def whose(person: Person) -> str:
        page = httpx.get(f"{person.server.url}/", headers={"Cookie": person.cookie})
        return re.search(r'data-user-id="(\d+)"', page.text)[1]

    with alice.open(f"{head(alice)}&user={whose(alice)}") as live:
        assert live.next()["type"] == "hello"
    for other in (whose(bob), "", "x"):
        with alice.open(f"{head(alice)}&user={other}") as live:
            assert live.close_code() == 4401


def test_the_eleventh_socket_of_a_person_is_closed(people):
    hans = people["hans"]
    sockets = [hans.open() for _number in range(10)]
    for live in sockets:
        live.expect("caught_up")
    with hans.open() as live:
        assert live.close_code() == 4429
    sockets.pop().socket.close()
    with hans.open() as live:
        live.expect("caught_up")
    for live in sockets:
        live.socket.close()
