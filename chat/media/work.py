"""The work on one file in a process of its own: `python -m chat.media.work`.

It reads an order as one line of JSON and answers with lines of JSON, of which the last counts; an
empty one is the end. Memory, time and what may be written are bounded, it dies with whoever started
it, and it knows nothing of the server: neither its settings nor its database.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from typing import BinaryIO

from .clean import clean
from .clean.facts import Facts
from .orders import Box, Kind, Order, Processed, Why, known_duration

MEMORY_BYTES = 400 * 1024**2  # of addresses; 64 megapixels in four channels take 256 MB of them
MORE_BYTES = 1024**2  # that a file may be longer when it has been cleaned; a preview is shorter
OPEN_FILES = 32
NICENESS = 10  # those who chat go first
PR_SET_PDEATHSIG = 1  # prctl(2)
UNKNOWN = "application/octet-stream"


def main() -> None:
    given = json.loads(sys.stdin.readline())
    order = Order(**given["order"])
    box = Box(*order.box) if order.box else None
    order = order._replace(kind=Kind(order.kind), box=box)
    _bound(given["seconds"], os.stat(order.source).st_size, given["parent"])
    try:
        for found in work(order):
            _say(found._asdict())
    except OSError as error:
        if error.errno is None:
            raise
        _say({"errno": error.errno})
    sys.stdout.write("\n")


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def work(order: Order) -> Iterator[Processed]:
    """Clean a file and draw what belongs to it; say what it is whenever more is known.

    What has been said is on the disk by then. A picture is first said to be a file: drawing it may
    end this process, and then it is one. Raises OSError if the disk refuses.
    """
    with open(order.source, "rb") as source:
        made = _clean(order, source) if order.target else None
        if made is None:
            why = Why.NONE if order.kind is Kind.FILE else Why.UNREADABLE
            yield Processed(Kind.FILE, UNKNOWN, *_measure(source), why=why)
            return
    facts, file = made
    wanted = Kind.PICTURE if order.kind is Kind.FACE else order.kind
    if order.kind is Kind.FILE:
        yield file
    elif _kind_of(facts) is not wanted:
        yield file._replace(why=Why.UNREADABLE)
    elif facts.is_too_large:
        yield file._replace(why=Why.TOO_LARGE)
    elif wanted is not Kind.PICTURE:
        yield _shown(order.kind, file, facts)
    else:
        if order.kind is Kind.PICTURE:
            yield file._replace(why=Why.UNREADABLE)
        yield _draw(order, facts, file)


def _clean(order: Order, source: BufferedReader) -> tuple[Facts, Processed] | None:
    """Make a clean copy; None if the file cannot be understood."""
    try:
        with open(order.target, "wb") as target:
            copy = _Measured(target)
            facts = clean(source, copy)
            _sync(target)
    except Exception as error:
        _raise_of_disk(error)
        os.unlink(order.target)
        return None
    size, digest = copy.size, copy.sum.hexdigest()
    return facts, Processed(Kind.FILE, str(facts.mimetype), size, digest, is_clean=True)


class _Measured:
    """A file that is measured while it is written, so that nobody has to read it again."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.sum = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> None:
        self._target.write(data)
        self.sum.update(data)
        self.size += len(data)


def _measure(file: BufferedReader) -> tuple[int, str]:
    """Sync a file to the disk, and return its size and sum."""
    os.fsync(file.fileno())
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return os.fstat(file.fileno()).st_size, digest


def _kind_of(facts: Facts) -> Kind:
    family = facts.mimetype.partition("/")[0]
    if family == "image":
        return Kind.PICTURE
    # A recorder may write sound into a container for films.
    return Kind.VIDEO if family == "video" and facts.width else Kind.VOICE


def _shown(kind: Kind, file: Processed, facts: Facts) -> Processed:
    return file._replace(
        kind=kind,
        width=facts.width or None,
        height=facts.height or None,
        duration=known_duration(facts.duration),
    )


def _draw(order: Order, facts: Facts, file: Processed) -> Processed:
    """Draw the preview of a clean picture, or cut it to a face; one that fails to is a file."""
    try:
        if order.kind is Kind.FACE:
            return _make_face(order, facts)
        _make_preview(order, facts)
    except Exception as error:
        # Whatever a damaged file makes Pillow do, which may also be missing.
        _raise_of_disk(error)
        with suppress(FileNotFoundError):
            os.unlink(order.preview)
        is_too_large = isinstance(error, MemoryError)
        return file._replace(why=Why.TOO_LARGE if is_too_large else Why.UNREADABLE)
    return _shown(order.kind, file, facts)._replace(has_preview=True)


def _make_preview(order: Order, facts: Facts) -> None:
    from . import drawing

    with open(order.target, "rb") as picture, open(order.preview, "wb") as preview:
        drawing.write_preview(picture, facts, preview)
        _sync(preview)


def _make_face(order: Order, facts: Facts) -> Processed:
    from . import drawing

    with open(order.target, "rb") as picture:
        face = drawing.make_face(picture, facts, order.box)
    with open(order.target, "wb") as target:
        target.write(face)
        _sync(target)
    side = drawing.FACE_PIXELS
    digest = hashlib.sha256(face).hexdigest()
    return Processed(Kind.FACE, "image/webp", len(face), digest, side, side, is_clean=True)


def _raise_of_disk(error: Exception) -> None:
    """Raise an error that the disk has given: it has a number, others have none."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _bound(seconds: int, size: int, parent: int) -> None:
    """Bound what this process may use, and let it end with its parent."""
    os.umask(0o077)
    os.nice(NICENESS)
    with suppress(AttributeError):  # Linux has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended meanwhile
        sys.exit(1)
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: size + MORE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for kind, most in bounds.items():
        _soft, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    os.chdir("/")


if __name__ == "__main__":
    main()
