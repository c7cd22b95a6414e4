"""A socket on its wire: what it writes, what it reads, and what happens when it cannot."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import translation

from accounts.models import User
from chat.live import frames, handshake, reading
from chat.live import socket as live
from chat.live.hub import Hub
from chat.live.outbox import Outbox
from chat.live.returning import Returning
from chat.live.visitors import Visitor
from chat.live.writer import unavailable
from chat.marking import Mark, Marked
from webchat.serving.frames import close_frame, text_frame
from webchat.serving.turns import TooMany
from webchat.serving.wire import Wire
from webchat.tests.wires import Transport, client_frame


class Engine:
    def __init__(self) -> None:
        self.hub = Hub()
        self.outbox = Outbox()
        self.returning = Returning(self.hub)

    def admit(self, socket: live.Socket) -> None:
        self.hub.add(socket)


class Line(Transport):
    """A transport that fails with a given error, for a wire."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error

    def write(self, data: bytes) -> None:
        if self.error is not None and data[0] == 0x81:
            raise self.error
        super().write(data)


def visitor() -> Visitor:
    return Visitor(User(pk=1, username="alice"), "key", "data", "en")


def connect(line: Transport, engine: Any = None) -> tuple[live.Socket, Wire]:
    wire = Wire(line, 32 * 1024)
    return live.Socket(engine or Engine(), visitor(), wire), wire


@pytest.fixture
def no_replay(monkeypatch) -> None:
    async def replay(_socket: live.Socket, _after: str | None) -> None:
        pass

    monkeypatch.setattr(live.Socket, "_replay", replay)


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
def test_a_sender_that_fails_closes_its_socket(no_replay, error, caplog):
    line = Line(error)
    engine = talk(line, "hi")
    assert line.written == close_frame(frames.BROKEN)
    assert len(engine.hub) == 0
    assert "could not be written to" in caplog.text


def test_a_socket_that_fails_keeps_nobody_else_from_writing(no_replay):
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


def test_one_who_is_too_slow_keeps_nobody_else_from_hearing(no_replay):
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


def test_what_is_offered_in_one_turn_goes_out_in_order_in_one_piece(no_replay):
    line = Line()
    pieces = []
    line.write = pieces.append
    engine = talk(line, "event", "ack", "pong")
    assert pieces == [b"".join(map(text_frame, ("event", "ack", "pong")))]
    assert len(engine.hub) == 1


def test_what_cannot_be_encoded_goes_out_without_it(no_replay):
    line = Line()
    engine = talk(line, "a\ud800b")
    assert line.written == text_frame("a?b")
    assert len(engine.hub) == 1, "the socket goes on"


def test_a_slow_reader_gets_the_rest_when_it_has_taken_some(no_replay):
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


def test_a_reader_for_whom_a_thousand_frames_wait_is_closed_without_them(no_replay):
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


def test_a_goodbye_waits_a_while_for_what_was_queued(no_replay, monkeypatch):
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
        socket, _wire = connect(line)
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


def test_a_peer_that_has_gone_leaves_the_hub_and_is_told_nothing(no_replay):
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


def test_the_next_frame_waits_for_a_draft_to_be_answered_when_many_are_at_the_writer(no_replay):
    line = Line()
    submitted: list[Any] = []

    class Writer:
        def submit(self, _draft: Any, answer: Any) -> None:
            submitted.append(answer)

    async def run() -> None:
        engine = Engine()
        engine.writer = Writer()
        socket, wire = connect(line, engine)
        await socket.open(None)
        for _number in range(live.DRAFTS_AT_ONCE + 2):
            frame = {"type": "send", "to": "bob", "text": "hi", "client_id": str(uuid4())}
            wire.data_received(client_frame(1, json.dumps(frame).encode()))
        for _turn in range(10):
            await asyncio.sleep(0)
        assert len(submitted) == live.DRAFTS_AT_ONCE
        for already in (1, 2):
            submitted[already](ValidationError("no", "not_found"))
            await asyncio.sleep(0)
            assert len(submitted) == live.DRAFTS_AT_ONCE + already

    asyncio.run(run())


def test_a_frame_over_the_budget_makes_the_next_ones_wait(no_replay, monkeypatch):
    monkeypatch.setattr(live, "REFUSED_FRAME_SECONDS", 0.05)
    line = Line()

    def refuse(_user_id: int) -> None:
        raise ValidationError("too many", "rate_limited")

    async def run() -> None:
        socket, wire = connect(line)
        await socket.open(None)
        monkeypatch.setattr(live.budgets.FRAMES, "take", refuse)
        wire.data_received(client_frame(1, b'{"type": "ping"}') * 3)
        await asyncio.sleep(0.01)
        assert line.written.count(b"rate_limited") == 1
        monkeypatch.undo()
        await asyncio.sleep(0.2)
        assert line.written.count(b"rate_limited") == 1
        assert line.written.count(b"pong") == 2

    asyncio.run(run())


def test_a_handshake_over_the_budget_is_not_even_accepted_at_once(monkeypatch):
    """Otherwise a client that cuts the line and reconnects would not wait at all."""
    monkeypatch.setattr(handshake, "REFUSED_SECONDS", 0.2)
    monkeypatch.setattr(handshake, "_is_over_budget", lambda _scope, _visitor: True)
    sent: list[dict[str, Any]] = []

    class Anonymous(Engine):
        async def in_thread(self, _function, *_args):
            return None

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        scope = {"headers": [], "path": "/live/", "client": ("192.0.2.7", 5)}
        task = asyncio.create_task(handshake.serve(Anonymous(), scope, receive, send))
        await asyncio.sleep(0.1)
        assert sent == []
        await task

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[-1]["code"] == frames.TOO_MANY


class Desk:
    """A writer that answers when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Mark, Any]] = []

    def submit(self, job: Mark, answer: Any) -> None:
        self.jobs.append((job, answer))

    def answer(self, result: Any) -> None:
        self.jobs[-1][1](result)


class Marking(Engine):
    def __init__(self) -> None:
        super().__init__()
        self.writer = Desk()

    def keep(self, work) -> None:
        self.task = asyncio.create_task(work)


def test_read_marks_that_wait_for_the_writer_hold_up_no_other_frame(no_replay):
    """None is lost: the furthest of each chat is marked, one after the other."""
    said = [{"type": "read", "with": "bob", "up_to": number} for number in (3, 9, 5)]
    said += [{"type": "read", "with": "carol", "up_to": 2}, {"type": "ping"}]
    line, engine = Line(), Marking()

    async def run() -> None:
        socket, wire = connect(line, engine)
        await socket.open(None)
        for frame in said:
            wire.data_received(client_frame(1, json.dumps(frame).encode()))
        await asyncio.sleep(0.05)
        assert line.written == text_frame(frames.PONG), "the ping is answered"
        assert len(engine.writer.jobs) == 1
        while not engine.task.done():
            engine.writer.answer(Marked(1, "bob", 9, 0, None))
            await asyncio.sleep(0.01)

    asyncio.run(run())
    marked = [(mark.friend, mark.up_to) for mark, _answer in engine.writer.jobs]
    assert marked in ([("bob", 3), ("bob", 9), ("carol", 2)], [("bob", 9), ("carol", 2)])


def test_only_so_many_read_marks_wait():
    refused = []
    engine = Engine()
    engine.keep = lambda work: work.close()
    marks = reading.ReadMarks(engine, User(pk=1), refused.append)
    for number in range(reading.WAITING_AT_MOST + 5):
        marks.note(f"friend{number}", 1)
    marks.note("x" * 10_000, 1)
    marks.note("friend0", 7)
    assert [error.code for error in refused] == ["unavailable"] * 5 + ["not_found"]
    assert marks._waiting["friend0"] == 7


@pytest.mark.parametrize("error", [OperationalError("database is locked"), TooMany()])
def test_a_replay_that_cannot_be_read_now_has_the_page_come_back(monkeypatch, error):
    line, engine = Line(), Engine()

    async def fail(_socket: live.Socket, _after: str | None) -> None:
        raise error

    async def run() -> None:
        monkeypatch.setattr(live.Socket, "_replay", fail)
        socket, _wire = connect(line, engine)
        await socket.open(None)

    asyncio.run(run())
    assert line.written == close_frame(frames.BROKEN)
    assert len(engine.hub) == 0


def test_a_read_mark_that_fails_speaks_of_no_message():
    refused = []

    async def run() -> None:
        engine = Marking()
        reading.ReadMarks(engine, User(pk=1), refused.append).note("bob", 1)
        await asyncio.sleep(0.01)
        engine.writer.answer(unavailable())
        await engine.task

    asyncio.run(run())
    [error] = refused
    assert error.code == "unavailable"
    assert error.params == {"retry_after": 2}
    with translation.override("en"):
        [sentence] = error.messages
        assert sentence.startswith("The server is busy.")
        assert "read" in sentence
        assert "message" not in sentence
    with translation.override("zh-hans"):
        assert error.messages == ["服务器繁忙，未能标为已读，请重试。"]
