"""The findings and counts of bench/fuzz.py, and the file of the findings."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fuzz_judge import Sample
from fuzz_wire import Answer, Shot

SHOWN = 12  # samples of memory, and shots that were slow only once
TIMES = ("slow", "others waited")
NOBODY = Shot("the server", "", "", "", 0, "", "GET", "/healthz")  # for faults without a shot


class Ledger:
    """Findings, one for each fault, route and place; slow ones also for each kind."""

    def __init__(self, seed: int, file: Path) -> None:
        self.findings: dict[tuple[str, ...], dict[str, Any]] = {}
        self.noise: Counter[str] = Counter()  # tracebacks for requests that were answered properly
        self.slow_once: list[tuple[float, str]] = []  # but quick when alone
        self.deaths = self.rounds = 0
        self._seed = seed
        self._file = file
        self._statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self._worst: dict[str, tuple[float, str]] = {}

    def count(self, shot: Shot, answer: Answer) -> None:
        self._statuses[shot.route][answer.status] += 1
        if not shot.is_broken and answer.seconds > self._worst.get(shot.route, (0, ""))[0]:
            self._worst[shot.route] = answer.seconds, f"{shot.place}: {shot.recipe[:80]}"

    def find(self, fault: str, shot: Shot, answer: Answer, note: str) -> None:
        """Record a finding, unless it is known already."""
        if fault.startswith("noise: "):
            self.noise[fault] += 1
            return
        key: tuple[str, ...] = shot.key if fault in TIMES else shot.key[:2]
        if fault.startswith("log: "):
            key = ()  # named by the line of code
        finding = self.findings.get((fault.partition(" (")[0], *key))
        if finding is not None:
            finding["times"] += 1
            return
        finding = {
            "fault": fault, "seed": self._seed, "round": self.rounds, "status": answer.status,
            "seconds": round(answer.seconds, 3), "note": note, "shot": shot.as_json(), "times": 1,
        }  # fmt: skip
        self.findings[fault.partition(" (")[0], *key] = finding
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finding) + "\n")
        print("FOUND", line_of(finding), flush=True)

    def summary(self, worst: dict[str, float], samples: list[Sample]) -> Iterable[str]:
        total: Counter[int] = sum(self._statuses.values(), Counter())
        yield (
            f"seed {self._seed}: {self.rounds} rounds, {total.total()} shots, "
            f"{len(self.findings)} findings; {total[429]} answers 429, {total[503]} 503; "
            f"workers that died: {self.deaths}"
        )
        waits = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in worst.items())
        yield f"longest waits of the quiet ones: {waits}"
        for at, pid, memory, files in samples[:: len(samples) // SHOWN + 1]:
            yield f"{at:6.0f} s  worker {pid}  {memory >> 20} MB  {files} files"
        for route, counts in sorted(self._statuses.items()):
            yield self._line_of_route(route, counts)
        yield f"slow once, and quick alone: {len(self.slow_once)}"
        for seconds, words in sorted(self.slow_once, reverse=True)[:SHOWN]:
            yield f"{seconds:6.2f} s  {words}"
        for words, times in self.noise.most_common():
            yield f"{times:6} times in the log  {words}"

    def _line_of_route(self, route: str, counts: Counter[int]) -> str:
        seconds, what = self._worst.get(route, (0.0, ""))
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(counts.items()))
        share = f"  429: {counts[429] / counts.total():.0%}" if counts[429] else ""
        return f"{counts.total():6}  {seconds:6.2f} s  {route}  {statuses}{share}  ({ascii(what)})"


def line_of(finding: dict[str, Any]) -> str:
    """Print a finding as one line for people, without terminal controls."""
    shot = finding["shot"]
    where = f"{shot['route']} · {shot['place']} · {shot['kind']} as {shot['who'] or 'nobody'}"
    recipe = shot["recipe"] if len(shot["recipe"]) < 200 else shot["recipe"][:200] + "…"
    rest = f"{finding['status']} in {finding['seconds']:.2f} s · {finding['note'][-300:]}"
    return ascii(f"{finding['fault']} | {where} | {recipe} | {rest}")[1:-1]
