"""Ours beside a bare peer, socket.io with better-sqlite3: `python bench/peer_bench.py --help`.

Both sync every commit to disk, have one process on one core, and get the same load from the same
client on another core. The peer has no rule and no login. They take turns, measure by measure.
Exits with 77 and a reason where the peer cannot be had: it needs node and what npm brings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

import load
import peer_server
import walk
from client import Address, Browser, WebSocket, open_live, open_peer
from load import Result, Speech, percentile
from peer_report import Values, table
from peer_server import MissingError, Peer
from processes import Program
from report import circumstances
from stage import Stage, bound, fill_chats, tell

QUIET = 1_000  # sockets
STORED = 200  # messages in the chat whose page is read
PAGE = 50
PAGE_CONNECTIONS = 4
SKIPPED = 77
WHOLE_RUN_SECONDS = 30 * 60


class Side(ABC):
    """One of those that are compared, on fresh data each time."""

    speech: Speech

    def __init__(self, bench: PeerBench) -> None:
        self.bench = bench
        self.people = bench.people

    @abstractmethod
    def server(self) -> Program: ...

    @abstractmethod
    def database(self) -> sqlite3.Connection: ...

    @abstractmethod
    def pairs(self, address: Address) -> Awaitable[load.Sockets]: ...

    @abstractmethod
    def quiet(self, address: Address) -> Awaitable[list[WebSocket]]: ...

    @abstractmethod
    def fill(self) -> tuple[str, str]:
        """Put STORED messages into a chat; return the path of its page, and a cookie."""

    @abstractmethod
    def client_ids(self) -> list[str]:
        """The ids of all messages in the database, in hex."""


class Ours(Side):
    speech = load.OURS

    def server(self) -> Program:
        server = self.bench.server()
        assert isinstance(server, Program)
        return server

    def database(self) -> sqlite3.Connection:
        return self.bench.database()

    def pairs(self, address: Address) -> Awaitable[load.Sockets]:
        return load.open_pairs(address, self.bench.talkers)

    def quiet(self, address: Address) -> Awaitable[list[WebSocket]]:
        audience = [person["cookie"] for person in self.bench.audience]
        cookies = [audience[i % len(audience)] for i in range(QUIET)]
        return load.open_many(address, cookies, open_live)

    def fill(self) -> tuple[str, str]:
        star, friend = self.bench.star, self.bench.audience[0]
        settings = self.bench.settings | {"DATA_DIR": str(self.bench.data_dir)}
        fill_chats(star["username"], 2 * STORED, settings)
        return f"/api/conversations/{friend['username']}/messages/", star["cookie"]

    def client_ids(self) -> list[str]:
        with self.database() as database:
            return [row[0] for row in database.execute("SELECT client_id FROM chat_message")]


class Bare(Side):
    """The peer, with one of its ways to commit."""

    speech = load.PEER

    def __init__(self, bench: PeerBench, modules: Path, commit: str) -> None:
        super().__init__(bench)
        self._modules = modules
        self._commit = commit

    def server(self) -> Program:
        self._file = Path(tempfile.mkdtemp(dir=self.bench.folder)) / "peer.sqlite3"
        return Peer(self._modules, self._file, self._commit, self.bench.server_cores)

    def database(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True)

    async def pairs(self, address: Address) -> load.Sockets:
        names = [person["username"] for person in self.bench.talkers]
        sockets = await load.open_many(address, names, open_peer)
        return [(socket, names[i ^ 1]) for i, socket in enumerate(sockets)]

    def quiet(self, address: Address) -> Awaitable[list[WebSocket]]:
        return load.open_many(address, [f"quiet{i}" for i in range(QUIET)], open_peer)

    def fill(self) -> tuple[str, str]:
        one, other = (person["username"] for person in self.bench.talkers[:2])
        peer_server.fill(self._file, one, other, STORED)
        return peer_server.page_path(one, other), ""

    def client_ids(self) -> list[str]:
        with self.database() as database:
            rows = database.execute("SELECT client_id FROM message")
            return [row[0].replace("-", "") for row in rows]


class PeerBench(Stage):
    def __init__(self, options: argparse.Namespace, folder: Path, modules: Path) -> None:
        super().__init__(options, folder)
        self.make_people()
        bare = {f"peer, {commit}": Bare(self, modules, commit) for commit in options.commit}
        self.sides: dict[str, Side] = bare | {"ours": Ours(self)}
        self.values: dict[str, Values] = {name: {} for name in self.sides}

    def run(self) -> None:
        """Measure: of each run and measure, every side in turn."""
        works = {
            "closed": self.closed,
            "50": partial(self.open, per_second=50),
            "500": partial(self.open, per_second=500),
            "page": self.page,
            "memory": self.memory,
        }
        for number in range(self.options.runs):
            for work in self.options.only or works:
                for name, side in self.sides.items():
                    self.progress(f"run {number + 1}, {work}, {name}")
                    for what, value in works[work](side).items():
                        self.values[name].setdefault(what, []).append(value)
        sys.stderr.write("\n")

    def closed(self, side: Side) -> dict[str, float]:
        """50 pairs, both ends sending, each with one message on its way."""
        with side.server() as server:
            work = partial(load.closed_loop, speech=side.speech)
            own, began = time.process_time(), time.perf_counter()
            result, cpu = self.measure(server, self.seconds, side.pairs(server.address), work)
            busy = (time.process_time() - own) / (time.perf_counter() - began)
            self._check(side, result)
        return {
            "closed rate": result.rate,
            "closed cpu": cpu / max(1, result.counted) * 1e3,
            "closed core": 100 * cpu / result.seconds,
            "closed client": 100 * busy,
            "closed p50": 1e3 * percentile(result.latencies, 0.5),
            "closed p99": 1e3 * percentile(result.latencies, 0.99),
        }

    def open(self, side: Side, per_second: int) -> dict[str, float]:
        """So many messages a second, whether or not the answers keep up."""
        with side.server() as server:
            work = partial(load.open_loop, per_second, speech=side.speech)
            result, cpu = self.measure(server, self.seconds, side.pairs(server.address), work)
            self._check(side, result)
        return {
            f"{per_second} cpu": cpu / max(1, result.counted) * 1e3,
            f"{per_second} core": cpu / result.seconds,
            f"{per_second} p50": 1e3 * percentile(result.latencies, 0.5),
            f"{per_second} p99": 1e3 * percentile(result.latencies, 0.99),
        }

    def _check(self, side: Side, result: Result) -> None:
        """Check that each acknowledged and delivered message is in the database, once."""
        stored = side.client_ids()
        missing, doubled = len(result.done - set(stored)), len(stored) - len(set(stored))
        if missing or doubled or not result.counted:
            raise SystemExit(f"{missing} not stored, {doubled} twice, {result.counted} counted")
        if result.lost:
            self.report.note(f"{result.lost} messages of one run were not done 30 s after its end.")

    def page(self, side: Side) -> dict[str, float]:
        """The newest 50 messages of a chat, as JSON over HTTP."""
        with side.server() as server:
            path, cookie = side.fill()
            asyncio.run(_check_page(server.address, path, cookie))

            async def nothing() -> int:
                return PAGE_CONNECTIONS

            work = partial(load.page_loop, server.address, cookie, path)
            result, cpu = self.measure(server, self.seconds / 2, nothing(), work)
        return {"page cpu": cpu / max(1, result.counted) * 1e3, "page rate": result.rate}

    def memory(self, side: Side) -> dict[str, float]:
        """PSS, idle and with quiet sockets; then a stop whose clients do not answer."""
        with side.server() as server:
            path, cookie = side.fill()
            return asyncio.run(self._hold(side, server, path, cookie))

    async def _hold(self, side: Side, server: Program, path: str, cookie: str) -> dict[str, float]:
        await load.time_of_pages(server.address, cookie, path, 5)
        idle = server.memory()
        sockets = await side.quiet(server.address)
        await asyncio.sleep(1)
        held = server.memory()
        if any(socket.closed for socket in sockets):
            raise SystemExit("the server closed quiet sockets")
        # This loop stands still meanwhile, so nobody answers the server's farewell.
        stopped = server.stop()
        return {"idle": idle / 2**20, "held": held / 2**20, "stop": stopped}


async def _check_page(address: Address, path: str, cookie: str) -> None:
    async with Browser(address, cookie) as browser:
        _status, body = await browser.get(path)
    if len(json.loads(body)["messages"]) != PAGE:
        raise SystemExit(f"{path} does not hold {PAGE} messages")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--runs", type=int, default=3, help="of which the medians count")
    parser.add_argument(
        "--commit",
        nargs="+",
        choices=["turn", "message"],
        default=["turn"],
        help="the peer commits what a turn of its loop has read, or each message by itself;"
        " ratios are against the first",
    )
    works = ["closed", "50", "500", "page", "memory"]
    parser.add_argument("--only", nargs="+", choices=works, help="some of the measures")
    parser.add_argument(
        "--walk", action="store_true", help="what one message costs ours, instead: see walk.py"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args(namespace=argparse.Namespace(workers=1, url=None))


def main() -> None:
    options = parse_options()
    bound(WHOLE_RUN_SECONDS)
    facts = circumstances(options)
    with tempfile.TemporaryDirectory(prefix="webchat-peer-") as folder:
        if options.walk:
            stage = Stage(options, Path(folder))
            stage.make_people()
            print(walk.told(stage))
            return
        try:
            modules = peer_server.modules()
        except MissingError as missing:
            print(f"The peer is missing: {missing}.", file=sys.stderr)
            raise SystemExit(SKIPPED) from None
        bench = PeerBench(options, Path(folder), modules)
        try:
            bench.run()
        finally:
            # What an end before its time has left, too.
            tell(options, facts, bench.values, table(bench.values), *bench.report.notes)


if __name__ == "__main__":
    main()
