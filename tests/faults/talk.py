"""People who talk over sockets whatever happens to the server, and the checks afterwards."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.live import Person

RETRY_SECONDS = 0.2
ANSWER_SECONDS = 5.0


class Talker:
    """A client like the browser's.

    It sends one at a time, repeats each under its id until answered, reconnects from the last
    event that it has handled, and remembers everything it heard.
    """

    def __init__(self, person: Person, to: str) -> None:
        self.person = person
        self.to = to
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.refused: Counter[str] = Counter()
        self.heard: list[int] = []  # event ids, over all connections
        self.messages: dict[int, dict[str, Any]] = {}
        self.sockets: list[list[int]] = []  # event ids, by connection
        self.codes: Counter[int] = Counter()
        self.connections = 0
        self.resets = 0
        self.stopping = False
        self._cursor = 0
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._socket: ClientConnection | None = None
        self._ready = asyncio.Event()

    async def arrive(self) -> None:
        """Note the cursor before anybody speaks, so that a late connection has missed nothing."""
        answer = await asyncio.to_thread(self.person.get, "me/")
        self._cursor = answer.json()["last_event"]

    async def listen(self) -> None:
        """Stay connected until `stopping`."""
        while not self.stopping:
            try:
                await self._listen_once()
            except Exception as error:
                self.codes[getattr(getattr(error, "rcvd", None), "code", 0)] += 1
            self._socket = None
            self._ready.clear()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError())
            if not self.stopping:
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen_once(self) -> None:
        url = self.person.server.url.replace("http", "ws") + f"/live/?after={self._cursor}"
        headers = {"Cookie": self.person.cookie}
        async with connect(url, additional_headers=headers, open_timeout=10) as socket:
            self.sockets.append([])
            head = 0
            async for raw in socket:
                frame = json.loads(raw)
                if frame["type"] == "hello":
                    head = frame["last_event"]
                elif frame["type"] == "event":
                    self._hear(frame)
                elif frame["type"] == "caught_up":
                    self._cursor = max(self._cursor, head)
                    self._socket = socket
                    self.connections += 1
                    self._ready.set()
                elif frame["type"] == "reset":
                    self.resets += 1
                elif frame.get("client_id") in self._answers:
                    answer = self._answers[frame["client_id"]]
                    if not answer.done():
                        answer.set_result(frame)

    def _hear(self, event: dict[str, Any]) -> None:
        self._cursor = event["id"]
        self.heard.append(event["id"])
        self.sockets[-1].append(event["id"])
        if event["kind"] == "message":
            self.messages[event["message"]["id"]] = event["message"]

    async def say(self, text: str, client_id: str | None = None) -> dict[str, Any]:
        """Send until it is acknowledged, over any number of connections."""
        client_id = client_id or str(uuid4())
        frame = json.dumps({"type": "send", "client_id": client_id, "to": self.to, "text": text})
        while True:
            await self._ready.wait()
            try:
                reply = await self._ask(client_id, frame)
            except Exception:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            del self._answers[client_id]
            if reply["type"] == "ack":
                self.acknowledged[client_id] = reply["message"]
                return reply
            self.refused[reply["code"]] += 1
            await asyncio.sleep(min(reply.get("retry_after", 1), 1))

    async def _ask(self, client_id: str, frame: str) -> dict[str, Any]:
        """Send the frame and await its answer, unless one to an earlier call has come meanwhile."""
        answer = self._answers.get(client_id)
        if answer is None or (answer.done() and answer.exception()):
            answer = self._answers[client_id] = asyncio.get_running_loop().create_future()
        if not answer.done():
            assert self._socket is not None
            await self._socket.send(frame)
        return await asyncio.wait_for(asyncio.shield(answer), ANSWER_SECONDS)

    async def chatter(self, until: float, pause: float = 0.0) -> None:
        number = 0
        while time.monotonic() < until:
            await self.say(f"{self.person.name} {number}")
            number += 1
            await asyncio.sleep(pause)


async def talk(
    pairs: list[tuple[Person, Person]], seconds: float, trouble: Any, pause: float = 0.0
):
    """Let pairs talk both ways while `trouble()` happens; returns the talkers."""
    talkers = [Talker(a, b.name) for a, b in pairs] + [Talker(b, a.name) for a, b in pairs]
    for talker in talkers:
        await talker.arrive()
    listening = [asyncio.create_task(talker.listen()) for talker in talkers]
    until = time.monotonic() + seconds
    talking = [asyncio.create_task(talker.chatter(until, pause)) for talker in talkers]
    await trouble()
    await asyncio.wait_for(asyncio.gather(*talking), 60)
    await everyone_heard(talkers)
    for talker in talkers:
        talker.stopping = True
        if talker._socket is not None:
            await talker._socket.close()
    await asyncio.wait_for(asyncio.gather(*listening), 30)
    return talkers


async def everyone_heard(talkers: list[Talker], seconds: float = 20) -> None:
    """Wait until everyone has heard all messages that others got an ack for."""
    deadline = time.monotonic() + seconds
    by_name = {talker.person.name: talker for talker in talkers}
    while time.monotonic() < deadline:
        if all(
            message["id"] in by_name[talker.to].messages
            for talker in talkers
            for message in talker.acknowledged.values()
        ):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("an acknowledged message was not delivered")


def nothing_was_lost(database: Path, talkers: list[Talker]) -> None:
    """Check: acknowledged ⊆ stored, a row per client_id, one history, events once and in order."""
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
    rows = connection.execute("SELECT id, client_id, text FROM chat_message").fetchall()
    stored = {client_id: (pk, text) for pk, client_id, text in rows}
    assert len(stored) == len(rows), "a client_id stands twice"
    logged = [pk for (pk,) in connection.execute(
        "SELECT message_id FROM chat_event WHERE kind = 'message' ORDER BY id"
    )]  # fmt: skip
    assert logged == sorted(pk for pk, _client_id, _text in rows)
    connection.close()
    for talker in talkers:
        assert talker.acknowledged, f"{talker.person.name} was never acknowledged"
        for client_id, message in talker.acknowledged.items():
            assert stored[client_id.replace("-", "")] == (message["id"], message["text"])
        assert talker.resets == 0
        for ids in talker.sockets:
            assert ids == sorted(set(ids)), "a socket heard an event twice or out of order"
        assert talker.heard == sorted(set(talker.heard))
    for talker in talkers:
        [other] = [t for t in talkers if t.person.name == talker.to and t.to == talker.person.name]
        mine, theirs = history(talker), history(other)
        assert mine == theirs
        assert {m["id"] for m in talker.acknowledged.values()} <= {pk for pk, _text in mine}


def history(talker: Talker) -> list[tuple[int, str]]:
    messages: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        path = f"conversations/{talker.to}/messages/"
        page = talker.person.get(path, **query).json()
        messages = page["messages"] + messages
        if not page["more"]:
            return [(message["id"], message["text"]) for message in messages]
        query["before"] = messages[0]["id"]
