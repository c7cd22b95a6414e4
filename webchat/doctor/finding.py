from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    ADVICE = "advice"  # it works, but somebody should know
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    level: Level
    message: str
    fix: str = ""


def ok(message: str) -> Finding:
    return Finding(Level.OK, message)


def advice(message: str, fix: str) -> Finding:
    return Finding(Level.ADVICE, message, fix)


def wrong(message: str, fix: str) -> Finding:
    return Finding(Level.WRONG, message, fix)
