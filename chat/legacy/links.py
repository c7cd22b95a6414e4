"""The friendships and friend requests in the lists of the Flask program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .people import Pair, People, Person
from .reading import Tree, splits
from .reasons import AMBIGUOUS, ANSWERED, NO_NAME, NO_REQUEST, Reason
from .report import Report

REMARK_LENGTH = 16


@dataclass(slots=True)
class Friendships:
    """The friendships, each with the people whose lists contain it."""

    listed_by: dict[Pair, set[Person]] = field(default_factory=dict)
    remarks: dict[tuple[Person, Person], str] = field(default_factory=dict)


def read_friendships(tree: Tree, people: People, report: Report) -> Friendships:
    found = Friendships()
    for stem, path in tree.files("friends"):
        owner = _owner_of_list(stem, people)
        for place, name in enumerate(tree.load(path, "friendships", list) or (), 1):
            if not isinstance(name, str):
                report.unreadable("friendships", tree.label(path), NO_NAME, at=place)
                continue
            pair = people.pair(owner.old, name)
            found.listed_by.setdefault(pair, set()).add(owner)
    report.find("friendships", len(found.listed_by))
    for stem, path in tree.files("friends_remarks"):
        content = tree.load(path, "remarks", dict) or {}
        for name, remark in content.items():
            if isinstance(remark, str) and remark.strip():
                key = people.named(stem), people.named(name)
                found.remarks[key] = remark
    return found


def _owner_of_list(stem: str, people: People) -> Person:
    """Find the owner: `alice_friends.json` is alice's, unless there is a user of that name."""
    if not people.knows(stem) and stem.endswith("_friends"):
        return people.named(stem.removesuffix("_friends"))
    return people.named(stem)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request from one person to another; repeated ones are equal."""

    sender: Person
    recipient: Person


def read_requests(tree: Tree, people: People, report: Report) -> dict[Asked, Reason | None]:
    """Read each request, with the reason why it is no longer pending (None if it is)."""
    found: dict[Asked, Reason | None] = {}
    for stem, path in tree.files("requests"):
        for sender, recipient, status in _in_file(tree, stem, path, people, report):
            asked = Asked(people.named(sender), people.named(recipient))
            answered = None if status == "pending" else ANSWERED
            # Of several requests, a pending one wins.
            found[asked] = answered and found.get(asked, answered)
    report.find("requests", len(found))
    return found


def _in_file(
    tree: Tree, stem: str, path: Path, people: People, report: Report
) -> Iterator[tuple[str, str, str]]:
    if not people.knows(stem) and stem.startswith("from_") and "_to_" in stem:
        yield from _by_file_name(tree, stem, path, people, report)
        return
    for place, entry in enumerate(tree.load(path, "requests", list) or (), 1):
        if isinstance(entry, str):
            yield entry, _recipient(stem, people), "pending"
        elif isinstance(entry, dict) and isinstance(entry.get("from"), str):
            recipient = stem.removeprefix("to_")
            yield entry["from"], recipient, str(entry.get("status", "pending"))
        else:
            report.unreadable("requests", tree.label(path), NO_REQUEST, at=place)


def _recipient(stem: str, people: People) -> str:
    return stem if people.knows(stem) else stem.removeprefix("to_")


def _by_file_name(
    tree: Tree, stem: str, path: Path, people: People, report: Report
) -> Iterator[tuple[str, str, str]]:
    """Read `from_alice_to_bob.json`, whose name says everything but the status."""
    content = tree.load(path, "requests", object)
    if content is None:
        return
    pairs = list(_splits_at_to(stem.removeprefix("from_")))
    known = [pair for pair in pairs if all(map(people.knows, pair))]
    if len(known or pairs) != 1:
        report.unreadable("requests", tree.label(path), AMBIGUOUS)
        return
    [(sender, recipient)] = known or pairs
    status = content.get("status", "pending") if isinstance(content, dict) else "pending"
    yield sender, recipient, str(status)


def _splits_at_to(words: str) -> Iterator[tuple[str, str]]:
    for sender, rest in splits(words):
        if rest.startswith("to_") and len(rest) > len("to_"):
            yield sender, rest.removeprefix("to_")
