"""Nobody takes more than their share of the threads."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.conf import settings

from webchat.serving import turns
from webchat.serving.bridge import WsgiBridge
from webchat.tests.peer import Peer, scope

ALICE, BOB = 7, 8
OF_STRANGERS = turns.OF_ADDRESS.at_once


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(turns, "_known", {"a" * 32: ALICE, "b" * 32: BOB})
    monkeypatch.setattr(turns, "_here", {})


def asked_by(session="", address="203.0.113.7", name=settings.SESSION_COOKIE_NAME):
    cookies = f"csrftoken=x; {name}={session}; y=z".encode()
    return scope(headers=[(b"cookie", cookies)] if session else [], client=(address, 5))


class Site:
    """An application whose requests run until they are let go."""

    def __init__(self):
        self.bridge = WsgiBridge(self.answer, 8)
        self.running, self.most = {}, {}
        self.gate = threading.Semaphore(0)
        self.lock = threading.Lock()

    def answer(self, environ, start_response):
        who = environ.get("HTTP_COOKIE", "")
        with self.lock:
            self.running[who] = self.running.get(who, 0) + 1
            self.most[who] = max(self.most.get(who, 0), self.running[who])
        self.gate.acquire(timeout=5)
        with self.lock:
            self.running[who] -= 1
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    async def ask(self, asked):
        peer = Peer()
        await self.bridge(asked, peer.receive, peer.send)
        return peer.content


def play(scene):
    asyncio.run(asyncio.wait_for(scene(), 10))


@pytest.mark.parametrize(
    ("asked", "at_once"),
    [
        (asked_by("a" * 32), 2),
        (asked_by("a" * 32, name="sessionid"), 2),
        (asked_by("f" * 32), 4),
        (asked_by(), 4),
    ],
)
def test_so_many_of_one_run_at_once_and_all_of_them_in_the_end(asked, at_once):
    async def scene():
        site = Site()
        many = [asyncio.create_task(site.ask(asked)) for _number in range(20)]
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == at_once
        other = asyncio.create_task(site.ask(asked_by("b" * 32)))
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == at_once + 1, "others do not stand behind them"
        site.gate.release(21)
        assert await other == b"ok"
        assert await asyncio.gather(*many) == [b"ok"] * 20
        assert site.bridge.turns._client(turns.who_asks(asked)).room._value == at_once

    play(scene)


def test_made_up_sessions_share_the_turns_of_their_address():
    async def scene():
        site = Site()
        tasks = [asyncio.create_task(site.ask(asked_by(f"{number:032x}"))) for number in range(20)]
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == 4
        site.gate.release(20)
        await asyncio.gather(*tasks)

    play(scene)


def test_who_leaves_early_frees_no_turn_that_still_runs():
    async def scene():
        site = Site()
        tasks = [asyncio.create_task(site.ask(asked_by("a" * 32))) for _number in range(6)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        more = [asyncio.create_task(site.ask(asked_by("a" * 32))) for _number in range(6)]
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == 2
        site.gate.release(8)
        assert await asyncio.gather(*more) == [b"ok"] * 6

    play(scene)


def test_a_refusal_counts_more_than_it_took():
    async def scene():
        def refuse(environ, start_response):
            start_response("429 Too Many Requests", [("Content-Length", "0")])
            return []

        bridge = WsgiBridge(refuse, 1)
        peer = Peer()
        await bridge(asked_by("a" * 32), peer.receive, peer.send)
        [client] = bridge.turns._clients.values()
        await asyncio.sleep(0)
        owed = client._even_at - asyncio.get_running_loop().time()
        assert owed > 0.9 * turns.REFUSED_SECONDS / turns.OF_ACCOUNT.each_second

    play(scene)


def test_behind_a_proxy_the_visitor_counts(settings):
    asked = asked_by(address="127.0.0.1")
    asked["headers"] = [(b"x-real-ip", b"2001:db8::5")]
    assert turns.who_asks(asked) == "127.0.0.1"
    settings.BEHIND_PROXY = True
    assert turns.who_asks(asked) == "2001:db8::/64"
    asked["client"] = ("203.0.113.7", 5)
    assert turns.who_asks(asked) == "203.0.113.7"


def test_no_more_clients_and_sessions_are_remembered_than_so_many(monkeypatch):
    monkeypatch.setattr(turns, "KNOWN_AT_MOST", 50)

    async def scene():
        queue = turns.Turns()
        for number in range(500):
            turns.introduce(f"s{number}", number)
            address = f"10.0.{number // 200}.{number % 200}"
            (await queue.take(turns.who_asks(asked_by(address=address)))).leave(0)
        assert len(queue._clients) <= 51
        assert len(turns._known) <= 50
        assert len(turns._here) == 2

    play(scene)


def test_strangers_from_however_many_addresses_leave_half_of_the_threads():
    async def scene():
        site = Site()
        many = [
            asyncio.create_task(site.ask(asked_by(address=f"198.51.100.{number}")))
            for number in range(20)
        ]
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == turns.STRANGERS_AT_ONCE
        person = asyncio.create_task(site.ask(asked_by("a" * 32)))
        await asyncio.sleep(0.2)
        assert sum(site.running.values()) == turns.STRANGERS_AT_ONCE + 1
        site.gate.release(21)
        assert await person == b"ok"
        assert await asyncio.gather(*many) == [b"ok"] * 20

    play(scene)


def test_so_many_of_one_may_wait_and_the_health_of_the_server_is_told_beside_them(monkeypatch):
    monkeypatch.setattr(turns, "WAITING_AT_MOST", 5)

    async def scene():
        site = Site()
        many = [asyncio.create_task(site.ask(asked_by())) for _number in range(12)]
        await asyncio.sleep(0.2)
        refused = [task for task in many if task.done()]
        assert len(refused) == 12 - OF_STRANGERS - 5
        health = asyncio.create_task(site.ask(asked_by() | {"path": "/healthz"}))
        await asyncio.sleep(0.2)
        site.gate.release(20)
        assert await health == b"ok"
        answers = await asyncio.gather(*many)
        assert answers.count(b"ok") == OF_STRANGERS + 5

    play(scene)
