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

    def toll(size):
        paid.append(size)
        return 0.0

    async def take():
        sender = Sender(*[b"x" * 16_384] * 10)
        body = Body(Pool(), toll)
        await (body.linger(sender.receive) if refuses else body.read(sender.receive, 0))

    asyncio.run(take())
    assert paid == [bodies.TOLL_BYTES] * 2


class Passing(Sender):
    """A client whose first piece comes the usual way, and the others past it."""

    def __init__(self, *pieces, ends=True):
        super().__init__(pieces[0], ends=False)
        self.pieces_past, self.ends_then, self.kept = pieces[1:], ends, []
        self.has_come = asyncio.Event()

    async def read_by(self, body, declared=0):
        reading = asyncio.create_task(body.read(self.receive, declared))
        await self.has_come.wait()
        for piece in self.pieces_past:
            self.kept.append(body.keep_piece(piece))
        return reading

    async def receive(self):
        if not self.pieces:
            self.has_come.set()
        if not self.pieces and self.ends_then:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b".", "more_body": False}
        return await super().receive()


def pass_pieces(body, *pieces, ends=True):
    async def play():
        sender = Passing(*pieces, ends=ends)
        is_whole = await (await sender.read_by(body))
        return is_whole, sender.kept

    return asyncio.run(play())


def test_pieces_that_come_past_are_kept_in_order_and_counted():
    pool = Pool()
    body = Body(pool)
    assert pass_pieces(body, b"one", b"two", b"three") == (True, [True, True])
    assert (body.length, pool._held) == (12, 12)
    assert body.take() == b"onetwothree."
    assert not body.keep_piece(b"late")
    body.close()
    assert pool._held == 0


def test_nobody_keeps_a_piece_that_nobody_reads():
    assert not Body(Pool()).keep_piece(b"early")


def test_a_piece_for_which_there_is_no_room_is_left_to_be_refused(monkeypatch):
    monkeypatch.setattr(bodies, "LARGE_POOL_BYTES", 200 * KB)

    async def play():
        pool = Pool()
        sender = Passing(*[b"x" * 50 * KB] * 5)
        reading = await sender.read_by(Body(pool))
        assert sender.kept == [True, True, True, False]
        assert pool._held == 200 * KB
        with pytest.raises(Refused) as caught:
            await reading
        assert (caught.value.status, pool._held) == (503, 0)

    asyncio.run(play())


def test_no_more_comes_past_than_a_body_may_have():
    pieces = [b"x" * 500 * KB] * 3
    assert pass_pieces(Body(Pool()), *pieces) == (True, [True, False])


def test_crumbs_that_come_past_are_left_to_be_refused():
    async def play():
        pool = Pool()
        sender = Passing(*[b"x"] * (bodies.PIECES_AT_MOST + 10), ends=True)
        with pytest.raises(Crumbled):
            await (await sender.read_by(Body(pool)))
        assert 1 + sender.kept.count(True) == bodies.PIECES_AT_MOST + 1
        assert not sender.kept[-1]
        assert pool._held == 0

    asyncio.run(play())


def test_whoever_has_to_wait_is_not_kept_going():
    paid = []

    def toll(size):
        paid.append(size)
        return 0.1

    pieces = [b"x" * 16 * KB] * 8
    _is_whole, kept = pass_pieces(Body(Pool(), toll), *pieces)
    assert kept == [True] * 3 + [False] * 4
    assert paid == [bodies.TOLL_BYTES]


def test_pieces_that_come_past_earn_time_but_not_for_ever(hurry):
    async def play():
        pool = Pool()
        body = Body(pool)
        reading = await Passing(b"x", ends=False).read_by(body)
        for piece, until in (
            (b"", bodies.GRACE_SECONDS),
            (b"x" * KB, bodies.TOTAL_SECONDS),
            (b"x" * 9 * KB, bodies.TOTAL_SECONDS),
        ):
            assert body.keep_piece(piece)
            assert body._timeout.when() == pytest.approx(body._began + until)
        with pytest.raises(Refused) as caught:
            await reading
        assert (caught.value.status, pool._held) == (408, 0)

    asyncio.run(play())


def test_one_that_made_room_for_others_keeps_nothing_more(monkeypatch):
    monkeypatch.setattr(bodies, "POOL_BYTES", 100 * KB)

    async def play():
        pool = Pool()
        body = Body(pool)
        reading = await Passing(b"x" * 60 * KB, b"x" * 30 * KB, ends=False).read_by(body)
        small = await read(pool, Sender(b"y" * 20 * KB))
        assert not body.keep_piece(b"x")
        with pytest.raises(Refused):
            await reading
        assert small.take() == b"y" * 20 * KB
        assert pool._held == 20 * KB

    asyncio.run(play())
