"""The cost of files: `python bench/media_bench.py --help`.

Prints a table: each row a median with the least and the most of its rounds, and the goal. Where two
things are compared they take turns. On loopback only, on servers of its own, which are deleted; the
rows of phases p and h need Chromium, those of h, m and p Pillow. README.md beside it says more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from os import urandom
from pathlib import Path
from typing import Any

import load
from client import Browser
from load import Window, percentile
from media_load import Line, Tally
from media_watch import Workers, resident
from processes import BENCH, CORES, ROOT, Server, environment, new_settings, prepare, run
from stage import Stage, add_phases, bound, show

PAIRS_HERE = 20
MB = 1024 * 1024
WHOLE_RUN_SECONDS = 30 * 60
BIG = 48 * MB  # of a file sent and read at full speed
REQUESTS = 100
SLOW = 20_000  # bytes a second
READING_PAIRS, READERS = 5, 3  # each of these people reads three files
SENDERS = 8
READ = 8 * MB  # more than a slow reader takes in one round
MESSAGES_A_SECOND = 50
PAGES_A_SECOND = 5
SETTLING = 3.0  # seconds of a slow crowd before it counts
LARGE_PICTURES = {  # of 64 megapixels, or as many as a format may have
    "JPEG": (8000, 8000, "RGB"),
    "PNG": (8000, 8000, "RGB"),
    "PNG with transparency": (8000, 8000, "RGBA"),
    "WEBP": (4120, 4120, "RGB"),
}
PICTURES = 50
PHOTO = (4032, 3024)
FILES, FILE_BYTES = 2_000, 100_000
SETTINGS = {"UPLOAD_LIMIT": "1G", "UPLOAD_DAILY": "100G", "MIN_FREE": "1K"}


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of messages and pages took, in ms."""

    messages: float
    pages: float


class Bench(Stage):
    def make_people(self) -> None:
        self.make_data(**SETTINGS)
        self.people = run("seed.py", "people", PAIRS_HERE, 1, settings=self.settings, cores=CORES)

    @property
    def talkers(self) -> list[dict[str, str]]:
        return self.people[: 2 * PAIRS_HERE]

    def tell(self, phase: str, what: str, values: list[float], unit: str, goal: str = "") -> None:
        """Add a row: the median, the least and the most."""
        spread = f"{unit} ({min(values):.3g} – {max(values):.3g})"
        self.report.add(phase, what, statistics.median(values), spread, goal)

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = self.server()
        if not isinstance(server, Server):
            raise SystemExit("it takes a server of its own")
        with server:
            yield server

    def line(self, server: Server, who: int) -> Line:
        return Line(server.address, self.people[who]["cookie"], Tally())

    # The phases

    def up(self) -> None:
        """(u) CPU of the server a megabyte up; the processing of a file is apart."""
        content = urandom(BIG)
        sending, finishing, working, asking = [], [], [], []

        async def one_round(server: Server, workers: Workers) -> None:
            async with self.line(server, 0) as line:
                before = server.cpu_seconds()
                client_id = await line.begin(content, "big.bin", "file")
                sent = server.cpu_seconds()
                await line.post(f"/api/uploads/{client_id}/finish/")
                finished = server.cpu_seconds()
                for _number in range(REQUESTS):
                    await line.ask("GET", "/api/me/")
                asked = server.cpu_seconds()
            asking.append((asked - finished) / REQUESTS * 1e3)
            sending.append((sent - before) / BIG * MB * 1e3)
            finishing.append((finished - sent) / BIG * MB * 1e3)
            working.append(workers.take().seconds / BIG * MB * 1e3)

        with self.running() as server, Workers(server.workers()[0]) as workers:
            asyncio.run(one_round(server, workers))  # Python adapts to code that is used
            for values in (sending, finishing, working, asking):
                values.clear()
            for _round in range(self.options.rounds):
                asyncio.run(one_round(server, workers))
        self.tell("u", "a request without a body (api/me): CPU of the server", asking, "ms")
        self.tell("u", "a megabyte up: CPU of the server", sending, "ms", "≤ 6")
        self.tell("u", "… and to finish the file", finishing, "ms")
        self.tell("u", "… CPU of the process that looks at it", working, "ms")

    def down(self) -> None:
        """(d) CPU of the server a megabyte down."""
        costs = []

        async def rounds(server: Server) -> None:
            path = await self._file_to_read(server, BIG)
            async with self.line(server, 1) as line:
                await line.download(path)
                for _round in range(self.options.rounds):
                    before = server.cpu_seconds()
                    await line.download(path)
                    costs.append((server.cpu_seconds() - before) / BIG * MB * 1e3)

        with self.running() as server:
            asyncio.run(rounds(server))
        self.tell("d", "a megabyte down: CPU of the server", costs, "ms", "≤ 3")

    async def _file_to_read(self, server: Server, size: int, who: int = 0) -> str:
        """Send a file from one of a pair to the other; returns where it is."""
        async with self.line(server, who) as line:
            upload = await line.upload(urandom(size), "file.bin", "file")
            message = await line.send(self.people[who + 1]["username"], upload)
        return str(message["attachment"]["url"])

    async def _files_to_read(self, server: Server) -> list[str]:
        pairs = range(0, 2 * READING_PAIRS, 2)
        return [await self._file_to_read(server, READ, who) for who in pairs]

    def slow(self) -> None:
        """(s) Messages and pages beside slow uploads and downloads."""
        quiet: list[Round] = []
        loaded: list[Round] = []
        memory: list[float] = []
        came: list[dict[str, int]] = []
        with self.running() as server:
            paths = asyncio.run(self._files_to_read(server))
            self._talk(server)
            before = resident(server.processes())
            for _round in range(self.options.rounds):
                quiet.append(self._talk(server))
                with self._crowd(server, paths, came):
                    time.sleep(SETTLING)
                    loaded.append(self._talk(server))
                    memory.append((resident(server.processes()) - before) / MB)
        for what in ("messages", "pages"):
            calm = [getattr(each, what) for each in quiet]
            busy = [getattr(each, what) for each in loaded]
            ratios = [one / other for one, other in zip(busy, calm, strict=True)]
            self.tell("s", f"{what}, p99 in quiet", calm, "ms")
            self.tell("s", "… beside 8 uploads and 30 downloads", busy, "ms")
            self.tell("s", "… ratio, round by round", ratios, "×", "≤ 2")
        self.tell("s", "memory of the server more than before (RSS)", memory, "MB", "≤ 20")
        for direction in ("up", "down"):
            sizes = [each[direction] / 1e3 for each in came]
            self.tell("s", f"came {direction} meanwhile", sizes, "kB")
        if any(each["failed"] for each in came):
            self.report.note(f"Requests of the crowd that failed: {came}")

    def _talk(self, server: Server) -> Round:
        """Measure messages and pages of people who have no files on their way."""
        talkers, star = self.talkers[2 * READING_PAIRS + SENDERS :], self.people[2 * PAIRS_HERE]
        page = f"/chat/{self.people[2 * PAIRS_HERE + 1]['username']}/"

        async def talk(sockets: load.Sockets, window: Window) -> Round:
            messages, pages = await asyncio.gather(
                load.open_loop(MESSAGES_A_SECOND, sockets, window),
                _pages(server, star["cookie"], page, window),
            )
            if messages.lost:
                raise SystemExit(f"{messages.lost} messages were not delivered")
            latencies = percentile(messages.latencies, 0.99), percentile(pages, 0.99)
            return Round(*(1e3 * latency for latency in latencies))

        opening: Awaitable[load.Sockets] = load.open_pairs(server.address, talkers)
        return self.measure(server, self.seconds, opening, talk)[0]

    @contextmanager
    def _crowd(
        self, server: Server, paths: list[str], came: list[dict[str, int]]
    ) -> Iterator[None]:
        """Have others send and read slowly, in a process of their own."""
        cookies = [person["cookie"] for person in self.people]
        reading = 2 * READING_PAIRS
        readers = [(cookies[who], paths[who // 2]) for who in range(reading)]
        given = {
            "address": asdict(server.address),
            "senders": cookies[reading : reading + SENDERS],
            "readers": readers * READERS,
            "rate": SLOW,
        }
        with subprocess.Popen(
            [sys.executable, str(BENCH / "media_load.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps(given) + "\n")
                process.stdin.flush()
                yield
                told, _errors = process.communicate(timeout=30)
                came.append(json.loads(told))
            finally:
                process.kill()

    def photo(self) -> None:
        """(p) A photo from one person's choice to the other's screen, in two browsers."""
        import media_browser

        if media_browser.CHROMIUM is None:
            return self.report.note("No Chromium: phases p and h were left out.")
        import pictures

        width, height = PHOTO
        content = pictures.as_bytes(pictures.photo(width, height))
        with self.running() as server:
            work = media_browser.send_photo(server, self.people[:2], content, self.options.rounds)
            seconds = asyncio.run(work)
        what = f"a photo of 12 megapixels, {len(content) / 1e6:.1f} MB: chosen → seen by a friend"
        self.tell("p", what, seconds, "s", "≤ 1.5")

    def history(self) -> None:
        """(h) What a chat with 50 pictures loads when it is opened."""
        import media_browser

        if media_browser.CHROMIUM is None:
            return
        with self.running() as server:
            asyncio.run(self._send_pictures(server))
            opened = asyncio.run(media_browser.open_history(server, self.people[1], self.people[0]))
        for name, seen in opened.items():
            goal = "≤ 600"
            self.tell("h", f"50 pictures on a {name}: on the wire", [seen.bytes / 1e3], "kB", goal)
            self.tell("h", "… previews among them", [seen.pictures], "")
            self.tell("h", "… of the size of each", [each / 1e3 for each in seen.sizes], "kB")

    async def _send_pictures(self, server: Server) -> None:
        import pictures

        async with self.line(server, 0) as line:
            for number in range(PICTURES):
                size = (1200, 900) if number % 3 else (900, 1200)
                content = pictures.as_bytes(pictures.photo(*size))
                upload = await line.upload(content, f"{number}.jpg", "picture")
                await line.send(self.people[1]["username"], upload)

    def memory(self) -> None:
        """(m) Memory of the process that looks at a picture of 64 megapixels."""
        import pictures

        with self.running() as server, Workers(server.workers()[0]) as workers:
            for name, (width, height, mode) in LARGE_PICTURES.items():
                picture = pictures.large(width, height).convert(mode)
                content = pictures.as_bytes(picture, name.split()[0])
                del picture
                kind, peak, seconds = asyncio.run(self._look(server, workers, content))
                what = f"{name}, {width} × {height}, a {kind} in {seconds:.1f} s: peak (VmHWM)"
                self.tell("m", what, [peak / MB], "MB", "≤ 350")

    async def _look(
        self, server: Server, workers: Workers, content: bytes
    ) -> tuple[str, int, float]:
        async with self.line(server, 0) as line:
            client_id = await line.begin(content, "large", "picture")
            workers.take()
            began = time.monotonic()
            answer: dict[str, Any] = {}
            while "attachment" not in answer:
                answer = await line.post(f"/api/uploads/{client_id}/finish/")
        return answer["attachment"]["kind"], workers.take().peak, time.monotonic() - began

    def backup(self) -> None:
        """(b) A backup of 2,000 files again after one more, beside one of the database alone."""
        alone, again = [], []
        backed_up = {}
        for name in ("without", "with"):
            folder = self.folder / f"backup-{name}"
            folder.mkdir()
            settings = new_settings(folder, 1) | SETTINGS
            prepare(settings)
            [*_others, star, friend] = run(
                "seed.py", "people", 1, 1, settings=settings, cores=CORES
            )
            backed_up[name] = settings | {"STAR": star["username"], "FRIEND": friend["username"]}
        self._store(backed_up["with"], FILES)
        self._store(backed_up["without"], FILES, are_there=False)
        first = _back_up(backed_up["with"])
        _back_up(backed_up["without"])
        for _round in range(self.options.rounds):
            self._store(backed_up["with"], 1)
            alone.append(_back_up(backed_up["without"]))
            again.append(_back_up(backed_up["with"]))
        more = [one - other for one, other in zip(again, alone, strict=True)]
        self.tell("b", "2,000 files of 100 kB, for the first time", [first], "s")
        self.tell("b", "… again after one more", again, "s")
        self.tell("b", "the database alone", alone, "s")
        self.tell("b", "… and what the files add to it", more, "s", "≤ 1")

    def _store(self, settings: dict[str, str], count: int, *, are_there: bool = True) -> None:
        names = settings["STAR"], settings["FRIEND"]
        size = FILE_BYTES if are_there else 0
        run("seed.py", "files", *names, count, size, settings=settings, cores=CORES)


def _back_up(settings: dict[str, str]) -> float:
    """Return the seconds of processor and of waiting that a backup takes."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "manage.py", "backup"],
        cwd=ROOT,
        env=environment(settings),
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - began


async def _pages(server: Server, cookie: str, path: str, window: Window) -> list[float]:
    """Ask for a page on schedule; the time counts from the scheduled moment."""
    seconds = []
    due = time.perf_counter()
    async with Browser(server.address, cookie) as browser:
        while due < window.end:
            await load.sleep_until(due)
            status, _body = await browser.get(path)
            if status != 200:
                raise RuntimeError(f"{path} answers {status}")
            if due in window:
                seconds.append(time.perf_counter() - due)
            due += 1 / PAGES_A_SECOND
    return seconds


PHASES: dict[str, Callable[[Bench], None]] = {
    "u": Bench.up,
    "d": Bench.down,
    "s": Bench.slow,
    "p": Bench.photo,
    "h": Bench.history,
    "m": Bench.memory,
    "b": Bench.backup,
}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_phases(parser, PHASES)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement in s")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args()


def main() -> None:
    bound(WHOLE_RUN_SECONDS)
    options = parse_options()
    options.workers, options.url = 1, None
    show(Bench, PHASES, options)


if __name__ == "__main__":
    main()
