"""The common part of the phases of chat_bench.py: people, servers, a window to measure in."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from client import Address
from load import Window
from processes import CORES, ROOT, Running, Server, new_settings, prepare, run
from report import Report

PAIRS = 50
FRIENDS = 200
WARM_UP = 2.0  # seconds

S = TypeVar("S")
T = TypeVar("T")


class Stage:
    """People with sessions, and servers on copies of their data."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.seconds: float = options.seconds
        self.folder = folder
        self.report = Report()
        self.began = time.monotonic()
        # One worker has a core to itself, and the load another; more workers share both with it.
        alone = options.workers == 1 and len(CORES) > 1
        self.server_cores = CORES[:1] if alone else CORES
        os.sched_setaffinity(0, CORES[1:] if alone else CORES)
        self.settings: dict[str, str] = {}
        self.people: list[dict[str, str]] = []

    @property
    def talkers(self) -> list[dict[str, str]]:
        return self.people[: 2 * PAIRS]

    @property
    def star(self) -> dict[str, str]:
        return self.people[2 * PAIRS]

    @property
    def audience(self) -> list[dict[str, str]]:
        return self.people[2 * PAIRS + 1 :]

    def progress(self, text: str) -> None:
        start, end = ("\r", "\x1b[K") if sys.stderr.isatty() else ("", "\n")
        sys.stderr.write(f"{start}{time.monotonic() - self.began:5.0f} s  {text}{end}")
        sys.stderr.flush()

    def make_people(self) -> None:
        self.progress("people, friendships, sessions")
        if self.options.url:
            self.data_dir = Path(os.environ.get("DATA_DIR") or ROOT / "data")
        else:
            self.data_dir = self.folder / "new"
            self.data_dir.mkdir()
            self.settings = new_settings(self.data_dir, self.options.workers)
            prepare(self.settings)
        self.people = run("seed.py", "people", PAIRS, FRIENDS, settings=self.settings, cores=CORES)

    def server(self, **settings: str) -> Server | Running:
        """Start a server on a fresh copy of the data, or use the one that runs already."""
        if self.options.url:
            parts = urlsplit(self.options.url)
            address = Address(parts.hostname or "", parts.port or 80, parts.path.rstrip("/"))
            return Running(address)
        self.data_dir = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self.folder / "new", self.data_dir, dirs_exist_ok=True)
        settings = self.settings | {"DATA_DIR": str(self.data_dir)} | settings
        return Server(settings, self.server_cores)

    def database(self) -> sqlite3.Connection:
        address = f"{(self.data_dir / 'db.sqlite3').as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True)

    def measure(
        self,
        server: Server | Running,
        seconds: float,
        opening: Awaitable[S],
        work: Callable[[S, Window], Coroutine[Any, Any, T]],
    ) -> tuple[T, float]:
        """Open the connections, then work; returns the result and the workers' CPU seconds."""

        async def watched() -> tuple[T, float]:
            opened = await opening
            window = Window.of(WARM_UP, seconds)
            task = asyncio.create_task(work(opened, window))
            await asyncio.sleep(window.begin - time.perf_counter())
            before = server.cpu_seconds()
            await asyncio.sleep(window.end - time.perf_counter())
            after = server.cpu_seconds()
            return await asyncio.wait_for(task, 60), after - before

        return asyncio.run(watched())
