"""The database work of a socket takes turns with the requests of the same person."""

from __future__ import annotations

import asyncio
import threading

from chat.live.engine import NEWS, Engine
from chat.live.outbox import Outbox
from chat.live.writer import Writer
from chat.marking import Marked
from webchat.serving.turns import Turns

ALICE = 7


def test_a_socket_that_is_cut_frees_no_turn_that_still_runs():
    gate = threading.Event()

    async def scene():
        turns = Turns()
        engine = Engine(turns)
        task = asyncio.create_task(engine.in_turn(ALICE, gate.wait, 5))
        await asyncio.sleep(0.05)
        client = turns._client(ALICE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert client.room._value == client.share.at_once - 1
        gate.set()
        await asyncio.sleep(0.05)
        assert client.room._value == client.share.at_once
        engine._readers.shutdown()

    asyncio.run(scene())


def test_what_it_took_is_paid_for_also_when_it_fails():
    def compute():
        for _number in range(30):
            sum(range(20_000))
        raise ValueError("broken")

    async def scene():
        turns = Turns()
        engine = Engine(turns)
        [error] = await asyncio.gather(engine.in_turn(ALICE, compute), return_exceptions=True)
        assert isinstance(error, ValueError)
        await asyncio.sleep(0)
        client = turns._client(ALICE)
        assert client._beyond(0.0) > 0
        assert client.room._value == client.share.at_once
        engine._readers.shutdown()

    asyncio.run(scene())


def test_what_is_to_be_kept_goes_on_when_its_socket_has_ended():
    async def scene():
        engine = Engine(Turns())
        marked = []

        async def mark():
            await asyncio.sleep(0.05)
            marked.append(True)

        async def socket():
            engine.keep(mark())
            await asyncio.Event().wait()

        task = asyncio.create_task(socket())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0.1)
        assert marked == [True]
        assert not engine._kept
        engine._readers.shutdown()

    asyncio.run(scene())


def test_while_messages_are_written_those_who_have_used_much_wait():
    async def scene():
        turns, answered = Turns(), []
        writer = Writer(asyncio.get_running_loop(), lambda _outcomes: None, turns, Outbox())
        for _number in range(2):
            writer.submit(None, answered.append)
        assert not turns._lull.is_set()
        writer._tell([(None, answered.append)], ["one"])
        assert not turns._lull.is_set(), "the other is not written yet"
        writer._tell([(None, answered.append)], ["two"])
        assert turns._lull.is_set()
        assert answered == ["one", "two"]

    asyncio.run(scene())


def test_workers_tell_each_other_to_look_and_never_in_answer():
    async def scene():
        engine, looks, told = Engine(Turns()), [], []
        engine.feed.look = lambda: looks.append(True)  # finds nothing: another look has seen it
        engine._neighbours.tell = told.append
        engine._hear(NEWS)
        assert (len(looks), told) == (1, [])
        engine.look()
        engine._hear(b'[7,"alice"]')
        assert (len(looks), told) == (2, [NEWS])
        engine._written([None])
        assert told == [NEWS]
        engine.feed._delivered_through = 6
        engine._written([Marked(ALICE, "bob", 1, 0, event_id=7)])
        assert told == [NEWS, NEWS]
        engine._readers.shutdown()

    asyncio.run(scene())


def test_what_is_written_counts_towards_the_folding_of_the_log_and_a_refusal_does_not():
    async def scene():
        engine, counted = Engine(Turns()), []
        engine.feed.look = lambda: False
        engine._neighbours.tell = lambda _word: None
        engine._housekeeping.count = counted.append
        engine._written([None, None])
        assert counted == []
        engine.feed._delivered_through = 6
        engine._written([Marked(ALICE, "bob", 1, 0, event_id=7)])
        engine.look()
        assert counted == [1, 1]
        engine._readers.shutdown()

    asyncio.run(scene())
