"""Nobody takes more than their share of the threads and of the processor."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.conf import settings

from webchat.serving import turns
from webchat.serving.bridge import WsgiBridge
from webchat.tests.peer import Peer, scope

SCHOOL = "192.0.2.10/32"
ALICE, BOB, CAROL = 7, 8, 9
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


@pytest.mark.parametrize(("at_once", "is_held_up"), [(1, False), (2, True)])
def test_who_has_used_more_than_a_share_is_held_up_while_others_are_here(at_once, is_held_up):
    async def scene():
        queue = turns.Turns()
        turn = await queue.take(ALICE)
        over = turns.OF_ACCOUNT.each_second / 5
        turn.leave(used=turns.OF_ACCOUNT.burst + over)
        assert 0.1 < turn.client.pause() < 0.2 + 0.01, "a fifth of a second until it is even"
        loop = asyncio.get_running_loop()

        others = [await queue.take(ALICE) for _number in range(1, at_once)]
        began = loop.time()
        (await queue.take(ALICE)).leave(0.0)
        assert loop.time() - began < 0.1, "nobody else is here"
        (await queue.take(BOB)).leave(0.0)
        (await queue.take(ALICE)).leave(0.0)
        assert (loop.time() - began > 0.1) == is_held_up
        for other in others:
            other.leave(0.0)

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


def test_what_was_used_is_not_held_against_anybody_for_long():
    async def scene():
        turn = await turns.Turns().take(ALICE)
        turn.leave(used=1000.0)
        client = turn.client
        burst = client.share.burst / client.share.each_second
        owed = client._even_at - asyncio.get_running_loop().time() - burst
        assert owed <= turns.DEBT_SECONDS + 0.1

    play(scene)


async def make_heavy(queue, who):
    turn = await queue.take(who)
    turn.leave(used=turn.client.share.light + 0.05)
    turn.client.usual = 1.0
    return turn.client


def test_who_has_used_much_goes_after_the_others_and_one_by_one():
    async def scene():
        queue = turns.Turns()
        assert (await make_heavy(queue, ALICE)).is_heavy
        await make_heavy(queue, CAROL)
        bobs = await queue.take(BOB)
        tasks = [asyncio.create_task(queue.take(who)) for who in (ALICE, ALICE, CAROL)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks), "bob's request runs"
        bobs.leave(0.0)
        await asyncio.sleep(0.05)
        assert [task.done() for task in tasks] == [True, False, False]
        more = await asyncio.wait_for(queue.take(BOB), 0.05)
        tasks[0].result().leave(0.0)
        await asyncio.sleep(0.05)
        assert not tasks[1].done()
        more.leave(0.0)
        for task in tasks[1:]:
            (await task).leave(0.0)
        assert queue._one_person._value == 1

    play(scene)


def test_who_has_used_much_is_not_kept_out_by_those_who_always_ask(monkeypatch):
    monkeypatch.setattr(turns, "LULL_SECONDS", 0.05)

    async def scene():
        queue = turns.Turns()
        await make_heavy(queue, ALICE)
        bobs = await queue.take(BOB)
        (await asyncio.wait_for(queue.take(ALICE), 1)).leave(0.0)
        bobs.leave(0.0)

    play(scene)


def test_alone_nobody_goes_one_by_one():
    async def scene():
        queue = turns.Turns()
        await make_heavy(queue, ALICE)
        async with asyncio.timeout(0.05):
            both = [await queue.take(ALICE), await queue.take(ALICE)]
        for turn in both:
            turn.leave(0.0)

    play(scene)


def test_who_gives_up_waiting_holds_nothing():
    async def scene():
        queue = turns.Turns()
        client = await make_heavy(queue, ALICE)
        bobs = await queue.take(BOB)
        waiting = asyncio.create_task(queue.take(ALICE))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert client.room._value == client.share.at_once
        assert queue._one_person._value == 1
        bobs.leave(0.0)
        assert queue._lull.is_set()

    play(scene)


def test_a_flood_of_questions_about_health_steps_back_and_is_not_held_up_for_long():
    async def scene():
        queue = turns.Turns()
        health = turns.who_asks(asked_by() | {"path": "/healthz"})
        turn = await queue.take(health)
        turn.leave(used=1000.0)
        assert turn.client.is_heavy
        assert turn.client.pause() == 0
        bobs = await queue.take(BOB)
        (await asyncio.wait_for(queue.take(health), 2 * turns.LULL_SECONDS)).leave(0.0)
        bobs.leave(0.0)
        elsewhere = turns.who_asks(asked_by(address="203.0.113.8") | {"path": "/healthz"})
        assert not (await queue.take(elsewhere)).client.is_heavy

    play(scene)


def test_people_do_not_stand_behind_a_stranger_who_waits_for_strangers():
    async def scene():
        queue = turns.Turns()
        for who in (ALICE, "203.0.113.7"):
            await make_heavy(queue, who)
        crowd = [f"198.51.100.{number}" for number in range(turns.STRANGERS_AT_ONCE)]
        running = [await queue.take(who) for who in crowd]
        stuck = asyncio.create_task(queue.take("203.0.113.7"))
        await asyncio.sleep(0.05)
        (await asyncio.wait_for(queue.take(ALICE), 2 * turns.LULL_SECONDS)).leave(0.0)
        assert not stuck.done()
        for turn in running:
            turn.leave(0.0)
        (await stuck).leave(0.0)

    play(scene)


def test_one_by_one_has_an_end_when_the_one_before_takes_too_long(monkeypatch):
    monkeypatch.setattr(turns, "ONE_BY_ONE_SECONDS", 0.05)

    async def scene():
        queue = turns.Turns()
        for who in (ALICE, CAROL):
            await make_heavy(queue, who)
        (await queue.take(BOB)).leave(0.0)
        both = [await queue.take(ALICE), await asyncio.wait_for(queue.take(CAROL), 1)]
        for turn in both:
            turn.leave(0.0)
        assert queue._one_person._value == 1

    play(scene)


def test_who_asks_for_cheap_things_waits_for_a_short_moment_only():
    async def scene():
        queue = turns.Turns()
        client = await make_heavy(queue, ALICE)
        client.usual = 0.002
        bobs = await queue.take(BOB)
        (await asyncio.wait_for(queue.take(ALICE), 0.05)).leave(0.0)
        bobs.leave(0.0)

    play(scene)


def test_the_next_piece_of_a_long_body_waits_where_much_was_used_and_others_are_here():
    async def scene():
        queue = turns.Turns()
        loop = asyncio.get_running_loop()

        async def took(used):
            began = loop.time()
            await queue.step_back(ALICE, used)
            return loop.time() - began

        (await queue.take(BOB)).leave(0.0)
        assert await took(0.001) < turns.STEP_BACK_SECONDS / 2
        assert await took(turns.OF_ACCOUNT.light) >= turns.STEP_BACK_SECONDS * 0.9
        turns._here.clear()
        assert await took(0.001) < turns.STEP_BACK_SECONDS / 2, "nobody else is here"

    play(scene)


def test_a_class_that_logs_in_makes_its_address_no_heavy_user():
    async def scene():
        queue = turns.Turns()
        for student in range(60):
            (await queue.take(SCHOOL)).leave(0.06, who=student)
        assert not queue._client(SCHOOL).is_heavy
        assert not queue._client(0).is_heavy
        (await queue.take(SCHOOL)).leave(turns.OF_ADDRESS.light + 0.01)
        assert queue._client(SCHOOL).is_heavy, "nobody was logged in: wrong passwords"

    play(scene)


def test_one_account_that_logs_in_again_and_again_makes_its_address_one():
    async def scene():
        queue = turns.Turns()
        for _time in range(30):
            (await queue.take(SCHOOL)).leave(0.06, who=ALICE)
        assert queue._client(ALICE).is_heavy
        assert queue._client(SCHOOL).is_heavy

    play(scene)
