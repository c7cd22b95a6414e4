"""Nobody takes more than their share of the processor: who has used much makes way for others."""

from __future__ import annotations

import asyncio

import pytest

from webchat.serving import turns

from .test_turns import ALICE, BOB, asked_by, play

CAROL = 9
SCHOOL = "192.0.2.10/32"


@pytest.fixture(autouse=True)
def nobody_here(monkeypatch):
    monkeypatch.setattr(turns, "_here", {})


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
        (await queue.take(BOB)).leave(0.0)
        assert queue.step_back(ALICE, 0.001) == 0
        assert queue.step_back(ALICE, turns.OF_ACCOUNT.light) == turns.STEP_BACK_SECONDS
        turns._here.clear()
        assert queue.step_back(ALICE, 0.001) == 0, "nobody else is here"

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
