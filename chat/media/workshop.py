"""The processing of files that people send, in short processes beside the server.

At most PLACES of them run at once on a machine, whichever process has ordered them: each holds one
of as many locks in DATA_DIR. A process that takes too long is killed, one whose parent ends dies
with it, and none outlasts the call that started it. A picture whose drawing fails, in whatever way,
is a file without its metadata; only what cannot be cleaned is stored as it came. A process costs
some 0.1 s before it has done anything.
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
from threading import BoundedSemaphore
from typing import IO, Any
from weakref import WeakKeyDictionary

from django.conf import settings

from webchat.database import locks

from .orders import MAX_NUMBER, Kind, Order, Processed, Why, known_duration

PLACES = 2
LOOK_SECONDS = 0.05  # between two looks for a free place
PATIENCE_SECONDS = 20.0  # of a thread that waits for one
PICTURE_SECONDS = 20
OTHER_SECONDS = 60
BYTES_A_SECOND = 20 * 1024**2  # of a large file, on a slow disk: it is copied, synced and read
ANSWER_BYTES = 4096
PIECE = 64 * 1024
ENDING_SECONDS = 1.0  # from the end of what a process says to its own
COMMAND = (sys.executable, "-E", "-s", "-m", "chat.media.work")
ENVIRONMENT = {"LANG": "C.UTF-8"}  # no key and no address of ours

logger = logging.getLogger(__name__)
_thread_turns = BoundedSemaphore(PLACES)
_loop_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class UnavailableError(Exception):
    """Nothing is known about the file: the same order may be given again, a little later."""


class BusyError(UnavailableError):
    """No place was free in time."""


class UnansweredError(UnavailableError):
    """No process has said anything that makes sense; the reason names no file."""


def process(order: Order) -> Processed:
    """Have a file cleaned, measured and drawn, while this thread waits.

    What is made is in `target` and `preview`, synced to the disk; their folders are not. The
    answer says where the content is: in the source, if that is all there is to store.

    Raises BusyError after PATIENCE_SECONDS; OSError if the disk refuses, as when it is full, or
    if there is no source; UnansweredError if not even a process that only measures the file comes
    to its end, as on a machine without memory. Nothing that was made is left then, and the source
    is as it was: the caller may say 503, and come again with the same order.
    """
    with _place(), _leaving_nothing(order):
        tries = _tries(order)
        for attempt in tries:
            try:
                return _understand(order, attempt, _ask(attempt))
            except UnansweredError as error:
                _note(order, attempt, error)
        raise UnansweredError(f"{len(tries)} processes ended without an answer")


async def process_on_loop(order: Order) -> Processed:
    """Do as `process` does, on the event loop, which goes on meanwhile.

    Whoever waits long enough has a place, so there is no BusyError. A cancelled call kills its
    process, and leaves nothing that was made.
    """
    async with _place_on_loop():
        with _leaving_nothing(order):
            tries = _tries(order)
            for attempt in tries:
                try:
                    return _understand(order, attempt, await _ask_on_loop(attempt))
                except UnansweredError as error:
                    _note(order, attempt, error)
            raise UnansweredError(f"{len(tries)} processes ended without an answer")


def _tries(order: Order) -> list[Order]:
    """Return what is asked for, one after the other, as long as nothing is answered.

    A picture is said to be clean before it is drawn, so few come to the second try: to clean the
    file and do nothing else. The last only measures it.
    """
    plain = order._replace(kind=Kind.FILE, preview="", box=None)
    measured = plain._replace(target="")
    return [order, measured] if order.kind is Kind.FILE else [order, plain, measured]


@contextmanager
def _leaving_nothing(order: Order) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _forget(order.target, order.preview)
        raise


def _note(order: Order, attempt: Order, error: UnansweredError) -> None:
    """Tell the log that a process has failed, and remove what it has left."""
    what = attempt.kind if attempt.target else "measured"
    logger.warning("The processing of a %s as %s failed: %s", order.kind, what, error)
    _forget(order.target, order.preview)


def _forget(*paths: str) -> None:
    for path in filter(None, paths):
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
        while (lock := _take_place()) is None:  # noqa: ASYNC110  (no event tells of other processes)
            await asyncio.sleep(LOOK_SECONDS)
        with lock:
            yield


def _take_place() -> IO[bytes] | None:
    for number in range(PLACES):
        with suppress(locks.HeldError):
            return locks.take(settings.DATA_DIR / f"workshop-{number}.lock", seconds=0)
    return None


def _ask(order: Order) -> bytes:
    """Run a process, and return all that it says."""
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
            assert child.stdin is not None  # noqa: S101  (what PIPE means)
            assert child.stdout is not None  # noqa: S101
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(_line(order, seconds))
            return _read(child.stdout, time.monotonic() + seconds)
        finally:
            child.kill()


def _read(pipe: IO[bytes], deadline: float) -> bytes:
    """Read to the end of a pipe, but not for longer, and not much more than an answer."""
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(said) <= ANSWER_BYTES:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                _note_lateness()
                break
            piece = os.read(pipe.fileno(), PIECE)
            if not piece:
                break
            said += piece
    return said


async def _ask_on_loop(order: Order) -> bytes:
    seconds = _seconds(order)
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env=ENVIRONMENT,
    )
    said = b""
    try:
        assert child.stdin is not None  # noqa: S101  (what PIPE means)
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(_line(order, seconds))
        child.stdin.close()
        async with asyncio.timeout(seconds):
            while len(said) <= ANSWER_BYTES and (piece := await child.stdout.read(PIECE)):
                said += piece
    except TimeoutError:
        _note_lateness()
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await _see_off(child)
    return said


def _note_lateness() -> None:
    logger.warning("The process of a file was killed, it took too long")


async def _see_off(child: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that was killed.

    Its end is not told before that of its pipe, which stands still as long as nobody reads what it
    has said too much.
    """
    assert child.stdout is not None  # noqa: S101  (what PIPE means)
    while await child.stdout.read(PIECE):
        pass
    await child.wait()


def _line(order: Order, seconds: int) -> bytes:
    given = {"order": order._asdict(), "seconds": seconds, "parent": os.getpid()}
    return json.dumps(given).encode() + b"\n"


def _seconds(order: Order) -> int:
    is_picture = order.kind in (Kind.PICTURE, Kind.FACE)
    least = PICTURE_SECONDS if is_picture else OTHER_SECONDS
    return least + os.stat(order.source).st_size // BYTES_A_SECOND


def _understand(order: Order, attempt: Order, said: bytes) -> Processed:
    """Return the last that a process has said about a file; OSError if the disk refused.

    An empty line means that it has come to its end.
    """
    lines = said.split(b"\n")[:-1]  # what follows the last end of a line is half of one
    answers = [line for line in lines if line]
    if not answers:
        raise UnansweredError("it said nothing")
    found = _parse(attempt, answers[-1])
    if lines[-1]:
        logger.warning("A %s goes as a file: the process that drew it came to no end", order.kind)
        _forget(order.preview)
    if found.kind is not order.kind and not found.why:
        return found._replace(why=Why.UNREADABLE)
    return found


def _parse(attempt: Order, answer: bytes) -> Processed:
    try:
        found: dict[str, Any] = json.loads(answer)
        if "errno" in found:
            number = int(found["errno"])
        else:
            done = Processed(**found)
            done = done._replace(kind=Kind(done.kind), why=Why(done.why))
            if done.kind not in (attempt.kind, Kind.FILE) or done.is_clean > bool(attempt.target):
                raise ValueError
            if not _has_measures(done):
                raise ValueError
            return done
    except (ValueError, TypeError):
        raise UnansweredError("its answer makes no sense") from None
    raise OSError(number, os.strerror(number))


def _has_measures(done: Processed) -> bool:
    """Return whether the numbers are such as a file can have; JSON here knows infinite ones."""
    whole = [number for number in (done.size, done.width, done.height) if number is not None]
    return done.duration == known_duration(done.duration) and all(
        isinstance(number, int) and 0 <= number <= MAX_NUMBER for number in whole
    )
