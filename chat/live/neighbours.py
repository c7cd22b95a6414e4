"""Short messages between the workers, one datagram to each, which are never stored.

Each has a unix socket in a folder of DATA_DIR that only their user may enter. There is no order,
no answer and no memory; what does not fit is lost. Nothing touches the disk but the name of the
socket, which is removed with its worker, or when the next message finds nobody behind it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LONGEST = 1024  # bytes of a datagram
AT_ONCE = 64  # datagrams that are read before the loop goes on
# A change of the folder may have the same time as one just before it, but not for longer.
SETTLED_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class Neighbours:
    """The other workers that serve the same data. `tell` is safe from any thread."""

    def __init__(self, folder: Path, hear: Callable[[bytes], None]) -> None:
        self._folder = folder
        self._hear = hear
        self._name = secrets.token_hex(8)
        self._directory = -1
        # When the folder had last been changed, in ns, and who was in it.
        self._listed: tuple[int, list[str]] = -1, []
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen on the running loop. Where that is impossible, each worker keeps to itself."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            ear.setblocking(False)
            ear.bind(self._path_of(self._name))
        except OSError as error:
            logger.warning("Workers cannot tell each other who is typing: %s", error)
            return
        self._socket = ear
        asyncio.get_running_loop().add_reader(ear, self._read)

    def stop(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._forget(self._name)
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def tell(self, word: bytes) -> None:
        ear = self._socket
        if ear is None or len(word) > LONGEST:
            return
        try:
            others = self._list_others()
        except OSError:  # no file can be opened at the moment: nobody waits for a note of typing
            return
        for name in others:
            try:
                ear.sendto(word, self._path_of(name))
            except ConnectionRefusedError:
                self._forget(name)  # its worker was killed
            except OSError:
                pass  # its queue is full, or it has just stopped

    def _list_others(self) -> list[str]:
        """Return the names of the other sockets, from memory while their folder is unchanged."""
        changed = os.stat(self._directory).st_mtime_ns
        before, others = self._listed
        if changed != before or time.time_ns() - changed < SETTLED_NS:
            others = [name for name in os.listdir(self._directory) if name != self._name]
            self._listed = changed, others
        return others

    def _read(self) -> None:
        for _word in range(AT_ONCE):
            try:
                word = self._socket.recv(LONGEST) if self._socket else b""
            except OSError:
                return
            self._hear(word)

    def _path_of(self, name: str) -> str:
        """Return a short path: a socket's has at most 107 bytes, and DATA_DIR's may be longer."""
        return f"/proc/self/fd/{self._directory}/{name}"

    def _forget(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self._directory)
