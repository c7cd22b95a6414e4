"""The messages of an import, written a little at a time into conversations that nobody sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from chat.models import IMPORTED, Attachment, Conversation, Message
from webchat.database.bulk import stored

from . import reasons
from .files import FileStore, name_of
from .people import Pair, People, Person, is_impossible
from .reasons import Reason
from .report import Report
from .staging import ROWS_AT_ONCE, Rows, Stage, in_parts
from .talk import OldFile, OldMessage, ReadMarks

Numbers = tuple[int, int]


class Read(NamedTuple):
    """How far somebody has read in a conversation."""

    pair: Pair
    reader: Person
    through: int
    at: datetime


class Writer:
    """Writes conversations; keeps in mind what has to wait for the end, as others would see it."""

    def __init__(
        self, people: People, stage: Stage, rows: Rows, files: FileStore, report: Report
    ) -> None:
        self._people = people
        self._stage = stage
        self._rows = rows
        self._files = files
        self._report = report
        self._standing = standing_conversations()
        self.reads: list[Read] = []
        # Attachments of messages that an earlier import brought without them.
        self.found_again: list[Attachment] = []

    def conversation(self, pair: Pair, messages: Sequence[OldMessage], marks: ReadMarks) -> None:
        self._report.find("messages", len(messages))
        files = sum(message.file is not None for message in messages)
        self._report.find("attachments", files)
        if messages and is_impossible(pair, "messages", self._report, len(messages)):
            if files:
                is_impossible(pair, "attachments", self._report, files)
            return
        standing = self._look_up(pair)
        for message in messages:  # another tree with the same past may have brought it
            if message.common_id in standing:
                message.client_id = message.common_id
        is_talking = bool(standing) and is_talked_in(self._standing[numbers_of(pair)])
        good = []
        for message in messages:
            reason = message.problem
            if not reason and is_talking and message.client_id not in standing:
                reason = reasons.TALKING
            if reason:
                self._skip(message, reason)
            else:
                good.append(message)
        self._write(pair, good, standing)
        if good and not is_talking:
            self._mark_read(pair, good, standing, marks)

    def _skip(self, message: OldMessage, reason: Reason) -> None:
        where = message.file_label, reason
        self._report.skip("messages", *where, at=message.place)
        if message.file is not None:
            self._report.skip("attachments", *where, at=message.place)

    def _look_up(self, pair: Pair) -> dict[Any, int]:
        """Load the ids of the messages that the two have here, by client id."""
        conversation = self._standing.get(numbers_of(pair))
        if conversation is None:
            return {}
        here = Message.objects.filter(conversation=conversation)
        return dict(here.values_list("client_id", "pk"))

    def _write(self, pair: Pair, messages: Sequence[OldMessage], standing: dict[Any, int]) -> None:
        """Write the messages that are not here yet, with files; adds the ids to `standing`."""
        new = [message for message in messages if message.client_id not in standing]
        self._report.existing("messages", len(messages) - len(new))
        self._find_again(pair, [each for each in messages if each.client_id in standing], standing)
        for part in in_parts(new, ROWS_AT_ONCE):
            attachments = self._fetch(part)  # may take its time, so before the transaction
            with self._rows.transaction():
                ids = self._insert(pair, part, attachments)
            standing.update(zip((message.client_id for message in part), ids, strict=True))
        self._report.imported("messages", len(new))

    def _insert(
        self, pair: Pair, part: Sequence[OldMessage], attachments: Mapping[Any, Attachment]
    ) -> Sequence[int]:
        conversation = self._stage.conversation(pair)
        ids = self._rows.insert(
            Message,
            ("conversation", "sender", "text", "client_id", "digest", "sent_at"),
            [self._row(conversation, message, attachments) for message in part],
        )
        for message, pk in zip(part, ids, strict=True):
            if attachment := attachments.get(message.client_id):
                attachment.message_id, attachment.conversation_id = pk, conversation
        self._rows.create(Attachment, list(attachments.values()))
        return ids

    def _row(
        self, conversation: int, message: OldMessage, attachments: Mapping[Any, Attachment]
    ) -> tuple[Any, ...]:
        text = message.text
        if message.file is not None and message.client_id not in attachments:
            text = _lost(message.file)
        if message.removed:
            where = message.file_label, reasons.CHARACTERS
            self._report.remark("characters", *where, at=message.place)
        return (
            conversation,
            self._people.named(message.sender).pk,
            text,
            stored(Message, "client_id", message.client_id),
            IMPORTED,
            stored(Message, "sent_at", message.moment.at if message.moment else None),
        )

    def _fetch(self, messages: Iterable[OldMessage]) -> dict[Any, Attachment]:
        """Copy the files of messages, and return their attachments by client id."""
        fetched = {}
        for message in messages:
            if message.file is None:
                continue
            attachment = self._files.fetch(message)
            if attachment is None:
                where = message.file_label, reasons.LOST
                self._report.skip("attachments", *where, at=message.place)
                continue
            fetched[message.client_id] = attachment
            self._report.imported("attachments")
        return fetched

    def _find_again(
        self, pair: Pair, messages: Iterable[OldMessage], standing: Mapping[Any, int]
    ) -> None:
        """Fetch files that an earlier import did not find; they appear with everything else."""
        with_file = [message for message in messages if message.file is not None]
        if not with_file:
            return
        conversation = self._standing[numbers_of(pair)]
        # Whatever was recalled or removed stays away, with its file.
        there = Message.objects.present().filter(conversation=conversation, attachment=None)
        waiting = set(there.values_list("pk", flat=True))
        lacking = [each for each in with_file if standing[each.client_id] in waiting]
        self._report.existing("attachments", len(with_file) - len(lacking))
        for client_id, attachment in self._fetch(lacking).items():
            attachment.message_id = standing[client_id]
            attachment.conversation_id = conversation
            self.found_again.append(attachment)

    def _mark_read(
        self,
        pair: Pair,
        messages: Sequence[OldMessage],
        ids: Mapping[Any, int],
        marks: ReadMarks,
    ) -> None:
        for reader, other in (pair, pair[::-1]):
            if through := marks.read_through(reader, other, messages):
                last = ids[through[0].client_id]
                self.reads.append(Read(pair, reader, last, through[1]))


def _lost(file: OldFile) -> str:
    """Return the words in place of a lost file, in the language of the server."""
    with translation.override(settings.LANGUAGE_CODE):  # not that of whoever imports
        return _("[File lost: %(name)s]") % {"name": name_of(file)}


def standing_conversations() -> dict[Numbers, int]:
    """Load the conversations here, by the numbers of the two."""
    rows = Conversation.objects.values_list("low", "high", "pk")
    return {(low, high): pk for low, high, pk in rows}


def is_talked_in(conversation: int) -> bool:
    """Whether there are messages in it that no import has brought."""
    return Message.objects.written_here().filter(conversation=conversation).exists()


def numbers_of(pair: Pair) -> Numbers:
    low, high = sorted((pair[0].pk or 0, pair[1].pk or 0))
    return low, high
