"""The speed of the chat, against its own floors: `python bench/chat_bench.py --help`.

README.md beside it says how to read the table.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import load
from client import WebSocket, open_live
from load import Result, Window, percentile
from processes import BENCH, ROOT, Running, Server, run, slow_fsync
from stage import PAIRS, Stage, add_phases, bound, fill_chats, show

BATCH = 50  # rows in a group of raw inserts: about the writer's batch with 100 people
STEPS = (1_000, 100_000, 1_000_000)  # messages stored
QUIET = (500, 2_000)  # sockets
READS = 40  # requests, whose median counts
SLOW_FSYNC_SECONDS = 0.020
WHOLE_RUN_SECONDS = 15 * 60
MB = 1024 * 1024


class Bench(Stage):
    # The phases

    def messages(self) -> None:
        """(a) As many messages as one worker can take."""
        self._floors()
        with self.server() as server:
            pairs = load.open_pairs(server.address, self.talkers)
            result, cpu = self.measure(server, self.seconds, pairs, load.closed_loop)
        self._check_history(result)
        name = "messages"
        self.report.add("a", name, result.rate, "/s", "≥ 5,000, floor 3,000")
        self.report.add("a", "CPU a message", cpu / max(1, result.counted) * 1e6, "µs")
        self.report.add("a", "core in use", 100 * cpu / result.seconds, "%")
        for share in (0.5, 0.99):
            value = 1e3 * percentile(result.latencies, share)
            self.report.add("a", f"send → ack and delivery, p{share * 100:.0f}", value, "ms")
        self.report.add_ratio("a", "messages : echo", name, "bare echo", "≥ 0.15")
        self.report.add_ratio("a", "messages : raw inserts", name, "raw inserts")

    def _check_history(self, result: Result) -> None:
        """Check that each acknowledged and delivered message is in the database, once."""
        with self.database() as database:
            stored = [row[0] for row in database.execute("SELECT client_id FROM chat_message")]
        missing = len(result.done - set(stored))
        doubled = len(stored) - len(set(stored))
        if missing or doubled or result.lost:
            raise SystemExit(f"{missing} not stored, {doubled} twice, {result.lost} not delivered")

    def _floors(self) -> None:
        self.progress("floors: bare echo, raw inserts")
        seconds = self.seconds / 2
        arguments = ("--worker-class", "asgi", "--chdir", str(BENCH), "echo:application")
        arguments = (*arguments, "--asgi-loop", self.options.loop, "--asgi-lifespan", "off")
        quiet = ("--log-level", "warning", "--no-control-socket")
        arguments = (*arguments, *quiet, "--workers", str(self.options.workers))
        with Server({}, self.server_cores, arguments) as server:
            sockets = load.open_bare(server.address, 2 * PAIRS)
            result, cpu = self.measure(server, seconds, sockets, load.echo_loop)
        self.report.add("a", "bare echo", result.rate, "/s")
        self.report.add("a", "CPU an echo", cpu / max(1, result.counted) * 1e6, "µs")
        floor = run(
            "floors.py",
            "inserts",
            self.folder / "floor.sqlite3",
            BATCH,
            seconds,
            settings={},
            cores=self.server_cores,
        )
        self.report.add("a", "raw inserts", floor["rate"], "/s")

    def slow_disk(self) -> None:
        """(s) The loop never waits for the disk."""
        preload = slow_fsync(self.folder, SLOW_FSYNC_SECONDS)
        if preload is None or self.options.url:
            self.report.note("Slow disk: left out, it needs gcc and a server of our own.")
            return
        with self.server(**preload) as server:

            async def opening() -> tuple[load.Sockets, WebSocket]:
                pairs = await load.open_pairs(server.address, self.talkers)
                return pairs, await open_live(server.address, self.star["cookie"])

            async def work(
                opened: tuple[load.Sockets, WebSocket], window: Window
            ) -> tuple[Result, list[float]]:
                pairs, quiet = opened
                return await asyncio.gather(
                    load.closed_loop(pairs, window), load.ping_probe(quiet, window)
                )

            (result, pings), _cpu = self.measure(server, self.seconds, opening(), work)
        self._check_history(result)
        what = f"with {1e3 * SLOW_FSYNC_SECONDS:.0f} ms an fsync"
        self.report.add("s", f"messages {what}", result.rate, "/s", "≥ 1,200")
        ping = 1e3 * percentile(pings, 0.95)
        self.report.add("s", f"ping {what}, p95", ping, "ms", "≤ 15")

    def latency(self) -> None:
        """(b) The latency of a message below full load."""
        goals = {(50, 0.5): "≤ 4", (50, 0.99): "≤ 15", (500, 0.99): "≤ 40"}
        with self.server() as server:
            for per_second in (50, 500):
                self.progress(f"phase b, {per_second} a second")
                work = partial(load.open_loop, per_second)
                pairs = load.open_pairs(server.address, self.talkers)
                result, _cpu = self.measure(server, self.seconds, pairs, work)
                self._check_history(result)
                for share in (0.5, 0.95, 0.99):
                    value = 1e3 * percentile(result.latencies, share)
                    what = f"send → delivery at {per_second}/s, p{share * 100:.0f}"
                    self.report.add("b", what, value, "ms", goals.get((per_second, share), ""))

    def memory(self) -> None:
        """(c) The memory of the server and of quiet sockets."""
        with self.server() as server:
            if not isinstance(server, Server):
                self.report.note("Memory: left out, the server is not ours to look into.")
                return
            asyncio.run(self._hold_quiet(server))

    async def _hold_quiet(self, server: Server) -> None:
        cookies = [person["cookie"] for _ in range(10) for person in self.audience]
        await load.time_of_pages(server.address, self.star["cookie"], "/", 5)
        idle = server.memory()
        self.report.add("c", "memory, idle", idle / MB, "MB", "≤ 85")
        sockets: list[Any] = []
        for count in QUIET:
            self.progress(f"phase c, {count} sockets")
            sockets += await load.open_many(server.address, cookies[len(sockets) : count])
            await asyncio.sleep(1)
            held = server.memory()
            self.report.add("c", f"memory, {count:,} quiet sockets", held / MB, "MB")
            each = (held - idle) / count / 1024
            self.report.add("c", f"a quiet socket, of {count:,}", each, "KiB", "≤ 32")
        if any(socket.closed for socket in sockets):
            raise SystemExit("the server closed quiet sockets")

    def reading(self) -> None:
        """(d) The speed of reading as messages pile up."""
        if self.options.url:
            self.report.note("Growth: left out, a million messages need a server of our own.")
            return
        star, friend = self.star, self.audience[0]
        messages = f"/api/conversations/{friend['username']}/messages/"
        with self.server() as server:
            for total in STEPS:
                self.progress(f"phase d, {total:,} messages")
                settings = self.settings | {"DATA_DIR": str(self.data_dir)}
                fill_chats(star["username"], total, settings)
                deep = f"{messages}?before={total // 4}"
                for what, path in (
                    ("chat list", "/api/conversations/"),
                    ("unread counts", "/api/unread_counts/"),
                    ("first page", messages),
                    ("deep page", deep),
                ):
                    seconds = asyncio.run(
                        load.time_of_pages(server.address, star["cookie"], path, READS)
                    )
                    value = 1e3 * statistics.median(seconds)
                    self.report.add("d", f"{what}, {total:,} messages", value, "ms")
        for what in ("chat list", "unread counts", "first page", "deep page"):
            most, least = (f"{what}, {total:,} messages" for total in (STEPS[-1], STEPS[0]))
            self.report.add_ratio("d", f"{what}, a million : a thousand", most, least, "≤ 1.5")

    def pages(self) -> None:
        """(e) Pages per second, and the CPU time that the server adds to the view."""
        first = self.talkers[0]
        pages = {
            "login": ("/login/", ""),
            "chat list": ("/", first["cookie"]),
            "conversation": (f"/chat/{self.talkers[1]['username']}/", first["cookie"]),
        }
        ours = self._page_rates("", self.server(), pages)
        if self.options.url:
            return
        for name, (path, cookie) in pages.items():
            self.progress(f"phase e, {name} in-process")
            seconds = self.seconds / 4
            settings = self.settings | {"DATA_DIR": str(self.data_dir)}
            floor = run(
                "floors.py", "page", path, cookie, seconds, settings=settings,
                cores=self.server_cores,
            )  # fmt: skip
            self.report.add("e", f"{name}, in-process", floor["rate"], "/s")
            added = 1e3 * (ours[name] - floor["cpu"])
            self.report.add("e", f"{name}, CPU added by the server", added, "ms", "≤ 1")
        config = ("--config", str(ROOT / "deploy/gunicorn.conf.py"), "--asgi-lifespan", "off")
        stock = Server(
            self.settings | {"DATA_DIR": str(self.data_dir)},
            self.server_cores,
            (*config, "django.core.asgi:get_asgi_application()"),
        )
        self._page_rates(" by Django's ASGI handler", stock, pages)
        for name in pages:
            stock_name = f"{name} by Django's ASGI handler"
            self.report.add_ratio("e", f"{name} : Django's ASGI handler", name, stock_name)

    def _page_rates(
        self, suffix: str, server: Server | Running, pages: dict[str, tuple[str, str]]
    ) -> dict[str, float]:
        """Return the CPU seconds per page, by name; reports the rates."""
        cpu_each = {}
        with server:
            for name, (path, cookie) in pages.items():
                self.progress(f"phase e, {name}{suffix}")
                work = partial(load.page_loop, server.address, cookie, path)
                result, cpu = self.measure(server, self.seconds / 2, _ready(4), work)
                self.report.add("e", name + suffix, result.rate, "/s")
                cpu_each[name] = cpu / max(1, result.counted)
        return cpu_each

    def start(self) -> None:
        """(f) The time from the start to the first page, on existing data."""
        if self.options.url:
            self.report.note("Start: left out, the server runs already.")
            return
        took = []
        for _ in range(3):
            server = self.server()
            began = time.perf_counter()
            with server:
                asyncio.run(load.time_of_pages(server.address, "", "/login/", 1))
                took.append(time.perf_counter() - began)
        self.report.add("f", "start → first page", statistics.median(took), "s", "≤ 2.5")


async def _ready(connections: int) -> int:
    """Open nothing, as pages open their own connections."""
    return connections


PHASES: dict[str, Callable[[Bench], None]] = {
    "a": Bench.messages,
    "s": Bench.slow_disk,
    "b": Bench.latency,
    "c": Bench.memory,
    "d": Bench.reading,
    "e": Bench.pages,
    "f": Bench.start,
}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_phases(parser, PHASES)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--workers", type=int, default=1, help="of the server")
    parser.add_argument("--loop", default="asyncio", help="event loop of the echo floor")
    parser.add_argument("--url", help="a running server, whose settings are in the environment")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args()


def main() -> None:
    bound(WHOLE_RUN_SECONDS)
    show(Bench, PHASES, parse_options())


if __name__ == "__main__":
    main()
