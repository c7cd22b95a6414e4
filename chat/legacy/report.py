"""The report of an import: what was found, and what became of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .reasons import HEIRLESS, Reason

KINDS = ("users", "friendships", "requests", "messages", "attachments")
LABELS = {
    "users": gettext_lazy("people"),
    "friendships": gettext_lazy("friendships"),
    "requests": gettext_lazy("friend requests"),
    "messages": gettext_lazy("messages"),
    "attachments": gettext_lazy("files"),
    "emails": gettext_lazy("mail addresses"),
    "passwords": gettext_lazy("passwords"),
    "remarks": gettext_lazy("remarks"),
    "characters": gettext_lazy("characters"),
    "read marks": gettext_lazy("read marks"),
}


@dataclass(slots=True)
class Counts:
    found: int = 0
    imported: int = 0
    existing: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Group:
    """Things of one kind, in one place, with one reason: how many, and the first one's number."""

    number: int = 0
    first: int = 0


class NewName(NamedTuple):
    """Somebody who is called differently here."""

    old: str
    new: str
    reason: Reason


@dataclass(slots=True)
class Lost:
    """Somebody who could not be imported, and what they would have brought, by kind."""

    reason: Reason
    brought: Counter[str] = field(default_factory=Counter)


class Report:
    """Counts things where they are found and again where they end up, so that none gets lost."""

    def __init__(self) -> None:
        self.counts = {kind: Counts() for kind in KINDS}
        self.skips: dict[tuple[str, str, Reason], Group] = {}
        self.lost: dict[str, Lost] = {}
        self.names: list[NewName] = []
        # For `--rename`: what somebody may be called, by their old name.
        self.renames: dict[str, str] = {}

    def find(self, kind: str, number: int = 1) -> None:
        self.counts[kind].found += number

    def imported(self, kind: str, number: int = 1) -> None:
        self.counts[kind].imported += number

    def existing(self, kind: str, number: int = 1) -> None:
        self.counts[kind].existing += number

    def skip(self, kind: str, what: str, reason: Reason, *, number: int = 1, at: int = 0) -> None:
        """Report what was not imported; `at` is its place in the file `what`, from 1 on."""
        self.counts[kind].skipped += number
        self.remark(kind, what, reason, number=number, at=at)

    def remark(self, kind: str, what: str, reason: Reason, *, number: int = 1, at: int = 0) -> None:
        """Report something that is not counted: an address dropped, a character removed."""
        group = self.skips.setdefault((kind, what, reason), Group(first=at))
        group.number += number

    def lose(self, old: str, reason: Reason, kind: str, number: int = 1) -> None:
        """Report what was not imported because of somebody who could not be."""
        self.counts[kind].skipped += number
        self.lost.setdefault(old, Lost(reason)).brought[kind] += number

    def unreadable(self, kind: str, what: str, reason: Reason, *, at: int = 0) -> None:
        """Report what cannot be read, counted as one thing as its content is unknown."""
        if kind in self.counts:
            self.find(kind)
            self.skip(kind, what, reason, at=at)
        else:
            self.remark(kind, what, reason, at=at)

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
        """Return the report for programs: keys and codes are the same in every language."""
        return {
            **{kind: asdict(counts) for kind, counts in self.counts.items()},
            "skips": [
                {"kind": kind, "what": printable(what), **_told(reason), **asdict(group)}
                for (kind, what, reason), group in self.skips.items()
            ],
            "names": [
                {"old": printable(each.old), "new": each.new, **_told(each.reason)}
                for each in self.names
            ],
            "lost": [
                {"old": printable(old), **_told(lost.reason)}
                | {kind: lost.brought[kind] for kind in KINDS}
                for old, lost in sorted(self.lost.items())
            ],
            "renames": {printable(old): new for old, new in self.renames.items()},
        }

    def lines(self, *, is_dry: bool = False) -> Iterator[str]:
        """Yield the report in the language of its reader."""
        for kind, each in self.counts.items():
            words = _(
                "%(kind)s: found %(found)d, imported %(imported)d, already here %(existing)d,"
                " skipped %(skipped)d"
            )
            yield words % {"kind": LABELS[kind], **asdict(each)}
        for (kind, what, reason), group in self.skips.items():
            yield f"{LABELS[kind]}: {printable(what)}: {reason}{_many(group)}"
        yield from self._lines_of_lost()
        yield from self._lines_of_names()
        # A name that has been given stays.
        renames = self.renames if is_dry else {old: self.renames[old] for old in self.lost_names}
        if line := _options(renames):
            yield _("To choose other names, edit this and add it:")
            yield "  " + line

    def _lines_of_lost(self) -> Iterator[str]:
        if self.lost:
            yield _("Not imported, with everything of theirs:")
        for old, lost in sorted(self.lost.items()):
            brought = ", ".join(
                f"{LABELS[kind]} {lost.brought[kind]}" for kind in KINDS if lost.brought[kind]
            )
            yield f"  {printable(old)}: {lost.reason} ({brought})"
        if line := _options(dict.fromkeys(self._heirless, _("NAME"))):
            words = _("Their messages and friends can be given to somebody: %(line)s")
            yield words % {"line": line}

    def _lines_of_names(self) -> Iterator[str]:
        if self.names:
            yield _(
                "Called differently here. They log in with the new name, or with the old one if"
                " nobody else has it here in any case or width; after that, a notice tells them:"
            )
        for old, new, reason in self.names:
            yield f"  {printable(old)} → {new}: {reason}"

    @property
    def _heirless(self) -> list[str]:
        """The names whose messages and friends somebody could have."""
        return sorted(
            old
            for old, lost in self.lost.items()
            if lost.reason in HEIRLESS and lost.brought.keys() - {"users"}
        )

    @property
    def lost_names(self) -> list[str]:
        return [old for old in self.renames if old in self.lost]


def _options(renames: Mapping[str, str]) -> str:
    """Return the options for these names, quoted for a shell, as far as they can be shown."""
    pairs = [f"{old}={new}" for old, new in renames.items() if old.isprintable()]
    return " ".join(f"--rename {shlex.quote(pair)}" for pair in pairs)


def _told(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "reason": str(reason)}


def _many(group: Group) -> str:
    facts = {"number": group.number, "first": group.first}
    if group.first and group.number > 1:
        return _(" (%(number)d of them, the first is number %(first)d)") % facts
    if group.first:
        return _(" (number %(first)d)") % facts
    return f" (× {group.number})" if group.number > 1 else ""


def printable(text: str) -> str:
    """Make a name from a file safe for a terminal and for UTF-8."""
    return "".join(each if each.isprintable() else "�" for each in text)
