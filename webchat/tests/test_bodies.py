from __future__ import annotations

import asyncio

import pytest

from webchat.serving import bodies
from webchat.serving.bodies import Body, Crumbled, Pool, Refused

KB = 1024


class Sender:
    """A client that sends pieces and then waits, without end."""

    def __init__(self, *pieces, ends=True, every=0.0):
        self.pieces, self.ends, self.every = list(pieces), ends, every

    async def receive(self):
        if not self.pieces:
            await asyncio.Event().wait()
        await asyncio.sleep(self.every)
        piece = self.pieces.pop(0)
        return {
            "type": "http.request",
            "body": piece,
            "more_body": not self.ends or bool(self.pieces),
        }


async def read(pool, sender, declared=0):
    body = Body(pool)
    assert await body.read(sender.receive, declared)
    return body


def refused(coroutine):
    with pytest.raises(Refused) as caught:
        asyncio.run(coroutine)
    return caught.value.status


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(bodies, "FIRST_BYTE_SECONDS", 0.1)
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "TOTAL_SECONDS", 0.6)


def test_the_largest_of_a_slow_phone_passes_by_far():
    seconds_at_5_kb = 32 * KB / 5000
    assert 3 * seconds_at_5_kb < bodies.GRACE_SECONDS


@pytest.mark.parametrize(
    "sender",
    [
        Sender(),
        Sender(b"x", ends=False),
        Sender(b"", ends=False),
        Sender(*[b"x"] * 100, every=0.05),
        Sender(*[b"x" * KB] * 100, every=0.1),
    ],
    ids=["nothing", "one byte", "an empty piece", "a byte at a time", "for ever"],
)
def test_a_body_that_does_not_come_is_a_408_and_holds_nothing(hurry, sender):
    pool = Pool()
    assert refused(read(pool, sender)) == 408
    assert (pool._held, pool._coming) == (0, {})


def test_each_body_counts_until_it_is_closed():
    pool = Pool()
    body = asyncio.run(read(pool, Sender(b"x" * 100, b"y" * 100)))
    assert body.take() == b"x" * 100 + b"y" * 100
    assert pool._held == 200
    body.close()
    body.close()
    assert pool._held == 0


def test_a_body_that_says_it_is_too_long_holds_nothing_from_the_first_byte():
    pool = Pool()
    body = asyncio.run(read(pool, Sender(b"x" * 100), declared=bodies.BODY_BYTES + 1))
    assert (body.take(), body.length, pool._held) == (b"", 100, 0)


def test_a_hundred_half_sent_megabytes_hold_no_more_than_the_pool():
    pool = Pool()

    async def attack():
        half = [
            Sender(*[b"x" * 16 * KB for _piece in range(63)], ends=False) for _one in range(100)
        ]
        tasks = [asyncio.create_task(read(pool, sender)) for sender in half]
        await asyncio.sleep(0.5)
        assert pool._held <= bodies.LARGE_POOL_BYTES + 100 * bodies.SMALL_BYTES
        assert pool._held <= bodies.POOL_BYTES
        statuses = {task.exception().status for task in tasks if task.done()}
        assert statuses == {503}
        small = await read(pool, Sender(b"x" * 32 * KB))
        assert len(small.take()) == 32 * KB
        small.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(attack())
    assert pool._held == 0


def test_for_a_small_one_the_oldest_that_is_half_sent_makes_room(monkeypatch):
    monkeypatch.setattr(bodies, "POOL_BYTES", 100 * KB)
    pool = Pool()

    async def fill():
        first, second = (
            asyncio.create_task(read(pool, Sender(b"x" * 50 * KB, ends=False))) for _one in range(2)
        )
        await asyncio.sleep(0.05)
        body = await read(pool, Sender(b"y" * KB))
        await asyncio.sleep(0.05)
        assert first.exception().status == 503
        assert not second.done()
        assert pool._held == 51 * KB
        assert body.take() == b"y" * KB
        second.cancel()
        body.close()
        await asyncio.gather(second, return_exceptions=True)

    asyncio.run(fill())
    assert pool._held == 0


def test_a_client_that_leaves_within_it_holds_nothing():
    pool = Pool()

    async def leave():
        given = iter(
            [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
        )

        async def receive():
            return next(given)

        return await Body(pool).read(receive, 0)

    assert asyncio.run(leave()) is False
    assert pool._held == 0


def test_a_body_of_crumbs_ends_and_one_of_kilobytes_does_not():
    pool = Pool()
    with pytest.raises(Crumbled):
        asyncio.run(read(pool, Sender(*[b"x"] * 2000)))
    assert pool._held == 0
    honest = [b"x" * bodies.PIECE_BYTES] * 2000
    assert asyncio.run(read(pool, Sender(*honest))).length == 2000 * bodies.PIECE_BYTES


@pytest.mark.parametrize("refuses", [False, True])
def test_the_sender_of_a_long_body_pays_for_it_on_the_way(refuses):
    """It also pays for what is thrown away after a refusal."""
    paid = []

    async def toll(size):
        paid.append(size)

    async def take():
        sender = Sender(*[b"x" * 16_384] * 10)
        body = Body(Pool(), toll)
        await (body.linger(sender.receive) if refuses else body.read(sender.receive, 0))

    asyncio.run(take())
    assert paid == [bodies.TOLL_BYTES] * 2
