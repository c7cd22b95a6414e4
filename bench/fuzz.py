"""Fuzz a server of its own with hostile text: every form, field, query, path, header and frame.

    .venv/bin/python bench/fuzz.py --minutes 60             # the standard for a release
    .venv/bin/python bench/fuzz.py --minutes 5 --seed 7 --only 'POST /login'
    .venv/bin/python bench/fuzz.py --replay findings.jsonl  # send the findings again

Each round draws texts from its seed, shoots them four at a time, and then repeats alone those that
were slow or stopped others: only what is slow alone is a finding. Findings are written to a file as
they come, each with its request, with the server's log beside it. If there are any, the exit status
is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from client import open_live
from django.db import OperationalError
from fuzz_aim import Aim, Make
from fuzz_judge import LIMIT_SECONDS, Blot, Sample, faults, growth, read_log
from fuzz_ledger import NOBODY, Ledger, line_of
from fuzz_targets import Form
from fuzz_wire import ANSWER_SECONDS, PING, Answer, Shot, send
from fuzz_world import World
from hostile_text import JSON, TEXTS, WORST, WORST_JSON, Hostile, draw

ROUND = 320  # shots
DRAWN = 160  # texts, and as many pieces of JSON, for a round
AT_ONCE = 4
LOOK_SECONDS = 0.1  # between two looks at /healthz and two pings of a quiet socket
SAMPLE_SECONDS = 10.0
REPEATS = 2  # alone, after a slow answer; the quickest counts
SUSPECTS = 16  # repeated after a round, at most
ALIVE_SECONDS = 60.0  # for a killed worker to be replaced
NO_NOISE_SECONDS = 10.0  # never noise: once is enough
COSTLY_SECONDS = 2.0  # at most for a text of a kind known to be slow, to leave time for others
ABSENT = ("no answer", "deaf")  # faults that count only if they also happen alone

Flight = tuple[Shot, float, Answer]  # the float is the time at which it began


class Watch:
    """A quiet client that measures how long /healthz and a ping on a socket take."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worst: dict[str, float] = {"healthz": 0.0, "ping": 0.0}
        self.gaps: list[tuple[float, float]] = []  # waits above the limit: from, until
        self.recent = self._since = 0.0  # the longest wait since `forget`
        self._counts_since = math.inf
        self.samples: list[Sample] = []
        self._began = time.monotonic()

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(do()) for do in (self.look, self.ping, self.sample)]

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()

    async def look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            began = time.monotonic()
            await send(self.world.address, NOBODY, {})
            self._note("healthz", began)

    async def ping(self) -> None:
        while True:
            with suppress(OSError, TimeoutError):
                socket = await open_live(self.world.address, self.world.cookies["observer"])
                pong = asyncio.Event()
                socket.on_text = lambda text, pong=pong: pong.set() if b'"pong"' in text else None
                while not socket.closed:
                    await asyncio.sleep(LOOK_SECONDS)
                    pong.clear()
                    began = time.monotonic()
                    socket.send(PING)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(pong.wait(), ANSWER_SECONDS)
                    self._note("ping", began)
            await asyncio.sleep(0.5)

    async def sample(self) -> None:
        while True:
            memory, files = self.world.memory_and_files()
            at = time.monotonic() - self._began
            self.samples.append(Sample(at, self.world.pid, memory, files))
            await asyncio.sleep(SAMPLE_SECONDS)

    def forget(self) -> None:
        """Let `recent` count requests that begin from now on."""
        self.recent, self._since = 0.0, time.monotonic()

    def count(self) -> None:
        """Count requests that begin from now on, until `rest`."""
        self.gaps.clear()
        self._counts_since = time.monotonic()

    def rest(self) -> None:
        self._counts_since = math.inf

    def _note(self, what: str, began: float) -> None:
        seconds = time.monotonic() - began
        if began > self._since - 2 * LOOK_SECONDS:
            self.recent = max(self.recent, seconds)
        if began >= self._counts_since:
            self.worst[what] = max(self.worst[what], seconds)
            if seconds > LIMIT_SECONDS:
                self.gaps.append((began, began + seconds))


class Fuzz:
    def __init__(self, world: World, ledger: Ledger, seed: int, only: str) -> None:
        self.world = world
        self.ledger = ledger
        self.watch = Watch(world)
        self._seed = seed
        self._only = re.compile(only)
        self._forms: dict[str, dict[tuple[str, ...], Form]] = {}
        self._sweep: Iterator[tuple[Make, Hostile]] = iter(
            []
        )  # mixed into the drawn shots until it is used up
        self._log_at = 0  # bytes already read
        self._ceilings: dict[str, int] = {}  # characters, by kind
        self._pid = world.pid
        self._known: set[tuple[str, str, str]] = set()  # slow ones, not worth repeating

    async def run(self, minutes: float) -> None:
        until = time.monotonic() + minutes * 60
        async with self.watch:
            await self._read_forms()
            while time.monotonic() < until:
                await self._round(until)
                self.ledger.rounds += 1
        for words in growth(self.watch.samples):
            self.ledger.find(words, NOBODY, Answer(), "over the whole run")

    async def replay(self, shots: list[tuple[Shot, str]]) -> None:
        """Send the findings again, each alone, and print the present outcome."""
        async with self.watch:
            for shot, was in shots:
                await self._mend()
                words, answer = await self._repeat(shot)
                print(f"{'; '.join(words) or 'fine'} ({answer.status}) was: {was[:200]}")
                self._judge([(shot, 0.0, answer)])

    async def _read_forms(self) -> None:
        aim = Aim(random.Random(self._seed), self.world.things)
        for who, path in aim.pages():
            shot = Shot("", "", "", "", 0, who, "GET", path)
            answer = await send(self.world.address, shot, self.world.cookies)
            if answer.status == 200 and "html" in answer.headers.get("content-type", ""):
                aim.read_forms(who, path, answer.body)
        self._forms = aim.forms
        self._sweep = iter(aim.sweep(WORST, WORST_JSON))
        forms = [form for each in aim.forms.values() for form in each.values()]
        print(
            f"{len(forms)} forms with {sum(len(form.fields) for form in forms)} fields", flush=True
        )

    async def _round(self, until: float) -> None:
        await self._mend()
        flights: list[Flight] = []
        waiting = iter(self._shots(self.ledger.rounds))
        self.watch.count()

        async def fire() -> None:
            for shot in waiting:
                if time.monotonic() > until:
                    return
                began = time.monotonic()
                answer = await send(self.world.address, shot, self.world.cookies)
                flights.append((shot, began, answer))

        await asyncio.gather(*(fire() for _ in range(AT_ONCE)))
        self.watch.rest()
        await self._revive()
        self._judge(flights)
        await self._confirm(self._suspects(flights))

    def _shots(self, number: int) -> list[Shot]:
        drawn_from = self._seed * 1_000_003 + number
        texts, fragments = draw(TEXTS, drawn_from, DRAWN), draw(JSON, drawn_from, DRAWN)
        rng = random.Random(drawn_from)
        aim = Aim(rng, self.world.things)
        aim.forms = self._forms
        swept = ((partial(make, aim), [text]) for make, text in self._sweep)
        tries = range(50 * ROUND)
        drawn = ((aim.shot, [rng.choice(texts), rng.choice(fragments)]) for _try in tries)
        shots = [*itertools.islice(self._made(swept, rng), ROUND // 2)]
        shots += itertools.islice(self._made(drawn, rng), ROUND - len(shots))
        rng.shuffle(shots)
        return shots

    def _made(
        self, makes: Iterable[tuple[Callable[..., Shot], list[Hostile]]], rng: random.Random
    ) -> Iterator[Shot]:
        """Make the wanted shots; each is tried with a short text first, which costs nothing."""
        for make, texts in makes:
            state = rng.getstate()
            if self._is_wanted(make(*(text.cut(1) for text in texts))):
                rng.setstate(state)
                yield make(*(self._capped(text) for text in texts))

    def _is_wanted(self, shot: Shot) -> bool:
        where = f"{shot.route} {shot.place}"
        return shot.key not in self._known and bool(self._only.search(where))

    def _capped(self, text: Hostile) -> Hostile:
        return text.cut(self._ceilings.get(text.kind, len(text.text)))

    def _judge(self, flights: list[Flight]) -> None:
        blots, self._log_at = read_log(self.world.log, self._log_at)
        by_id = {answer.headers.get("x-request-id"): (s, answer) for s, _began, answer in flights}
        why = {blot.request_id: blot.kind for blot in blots}
        for shot, _began, answer in flights:
            self.ledger.count(shot, answer)
            note = why.get(answer.headers.get("x-request-id", ""), "") or _beginning(answer)
            for fault in faults(shot, answer):
                if not fault.startswith(ABSENT):
                    self.ledger.find(fault, shot, answer, note)
        for blot in blots:
            shot, answer = by_id.get(blot.request_id, (NOBODY, Answer()))
            self.ledger.find(blot.kind, shot, answer, _around(blot, shot, flights))

    def _suspects(self, flights: list[Flight]) -> list[tuple[float, Shot]]:
        """List shots that were slow, unanswered or under way while others waited, slowest first."""
        late = [
            (answer.seconds, shot)
            for shot, began, answer in flights
            if (answer.seconds > LIMIT_SECONDS and not shot.is_broken)
            or any(fault.startswith(ABSENT) for fault in faults(shot, answer))
            or any(began < to and began + answer.seconds > since for since, to in self.watch.gaps)
        ]
        late.sort(key=lambda each: (-each[0], -each[1].size))
        return late[:SUSPECTS]

    async def _confirm(self, suspects: list[tuple[float, Shot]]) -> None:
        if suspects:
            await self._mend()
        for seconds, shot in suspects:
            if shot.key in self._known:
                continue
            words, _answer = await self._repeat(shot)
            if not words:
                self.ledger.slow_once.append((seconds, f"{shot.route} {shot.place}"))

    async def _repeat(self, shot: Shot) -> tuple[list[str], Answer]:
        """Record a finding if it fails each time; one that is slow by noise is quick once."""
        for _again in range(REPEATS):
            answer, waited = await self._alone(shot)
            words = _words(shot, answer, waited)
            if not words or max(waited, answer.seconds) > NO_NOISE_SECONDS:
                break
        if max(waited, answer.seconds) > LIMIT_SECONDS:
            self._spare(shot, max(waited, answer.seconds))
        for word in words:
            note = f"others waited {waited:.2f} s; {_beginning(answer)}"
            self.ledger.find(word, shot, answer, note)
        return words, answer

    def _spare(self, shot: Shot, seconds: float) -> None:
        """Shorten a kind of text known to be slow, to leave time for others."""
        self._known.add(shot.key)
        size = int(shot.size * min(1.0, (COSTLY_SECONDS / seconds) ** 0.5))
        self._ceilings[shot.kind] = min(size, self._ceilings.get(shot.kind, size))

    async def _alone(self, shot: Shot) -> tuple[Answer, float]:
        """Send a shot alone; returns the answer, and how long the quiet client waited meanwhile."""
        await asyncio.sleep(3 * LOOK_SECONDS)
        self.watch.forget()
        answer = await send(self.world.address, shot, self.world.cookies)
        await asyncio.sleep(3 * LOOK_SECONDS)
        await self._revive()
        return answer, self.watch.recent

    async def _revive(self) -> None:
        """Wait until the server answers; start it again when it does not."""
        deadline = time.monotonic() + ALIVE_SECONDS
        while (await send(self.world.address, NOBODY, {})).status != 200:
            await asyncio.sleep(0.2)
            if time.monotonic() > deadline:
                await asyncio.to_thread(self.world.restart)
        if self.world.pid != self._pid:
            self._pid, self.ledger.deaths = self.world.pid, self.ledger.deaths + 1

    async def _mend(self) -> None:
        for _again in range(3):
            try:
                return await asyncio.to_thread(self.world.mend)
            except OperationalError as error:  # a stuck server may hold the lock
                print(f"mending: {error!r}", file=sys.stderr)
                await self._revive()
        raise RuntimeError("the people cannot be put right")


def _words(shot: Shot, answer: Answer, waited: float) -> list[str]:
    """List the faults of a shot that was sent alone."""
    words = [*faults(shot, answer)]
    if waited > LIMIT_SECONDS:
        words.append("others waited")
    elif not words and answer.seconds > LIMIT_SECONDS and not shot.is_broken:
        words.append("slow")
    return words


def _around(blot: Blot, shot: Shot, flights: list[Flight]) -> str:
    """Quote the end of a log line and, if it belongs to no request, the slow shots of then."""
    slow = [
        f"{s.route} {s.place}" for s, _began, answer in flights if answer.seconds > LIMIT_SECONDS
    ]
    return blot.line[-300:] + (f" · slow then: {slow[:3]}" if shot is NOBODY else "")


def _beginning(answer: Answer) -> str:
    return ascii(answer.body[:160].decode("utf-8", "replace"))


def _read_findings(file: Path) -> list[tuple[Shot, str]]:
    findings = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    shots = [(Shot.from_json(finding["shot"]), line_of(finding)) for finding in findings]
    return [(shot, was) for shot, was in shots if shot.route != NOBODY.route]


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a pattern for “METHOD /route field”")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings.jsonl"))
    parser.add_argument("--replay", type=Path, help="findings of another run")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    settings = dict(each.split("=", 1) for each in given.set)
    ledger = Ledger(given.seed, given.findings)
    with tempfile.TemporaryDirectory() as folder, World(Path(folder), settings) as world:
        fuzz = Fuzz(world, ledger, given.seed, given.only)
        try:
            if given.replay:
                asyncio.run(fuzz.replay(_read_findings(given.replay)))
            else:
                asyncio.run(fuzz.run(given.minutes))
        finally:
            shutil.copy(world.log, given.findings.with_suffix(".log"))
            print(*ledger.summary(fuzz.watch.worst, fuzz.watch.samples), sep="\n")
    return 1 if ledger.findings else 0


if __name__ == "__main__":
    sys.exit(main())
