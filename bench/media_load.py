"""Files up and down: at full speed, and as slowly as a phone at the edge of its network.

media_load.py    reads {"address", "senders", "readers", "rate"} as one line of JSON, and sends and
                 reads until its input ends; prints how much came through
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count, starmap
from os import urandom
from typing import Any
from uuid import uuid4

from client import Address, header_lines

CSRF = "c" * 32  # a token of our own: cookie and header only have to match
SLOW_PIECE = 128 * 1024  # what our page sends on a line of 20 KB/s
SLOW_FILE = 4 * SLOW_PIECE
TICK = 0.1  # seconds between two sips
BUFFER = 8 * 1024  # of the kernel's, so that a slow reader does not let it read ahead
DOWN_PIECE = 256 * 1024
HEAD = "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nX-CSRFToken: {csrf}\r\n{lines}\r\n"


@dataclass(slots=True)
class Tally:
    up: int = 0  # bytes
    down: int = 0
    finished: int = 0  # files
    failed: int = 0  # requests, or connections


class Line:
    """One connection of one person; `rate` in bytes a second, or 0 for all that it takes."""

    def __init__(self, address: Address, cookie: str, tally: Tally, rate: int = 0) -> None:
        self._address = address
        self._cookie = f"{cookie}; csrftoken={CSRF}"
        self._tally = tally
        self._rate = rate

    async def __aenter__(self) -> Line:
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket()
        self._sock.setblocking(False)
        if self._rate:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        await self._loop.sock_connect(self._sock, (self._address.host, self._address.port))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._sock.close()

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Any:
        """Return the JSON of an answer, which has to be a good one."""
        await self._send_head(method, path, body, kind)
        await self._send(body)
        status, rest, length = await self._read_head()
        while len(rest) < length:
            rest += await self._receive(length - len(rest))
        if status not in (200, 201, 202):
            raise RuntimeError(f"{method} {path} answers {status} {rest[:200].decode()}")
        return json.loads(rest)

    async def post(self, path: str, **facts: Any) -> Any:
        return await self.ask("POST", path, json.dumps(facts).encode(), "application/json")

    async def upload(self, content: bytes, name: str, kind: str, piece: int = 0) -> str:
        """Send a file in pieces of the server's size or another one, and return its id."""
        client_id = await self.begin(content, name, kind, piece)
        await self.post(f"/api/uploads/{client_id}/finish/")
        return client_id

    async def begin(self, content: bytes, name: str, kind: str, piece: int = 0) -> str:
        """Send all pieces of a file, but not that these are all."""
        client_id = str(uuid4())
        facts = {"id": client_id, "name": name, "size": len(content), "kind": kind}
        asked = (await self.post("/api/uploads/", **facts))["piece"]
        step = piece or asked
        for at in range(0, len(content), step):
            part = content[at : at + step]
            path = f"/api/uploads/{client_id}/?offset={at}"
            await self.ask("PUT", path, part, "application/octet-stream")
            self._tally.up += len(part)
        return client_id

    async def send(self, to: str, upload: str) -> Any:
        """Send a file that is ready; returns its message."""
        path = f"/api/conversations/{to}/messages/"
        return (await self.post(path, client_id=str(uuid4()), upload=upload))["message"]

    async def download(self, path: str) -> int:
        """Read a file to its end; returns its bytes."""
        await self._send_head("GET", path)
        status, rest, length = await self._read_head()
        if status != 200:
            raise RuntimeError(f"{path} answers {status}")
        got = len(rest)
        began = time.perf_counter()
        while got < length:
            piece = await self._receive(min(length - got, self._sip() or DOWN_PIECE))
            got += len(piece)
            self._tally.down += len(piece)
            await self._keep_to(began, got)
        return got

    def _sip(self) -> int:
        return int(self._rate * TICK)

    async def _keep_to(self, began: float, done: int) -> None:
        if self._rate:
            await asyncio.sleep(max(0.0, began + done / self._rate - time.perf_counter()))

    async def _send_head(self, method: str, path: str, body: bytes = b"", kind: str = "") -> None:
        lines = header_lines(self._address, self._cookie)
        if body or method != "GET":
            lines += f"Content-Length: {len(body)}\r\nContent-Type: {kind}\r\n"
        head = HEAD.format(
            method=method,
            path=self._address.prefix + path,
            host=self._address.host,
            port=self._address.port,
            csrf=CSRF,
            lines=lines,
        )
        await self._loop.sock_sendall(self._sock, head.encode())

    async def _send(self, body: bytes) -> None:
        began, left = time.perf_counter(), memoryview(body)
        for at in range(0, len(left), self._sip() or len(left) or 1):
            part = left[at : at + (self._sip() or len(left))]
            await self._loop.sock_sendall(self._sock, part)
            await self._keep_to(began, at + len(part))

    async def _read_head(self) -> tuple[int, bytes, int]:
        said = b""
        while b"\r\n\r\n" not in said:
            said += await self._receive(self._sip() or DOWN_PIECE)
        head, _, rest = said.partition(b"\r\n\r\n")
        for cookie in re.findall(rb"(?i)set-cookie: *(\w*last=[^;]+)", head):
            self._cookie += f"; {cookie.decode()}"  # as a browser sends it from now on
        length = int(head.lower().partition(b"content-length:")[2].split(None, 1)[0])
        return int(head[9:12]), rest, length

    async def _receive(self, at_most: int) -> bytes:
        data = await self._loop.sock_recv(self._sock, at_most)
        if not data:
            raise ConnectionError("the server hung up")
        return data


async def _again_and_again(work: Any, tally: Tally) -> None:
    while True:
        try:
            await work()
            tally.finished += 1
        except (OSError, RuntimeError) as error:
            print(error, file=sys.stderr)
            tally.failed += 1
            await asyncio.sleep(1)


async def crowd(given: dict[str, Any]) -> Tally:
    """Send and read slowly until the input ends."""
    address, tally, rate = Address(**given["address"]), Tally(), given["rate"]
    content, numbers = urandom(SLOW_FILE), count()

    def sending(cookie: str) -> Any:
        async def work() -> None:
            async with Line(address, cookie, tally, rate) as line:
                await line.upload(content, f"{next(numbers)}.bin", "file", SLOW_PIECE)

        return work

    def reading(cookie: str, path: str) -> Any:
        async def work() -> None:
            async with Line(address, cookie, tally, rate) as line:
                await line.download(path)

        return work

    works = [*map(sending, given["senders"]), *starmap(reading, given["readers"])]
    tasks = [asyncio.create_task(_again_and_again(work, tally)) for work in works]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tally


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(crowd(json.loads(sys.stdin.readline()))))))
