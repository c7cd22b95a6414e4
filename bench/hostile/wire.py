"""An HTTP client for one connection, which is reopened whenever it is lost."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from client import Address, header_lines

# Any token will do, as long as cookie and header agree.
TOKEN = "c" * 32
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
GONE = (OSError, EOFError, asyncio.LimitOverrunError)  # the errors that end a connection


class Answer(NamedTuple):
    status: int
    length: int  # bytes of the body


def request_bytes(
    address: Address, method: str, path: str, cookie: str = "", body: bytes = b"", kind: str = ""
) -> bytes:
    cookie = f"{cookie}; csrftoken={TOKEN}" if cookie else f"csrftoken={TOKEN}"
    head = f"{method} {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
    head += header_lines(address, cookie)
    if method == "POST":
        head += f"X-CSRFToken: {TOKEN}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: {kind or JSON}\r\n"
    return f"{head}\r\n".encode() + body


class Client:
    def __init__(self, address: Address) -> None:
        self.address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    async def get(self, path: str, cookie: str = "") -> Answer:
        return await self._ask(request_bytes(self.address, "GET", path, cookie))

    async def post(
        self, path: str, body: bytes = b"", cookie: str = "", kind: str = JSON
    ) -> Answer:
        return await self._ask(request_bytes(self.address, "POST", path, cookie, body, kind))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _ask(self, request: bytes) -> Answer:
        """Send a request; raises one of GONE. After any error, the next one reconnects."""
        is_over = False
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self.address.host, self.address.port)
            reader, writer = self._streams
            writer.write(request)
            await writer.drain()
            answer, is_last = await _read_answer(reader)
            is_over = not is_last
            return answer
        finally:
            if not is_over:
                self.close()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    """Read the answer, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    length, is_last = 0, b"connection: close" in head
    if b"content-length:" in head:
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
    elif b"transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
            length += size
        await reader.readexactly(2)
    elif status not in (204, 304):
        length, is_last = len(await reader.read()), True
    return Answer(status, length), is_last
