"""The report of an import: what was found, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, NamedTuple

KINDS = ("users", "friendships", "requests", "messages", "attachments")


@dataclass(slots=True)
class Counts:
    found: int = 0
    imported: int = 0
    existing: int = 0
    skipped: int = 0


class Skip(NamedTuple):
    """Something that was not imported: one of KINDS, or a part of one that was."""

    kind: str
    what: str
    reason: str


class Report:
    """Counts things where they are found and again where they end up, so that none gets lost."""

    def __init__(self) -> None:
        self.counts = {kind: Counts() for kind in KINDS}
        self.skips: list[Skip] = []

    def find(self, kind: str, number: int = 1) -> None:
        self.counts[kind].found += number

    def imported(self, kind: str, number: int = 1) -> None:
        self.counts[kind].imported += number

    def existing(self, kind: str, number: int = 1) -> None:
        self.counts[kind].existing += number

    def skip(self, kind: str, what: str, reason: str) -> None:
        self.counts[kind].skipped += 1
        self.remark(kind, what, reason)

    def remark(self, kind: str, what: str, reason: str) -> None:
        """Report something that is not counted: an address dropped, a character removed."""
        self.skips.append(Skip(kind, printable(what), reason))

    def unreadable(self, kind: str, what: str, reason: str) -> None:
        """Report a file that cannot be read, counted as one thing as its content is unknown."""
        if kind in self.counts:
            self.find(kind)
            self.skip(kind, what, reason)
        else:
            self.remark(kind, what, reason)

    @property
    def has_news(self) -> bool:
        return any(counts.imported for counts in self.counts.values())

    def check(self) -> None:
        """Raise AssertionError if the numbers do not add up."""
        for kind, counts in self.counts.items():
            ended = counts.imported + counts.existing + counts.skipped
            if counts.found != ended:
                raise AssertionError(f"{kind}: {counts.found} found, {ended} accounted for")

    def as_json(self) -> dict[str, Any]:
        counts = {kind: asdict(counts) for kind, counts in self.counts.items()}
        return counts | {"skips": [skip._asdict() for skip in self.skips]}

    def lines(self) -> Iterator[str]:
        yield f"{'':<12}{'found':>9}{'imported':>10}{'existing':>10}{'skipped':>9}"
        for kind, each in self.counts.items():
            yield (
                f"{kind:<12}{each.found:>9}{each.imported:>10}{each.existing:>10}{each.skipped:>9}"
            )
        for (kind, what, reason), same in groupby(self.skips):
            number = len(list(same))
            yield f"{kind}: {what}: {reason}" + (f" (× {number})" if number > 1 else "")


def printable(text: str) -> str:
    """Make a name from a file safe for a terminal and for UTF-8."""
    return "".join(each if each.isprintable() else "�" for each in text)
