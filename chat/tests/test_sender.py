"""A socket on its wire: what it writes, and what happens when it cannot."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError

from chat.live import frames
from chat.live import socket as live
from webchat.serving.frames import close_frame, text_frame
from webchat.serving.turns import TooMany

from .lines import Engine, Line, connect


def talk(line: Line, *frames: str) -> Engine:
    """Open a socket, offer it some frames in one turn of the loop, and let it write."""
    engine = Engine()

    async def run() -> None:
        socket, _wire = connect(line, engine)
        await socket.open(None)
        for frame in frames:
            socket.offer(frame)
        for _turn in range(3):
            await asyncio.sleep(0)

    asyncio.run(run())
    return engine


@pytest.mark.parametrize("error", [RuntimeError("broken"), ValueError("odd"), KeyError("x")])
def test_a_sender_that_fails_closes_its_socket(error, caplog):
    line = Line(error)
    engine = talk(line, "hi")
    assert line.written == close_frame(frames.BROKEN)
    assert len(engine.hub) == 0
    assert "could not be written to" in caplog.text


def test_a_socket_that_fails_keeps_nobody_else_from_writing():
    broken, fine = Line(ValueError("odd")), Line()

    async def run() -> None:
        engine = Engine()
        for line in (broken, fine):
            socket, _wire = connect(line, engine)
            await socket.open(None)
        engine.hub.tell(1, "hi")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert fine.written == text_frame("hi")


def test_one_who_is_too_slow_keeps_nobody_else_from_hearing():
    slow, other, engine = Line(), Line(), Engine()

    async def run() -> None:
        for line in (slow, other):
            socket, _wire = connect(line, engine)
            await socket.open(None)
        behind = next(iter(engine.hub))
        behind._waiting = [(0, "old")] * live.FRAMES_WAITING
        engine.hub.tell(1, "new")
        await asyncio.sleep(0)
        assert behind not in list(engine.hub)

    asyncio.run(run())
    assert sorted([slow.written, other.written]) == sorted(
        [text_frame("new"), close_frame(frames.TOO_SLOW)]
    )


def test_what_is_offered_in_one_turn_goes_out_in_order_in_one_piece():
    line = Line()
    pieces = []
    line.write = pieces.append
    engine = talk(line, "event", "ack", "pong")
    assert pieces == [b"".join(map(text_frame, ("event", "ack", "pong")))]
    assert len(engine.hub) == 1


def test_what_is_offered_together_is_written_at_once_in_one_piece():
    line = Line()
    pieces = []
    line.write = pieces.append

    async def run() -> None:
        engine = Engine()
        socket, _wire = connect(line, engine)
        await socket.open(None)
        socket.offer("before")
        with engine.outbox:
            socket.offer("event")
            socket.offer("ack")
            assert pieces == []
        assert pieces == [b"".join(map(text_frame, ("before", "event", "ack")))]
        socket.offer("after")
        assert len(pieces) == 1
        await asyncio.sleep(0)
        assert pieces[1:] == [text_frame("after")]

    asyncio.run(run())


def test_what_cannot_be_encoded_goes_out_without_it():
    line = Line()
    engine = talk(line, "a\ud800b")
    assert line.written == text_frame("a?b")
    assert len(engine.hub) == 1, "the socket goes on"


def test_a_slow_reader_gets_the_rest_when_it_has_taken_some():
    line = Line()

    async def run() -> None:
        socket, wire = connect(line)
        await socket.open(None)
        wire.pause_writing()
        for number in range(3):
            socket.offer(f"{number}")
        await asyncio.sleep(0)
        assert line.written == b""
        wire.resume_writing()
        assert line.written == b"".join(text_frame(f"{number}") for number in range(3))

    asyncio.run(run())


def test_a_reader_for_whom_a_thousand_frames_wait_is_closed_without_them():
    line = Line()

    async def run() -> None:
        engine = Engine()
        socket, wire = connect(line, engine)
        await socket.open(None)
        wire.pause_writing()
        for _number in range(live.FRAMES_WAITING):
            socket.offer("x")
        assert len(engine.hub) == 1
        socket.offer("x")
        assert len(engine.hub) == 0
        assert line.written == close_frame(frames.TOO_SLOW)

    asyncio.run(run())


def test_a_goodbye_waits_a_while_for_what_was_queued(monkeypatch):
    monkeypatch.setattr(live, "GOODBYE_SECONDS", 0.02)

    async def run(*, is_taken: bool) -> bytes:
        line = Line()
        socket, wire = connect(line)
        await socket.open(None)
        wire.pause_writing()
        socket.offer("queued")
        socket.close(frames.RESTART)
        assert line.written == b""
        if is_taken:
            wire.resume_writing()
        else:
            await asyncio.sleep(0.1)
        return line.written

    goodbye = close_frame(frames.RESTART)
    assert asyncio.run(run(is_taken=True)) == text_frame("queued") + goodbye
    assert asyncio.run(run(is_taken=False)) == goodbye


def test_live_events_wait_for_the_end_of_the_replay_and_never_take_its_place(monkeypatch):
    async def run(*, is_stopped: bool) -> bytes:
        line = Line()
        read = asyncio.Event()

        async def replay(socket: live.Socket, _after: str | None) -> None:
            await read.wait()
            await socket._tell("missed")

        monkeypatch.setattr(live.Socket, "_replay", replay)
        socket, _wire = connect(line, kind=live.Socket)
        opening = asyncio.create_task(socket.open("1"))
        await asyncio.sleep(0)
        socket.offer("live", 7)
        await asyncio.sleep(0)
        assert line.written == b""
        if is_stopped:
            socket.close(frames.RESTART)
        read.set()
        await opening
        return line.written

    assert asyncio.run(run(is_stopped=False)) == text_frame("missed") + text_frame("live")
    assert asyncio.run(run(is_stopped=True)) == close_frame(frames.RESTART)


def test_a_peer_that_has_gone_leaves_the_hub_and_is_told_nothing():
    line = Line()

    async def run() -> None:
        engine = Engine()
        socket, wire = connect(line, engine)
        await socket.open(None)
        socket.offer("hi")
        line.closed = "lost"
        wire.connection_lost(None)
        assert len(engine.hub) == 0
        await asyncio.sleep(0)
        early, wire = connect(line, engine)
        wire.connection_lost(None)
        await early.open(None)
        assert len(engine.hub) == 0

    asyncio.run(run())
    assert line.written == b""


@pytest.mark.parametrize("error", [OperationalError("database is locked"), TooMany()])
def test_a_replay_that_cannot_be_read_now_has_the_page_come_back(monkeypatch, error):
    line, engine = Line(), Engine()

    async def fail(_socket: live.Socket, _after: str | None) -> None:
        raise error

    async def run() -> None:
        monkeypatch.setattr(live.Socket, "_replay", fail)
        socket, _wire = connect(line, engine, live.Socket)
        await socket.open(None)

    asyncio.run(run())
    assert line.written == close_frame(frames.BROKEN)
    assert len(engine.hub) == 0
