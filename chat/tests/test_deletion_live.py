"""An account is deleted while friends write to it, on a real server."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import httpx
import pytest

from tests.live import Live, Person, settle
from tests.server import Server

PASSWORD = "blaue-Wolke-7"
PAUSE = 0.02  # 50 messages a second


@pytest.fixture
def people(tmp_path):
    with Server(tmp_path, SEND_RATE="off", WEB_CONCURRENCY="2") as server:
        names = ["alice", "bob", "bob_smith", "carol"]
        pairs = [("alice", "bob"), ("carol", "bob"), ("alice", "bob_smith")]
        people = settle(server, names, pairs)
        code = (
            "from accounts.models import User;"
            "user = User.objects.get(username='bob');"
            f"user.set_password({PASSWORD!r});"
            "user.save()"
        )
        server.manage("shell", "-c", code)
        yield people


def write_by_socket(live: Live, over: Event) -> None:
    while not over.is_set():
        live.say("bob", "noch eine")
        time.sleep(PAUSE)


def write_by_http(person: Person, over: Event) -> list[int]:
    statuses = []
    while not over.is_set():
        statuses.append(person.say("bob", "noch eine").status_code)
        time.sleep(PAUSE)
    return statuses


def delete(server: Server, username: str) -> None:
    with httpx.Client(base_url=server.url) as browser:

        def post(path: str, **typed: str) -> httpx.Response:
            [typed["csrfmiddlewaretoken"]] = [
                value for name, value in browser.cookies.items() if name.endswith("csrftoken")
            ]
            return browser.post(path, data=typed)

        browser.get("/login/")
        assert post("/login/", username=username, password=PASSWORD).status_code == 302
        assert "条消息" in browser.get("/account/delete/").text
        response = post("/account/delete/", password=PASSWORD)
        assert (response.status_code, response.headers["location"]) == (302, "/login/")


def removal_after(live: Live) -> float:
    live.expect("friend_removed", timeout=10)
    return time.monotonic()


def test_friends_who_write_all_the_while_see_no_fault_and_nothing_is_left(people):
    alice, carol = people["alice"], people["carol"]
    over = Event()
    with (
        alice.open() as live,
        carol.open() as watching,
        ThreadPoolExecutor(3) as threads,
    ):
        live.expect("caught_up")
        watching.expect("caught_up")
        by_socket = threads.submit(write_by_socket, live, over)
        by_http: Future[list[int]] = threads.submit(write_by_http, carol, over)
        told_at = threads.submit(removal_after, watching)
        time.sleep(1)
        delete(alice.server, "bob")
        deleted_at = time.monotonic()
        assert told_at.result() - deleted_at < 1
        time.sleep(0.5)
        over.set()
        by_socket.result()
        statuses = by_http.result()
        live.send({"type": "ping"})
        live.expect("pong", timeout=10)
    assert set(statuses) == {201, 404}
    assert statuses == sorted(statuses)
    answers = [f.get("code", "ack") for f in live.frames if f["type"] in ("ack", "error")]
    assert set(answers) == {"ack", "not_found"}
    assert answers == sorted(answers)
    assert "没有 bob 的其他残留" in alice.server.manage("verify_deletion", "bob").stdout
    assert alice.say("bob_smith", "noch da").status_code == 201
    assert people["bob_smith"].texts("alice") == ["noch da"]
