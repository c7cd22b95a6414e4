"""The memory and processor of short processes beside a server."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LOOK_SECONDS = 0.005  # the last of them is not seen
NAME = b"chat.media.work"


@dataclass(frozen=True, slots=True)
class Spent:
    """What the processes have used since it was asked last."""

    peak: int = 0  # bytes, of the one that had most (VmHWM)
    seconds: float = 0.0  # of processor, of all of them


class Workers:
    """Look at the processes that a worker of the server has files processed by."""

    def __init__(self, worker: int) -> None:
        self._threads = Path(f"/proc/{worker}/task")
        self._seen: dict[int, Spent] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def take(self) -> Spent:
        with self._lock:
            seen, self._seen = self._seen, {}
        peak = max((each.peak for each in seen.values()), default=0)
        return Spent(peak, sum(each.seconds for each in seen.values()))

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for pid in self._children():
                with suppress(OSError, ValueError):  # it has ended
                    self._look(pid)

    def _children(self) -> list[int]:
        found = []
        for path in self._threads.glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in path.read_text().split()]
        return found

    def _look(self, pid: int) -> None:
        process = Path(f"/proc/{pid}")
        if NAME not in (process / "cmdline").read_bytes():
            return
        peak = _line(process, "VmHWM")
        seconds = int((process / "schedstat").read_text().split()[0]) / 1e9
        with self._lock:
            self._seen[pid] = Spent(peak, seconds)


def resident(pids: Iterable[int]) -> int:
    """Return the bytes of processes that are in memory; what they share counts for each."""
    return sum(_line(Path(f"/proc/{pid}"), "VmRSS") for pid in pids)


def _line(process: Path, name: str) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no {name}")
