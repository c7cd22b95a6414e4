"""The client side of the load: a WebSocket and an HTTP client far cheaper than the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
)
REQUEST = "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n"
TEXT, CLOSE = 1, 8
# A client must mask its frames; zeros leave the bytes as they are. The server unmasks all the same.
MASKED, MASK = 0x80, bytes(4)

OnText = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    prefix: str = ""
    seen_as: str = ""  # the client's address according to a proxy: with BEHIND_PROXY=on only


class WebSocket(asyncio.Protocol):
    """Calls `on_text` with each text frame. The server sends no fragments, so none are read."""

    def __init__(self, on_text: OnText) -> None:
        self.on_text = on_text
        self.on_close: Callable[[], None] = lambda: None
        self.closed = False
        self.goodbye = b""  # the server's close frame: two bytes of a code, and a reason
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._handshake: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, text: bytes) -> None:
        length = len(text)
        if length < 126:
            head = bytes((0x80 | TEXT, MASKED | length))
        else:
            head = bytes((0x80 | TEXT, MASKED | 126)) + length.to_bytes(2, "big")
        self._transport.write(head + MASK + text)  # type: ignore[union-attr]

    @property
    def backlog(self) -> int:
        """The bytes that the server has not taken yet."""
        return self._transport.get_write_buffer_size()  # type: ignore[union-attr]

    def stop_reading(self) -> None:
        self._transport.pause_reading()  # type: ignore[union-attr]

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def greet(self, address: Address, path: str, lines: str) -> None:
        head = HANDSHAKE.format(path=path, host=address.host, port=address.port, lines=lines)
        self._transport.write(head.encode())  # type: ignore[union-attr]
        await asyncio.wait_for(self._handshake, 30)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self._handshake.done():
            self._handshake.set_exception(ConnectionError("the server hung up"))
        self.on_close()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0 if self._handshake.done() else self._read_handshake(data)
        if at < 0:
            self._rest = data
            return
        while frame := _frame(data, at):
            start, end = frame
            opcode, at = data[at] & 0x0F, end
            if opcode == TEXT:
                self.on_text(data[start:end])
            elif opcode == CLOSE:
                self.goodbye = data[start:end]
                self.cut()
        self._rest = data[at:]

    def _read_handshake(self, data: bytes) -> int:
        """Find the start of the first frame; negative while the answer is incomplete."""
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            status = data.split(b"\r\n", 1)[0]
            if b" 101 " in status:
                self._handshake.set_result(None)
            else:
                self._handshake.set_exception(ConnectionError(status.decode()))
        return end + 4 if end >= 0 else -1


def _frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Find the start and end of the payload of the frame at `at`; None if it is incomplete."""
    there = len(data) - at
    if there < 2:
        return None
    length, start = data[at + 1], at + 2
    if length == 126 and there >= 4:
        length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
    elif length == 127 and there >= 10:
        length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
    end = start + length
    return (start, end) if end <= len(data) else None


async def open_websocket(
    address: Address, path: str, cookie: str = "", on_text: OnText = lambda text: None
) -> WebSocket:
    loop = asyncio.get_running_loop()
    _transport, socket = await loop.create_connection(
        lambda: WebSocket(on_text), address.host, address.port
    )
    await socket.greet(address, address.prefix + path, header_lines(address, cookie))
    return socket


async def open_live(address: Address, cookie: str) -> WebSocket:
    """Open a socket on `/live/`, and wait until it has caught up."""
    caught_up = asyncio.get_running_loop().create_future()

    def on_text(text: bytes) -> None:
        if b'"caught_up"' in text and not caught_up.done():
            caught_up.set_result(None)

    socket = await open_websocket(address, "/live/", cookie, on_text)
    await asyncio.wait_for(caught_up, 30)
    return socket


class PeerSocket(WebSocket):
    """A socket that speaks socket.io: it answers the server's pings, and hands on all else."""

    @property
    def on_text(self) -> OnText:
        return self._hear

    @on_text.setter
    def on_text(self, on_text: OnText) -> None:
        self._told = on_text

    def _hear(self, text: bytes) -> None:
        if text == b"2":
            self.send(b"3")
        else:
            self._told(text)


async def open_peer(address: Address, name: str) -> WebSocket:
    """Open a socket of the bare peer as somebody, and wait until it is connected."""
    connected = asyncio.get_running_loop().create_future()

    def on_text(text: bytes) -> None:
        if text.startswith(b"40") and not connected.done():
            connected.set_result(None)

    loop = asyncio.get_running_loop()
    _transport, socket = await loop.create_connection(
        lambda: PeerSocket(on_text), address.host, address.port
    )
    await socket.greet(address, "/socket.io/?EIO=4&transport=websocket", "")
    socket.send(f'40{{"name":"{name}"}}'.encode())
    await asyncio.wait_for(connected, 30)
    return socket


class Browser:
    """A kept-alive HTTP connection."""

    def __init__(self, address: Address, cookie: str = "") -> None:
        self._address = address
        self._cookie = cookie

    async def __aenter__(self) -> Browser:
        address = self._address
        self._reader, self._writer = await asyncio.open_connection(address.host, address.port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._writer.close()

    async def get(self, path: str) -> tuple[int, bytes]:
        answer = await self.ask("GET", path, self._cookie)
        return answer.status, answer.body

    async def ask(
        self, method: str, path: str, cookie: str, form: bytes = b"", lines: str = ""
    ) -> Answer:
        address = self._address
        if form:
            lines += FORM.format(length=len(form))
        head = REQUEST.format(
            method=method,
            path=address.prefix + path,
            host=address.host,
            port=address.port,
            lines=lines + header_lines(address, cookie),
        )
        self._writer.write(head.encode() + form)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return Answer(int(answer[9:12]), answer, await self._reader.readexactly(length))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes


@lru_cache(maxsize=4096)
def named_for(address: Address, cookie: str) -> str:
    """Give cookies the names that the server at that address has for them: they hold its port."""
    stem = f"webchat_{address.port}{address.prefix.replace('/', '_')}"
    return re.sub(r"\w*(sessionid|csrftoken|language|last)=", rf"{stem}_\1=", cookie)


def header_lines(address: Address, cookie: str) -> str:
    """Make the header lines that identify the client."""
    cookie = named_for(address, cookie)
    lines = f"X-Real-IP: {address.seen_as}\r\n" if address.seen_as else ""
    return f"{lines}Cookie: {cookie}\r\n" if cookie else lines
