"""The work on one file in a process of its own: `python -m chat.media.work`.

It reads an order as one line of JSON and answers with another. Memory, time and what may be
written are bounded, it dies with whoever started it, and it knows nothing of the server: neither
its settings nor its database.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .clean import clean
from .clean.facts import Facts, UnreadableError
from .orders import Box, Kind, Order, Processed

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
    _bound(given["seconds"], Path(order.source).stat().st_size, given["parent"])
    try:
        answer = work(order)._asdict()
    except OSError as error:
        if error.errno is None:
            raise
        answer = {"errno": error.errno}
    sys.stdout.write(json.dumps(answer) + "\n")


def work(order: Order) -> Processed:
    """Clean a file and draw what belongs to it; one that is not of its kind is a file as it is.

    All that is kept is on the disk when this returns. OSError if the disk refuses.
    """
    with open(order.source, "rb") as source:
        if order.kind is not Kind.FILE:
            try:
                return _make(order, source)
            except Exception as error:
                # Whatever a damaged file makes its readers do; an error with a number is the disk's.
                if isinstance(error, OSError) and error.errno is not None:
                    raise
        for path in filter(None, (order.target, order.preview)):
            Path(path).unlink(missing_ok=True)
        return _stored(source, Kind.FILE, UNKNOWN)


def _make(order: Order, source: BinaryIO) -> Processed:
    with open(order.target, "w+b") as target:
        facts = clean(source, target)
        if _kind_of(facts) is not (Kind.PICTURE if order.kind is Kind.FACE else order.kind):
            raise UnreadableError("of another kind")
        if order.kind is Kind.FACE:
            return _make_face(order, facts, target)
        if order.kind is Kind.PICTURE:
            _make_preview(order, facts, target)
        return _stored(
            target,
            order.kind,
            facts.mimetype,
            width=facts.width or None,
            height=facts.height or None,
            duration=facts.duration or None,
            has_preview=order.kind is Kind.PICTURE,
        )


def _kind_of(facts: Facts) -> Kind:
    family = facts.mimetype.partition("/")[0]
    if family == "image":
        return Kind.PICTURE
    # A recorder may write sound into a container for films.
    return Kind.VIDEO if family == "video" and facts.width else Kind.VOICE


def _make_preview(order: Order, facts: Facts, picture: BinaryIO) -> None:
    from . import drawing  # Pillow may be missing

    picture.seek(0)
    with open(order.preview, "wb") as preview:
        drawing.write_preview(picture, facts, preview)
        _sync(preview)


def _make_face(order: Order, facts: Facts, target: BinaryIO) -> Processed:
    from . import drawing

    target.seek(0)
    face = drawing.make_face(target, facts, order.box)
    target.seek(0)
    target.truncate()
    target.write(face)
    side = drawing.FACE_PIXELS
    return _stored(target, Kind.FACE, "image/webp", width=side, height=side)


def _stored(
    file: BinaryIO,
    kind: Kind,
    mimetype: str,
    *,
    width: int | None = None,
    height: int | None = None,
    duration: float | None = None,
    has_preview: bool = False,
) -> Processed:
    """Sync a file to the disk, and say what it is."""
    _sync(file)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = os.fstat(file.fileno()).st_size
    return Processed(kind, str(mimetype), size, digest, width, height, duration, has_preview)


def _sync(file: BinaryIO) -> None:
    if file.writable():
        file.flush()
    os.fsync(file.fileno())


def _bound(seconds: int, size: int, parent: int) -> None:
    """Bound what this process may use, and let it end with its parent."""
    os.closerange(3, 1 << 16)
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
