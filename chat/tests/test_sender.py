"""Sockets whose frames do not go out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import translation

from accounts.models import User
from chat.live import frames, handshake, reading
from chat.live import socket as live
from chat.live.hub import Hub
from chat.live.visitors import Visitor
from webchat.serving.turns import TooMany


class Engine:
    def __init__(self) -> None:
        self.hub = Hub()

    def admit(self, socket: live.Socket) -> None:
        self.hub.add(socket)


class Wire:
    """Records what is sent, and fails with a given error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.error = error

    async def receive(self) -> dict[str, Any]:
        return await asyncio.Event().wait()  # a silent client

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            message["text"].encode()
            if self.error is not None:
                raise self.error
        self.sent.append(message)


def talk(monkeypatch, wire: Wire, frame: str) -> None:
    async def replay(socket: live.Socket, after: str | None) -> None:
        socket.offer(frame)

    async def run() -> None:
        monkeypatch.setattr(live.Socket, "_replay", replay)
        visitor = Visitor(User(pk=1, username="alice"), "key", "data", "en")
        socket = live.Socket(Engine(), visitor, wire.receive, wire.send)
        async with asyncio.timeout(2):
            await socket.run(None)

    asyncio.run(run())


@pytest.mark.parametrize("error", [RuntimeError("broken"), ValueError("odd"), KeyError("x")])
def test_a_sender_that_fails_closes_its_socket(monkeypatch, error):
    wire = Wire(error)
    talk(monkeypatch, wire, "hi")
    assert wire.sent == [{"type": "websocket.close", "code": frames.BROKEN}]


def test_a_peer_that_has_gone_ends_it_without_a_word(monkeypatch):
    wire = Wire(ConnectionResetError())
    talk(monkeypatch, wire, "hi")
    assert wire.sent == []


def test_what_cannot_be_encoded_goes_out_without_it(monkeypatch):
    wire = Wire()
    with pytest.raises(TimeoutError):  # the socket goes on
        talk(monkeypatch, wire, "a\ud800b")
    assert wire.sent == [{"type": "websocket.send", "text": "a?b"}]


def test_a_handshake_over_the_budget_is_not_even_accepted_at_once(monkeypatch):
    """Otherwise a client that cuts the line and reconnects would not wait at all."""
    monkeypatch.setattr(handshake, "REFUSED_SECONDS", 0.2)
    monkeypatch.setattr(handshake, "_is_over_budget", lambda _scope, _visitor: True)
    wire = Wire()

    class Anonymous(Engine):
        async def in_thread(self, _function, *_args):
            return None

    async def connect() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def run() -> None:
        scope = {"headers": [], "path": "/live/", "client": ("192.0.2.7", 5)}
        task = asyncio.create_task(handshake.serve(Anonymous(), scope, connect, wire.send))
        await asyncio.sleep(0.1)
        assert wire.sent == []
        await task

    asyncio.run(run())
    assert [message["type"] for message in wire.sent] == ["websocket.accept", "websocket.close"]
    assert wire.sent[-1]["code"] == frames.TOO_MANY


def test_read_marks_that_wait_for_a_turn_hold_up_no_other_frame():
    """None is lost: the furthest of each chat is marked, one after the other."""
    frames = [{"type": "read", "with": "bob", "up_to": number} for number in (3, 9, 5)]
    frames += [{"type": "read", "with": "carol", "up_to": 2}, {"type": "ping"}]
    wire, marked = Wire(), []

    class Busy(Engine):
        def __init__(self) -> None:
            super().__init__()
            self.turn = asyncio.Event()

        async def in_turn(self, _user_id, _function, _user, username, up_to):
            marked.append((username, up_to))
            await self.turn.wait()

        def keep(self, work) -> None:
            self.task = asyncio.create_task(work)

    async def say() -> dict[str, Any]:
        if frames:
            return {"type": "websocket.receive", "text": json.dumps(frames.pop(0))}
        return await asyncio.Event().wait()

    async def run() -> None:
        engine = Busy()
        visitor = Visitor(User(pk=1, username="alice"), "key", "data", "en")
        socket = live.Socket(engine, visitor, say, wire.send)
        listening = asyncio.create_task(socket._listen())
        await asyncio.sleep(0.05)
        assert not frames, "all were read"
        assert len(socket._waiting) == 1, "the ping is answered"
        listening.cancel()
        engine.turn.set()
        await engine.task

    asyncio.run(run())
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
    wire = Wire()

    async def fail(_socket: live.Socket, _after: str | None) -> None:
        raise error

    async def run() -> None:
        monkeypatch.setattr(live.Socket, "_replay", fail)
        visitor = Visitor(User(pk=1, username="alice"), "key", "data", "en")
        await live.Socket(Engine(), visitor, wire.receive, wire.send).run(None)

    asyncio.run(run())
    assert wire.sent == [{"type": "websocket.close", "code": frames.BROKEN}]


@pytest.mark.parametrize("trouble", [OperationalError("database is locked"), TooMany()])
def test_a_read_mark_that_fails_speaks_of_no_message(trouble):
    refused = []

    class Busy(Engine):
        async def in_turn(self, *_args):
            raise trouble

        def keep(self, work) -> None:
            self.task = asyncio.create_task(work)

    async def run() -> None:
        engine = Busy()
        reading.ReadMarks(engine, User(pk=1), refused.append).note("bob", 1)
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
