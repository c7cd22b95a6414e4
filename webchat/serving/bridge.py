"""A bridge that runs Django's WSGI application below an ASGI server, on lasting threads.

A request costs one hop into a thread and one back, in a turn of its client (`turns`). The
threads persist, and with them their database connections. No thread ever waits for a slow
client: the body is complete before it starts (`bodies`), and the loop sends what is long
(`streams`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, MutableMapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext, suppress
from pathlib import Path
from typing import Any

from ..database import costs
from .bodies import BODY_BYTES, SMALL_BYTES, Body, Crumbled, Pool, Refused
from .connections import Connection
from .downloads import Downloads, TooManyDownloads
from .environ import make_environ
from .refusals import refuse
from .streams import FileWrapper, NoRoom, Source, Spool, unknown
from .threads import Threads
from .turns import BYTES_A_SECOND, REFUSED_SECONDS, REQUEST_SECONDS, TooMany, Turn, Turns, who_asks
from .waits import Waits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Iterable[bytes]]
PieceTurn = Callable[[], AbstractAsyncContextManager[None]]

WHOLE_BYTES = 256 * 1024  # a page up to this goes back in one piece …
SHORT_BYTES = 64 * 1024  # gunicorn takes this much without waiting for the reader
WHOLE_FILE_BYTES = 64 * 1024  # … and a file up to this, which need not be held in memory

logger = logging.getLogger(__name__)


class ClientGone(Exception):  # noqa: N818  (not an error: it ends a stream without a reader)
    pass


class WsgiBridge:
    """An ASGI application made of a WSGI one; long answers wait in `spool_folder`."""

    def __init__(
        self, application: Application, threads: int, spool_folder: Path | None = None
    ) -> None:
        self._application = application
        self._threads = Threads(threads, "request")
        self._spool_folder = spool_folder
        self._pool = Pool()
        self._downloads = Downloads()
        self._waits = Waits()
        self.turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = who_asks(scope)

        def toll(size: int) -> float:
            return self.turns.step_back(who, size / BYTES_A_SECOND)

        body = Body(self._pool, toll)
        try:
            if await _read(body, scope, receive):
                await self._run(who, scope, body, receive, send)
        except Refused as refused:
            await _refuse(scope, refused.status, send)
            await body.linger(receive)
        except Crumbled:
            if connection := scope.get("webchat.connection"):
                connection.drop()

    async def _run(
        self, who: Hashable, scope: Scope, body: Body, receive: Receive, send: Send
    ) -> None:
        """Wait for a turn, and answer the request in it, which closes the body."""
        try:
            turn = await self.turns.take(who)
        except TooMany:
            body.close()
            return await _refuse(scope, 503, send)
        except BaseException:
            body.close()
            raise
        if scope["method"] in ("GET", "HEAD") and _has_gone(scope):
            body.close()
            return turn.leave(REQUEST_SECONDS)
        exchange = _Exchange(
            self._application, scope, body, turn, self._spool_folder, self._downloads
        )
        try:
            self._threads.submit(exchange.run)
        except BaseException:
            body.close()
            turn.leave(REQUEST_SECONDS)
            raise

        async def run_again() -> None:
            turn = await self.turns.take(who)
            exchange.begin_again(turn)
            self._threads.submit(exchange.run)

        await exchange.relay(receive, send, self._waits, run_again)

    def end_waits(self) -> None:
        """Have those that wait answered now; called at a stop until all are gone."""
        self._waits.end()

    def close(self) -> None:
        self._threads.shutdown(wait=False)


# Of the environ of a request that is run once more.
KEPT = ("wsgi.input", "CONTENT_LENGTH", "webchat.at_end", "webchat.waited")


class _Answer:
    """A response for the loop to send: its start, and the body or the source of it."""

    def __init__(self, start: Message, body: bytes | Source) -> None:
        self.start = start
        self.body = body


class _Exchange:
    """One request and its response: `run` is the thread's side, `relay` the loop's.

    In the environ, the application may put into `webchat.at_end` what has to be done when the
    answer has been sent or its reader is gone, into `webchat.user_id` who has asked, and
    `webchat.is_download` for one that shares the loop with the other downloads of that person. With
    `webchat.wait`, called with a future and some seconds, it asks to be run once more when the
    future is done or the time is up: then `webchat.waited` is the future. No thread waits, and
    the first answer is dropped. A streamed answer has what is in a file sent from there:
    `webchat.send_file`, called with a path and a length between two of its chunks.
    """

    def __init__(
        self,
        application: Application,
        scope: Scope,
        body: Body,
        turn: Turn,
        spool_folder: Path | None,
        downloads: Downloads,
    ) -> None:
        self._application = application
        self._scope = scope
        self._turn = turn
        self._connection: Connection | None = scope.get("webchat.connection")
        self._at_end: list[Callable[[], None]] = [body.close]
        self._environ = make_environ(scope, body.take(), body.length)
        self._environ["webchat.at_end"] = self._at_end
        self._environ["webchat.wait"] = self._wait
        self._environ["webchat.send_file"] = self._send_file
        self._waiting: tuple[Future[Any], float] | None = None
        self._start: Message = {}
        self._spool_folder = spool_folder
        self._spool: Spool | None = None
        self._downloads = downloads
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[_Answer] = self._loop.create_future()
        self._source: Source | None = None
        self._sides = 2
        self._gone = False

    # The thread's side

    def _wait(self, future: Future[Any], seconds: float) -> None:
        self._waiting = future, seconds

    def _send_file(self, path: Path, length: int) -> None:
        if self._spool is None:
            raise RuntimeError("Only a streamed answer may hold files.")
        self._spool.lend(path, length)

    def run(self) -> None:
        began = costs.spent()
        answer: _Answer | BaseException | None
        try:
            answer = self._respond()
        except ClientGone:
            answer = None
        except NoRoom as error:
            logger.error("An answer found no room: %s", error)
            start, body = refuse(self._scope, 503)
            answer = _Answer(start, body["body"])
        except BaseException as error:
            answer = error
        # All at once: each word to the loop wakes it, while this thread has the interpreter.
        self._loop.call_soon_threadsafe(self._finish, self._cost(began, answer), answer)

    def _cost(self, began: float, answer: _Answer | BaseException | None) -> float:
        """Return the seconds that the turn has taken; what is sent from a file is paid then."""
        used = costs.spent() - began + REQUEST_SECONDS
        if isinstance(answer, _Answer) and isinstance(answer.body, bytes):
            used += len(answer.body) / BYTES_A_SECOND
        if self._start and self._start["status"] == 429:
            used += REFUSED_SECONDS
        return used

    def _respond(self) -> _Answer | None:
        """Return the answer; None when it is on its way already.

        The body of one that is dropped is not even read.
        """
        response = self._application(self._environ, self._start_response)
        try:
            body = b"" if self._waiting is not None else self._take(response)
        finally:
            # Django ends its request here, on the thread that began it.
            if hasattr(response, "close"):
                response.close()
        return None if body is None else _Answer(self._start, body)

    def _take(self, response: Iterable[bytes]) -> bytes | Source | None:
        """Return the body, or its source for the loop; None when it is on its way already."""
        if self._has_no_body():
            return b""
        length = self._length()
        if isinstance(response, FileWrapper) and length is not None:
            part = response.detach(length)
            if part is not None:
                return part.take_whole() if length <= WHOLE_FILE_BYTES else part
        if length is not None and length <= WHOLE_BYTES:
            return b"".join(response)
        return self._spool_all(response)

    def _spool_all(self, response: Iterable[bytes]) -> bytes | None:
        spool = self._spool = Spool(self._spool_folder, self._loop)
        error: BaseException | None = None
        is_told = False
        try:
            for chunk in response:
                if self._gone:
                    raise ClientGone
                spool.write(chunk)
                if spool.is_long and not is_told:
                    is_told = True
                    answer = _Answer(self._start, spool)
                    self._loop.call_soon_threadsafe(self._take_answer, answer)
        except BaseException as failure:
            error = failure
            raise
        finally:
            spool.finish(error)
            if not is_told:
                spool.close()
        if is_told:
            return None
        whole = spool.take_whole()
        self._start["headers"] += _missing_length(self._length(), whole)
        return whole

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> None:
        """Follow PEP 3333, but return no `write`: Django has no use for it."""
        self._start = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        }

    def _has_no_body(self) -> bool:
        return self._environ["REQUEST_METHOD"] == "HEAD" or self._start["status"] in (204, 304)

    def _length(self) -> int | None:
        length = dict(self._start["headers"]).get(b"content-length")
        return None if length is None else int(length)

    # The loop's side

    def _finish(self, used: float, answer: _Answer | BaseException | None) -> None:
        """End the thread's side, and its turn: a client who leaves early frees nothing."""
        self._turn.leave(used, self._who)
        if isinstance(answer, _Answer):
            self._take_answer(answer)
        elif answer is not None and not self._answer.done():
            self._answer.set_exception(answer)
        self._end_side()

    def _take_answer(self, answer: _Answer) -> None:
        if not isinstance(answer.body, bytes):
            self._source = answer.body
        if not self._answer.done():
            self._answer.set_result(answer)

    def begin_again(self, turn: Turn) -> None:
        """Be ready for the second run, in a turn of its own."""
        self._turn = turn
        self._sides += 1
        self._waiting = None
        self._start = {}
        self._answer = self._loop.create_future()
        # An application may change its environ, and Django writes the path into it as text.
        before = self._environ
        before["wsgi.input"].seek(0)
        self._environ = make_environ(self._scope, b"", 0) | {name: before[name] for name in KEPT}

    async def relay(
        self,
        receive: Receive,
        send: Send,
        waits: Waits,
        run_again: Callable[[], Awaitable[None]],
    ) -> None:
        try:
            answer = await self._answer
            if self._waiting is not None:
                future, seconds = self._waiting
                await waits.settle(future, seconds)
                if _has_gone(self._scope):
                    return
                self._environ["webchat.waited"] = future
                try:
                    await run_again()
                except TooMany:
                    return await _refuse(self._scope, 503, send)
                answer = await self._answer
            connection = self._connection
            if connection is not None and "webchat.user_id" in self._environ:
                connection.belongs_to(self._environ["webchat.user_id"])
            if isinstance(answer.body, bytes) and len(answer.body) <= SHORT_BYTES:
                await send(answer.start)
                await send(_body(answer.body))
            elif connection is None:
                await self._send_long(answer, receive, send)
            elif isinstance(answer.body, bytes) or self._hold_file(connection):
                connection.begin_long_answer(is_kept=self._is_download)
                await self._send_long(answer, receive, send)
                await connection.end_long_answer()
            else:
                await _refuse(self._scope, 503, send)
        finally:
            self._gone = True
            self._end_side()

    def _hold_file(self, connection: Connection) -> bool:
        has_room = connection.hold_file()
        if has_room:
            self._at_end.append(connection.release_file)
        return has_room

    @property
    def _is_download(self) -> bool:
        return "webchat.is_download" in self._environ

    async def _send_long(self, answer: _Answer, receive: Receive, send: Send) -> None:
        """Send it until its reader leaves, of whom `send` would not learn before it may go on."""
        sending = asyncio.create_task(self._send_in_turn(answer, send))
        leaving = asyncio.create_task(self._watch(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            leaving.cancel()

    async def _send_in_turn(self, answer: _Answer, send: Send) -> None:
        if not self._is_download:
            return await self._send_all(answer, send, nullcontext)
        try:
            with self._downloads.begin(self._who) as share:
                await self._send_all(answer, send, share.piece)
        except TooManyDownloads:
            await _refuse(self._scope, 429, send)

    async def _send_all(self, answer: _Answer, send: Send, turn: PieceTurn) -> None:
        await send(answer.start)
        if isinstance(answer.body, bytes):
            await send(_body(answer.body))
            return
        taken = self._connection.taken if self._connection else unknown
        async with aclosing(answer.body.pieces(taken)) as pieces:
            with suppress(ClientGone):
                while True:
                    async with turn():
                        piece = await anext(pieces, b"")
                        await send(_body(piece, more=bool(piece)))
                    if not piece:
                        return
                    self._turn.pay(len(piece) / BYTES_A_SECOND, self._who)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True

    @property
    def _who(self) -> int | None:
        return self._environ.get("webchat.user_id")

    def _end_side(self) -> None:
        """End a side; after both, nobody reads the source or adds to what is done at the end."""
        self._sides -= 1
        if self._sides:
            return
        if self._source is not None:
            self._source.close()
        while self._at_end:
            self._at_end.pop()()


async def _refuse(scope: Scope, status: int, send: Send) -> None:
    for message in refuse(scope, status):
        await send(message)


def _has_gone(scope: Scope) -> bool:
    """Return whether nobody would read the answer."""
    connection: Connection | None = scope.get("webchat.connection")
    return connection is not None and connection.has_gone


def _missing_length(length: int | None, whole: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(len(whole)).encode())] if length is None else []


def _body(chunk: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


async def _read(body: Body, scope: Scope, receive: Receive) -> bool:
    """Read the body, if one is announced; False when the client left. Raises Refused."""
    announced = dict(scope["headers"])
    if b"content-length" not in announced and b"transfer-encoding" not in announced:
        return bool((await receive())["type"] == "http.request")
    declared = int(announced.get(b"content-length", 0))
    pass_body = scope.get("webchat.pass_body")
    if SMALL_BYTES < declared <= BODY_BYTES and pass_body is not None:
        pass_body(body.keep_piece)
    return await body.read(receive, declared)
