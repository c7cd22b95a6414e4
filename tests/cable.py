"""A network cable between a client and a server, which a test can cut."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

from .server import free_port


class Cable:
    """A proxy that can be cut: then nothing passes, and neither side notices."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._streams: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for stream in self._streams:
            stream.transport.abort()

    def cut(self) -> None:
        self._is_whole.clear()

    def mend(self) -> None:
        """Let new connections pass; old ones stay dead, as behind a NAT that forgot them."""
        for stream in self._streams:
            stream.transport.abort()
        self._streams.clear()
        self._is_whole.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams.append(writer)
        await self._is_whole.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._streams.append(back)
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._is_whole.wait()
                writer.write(data)
                await writer.drain()
            writer.close()


class CableInThread:
    """The same for tests that have no loop of their own."""

    def __init__(self, cable: Cable, loop: asyncio.AbstractEventLoop) -> None:
        self.port = cable.port
        self._cable = cable
        self._loop = loop

    def cut(self) -> None:
        self._do(self._cable.cut)

    def mend(self) -> None:
        self._do(self._cable.mend)

    def _do(self, act: Callable[[], None]) -> None:
        async def do() -> None:
            act()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(timeout=10)


@contextlib.contextmanager
def cable_in_thread(target: int) -> Iterator[CableInThread]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    cable = Cable(target)

    def run(step: Callable[[], object]) -> None:
        asyncio.run_coroutine_threadsafe(step(), loop).result(timeout=10)  # type: ignore[arg-type]

    run(cable.__aenter__)
    yield CableInThread(cable, loop)
    run(cable.__aexit__)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
