"""Long answers: files, and what is spooled into one. The loop sends them piece by piece.

The thread that makes an answer writes at full speed and is free for the next request; a reader
may take hours. Files are read on threads of their own, so that a slow disk stops nobody else.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import IO, NamedTuple
from wsgiref.util import FileWrapper as PlainFileWrapper

PIECE_BYTES = 64 * 1024  # gunicorn's high-water mark: one piece waits in memory, not more …
# … but to a reader who has taken a megabyte like nothing, longer ones cost half as much by byte.
# The kernel takes up to 4 MB like nothing, whoever reads: what their machine says counts.
LONG_PIECE_BYTES = 256 * 1024
QUICK_SECONDS = 0.05
QUICK_PIECES = 16
FILE_THREADS = 2  # a piece takes them some microseconds, or as long as the disk is slow
MEMORY_BYTES = 256 * 1024  # of a spooled answer; a longer one goes to the disk
DISK_BYTES = 2 * 1024**3  # of all spooled answers together
KEPT_FREE_BYTES = 128 * 1024**2  # twice what `readyz` wants, so that messages can still be stored
LOOK_BYTES = 16 * 1024**2  # written between two looks at how full the disk is

_file_threads = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="file")


class NoRoom(OSError):  # noqa: N818  (a state of the disk, which the answer tells)
    pass


class FileWrapper(PlainFileWrapper):
    """The `wsgi.file_wrapper` of PEP 3333."""

    def detach(self, length: int) -> FilePart | None:
        """Return the rest of the file under a descriptor of its own; None if not a real file."""
        file = getattr(self.filelike, "fileobj", self.filelike)  # whitenoise's answer to Range
        try:
            return FilePart(os.dup(file.fileno()), file.tell(), length)
        except (AttributeError, OSError):
            return None


Taken = Callable[[], int | None]  # the bytes that a reader's machine has acknowledged


def unknown() -> int | None:
    return None


class Haste:
    """How long the next piece may be, by how quickly the last ones were taken."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._begin()

    def _begin(self) -> None:
        self._quick = 0
        self._from = self._taken()

    @property
    def piece_bytes(self) -> int:
        return LONG_PIECE_BYTES if self._quick >= QUICK_PIECES and self._is_taken else PIECE_BYTES

    @property
    def _is_taken(self) -> bool:
        found = self._taken()
        if found is None or self._from is None:
            return True
        return found - self._from >= QUICK_PIECES * PIECE_BYTES

    def note(self, seconds: float) -> None:
        self._quick += 1
        if seconds >= QUICK_SECONDS:
            self._begin()


class FilePart:
    """A number of bytes of an open file, which this object closes."""

    def __init__(self, number: int, offset: int, length: int) -> None:
        self._number = number
        self._offset = offset
        self.length = length

    def take_whole(self) -> bytes:
        try:
            return os.pread(self._number, self.length, self._offset)
        finally:
            self.close()

    async def pieces(self, taken: Taken = unknown) -> AsyncGenerator[bytes, None]:
        sent, haste = 0, Haste(taken)
        while sent < self.length:
            at_most = min(haste.piece_bytes, self.length - sent)
            piece = await _read(self._number, self._offset + sent, at_most)
            if not piece:
                return  # cut short meanwhile: the server closes what misses its length
            began = time.monotonic()
            yield piece
            sent += len(piece)
            haste.note(time.monotonic() - began)

    def close(self) -> None:
        os.close(self._number)


class LentFile(NamedTuple):
    """A file that is sent within a spooled answer, and takes no room of it."""

    at: int  # of the spool
    path: Path
    length: int

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield exactly so many bytes; of a file that is gone meanwhile, zeros."""
        sent = 0
        number = await self._open()
        try:
            while sent < self.length:
                at_most = min(PIECE_BYTES, self.length - sent)
                piece = b"" if number is None else await _read(number, sent, at_most)
                yield piece or bytes(at_most)
                sent += len(piece) or at_most
        finally:
            if number is not None:
                os.close(number)

    async def _open(self) -> int | None:
        opening = _file_threads.submit(os.open, self.path, os.O_RDONLY)
        try:
            return await asyncio.wrap_future(opening)
        except FileNotFoundError:
            return None
        except asyncio.CancelledError:  # its reader left: nobody else knows what the thread opens
            opening.add_done_callback(_close_opened)
            raise


def _close_opened(opening: Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


async def _read(number: int, offset: int, at_most: int) -> bytes:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_file_threads, os.pread, number, at_most, offset)


class Disk:
    """The room that all spooled answers share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used = 0

    def take(self, size: int) -> None:
        """Take some of it. Raises NoRoom if that would be too much."""
        with self._lock:
            if self._used + size > DISK_BYTES:
                raise NoRoom("Too much is being downloaded.")
            self._used += size

    def give_back(self, size: int) -> None:
        with self._lock:
            self._used -= size


disk = Disk()


class Spool:
    """An answer that grows while it is read: a thread writes it, the loop sends it.

    Up to MEMORY_BYTES are kept as they are; then it `is_long`, and a file without a name in
    `folder` takes them. Writing raises NoRoom. What is in a file already need not be written:
    `lend` puts that into the answer.
    """

    def __init__(self, folder: Path | None, loop: asyncio.AbstractEventLoop) -> None:
        self._folder = folder
        self._loop = loop
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._length = 0
        self._lent: deque[LentFile] = deque()
        self._taken = 0  # of the room on the disk
        self._looked_at = 0
        self._is_complete = False
        self._error: BaseException | None = None
        self._grew = asyncio.Event()

    @property
    def is_long(self) -> bool:
        return self._file is not None

    def write(self, chunk: bytes) -> None:
        if not chunk:
            return
        if self._file is None and self._length + len(chunk) <= MEMORY_BYTES:
            self._chunks.append(chunk)
            self._length += len(chunk)
            return
        try:
            if self._file is None:
                chunk = self._begin_file() + chunk
            self._append(chunk)
        except OSError as error:
            raise NoRoom(str(error)) from error

    def lend(self, path: Path, length: int) -> None:
        """Let these bytes follow what was written until now, when their turn has come."""
        try:
            if self._file is None:
                self._append(self._begin_file())
        except OSError as error:
            raise NoRoom(str(error)) from error
        self._lent.append(LentFile(self._length, path, length))
        self._tell()

    def _begin_file(self) -> bytes:
        self._look_at_disk()
        self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        self._length = 0
        return self.take_whole()

    def _append(self, chunk: bytes) -> None:
        disk.take(len(chunk))
        self._taken += len(chunk)
        if self._length - self._looked_at > LOOK_BYTES:
            self._look_at_disk()
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._number, view) :]
        self._length += len(chunk)
        self._tell()

    def _look_at_disk(self) -> None:
        self._looked_at = self._length
        found = os.statvfs(self._folder or tempfile.gettempdir())
        if found.f_bavail * found.f_frsize < KEPT_FREE_BYTES:
            raise NoRoom("The disk is nearly full.")

    def take_whole(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; an error reaches the reader."""
        self._error = error
        self._is_complete = True
        self._tell()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._grew.set)

    @property
    def _number(self) -> int:
        if self._file is None:
            raise RuntimeError("Nothing was written to the disk.")
        return self._file.fileno()

    async def pieces(self, taken: Taken = unknown) -> AsyncGenerator[bytes, None]:
        sent = 0
        while True:
            self._grew.clear()
            # In this order: each grows, and none before what stands in front of it.
            is_complete, end = self._is_complete, self._length
            if self._lent:
                end = self._lent[0].at
            if sent < end:
                piece = await _read(self._number, sent, min(end - sent, PIECE_BYTES))
                yield piece
                sent += len(piece)
            elif self._lent:
                async with aclosing(self._lent.popleft().pieces()) as pieces:
                    async for piece in pieces:
                        yield piece
            elif not is_complete:
                await self._grew.wait()
            elif self._error is not None:
                raise self._error
            else:
                return

    def close(self) -> None:
        """Close it when both sides are done with it."""
        if self._file is not None:
            self._file.close()
            disk.give_back(self._taken)


Source = FilePart | Spool
