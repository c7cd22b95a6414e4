"""The numbers of a run, and the machine that it ran on."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
from dataclasses import dataclass
from typing import Any

from processes import CORES, ROOT


@dataclass(frozen=True, slots=True)
class Row:
    phase: str
    what: str
    value: float
    unit: str
    goal: str = ""


class Report:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []

    def add(self, phase: str, what: str, value: float, unit: str, goal: str = "") -> None:
        self.rows.append(Row(phase, what, value, unit, goal))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def value(self, what: str) -> float | None:
        return next((row.value for row in self.rows if row.what == what), None)

    def add_ratio(self, phase: str, what: str, above: str, below: str, goal: str = "") -> None:
        numerator, denominator = self.value(above), self.value(below)
        if numerator and denominator:
            self.add(phase, what, numerator / denominator, "×", goal)

    def table(self) -> str:
        lines = ["| | measured | value | unit | goal |", "|---|---|---:|---|---|"]
        lines += [
            f"| {row.phase} | {row.what} | {_number(row.value)} | {row.unit} | {row.goal} |"
            for row in sorted(self.rows, key=lambda row: row.phase)
        ]
        return "\n".join(lines + [f"\n{note}" for note in self.notes])


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return {
        "commit": commit,
        "workers": options.workers,
        "seconds": options.seconds,
        "cores": len(CORES),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
