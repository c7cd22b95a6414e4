"""The steps of a long work, for somebody who hears of them or nobody, and files read in such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

Step = Callable[[int], None]


def quietly(_count: int) -> None:
    """Tell nobody of the progress."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Give an error of a disk that names no file this one's name."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


class Counted:
    """A file that is read, and somebody who hears of the bytes; its errors name it."""

    def __init__(self, file: BinaryIO, step: Step) -> None:
        self._file = file
        self._step = step

    def read(self, size: int = -1) -> bytes:
        with naming(self._file.name):
            chunk = self._file.read(size)
        self._step(len(chunk))
        return chunk

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()
