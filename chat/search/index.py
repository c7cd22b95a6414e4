"""The index of the messages, made in the background.

A message costs its sender next to nothing: the newest of each conversation are in no block yet,
and are read themselves. A later change deletes the filters of its segment at once (`triggers`),
and they are rebuilt here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Max, Sum
from django.db.models.functions import Length

from webchat.database.questions import Listing, Question, given

from ..models import Message, SearchFilter, SearchSegment
from .grams import GRAMS_AT_MOST, PARTS, hash_text, make_filter

# Larger blocks take longer to read, smaller ones make a longer index.
MESSAGES_AT_MOST = 256
LOOKS_AT_ONCE = 10  # conversations: many have too little that is new, and each takes a while
GROWING_AT_MOST = 10_000  # conversations that are counted in memory
BLOCKS_AT_MOST = 15  # in a segment: two parts of its filters fill a page of the database


class Row(NamedTuple):
    pk: int
    text: str


class Block(NamedTuple):
    rows: list[Row]
    hashes: set[int]

    @property
    def through(self) -> int:
        return self.rows[-1].pk


class Growth(NamedTuple):
    """What a conversation has that is in no block."""

    messages: int
    characters: int

    @property
    def may_fill_a_block(self) -> bool:
        # As if each character began a gram; a few begin up to four.
        return self.messages >= MESSAGES_AT_MOST or self.characters >= GRAMS_AT_MOST


class News(NamedTuple):
    conversation: int
    newest: int
    messages: int
    characters: int


NEWS = Listing(
    lambda: (
        Message.objects.filter(id__gt=given("after"))
        .order_by()
        # The sum keeps SQLite from going through the index of all conversations.
        .values_list(F("conversation") + 0)
        .annotate(newest=Max("id"), messages=Count("id"), characters=Sum(Length("text")))
    ),
    News,
)
NEXT_ROWS = Listing(
    lambda: (
        Message.objects.present()
        .filter(conversation=given("conversation"), id__gt=given("after"))
        .order_by("id")
        .values_list("id", "text")
    ),
    Row,
)
SPOILED = Question(SearchSegment.objects.spoiled)
LAST_SEGMENT = Question(
    lambda: SearchSegment.objects.filter(conversation=given("conversation")).order_by("-through")
)


class Builder:
    """Makes filters, a few at a time, and remembers where to go on."""

    def __init__(self) -> None:
        self._looked_through = 0
        self._growing: dict[int, Growth] = {}
        self._waiting: list[int] = []

    def build(self, at_most: int) -> int:
        """Make up to `at_most` filters, or a few more; returns how many."""
        done = 0
        for segment in SPOILED.all():
            if done >= at_most:
                return done
            done += _renew(segment)
            self._waiting.append(segment.conversation_id)
        if self.is_idle:
            self._find_grown()
        for _look in range(LOOKS_AT_ONCE):
            if self.is_idle or done >= at_most:
                break
            added = self._look(self._waiting[-1])
            if not added:
                self._waiting.pop()
            done += added
        return done

    @property
    def is_idle(self) -> bool:
        return not self._waiting

    def _find_grown(self) -> None:
        """Find the conversations that may have a full block by now."""
        if not self._looked_through:
            return self._begin()
        for new in NEWS.all(after=self._looked_through):
            self._looked_through = max(self._looked_through, new.newest)
            known = self._growing.pop(new.conversation, None)
            if known is not None:
                grown = Growth(known.messages + new.messages, known.characters + new.characters)
                if not grown.may_fill_a_block:
                    self._growing[new.conversation] = grown
                    continue
            self._waiting.append(new.conversation)

    def _begin(self) -> None:
        """Have all of them looked at: how far the index goes is told by each."""
        messages = Message.objects.order_by()
        self._looked_through = messages.aggregate(newest=Max("id"))["newest"] or 0
        self._waiting = list(messages.values_list("conversation", flat=True).distinct())

    def _look(self, conversation_id: int) -> int:
        """Make blocks of a conversation, or remember how far it is from one; returns how many."""
        segment = LAST_SEGMENT.first(conversation=conversation_id)
        after = segment.through if segment else 0
        read = NEXT_ROWS.all(conversation=conversation_id, after=after, at_most=MESSAGES_AT_MOST)
        grown = Growth(len(read), sum(len(row.text) for row in read))
        if grown.may_fill_a_block:
            if added := _add(conversation_id, segment):
                return added
            # Their words repeat themselves. The next look is after as much again.
            grown = grown._replace(characters=0)
        if len(self._growing) < GROWING_AT_MOST:
            self._growing[conversation_id] = grown
        return 0


def build_all() -> int:
    """Make all filters that can be made; returns how many."""
    builder = Builder()
    done = builder.build(at_most=10**9)
    while not builder.is_idle:
        done += builder.build(at_most=10**9)
    return done


def _add(conversation_id: int, segment: SearchSegment | None) -> int:
    """Put new messages into blocks of the last segment, or a new one; returns how many blocks."""
    if segment is None or len(segment.ends) == BLOCKS_AT_MOST:
        after = segment.through if segment else 0
        segment = SearchSegment(conversation_id=conversation_id, through=after, ends=[])
    room = BLOCKS_AT_MOST - len(segment.ends)
    # Read and hash no more than fits into them: some texts fill a block by themselves.
    blocks = list(islice(_cut(_new_rows(segment)), room))
    if not blocks:
        return 0
    through = blocks[-1].through
    read = [row for block in blocks for row in block.rows]
    filters = _join([make_filter(block.hashes) for block in blocks])
    with transaction.atomic():
        if _rows(segment, segment.through, through) != read or not _is_as_read(segment):
            return 0
        held = dict(SearchFilter.objects.filter(segment=segment.pk).values_list("part", "bits"))
        if segment.ends and not held:
            return 0  # spoiled meanwhile: it must be renewed first
        segment.ends += [block.through for block in blocks]
        segment.through = through
        segment.save()
        _write(segment, [bytes(held.get(part, b"")) + bits for part, bits in enumerate(filters)])
    return len(blocks)


def _renew(segment: SearchSegment) -> int:
    """Rebuild the filters of a segment from its present messages; returns how many blocks.

    One without blocks goes: it only asked for a look at its conversation. That counts as one.
    """
    if not segment.ends:
        SearchSegment.objects.filter(pk=segment.pk, through=segment.through).delete()
        return 1
    before = SearchSegment.objects.filter(
        conversation=segment.conversation_id, through__lt=segment.through
    )
    after = before.order_by("-through").values_list("through", flat=True).first() or 0
    rows = _rows(segment, after, segment.through)
    filters = []
    for start, end in pairwise([after, *segment.ends]):
        hashes = (hash_text(row.text) for row in rows if start < row.pk <= end)
        filters.append(make_filter(set().union(*hashes)))
    with transaction.atomic():
        if _rows(segment, after, segment.through) == rows and _is_as_read(segment):
            _write(segment, _join(filters))
    return len(filters)


def _new_rows(segment: SearchSegment) -> Iterator[Row]:
    """Yield the messages beyond the segment, read as they are needed."""
    conversation, after = segment.conversation_id, segment.through
    while rows := NEXT_ROWS.all(conversation=conversation, after=after, at_most=MESSAGES_AT_MOST):
        yield from rows
        after = rows[-1].pk


def _rows(segment: SearchSegment, after: int, through: int) -> list[Row]:
    messages = Message.objects.present().filter(
        conversation=segment.conversation_id, id__gt=after, id__lte=through
    )
    return [Row(*row) for row in messages.order_by("id").values_list("id", "text")]


def _is_as_read(segment: SearchSegment) -> bool:
    """Whether the segment is unchanged by other workers."""
    if segment._state.adding:
        later = SearchSegment.objects.filter(
            conversation=segment.conversation_id, through__gt=segment.through
        )
        return not later.exists()
    return SearchSegment.objects.filter(pk=segment.pk, through=segment.through).exists()


def _cut(rows: Iterable[Row]) -> Iterator[Block]:
    """Cut messages into full blocks; the rest waits for more."""
    block = Block([], set())
    for row in rows:
        block.rows.append(row)
        block.hashes.update(hash_text(row.text))
        if len(block.hashes) >= GRAMS_AT_MOST or len(block.rows) == MESSAGES_AT_MOST:
            yield block
            block = Block([], set())


def _join(filters: Sequence[list[bytes]]) -> list[bytes]:
    return [b"".join(each[part] for each in filters) for part in range(PARTS)]


def _write(segment: SearchSegment, parts: Sequence[bytes]) -> None:
    SearchFilter.objects.bulk_create(
        (SearchFilter(segment=segment, part=part, bits=bits) for part, bits in enumerate(parts)),
        update_conflicts=True,
        unique_fields=["segment", "part"],
        update_fields=["bits"],
    )
