"""The table of peer_bench.py: medians with their range, ratios, budgets."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

Values = dict[str, list[float]]  # of each run, by the name of the measure


@dataclass(frozen=True, slots=True)
class Measure:
    """A row. Its budget is a ratio to the peer, or with `alone` a value of ours."""

    key: str
    what: str
    unit: str
    must: float | None = None
    aim: float | None = None
    more: bool = False  # is better
    alone: bool = False

    def budget(self) -> str:
        unit = "" if self.alone else " ×"
        sign = "≥" if self.more else "≤"
        values = [value for value in (self.must, self.aim) if value is not None]
        return "; ".join(f"{sign} {value:g}{unit}" for value in values)

    def is_met(self, value: float, ratio: float) -> bool:
        if self.must is None:
            return True
        reached = value if self.alone else ratio
        return reached >= self.must if self.more else reached <= self.must


MEASURES = (
    Measure("closed rate", "closed loop, 50 pairs: messages", "/s", 2, 3, more=True),
    Measure("closed cpu", "… CPU a message", "ms", 0.75, 0.5),
    Measure("closed core", "… core of the server in use", "%"),
    Measure("closed client", "… core of the client in use", "%"),
    Measure("closed p50", "… send → ack and delivery, p50", "ms"),
    Measure("closed p99", "… p99", "ms"),
    Measure("500 core", "500 a second: CPU of the server", "cores", 1.5, 1),
    Measure("500 cpu", "… CPU a message", "ms"),
    Measure("500 p50", "… send → delivery, p50", "ms"),
    Measure("500 p99", "… p99", "ms", 2, 1),
    Measure("50 core", "50 a second: CPU of the server", "cores", 1.5, 1),
    Measure("50 cpu", "… CPU a message", "ms"),
    Measure("50 p50", "… send → delivery, p50", "ms", 1.3),
    Measure("50 p99", "… p99", "ms"),
    Measure("page cpu", "a page of 50 messages as JSON: CPU", "ms", 3, alone=True),
    Measure("page rate", "… pages", "/s"),
    Measure("idle", "memory (PSS), idle", "MB", 64, alone=True),
    Measure("held", "… with 1,000 quiet sockets", "MB", 82, alone=True),
    Measure("stop", "stop with 1,000 sockets whose clients sleep", "s", 2.5, alone=True),
)


def table(values: dict[str, Values]) -> str:
    """Make the table, the peers first and ours last; ratios are ours : the first."""
    names = list(values)
    first, ours = values[names[0]], values[names[-1]]
    lines = [
        f"| measured | {' | '.join(names)} | ratio | must; aim |",
        f"|---|{'---:|' * len(names)}---:|---|",
    ]
    for measure in MEASURES:
        if measure.key not in ours:
            continue
        cells = " | ".join(_cell(values[name].get(measure.key, [])) for name in names)
        value = statistics.median(ours[measure.key])
        ratio = value / (statistics.median(first[measure.key]) or float("nan"))
        told = f"{ratio:.2f}" if measure.is_met(value, ratio) else f"**{ratio:.2f}**"
        what = f"{measure.what}, {measure.unit}"
        lines.append(f"| {what} | {cells} | {told} | {measure.budget()} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    middle = _number(statistics.median(values))
    return f"{middle} ({_number(min(values))} – {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
