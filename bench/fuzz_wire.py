"""One hostile request or socket of bench/fuzz.py, as bytes: sent, stored and read back."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from client import Address, named_for

TOKEN = "c" * 32  # a CSRF token of our own: cookie and field only have to match
ANSWER_SECONDS = 20.0  # then there was no answer; a stuck worker is killed after 30
REFUSAL_SECONDS = 2.0  # for an invalid request: the server may wait for the rest of it
PONG_SECONDS = 5.0
ANSWER_BYTES = 16 * 1024 * 1024
PING = b'{"type": "ping"}'
TEXT, CLOSE = 1, 8
GREETING = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
]


@dataclass(frozen=True, slots=True)
class Shot:
    """A request to send, when the cookies of `who` and an address are added; strings are latin-1.

    With the method WS, the target is a socket's, and the body is sent over it as it is. With RAW,
    everything is in the body, and need not be HTTP.
    """

    route: str
    place: str  # of the text: a field, a parameter, a header
    kind: str
    recipe: str
    size: int  # characters of the text
    who: str
    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    is_broken: bool = False  # against the protocol itself: then a closed connection is an answer

    @property
    def key(self) -> tuple[str, str, str]:
        return self.route, self.place, self.kind

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"body": base64.b64encode(zlib.compress(self.body)).decode()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Shot:
        headers = [(name, value) for name, value in data["headers"]]
        body = zlib.decompress(base64.b64decode(data["body"]))
        return cls(**(data | {"headers": headers, "body": body}))


@dataclass(slots=True)
class Answer:
    status: int = 0  # 0: none; for a socket its close code, or 101 while it is open
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


async def send(address: Address, shot: Shot, cookies: Mapping[str, str]) -> Answer:
    """Send a shot on a connection of its own; raises no network errors."""
    answer = Answer()
    began = time.monotonic()
    writer = None
    try:
        async with asyncio.timeout(REFUSAL_SECONDS if shot.is_broken else ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(_head(address, shot, cookies))
            if shot.method == "WS":
                await _talk(reader, writer, shot, answer)
            else:
                writer.write(shot.body)
                await _read_answer(reader, answer)
    except (OSError, ValueError, IndexError, TimeoutError, asyncio.IncompleteReadError) as error:
        answer.error = answer.error or type(error).__name__
    except asyncio.LimitOverrunError:
        answer.error = "LimitOverrunError"
    finally:
        if shot.method != "WS" or not answer.seconds:
            answer.seconds = time.monotonic() - began
        if writer is not None:
            writer.transport.abort()
    return answer


def _wired(address: Address, name: str, value: str) -> str:
    return named_for(address, value) if name == "Cookie" else value


def _head(address: Address, shot: Shot, cookies: Mapping[str, str]) -> bytes:
    if shot.method == "RAW":
        return b""
    given = {name.lower() for name, _value in shot.headers}
    host = f"{address.host}:{address.port}"
    number = random.getrandbits(24)  # an address of its own, or the limits would answer everything
    ours = [
        ("Host", host),
        ("X-Real-IP", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"),
        ("Cookie", named_for(address, f"csrftoken={TOKEN}; {cookies.get(shot.who, '')}")),
    ]
    if shot.method == "WS":
        ours += GREETING
    else:
        ours += [("Connection", "close"), ("X-CSRFToken", TOKEN)]
        if shot.body or shot.method not in ("GET", "HEAD"):
            ours.append(("Content-Length", str(len(shot.body))))
    lines = [f"{'GET' if shot.method == 'WS' else shot.method} {shot.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in ours if name.lower() not in given]
    lines += [f"{name}: {_wired(address, name, value)}" for name, value in shot.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _read_head(reader: asyncio.StreamReader, answer: Answer) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    answer.status = int(first.split(" ")[1])
    for line in lines:
        name, _colon, value = line.partition(":")
        answer.headers[name.strip().lower()] = value.strip()


async def _read_answer(reader: asyncio.StreamReader, answer: Answer) -> None:
    await _read_head(reader, answer)
    parts, length = [], 0
    while (part := await reader.read(1 << 16)) and length < ANSWER_BYTES:
        parts.append(part)
        length += len(part)
    answer.body = b"".join(parts)
    if answer.headers.get("transfer-encoding") == "chunked":
        answer.body = _unchunk(answer.body)


def _unchunk(data: bytes) -> bytes:
    parts, at = [], 0
    while (end := data.find(b"\r\n", at)) >= 0:
        length = int(data[at:end], 16)
        parts.append(data[end + 2 : end + 2 + length])
        at = end + 4 + length
    return b"".join(parts)


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shot: Shot, answer: Answer
) -> None:
    """Do the handshake, catch up, send the bytes and a ping; the pong's time is the answer's."""
    await _read_head(reader, answer)
    if answer.status != 101:
        answer.body = await reader.read(1 << 16)
        return
    while b'"caught_up"' not in (told := await _next_text(reader, answer)) and told:
        if b'"reset"' in told:
            break
    if not told:
        return
    began = time.monotonic()
    writer.write(shot.body + frame(PING))
    async with asyncio.timeout(ANSWER_SECONDS):
        while (told := await _next_text(reader, answer)) and b'"pong"' not in told:
            answer.body += told[:2000] + b"\n"
    answer.seconds = time.monotonic() - began
    if not told and answer.status == 101:
        answer.status, answer.error = 0, "closed without a frame"


async def _next_text(reader: asyncio.StreamReader, answer: Answer) -> bytes:
    """Read the next text; b"" after a close, whose code becomes the status."""
    while True:
        try:
            first, length = await reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await reader.readexactly(8), "big")
            payload = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        if first & 15 == CLOSE:
            answer.status = int.from_bytes(payload[:2], "big")
            return b""
        if first & 15 == TEXT:
            json.loads(payload)  # invalid JSON is a ValueError, which becomes the answer's error
            return payload


def frame(payload: bytes, opcode: int = TEXT, *, head: int = 0x80, mask: bytes = bytes(4)) -> bytes:
    """Make a client's frame; `head` holds FIN and reserved bits. The mask is zeros by default."""
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 1 << 16:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return bytes([head | opcode]) + size + mask + payload
