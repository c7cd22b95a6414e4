"""What the measurements of the chat share: people, servers, a window to measure in, a table."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from client import Address
from load import Window
from processes import CORES, ROOT, Running, Server, new_settings, prepare, run
from report import Report, circumstances

PAIRS = 50
FRIENDS = 200
WARM_UP = 2.0  # seconds

S = TypeVar("S")
T = TypeVar("T")
Phases = Mapping[str, Callable[[Any], None]]  # a method for each letter


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
            self.make_data()
        self.people = run("seed.py", "people", PAIRS, FRIENDS, settings=self.settings, cores=CORES)

    def make_data(self, **settings: str) -> None:
        self.data_dir = self.folder / "new"
        self.data_dir.mkdir()
        self.settings = new_settings(self.data_dir, self.options.workers) | settings
        prepare(self.settings)

    def play(self, phases: Phases) -> None:
        for phase in self.options.phases:
            self.progress(f"phase {phase}")
            phases[phase](self)
        sys.stderr.write("\n")

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


def fill_chats(star: str, messages: int, settings: Mapping[str, str]) -> None:
    """Store messages in the chats of the one with the friends, half of them in the first."""
    run("seed.py", "messages", star, messages, settings=settings, cores=CORES)


def add_phases(parser: argparse.ArgumentParser, phases: Phases) -> None:
    def known(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := set(chosen) - set(phases):
            raise argparse.ArgumentTypeError(f"no such phase: {', '.join(sorted(unknown))}")
        return chosen

    parser.add_argument(
        "--phases",
        default=",".join(phases),
        type=known,
        help="; ".join(f"{key}: {phase.__doc__}" for key, phase in phases.items()),
    )


def bound(seconds: int) -> None:
    """End after so many seconds, and stop what was started, then or when told to end."""

    def end(*_args: object) -> None:
        raise SystemExit("out of time")

    signal.signal(signal.SIGALRM, end)
    signal.signal(signal.SIGTERM, end)
    signal.alarm(seconds)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tell(options: argparse.Namespace, facts: dict[str, Any], results: Any, *told: str) -> None:
    """Print the circumstances and what is told, and keep the results where the options say."""
    if options.json:
        options.json.write_text(json.dumps(facts | {"results": results}, indent=1) + "\n")
    print(", ".join(f"{name} {value}" for name, value in facts.items()), *told, sep="\n\n")


def show(kind: type[Stage], phases: Phases, options: argparse.Namespace) -> None:
    """Play the chosen phases, and tell their numbers."""
    facts = circumstances(options)
    with tempfile.TemporaryDirectory(prefix="webchat-bench-") as folder:
        stage = kind(options, Path(folder))
        stage.make_people()
        stage.play(phases)
    tell(options, facts, [asdict(row) for row in stage.report.rows], stage.report.table())
