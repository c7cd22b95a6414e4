"""The processing of files that people send, in short processes beside the server.

At most PLACES of them run at once on a machine, whichever process has ordered them: each holds one
of as many locks in DATA_DIR. A process that takes too long is killed, one whose parent ends dies
with it, and none outlasts the call that started it. One that fails in any way makes the file one
without a kind, which is stored as it came. A process costs some 0.1 s before it has done anything.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import selectors
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, Any
from weakref import WeakKeyDictionary

from django.conf import settings

from webchat.database import locks

from .orders import Kind, Order, Processed

PLACES = 2
LOOK_SECONDS = 0.05  # between two looks for a free place
PATIENCE_SECONDS = 20.0  # of a thread that waits for one
PICTURE_SECONDS = 20
OTHER_SECONDS = 60
BYTES_A_SECOND = 20 * 1024**2  # of a large file, on a slow disk: it is copied, synced and read
ANSWER_BYTES = 4096
ENDING_SECONDS = 1.0  # from the end of what a process says to its own
COMMAND = (sys.executable, "-E", "-s", "-m", "chat.media.work")
ENVIRONMENT = {"LANG": "C.UTF-8"}  # no key and no address of ours

logger = logging.getLogger(__name__)
_thread_turns = BoundedSemaphore(PLACES)
_loop_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class BusyError(Exception):
    """No place was free in time: the same order may be given again."""


class UnansweredError(Exception):
    """The process ended without an answer that makes sense; the reason names no file."""


def process(order: Order) -> Processed:
    """Have a file cleaned, measured and drawn, while this thread waits.

    What is made is in `target` and `preview`, synced to the disk, and their folders are not. Where
    nothing could be made they do not exist, and the source is what there is to store. Raises
    BusyError after PATIENCE_SECONDS, and OSError if the disk refuses, as when it is full.
    """
    with _place(), _leaving_nothing(order):
        try:
            return _understand(order, _ask(order))
        except UnansweredError as error:
            _forgo(order, error)
        plain = order._replace(kind=Kind.FILE)
        return _understand(plain, _ask(plain))


async def process_on_loop(order: Order) -> Processed:
    """Do as `process` does, on the event loop, which goes on meanwhile.

    Whoever waits long enough has a place, so there is no BusyError. A cancelled call kills its
    process, and leaves no file behind.
    """
    async with _place_on_loop():
        with _leaving_nothing(order):
            try:
                return _understand(order, await _ask_on_loop(order))
            except UnansweredError as error:
                _forgo(order, error)
            plain = order._replace(kind=Kind.FILE)
            return _understand(plain, await _ask_on_loop(plain))


@contextmanager
def _leaving_nothing(order: Order) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _forget(order)
        raise


def _forgo(order: Order, error: UnansweredError) -> None:
    """Tell the log that nothing will be made of a file."""
    logger.warning("A %s goes as a file, its processing failed: %s", order.kind, error)
    _forget(order)


def _forget(order: Order) -> None:
    for path in filter(None, (order.target, order.preview)):
        with suppress(OSError):
            os.unlink(path)


@contextmanager
def _place() -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    if not _thread_turns.acquire(timeout=PATIENCE_SECONDS):
        raise BusyError
    try:
        while (lock := _take_place()) is None:
            if time.monotonic() >= deadline:
                raise BusyError
            time.sleep(LOOK_SECONDS)
        with lock:
            yield
    finally:
        _thread_turns.release()


@asynccontextmanager
async def _place_on_loop() -> AsyncIterator[None]:
    # In the order of their coming: only those whose turn it is look for a place.
    loop = asyncio.get_running_loop()
    async with _loop_turns.setdefault(loop, asyncio.Semaphore(PLACES)):
        while (lock := _take_place()) is None:
            await asyncio.sleep(LOOK_SECONDS)
        with lock:
            yield


def _take_place() -> IO[bytes] | None:
    for number in range(PLACES):
        with suppress(locks.HeldError):
            return locks.take(settings.DATA_DIR / f"workshop-{number}.lock", seconds=0)
    return None


def _ask(order: Order) -> bytes:
    seconds = _seconds(order)
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env=ENVIRONMENT,
    ) as child:
        try:
            assert child.stdin and child.stdout  # noqa: S101  (what PIPE means)
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(_line(order, seconds))
            if answer := _read(child.stdout, time.monotonic() + seconds):
                return answer
            return _without_answer(child.wait(ENDING_SECONDS))
        except subprocess.TimeoutExpired:
            return _without_answer(None)
        finally:
            child.kill()


def _read(pipe: IO[bytes], deadline: float) -> bytes:
    """Read up to the end of a line, or of the pipe."""
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not answer.endswith(b"\n") and len(answer) < ANSWER_BYTES:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise UnansweredError("it took too long")
            piece = os.read(pipe.fileno(), ANSWER_BYTES)
            if not piece:
                break
            answer += piece
    return answer


async def _ask_on_loop(order: Order) -> bytes:
    seconds = _seconds(order)
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env=ENVIRONMENT,
        limit=ANSWER_BYTES,
    )
    try:
        assert child.stdin and child.stdout  # noqa: S101  (what PIPE means)
        child.stdin.write(_line(order, seconds))
        child.stdin.close()
        async with asyncio.timeout(seconds):
            if answer := await child.stdout.readline():
                return answer
        return _without_answer(await asyncio.wait_for(child.wait(), ENDING_SECONDS))
    except TimeoutError:
        raise UnansweredError("it took too long") from None
    except ValueError:
        raise UnansweredError("its answer was too long") from None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _without_answer(status: int | None) -> bytes:
    raise UnansweredError(f"it ended without an answer, with the status {status}")


def _line(order: Order, seconds: int) -> bytes:
    given = {"order": order._asdict(), "seconds": seconds, "parent": os.getpid()}
    return json.dumps(given).encode() + b"\n"


def _seconds(order: Order) -> int:
    if order.kind in (Kind.PICTURE, Kind.FACE):
        return PICTURE_SECONDS
    return OTHER_SECONDS + os.stat(order.source).st_size // BYTES_A_SECOND


def _understand(order: Order, answer: bytes) -> Processed:
    """Return what a process has answered; OSError if the disk refused."""
    try:
        found: dict[str, Any] = json.loads(answer)
        if "errno" in found:
            number = int(found["errno"])
        else:
            done = Processed(**found)
            kind = Kind(done.kind)
            if kind not in (order.kind, Kind.FILE):
                raise ValueError
            return done._replace(kind=kind)
    except (ValueError, TypeError):
        raise UnansweredError("its answer makes no sense") from None
    raise OSError(number, os.strerror(number))
