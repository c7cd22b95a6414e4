"""A socket on its wire: what it reads, and what it makes wait."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import translation

from accounts.models import User
from chat.live import frames, handshake, reading
from chat.live import socket as live
from chat.live.writer import unavailable
from chat.marking import Mark, Marked
from webchat.serving.frames import text_frame
from webchat.tests.wires import client_frame

from .lines import Engine, Line, connect


def test_the_next_frame_waits_for_a_draft_to_be_answered_when_many_are_at_the_writer():
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


def test_a_frame_over_the_budget_makes_the_next_ones_wait(monkeypatch):
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


def test_a_database_in_trouble_ends_no_session(monkeypatch):
    monkeypatch.setattr(handshake, "_is_over_budget", lambda _scope, _visitor: False)
    monkeypatch.setattr(handshake, "is_foreign", lambda _scope: False)
    sent: list[dict[str, Any]] = []

    class Troubled:
        async def in_thread(self, *_args: Any) -> None:
            raise OperationalError("disk I/O error")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(handshake.serve(Troubled(), {"headers": []}, receive, send))
    assert [message.get("code") for message in sent] == [None, frames.BROKEN]


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


def test_read_marks_that_wait_for_the_writer_hold_up_no_other_frame():
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
