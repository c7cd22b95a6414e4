"""What a socket asks of the database takes turns with the requests of the same person."""

from __future__ import annotations

import asyncio
import threading

from chat.live.engine import Engine
from webchat.turns import Turns

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
