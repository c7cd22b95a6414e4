"""The messages of the old program: the pair that a file belongs to, its times, its two copies."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from webchat.base.text import mend_text

from . import reasons
from .people import Pair, People, Person
from .reading import Tree, fold, splits
from .reasons import Reason
from .report import Report

# For the ids of imported messages; never changes, or a second import would duplicate them all.
NAMESPACE = UUID("6f1d3c0e-0b7e-5d0c-9a54-3a8f5b1f7c11")
MINUTE = timedelta(minutes=1)
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in the old data. Local times are precise to the minute only."""

    at: datetime
    is_minute: bool
    stamp: str  # the same whatever zone the import is given

    def is_by(self, mark: Moment) -> bool:
        """Whether this is not after the mark, by the minute if either is no more precise."""
        if self.is_minute or mark.is_minute:
            return _floor(self.at) <= _floor(mark.at)
        return self.at <= mark.at


@dataclass(frozen=True, slots=True)
class OldFile:
    """An attachment, as its message describes it."""

    url: str
    name: str
    mimetype: str


@dataclass(slots=True)
class OldMessage:
    """One entry of a file; `problem` says why it cannot be imported."""

    file_label: str
    place: int = 0  # in its file, from 1 on
    sender: str = ""
    moment: Moment | None = None
    text: str = ""
    file: OldFile | None = None
    removed: int = 0  # forbidden characters
    problem: Reason | None = None
    # Equal messages have equal keys.
    key: tuple[str, ...] = ()
    # The sort key: the time, but a whole minute never sorts before the entry above it.
    order: datetime = EARLIEST
    client_id: UUID | None = None
    # The same for the messages of all trees with these words between these names.
    common_id: UUID | None = None


@dataclass(slots=True)
class Found:
    """The messages that the files hold for one pair."""

    paths: list[Path]
    newest: datetime
    entries: int
    messages: int  # of the entries, those that can be imported
    fullest: int  # of the messages, those in one copy

    def __add__(self, other: Found) -> Found:
        return Found(
            self.paths + other.paths,
            max(self.newest, other.newest),
            self.entries + other.entries,
            self.messages + other.messages,
            max(self.fullest, other.fullest),
        )


class Talk:
    """The files of messages/, held in memory one conversation at a time."""

    def __init__(
        self,
        tree: Tree,
        people: People,
        friends: Collection[Pair],
        zone: ZoneInfo,
        report: Report,
        name: str = "",
    ) -> None:
        self._tree = tree
        self._people = people
        self._friends = friends
        self._zone = zone
        self._report = report
        self._name = name  # of the tree

    def survey(self) -> Iterator[dict[Pair, Found]]:
        """Look through all files once, and report the messages whose pair is uncertain."""
        for stem, path in self._tree.files("messages"):
            found: dict[Pair, Found] = {}
            for pair, messages in self._by_pair(stem, path).items():
                if pair is None:
                    self._refuse(messages)
                    continue
                found[pair] = _sum_up(path, messages)
            yield found

    def conversation(self, pair: Pair, paths: Iterable[Path]) -> list[OldMessage]:
        """Merge the copies of a pair's messages, in order, each with its ids."""
        copies = [self._by_pair(fold(path.stem), path).get(pair, []) for path in paths]
        messages = merge(copies)
        _name(pair, messages, self._name)
        return messages

    def _by_pair(self, stem: str, path: Path) -> dict[Pair | None, list[OldMessage]]:
        entries = self._tree.load(path, "messages", list)
        label = self._tree.label(path)
        messages = [
            parse(entry, label, self._zone, place) for place, entry in enumerate(entries or (), 1)
        ]
        pairs = self._settle(stem, {message.sender for message in messages if message.sender})
        by_pair: dict[Pair | None, list[OldMessage]] = defaultdict(list)
        for message in messages:
            pair = self._pair_of(message, pairs)
            if pair and message.sender and self._people.named(message.sender) not in pair:
                message.problem = message.problem or reasons.STRANGER
            by_pair[pair].append(message)
        for part in by_pair.values():
            _set_order(part)
        return by_pair

    def _settle(self, stem: str, senders: set[str]) -> list[Pair]:
        """Find the pairs that a file name may mean, narrowed down by the known facts."""
        pairs = list(dict.fromkeys(self._people.pair(*names) for names in splits(stem)))
        known = [pair for pair in pairs if all(self._people.knows(each.old) for each in pair)]
        pairs = known or pairs
        writers = {self._people.named(name) for name in senders}
        fitting = [pair for pair in pairs if writers <= set(pair)]
        if len(pairs) > 1 and fitting:
            pairs = fitting
            befriended = [pair for pair in pairs if pair in self._friends]
            if len(pairs) > 1 and len(befriended) == 1:
                pairs = befriended
        return pairs

    def _pair_of(self, message: OldMessage, pairs: list[Pair]) -> Pair | None:
        if len(pairs) > 1 and message.sender:
            writer = self._people.named(message.sender)
            pairs = [pair for pair in pairs if writer in pair]
        return pairs[0] if len(pairs) == 1 else None

    def _refuse(self, messages: list[OldMessage]) -> None:
        self._report.find("messages", len(messages))
        for message in messages:
            where = message.file_label, reasons.AMBIGUOUS
            self._report.skip("messages", *where, at=message.place)


def parse(entry: Any, file_label: str, zone: ZoneInfo, place: int = 0) -> OldMessage:
    """Parse an entry of any version; never raises."""
    message = OldMessage(file_label, place)
    if not isinstance(entry, dict):
        return _refused(message, entry, reasons.NO_MESSAGE)
    sender = entry.get("sender", entry.get("from"))
    if not isinstance(sender, str) or not sender:
        return _refused(message, entry, reasons.NO_SENDER)
    message.sender = fold(sender)
    message.moment = parse_time(entry.get("time"), zone)
    if message.moment is None:
        return _refused(message, entry, reasons.NO_TIME)
    content = entry.get("text")
    if isinstance(content, str):
        message.text, message.removed = mend_text(content)
        words = ("text", message.text)
        if not message.text:
            message.problem = reasons.EMPTY
    elif isinstance(content, dict) and isinstance(content.get("url"), str):
        message.file = _file(content)
        words = ("file", hashlib.sha256(content["url"].encode(errors="replace")).hexdigest())
    else:
        return _refused(message, entry, reasons.NO_CONTENT)
    message.key = (message.sender, message.moment.stamp, *words)
    return message


def _refused(message: OldMessage, entry: Any, problem: Reason) -> OldMessage:
    message.problem = problem
    message.key = ("", json.dumps(entry, sort_keys=True, default=str))
    return message


def _file(content: dict[str, Any]) -> OldFile:
    name, mimetype = content.get("original_name"), content.get("mimetype")
    return OldFile(
        url=content["url"],
        name=name if isinstance(name, str) else "",
        mimetype=mimetype if isinstance(mimetype, str) else "",
    )


def parse_time(value: Any, zone: ZoneInfo) -> Moment | None:
    """Parse a float of epoch seconds, a local `YYYY-MM-DD HH:MM`, or ISO 8601 in UTC."""
    try:
        if isinstance(value, str):
            return _from_text(value.strip(), zone)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return _exact(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _from_text(value: str, zone: ZoneInfo) -> Moment | None:
    if value[:1].isdigit() and value.replace(".", "", 1).isdigit():
        return _exact(datetime.fromtimestamp(float(value), UTC))
    at = datetime.fromisoformat(value)
    if "T" not in value and at.tzinfo is None:
        local = at.replace(tzinfo=zone).astimezone(UTC)
        return Moment(local, is_minute=True, stamp=value) if _is_believable(local) else None
    return _exact(at if at.tzinfo else at.replace(tzinfo=UTC))


def _exact(at: datetime) -> Moment | None:
    at = at.astimezone(UTC)
    return Moment(at, is_minute=False, stamp=at.isoformat()) if _is_believable(at) else None


def _is_believable(at: datetime) -> bool:
    return EARLIEST < at < LATEST


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _sum_up(path: Path, messages: list[OldMessage]) -> Found:
    good = [message.moment.at for message in messages if message.moment and not message.problem]
    newest = max(good, default=EARLIEST)
    return Found([path], newest, len(messages), len(good), len(good))


def _set_order(messages: Iterable[OldMessage]) -> None:
    before = EARLIEST
    latest: dict[datetime, datetime] = {}  # of those precise to the minute only
    for message in messages:
        if message.moment is None:
            message.order = before
            continue
        order = message.moment.at
        if message.moment.is_minute:
            # The entry above it came first, if only by seconds that were not recorded.
            order = max(order, latest.get(order, order))
            if order <= before < message.moment.at + MINUTE:
                order = before
            latest[message.moment.at] = order
        message.order = before = order


def merge(copies: Sequence[list[OldMessage]]) -> list[OldMessage]:
    """Merge the copies of a conversation: of equal messages as many as the fullest copy has."""
    chosen: dict[tuple[str, ...], tuple[int, list[tuple[int, OldMessage]]]] = {}
    for number, copy in enumerate(copies):
        equal: dict[tuple[str, ...], list[tuple[int, OldMessage]]] = defaultdict(list)
        for place, message in enumerate(copy):
            equal[message.key].append((place, message))
        for key, same in equal.items():
            if key not in chosen or len(same) > len(chosen[key][1]):
                chosen[key] = number, same
    placed = [
        (message.order, number, place, message)
        for number, same in chosen.values()
        for place, message in same
    ]
    placed.sort(key=lambda each: each[:3])
    return [message for *_, message in placed]


def _name(pair: Pair, messages: Iterable[OldMessage], tree: str) -> None:
    """Give each message ids that are the same in every import, even among equal messages."""
    numbers: dict[tuple[str, ...], int] = defaultdict(int)
    for message in messages:
        numbers[message.key] += 1
        content = [pair[0].old, pair[1].old, *message.key, numbers[message.key]]
        message.common_id = uuid5(NAMESPACE, json.dumps(content))
        message.client_id = uuid5(message.common_id, tree) if tree else message.common_id


def read_marks(tree: Tree, people: People, zone: ZoneInfo, report: Report) -> ReadMarks:
    """Load how far each person had read; the shared marks of V2 count for both."""
    marks: dict[tuple[Person, Person], list[Moment]] = defaultdict(list)
    for stem, path in tree.files("last_read"):
        content = tree.load(path, "read marks", dict) or {}
        moment = parse_time(content.get("last_read_time"), zone)
        names = _known_split(stem, people)
        if moment is None or names is None:
            report.remark("read marks", tree.label(path), reasons.UNCERTAIN)
            continue
        marks[names].append(moment)
        marks[names[::-1]].append(moment)
    for stem, path in tree.files("last_read", ".txt"):
        try:
            words = tree.read(path).decode(errors="replace")
        except OSError:
            words = ""
        moment, names = parse_time(words, zone), _known_split(stem, people)
        if moment is None or names is None:
            report.remark("read marks", tree.label(path), reasons.UNCERTAIN)
            continue
        marks[names].append(moment)
    return ReadMarks(marks, has_any=tree.has("last_read"))


def _known_split(stem: str, people: People) -> tuple[Person, Person] | None:
    known = [names for names in splits(stem) if all(map(people.knows, names))]
    if len(known) != 1:
        return None
    reader, other = known[0]
    return people.named(reader), people.named(other)


@dataclass(frozen=True, slots=True)
class ReadMarks:
    marks: dict[tuple[Person, Person], list[Moment]]
    has_any: bool

    def read_through(
        self, reader: Person, other: Person, messages: Sequence[OldMessage]
    ) -> tuple[OldMessage, datetime] | None:
        """Find the last message that somebody had read, and when; V1 had no marks: all is read."""
        if not self.has_any:
            last = messages[-1] if messages else None
            return (last, last.moment.at) if last and last.moment else None
        marks = self.marks.get((reader, other), [])
        for message in reversed(messages):
            for mark in marks:
                if message.moment and message.moment.is_by(mark):
                    return message, mark.at
        return None
