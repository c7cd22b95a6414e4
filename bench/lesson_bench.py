"""The start of a lesson, and the return of everybody after a restart.

`python bench/lesson_bench.py --help`; README.md beside it says how to read the table.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import load
from client import Address
from lesson import PASSWORD, Probe, Student, Tab, Times
from load import Result, Window, percentile
from processes import CORES, Server, run
from stage import Stage, add_phases, bound, show

STUDENTS, TALKERS, VISITORS = 60, 10, 100
SPREAD_SECONDS = 20.0
TALK_PER_SECOND = 10.0
ALONE = 10  # log-ins one after the other, for what each costs
SOCKETS = 1_000
PAGES_PER_SECOND = 10.0  # of all talkers together, while everybody comes back
BACK_SECONDS = 60.0  # at most
CALM_SECONDS = 1.0  # before the restart, and after everybody is back
SCHOOL = "192.0.2.10"  # an address for documentation (RFC 5737), trusted as from a proxy
WHOLE_RUN_SECONDS = 10 * 60

T = TypeVar("T")


class Bench(Stage):
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        super().__init__(options, folder)
        # As on the machine of a school: the server and everybody else share its processors.
        self.server_cores = CORES
        os.sched_setaffinity(0, CORES)

    def make_people(self) -> None:
        self.progress("people, friendships, sessions")
        self.make_data(BEHIND_PROXY="on")
        crowd = STUDENTS, TALKERS, VISITORS, PASSWORD
        people = run("seed.py", "lesson", *crowd, settings=self.settings, cores=CORES)
        self.students = [person["username"] for person in people["students"]]
        self.people, self.visitors = people["talkers"], people["visitors"]

    def class_of(self, address: Address, times: Times, *, is_one: bool) -> list[Student]:
        """Make the students; `is_one`: behind one address, as in a school."""
        return [
            Student(
                replace(address, seen_as=SCHOOL if is_one else f"192.0.2.{20 + number}"),
                name,
                self.students[(number + 1) % STUDENTS],
                times,
            )
            for number, name in enumerate(self.students)
        ]

    def own_server(self) -> Server:
        server = self.server()
        assert isinstance(server, Server)
        return server

    # The phases

    def alone(self) -> None:
        """(c) The processor time of a log-in and of a handshake."""
        with self.own_server() as server:
            students = self.class_of(server.address, Times(), is_one=True)

            async def one_by_one() -> float:
                await students[0].come_in()
                before = server.cpu_seconds()
                for student in students[1 : 1 + ALONE]:
                    await student.come_in()
                return server.cpu_seconds() - before

            cpu = asyncio.run(one_by_one())
            self.report.add("c", "CPU of one who comes in", 1e3 * cpu / ALONE, "ms")
            cookies = [person["cookie"] for _tab in range(5) for person in self.visitors]

            async def handshakes() -> float:
                await load.open_many(server.address, cookies[:20])
                before = server.cpu_seconds()
                await load.open_many(server.address, cookies[20:])
                return server.cpu_seconds() - before

            cpu = asyncio.run(handshakes())
            each = 1e3 * cpu / (len(cookies) - 20)
            self.report.add("c", "CPU of a handshake", each, "ms", "≤ 2")

    def at_once(self) -> None:
        """(n) Sixty log in and look around, all at once, behind one address."""
        self._at_once("n", "behind one address", is_one=True)

    def at_once_apart(self) -> None:
        """(m) The same, each from an address of their own."""
        self._at_once("m", "each from their own address", is_one=False)

    def _at_once(self, phase: str, what: str, *, is_one: bool) -> None:
        times = Times()
        with self.own_server() as server:

            async def come_in() -> float:
                students = self.class_of(server.address, times, is_one=is_one)
                began = time.perf_counter()
                await asyncio.gather(*(student.come_in() for student in students))
                return time.perf_counter() - began

            took = self._watch(phase, what, server, come_in)
        self.report.add(phase, f"{STUDENTS} come in at once, {what}", took, "s", "≤ 3.5")
        self._add_times(phase, what, times, "")

    def spread(self) -> None:
        """(s) The same over twenty seconds, while others talk."""
        times = Times()
        with self.own_server() as server:

            async def come_late(student: Student, seconds: float) -> None:
                await asyncio.sleep(seconds)
                await student.come_in()

            async def lesson() -> Result:
                pairs = await load.open_pairs(server.address, self.people)
                students = self.class_of(server.address, times, is_one=True)
                window = Window.of(0.0, SPREAD_SECONDS)
                result, *_others = await asyncio.gather(
                    load.open_loop(TALK_PER_SECOND, pairs, window),
                    *(
                        come_late(student, number * SPREAD_SECONDS / STUDENTS)
                        for number, student in enumerate(students)
                    ),
                )
                return result

            result = self._watch("s", "over 20 s", server, lesson)
        if result.lost:
            raise SystemExit(f"{result.lost} not delivered")
        self._add_times("s", "over 20 s", times, "≤ 400")
        delivery = 1e3 * percentile(result.latencies, 0.95)
        self.report.add("s", "send → delivery meanwhile, p95", delivery, "ms", "≤ 30")

    def reload(self) -> None:
        """(r) A thousand sockets come back after a reload, each told to."""
        self._come_back("r", "a reload", lambda server: os.kill(server.master, signal.SIGHUP))

    def kill(self) -> None:
        """(k) A thousand sockets come back after the worker is killed."""

        def kill_workers(server: Server) -> None:
            for pid in server.workers():
                os.kill(pid, signal.SIGKILL)

        self._come_back("k", "a kill", kill_workers)

    def _come_back(self, phase: str, what: str, disturb: Callable[[Server], None]) -> None:
        with self.own_server() as server:
            back, probe, client = asyncio.run(self._restart(server, disturb))
            cpu = server.cpu_seconds()
        took = [at for at, _seconds in probe.loaded]
        pages = [seconds for _at, seconds in probe.loaded]
        name = f"{SOCKETS:,} sockets back after {what}"
        self.report.add(phase, f"{name}, the last", max(back), "s", "≤ 5")
        self.report.add(phase, f"{name}, half of them", percentile(back, 0.5), "s")
        self.report.add(phase, "most within 100 ms", _busiest(back, 0.1), "")
        self.report.add(
            phase, "a page meanwhile, p95", 1e3 * percentile(pages, 0.95), "ms", "≤ 500"
        )
        self.report.add(phase, "a page meanwhile, the slowest", 1e3 * max(pages), "ms")
        self.report.add(phase, "pages loaded, failed", len(took), f"and {probe.failed}")
        self.report.add(phase, "CPU of the new worker", cpu, "s")
        self.report.add(phase, "CPU of the clients", client, "s")

    async def _restart(
        self, server: Server, disturb: Callable[[Server], None]
    ) -> tuple[list[float], Probe, float]:
        """Return when each socket was back, the pages meanwhile, and the clients' CPU seconds."""
        back: list[float] = []
        began = time.perf_counter()
        is_over = asyncio.Event()

        def told(_tab: Tab) -> None:
            back.append(time.perf_counter() - began)
            if len(back) == SOCKETS:
                is_over.set()

        each = SOCKETS // len(self.visitors)
        cookies = [person["cookie"] for person in self.visitors for _tab in range(each)]
        tabs = [Tab(server.address, cookie, told) for cookie in cookies]
        for start in range(0, SOCKETS, 50):
            await asyncio.gather(*(tab.open() for tab in tabs[start : start + 50]))
        is_over.clear()
        probe = Probe(server.address, self._visits(), PAGES_PER_SECOND)
        asking = asyncio.create_task(probe.run())
        await asyncio.sleep(CALM_SECONDS)
        back.clear()
        probe.loaded.clear()
        gc.freeze()
        client = time.process_time()
        began = time.perf_counter()
        disturb(server)
        with suppress(TimeoutError):
            async with asyncio.timeout(BACK_SECONDS):
                await is_over.wait()
        back += [math.inf] * (SOCKETS - len(back))  # those who are still away
        client = time.process_time() - client
        await asyncio.sleep(CALM_SECONDS)
        asking.cancel()
        await probe.last_ones()
        for tab in tabs:
            tab.leave()
        return back, probe, client

    def _visits(self) -> list[tuple[str, str]]:
        """Return two pages of each talker: their list, and the chat with their friend."""
        visits = []
        for one, other in zip(self.people[::2], self.people[1::2], strict=True):
            for person, friend in ((one, other), (other, one)):
                visits += [
                    (path, person["cookie"]) for path in ("/", f"/chat/{friend['username']}/")
                ]
        return visits

    # Measuring

    def _watch(
        self, phase: str, what: str, server: Server, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """Run some work, and report the processor time of both sides."""
        server_before, client_before = server.cpu_seconds(), time.process_time()
        result = asyncio.run(work())
        cpu = server.cpu_seconds() - server_before
        self.report.add(phase, f"CPU of the server, {what}", cpu, "s")
        self.report.add(
            phase, f"CPU of the clients, {what}", time.process_time() - client_before, "s"
        )
        return result

    def _add_times(self, phase: str, what: str, times: Times, goal: str) -> None:
        for kind, seconds in (("page", times.everything), ("socket", times.sockets)):
            for share in (0.5, 0.95):
                value = 1e3 * percentile(seconds, share)
                is_page = kind == "page" and share > 0.5
                name = f"a {kind} {what}, p{share * 100:.0f}"
                self.report.add(phase, name, value, "ms", goal if is_page else "")
        value = 1e3 * percentile(times.logins, 0.95)
        self.report.add(phase, f"a log-in {what}, p95", value, "ms")


def _busiest(moments: list[float], seconds: float) -> int:
    """Count the most that came within some time."""
    ordered = sorted(moments)
    return max(
        sum(1 for other in ordered[at:] if other - moment < seconds)
        for at, moment in enumerate(ordered)
    )


PHASES: dict[str, Callable[[Bench], None]] = {
    "c": Bench.alone,
    "n": Bench.at_once,
    "m": Bench.at_once_apart,
    "s": Bench.spread,
    "r": Bench.reload,
    "k": Bench.kill,
}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_phases(parser, PHASES)
    parser.add_argument("--workers", type=int, default=1, help="of the server")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args(namespace=argparse.Namespace(seconds=SPREAD_SECONDS, url=None))


def main() -> None:
    bound(WHOLE_RUN_SECONDS)
    show(Bench, PHASES, parse_options())


if __name__ == "__main__":
    main()
