"""The way from drafts to messages: many in one transaction, each at most once.

Pages, API, socket and commands all use this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.access import renamed_to
from chat.log.writing import NewMessage, record_messages
from chat.models import Attachment, Conversation, Message, Upload
from chat.presentation import (
    MessageView,
    encode,
    encode_message,
    view_attachment,
    view_quote,
    view_thread,
)
from webchat.base.times import minute
from webchat.database.dialect import stored_moment, stored_uuid
from webchat.database.prepared import Transaction

from . import files
from .drafts import Draft
from .facts import Facts, look_up
from .files import NewFile, load_uploads
from .rate import Rate


@dataclass(frozen=True)
class Posted:
    """A stored message, as its sender sees it."""

    message: MessageView
    sender_id: int
    recipient_id: int
    event_id: int | None  # None for the retry of a message that was already stored

    @property
    def is_new(self) -> bool:
        return self.event_id is not None

    @cached_property
    def for_sender(self) -> str:
        """M as text, made once for all the frames that carry it."""
        return self._body(self.message.with_)

    @cached_property
    def for_recipient(self) -> str:
        return self._body(self.message.sender)

    def _body(self, with_: str) -> str:
        return f'{{"with":{encode(with_)},{self._the_same}'

    @cached_property
    def _the_same(self) -> str:
        """The part that both sides get, made once; without the opening brace."""
        return encode_message(self.message)


Outcome = Posted | ValidationError


def post_message(draft: Draft) -> Posted:
    """Post one message; raises the error that `post_messages` would return."""
    [outcome] = post_messages([draft])
    if isinstance(outcome, ValidationError):
        raise outcome
    return outcome


def post_messages(drafts: Sequence[Draft]) -> list[Outcome]:
    """Write a batch of messages and their events in one transaction, each at most once.

    Returns for each draft, in order, the message or the reason why not: not_found (not a
    friend), duplicate_id (another message has its client_id), muted, forbidden (the friend's
    account is closed), blocked, rate_limited. A draft that fails never fails its neighbours.
    """
    if not drafts:
        return []
    try:
        with Transaction() as database:
            return post_in(database, drafts)
    except IntegrityError:
        # Foreign keys are checked at COMMIT, so one bad row fails all: post each one alone.
        if len(drafts) == 1:
            return [_not_friends()]
        return [outcome for draft in drafts for outcome in post_messages([draft])]


def post_in(database: Transaction, drafts: Sequence[Draft]) -> list[Outcome]:
    """Do what `post_messages` does as a part of a transaction, whose end may yet fail."""
    return _Batch(database, drafts).post() if drafts else []


class _New(NamedTuple):
    """A draft that becomes a message."""

    draft: Draft
    facts: Facts
    conversation_id: int
    digest: bytes
    text: str
    file: NewFile | None = None
    is_repeated: bool = False  # twice in the same batch: one message answers both

    @property
    def key(self) -> tuple[int, UUID]:
        return self.draft.sender_id, self.draft.client_id

    def row(self, sent_at: object) -> NewMessage:
        return NewMessage(
            conversation=self.conversation_id,
            sender=self.draft.sender_id,
            text=self.text,
            client_id=stored_uuid(self.draft.client_id),
            digest=self.digest,
            sent_at=sent_at,
            quote=self.draft.quote,
        )


class _Batch:
    """The drafts of one transaction, and the database's facts about all of them at once."""

    def __init__(self, database: Transaction, drafts: Sequence[Draft]) -> None:
        self.database = database
        self.drafts = drafts
        self.facts = [
            facts or _look_up_retry(database, draft)
            for draft, facts in zip(drafts, look_up(database, drafts), strict=True)
        ]
        self.now = timezone.now()
        self.rate = Rate(database, {draft.sender_id for draft in drafts}, self.now)
        self.standing = _load({facts.message_id for facts in self.facts if facts})
        self.quoted = _load({draft.quote for draft in drafts})
        self.uploads = load_uploads(drafts)
        self.new: dict[tuple[int, UUID], _New] = {}
        self.attachments: Mapping[int, Attachment] = {}

    def post(self) -> list[Outcome]:
        answers = list(map(self._answer, self.drafts, self.facts))
        ids = self._write()
        return [
            self._posted(answer, *ids[answer.key]) if isinstance(answer, _New) else answer
            for answer in answers
        ]

    def _answer(self, draft: Draft, facts: Facts | None) -> Outcome | _New:
        """Return the outcome, or the message to write for it."""
        if facts is None:
            return _not_friends()
        digest = draft.digest(facts.friend_id)
        repeated = self.new.get((draft.sender_id, draft.client_id))
        before = self.standing.get(facts.message_id or 0) or repeated
        if before is not None and bytes(before.digest) != digest:
            return ValidationError(_("This id stands for another message already."), "duplicate_id")
        if isinstance(before, Message):
            return _posted_before(before, draft, facts)
        if repeated is not None:
            return repeated._replace(is_repeated=True)
        return self._refusal(draft, facts) or self._begin(draft, facts, digest)

    def _refusal(self, draft: Draft, facts: Facts) -> ValidationError | None:
        why = why_unsendable(
            muted_until=facts.muted_until,
            is_there=facts.is_there,
            is_refused=facts.is_refused,
            is_blocking=facts.is_blocking,
            now=self.now,
        )
        return why or self.rate.refusal(draft.sender_id)

    def _begin(self, draft: Draft, facts: Facts, digest: bytes) -> ValidationError | _New:
        conversation_id = facts.conversation_id or _open_conversation(draft, facts)
        if draft.quote is not None and not self._stands_there(draft.quote, conversation_id):
            return ValidationError(_("The message that you answer is not there."), "invalid")
        text, file = draft.text, None
        if not text:
            try:
                text, file = self._content(draft)
            except ValidationError as why:
                return why
        new = _New(draft, facts, conversation_id, digest, text, file)
        self.new[new.key] = new
        return new

    def _content(self, draft: Draft) -> tuple[str, NewFile | None]:
        """Return the text of the forwarded message, or a file; raises ValidationError."""
        if draft.upload_key:
            # It is not there a second time, for another message of the same batch.
            file = files.take(self.uploads.get(draft.upload_key))
            self.uploads[draft.upload_key].state = Upload.State.SENT
            return "", file
        if draft.forward is None:
            raise ValidationError(_("The message is empty."), "invalid")
        message = files.find_forwarded(draft.sender_id, draft.forward)
        attachment = Attachment.objects.filter(message=message).first()
        return message.text, files.copy_of(attachment) if attachment else None

    def _stands_there(self, pk: int, conversation_id: int) -> bool:
        message = self.quoted.get(pk)
        return message is not None and message.conversation_id == conversation_id

    def _write(self) -> dict[tuple[int, UUID], tuple[int, int]]:
        """Write the new messages; returns the ids of message and event, by key."""
        sent_at = stored_moment(self.now)
        ids = record_messages(self.database, [new.row(sent_at) for new in self.new.values()])
        written = dict(zip(self.new, ids, strict=True))
        with_file = [
            (written[key][0], new.conversation_id, new.file)
            for key, new in self.new.items()
            if new.file
        ]
        if with_file:
            self.attachments = files.attach(with_file)
        return written

    def _posted(self, new: _New, pk: int, event_id: int) -> Posted:
        draft, facts = new.draft, new.facts
        quote = None
        if draft.quote is not None:
            sender, friend = _people(draft, facts)
            quote = view_quote(self.quoted[draft.quote], viewer=sender, friend=friend)
        attachment = self.attachments.get(pk) if new.file else None
        message = MessageView(
            id=pk,
            with_=facts.friend,
            sender=facts.sender,
            mine=True,
            text=new.text,
            sent_at=self.now,
            client_id=str(draft.client_id),
            state="sent",
            quote=quote,
            attachment=view_attachment(attachment) if attachment else None,
        )
        return Posted(
            message=message,
            sender_id=draft.sender_id,
            recipient_id=facts.friend_id,
            event_id=None if new.is_repeated else event_id,
        )


def _load(ids: set[int | None]) -> Mapping[int, Message]:
    """Load messages by their ids. Nearly always there are none to ask for."""
    wanted = ids - {None}
    return Message.objects.in_bulk(wanted) if wanted else {}


def _posted_before(message: Message, draft: Draft, facts: Facts) -> Posted:
    sender, friend = _people(draft, facts)
    [view] = view_thread([message], viewer=sender, friend=friend)
    return Posted(
        message=view,
        sender_id=sender.pk,
        recipient_id=friend.pk,
        event_id=None,
    )


def _people(draft: Draft, facts: Facts) -> tuple[User, User]:
    """Return sender and friend, with the fields that a view needs."""
    sender = User(pk=draft.sender_id, username=facts.sender)
    return sender, User(pk=facts.friend_id, username=facts.friend)


def _open_conversation(draft: Draft, facts: Facts) -> int:
    sender, friend = User(pk=draft.sender_id), User(pk=facts.friend_id)
    return Conversation.objects.open_between(sender, friend).pk


def _look_up_retry(database: Transaction, draft: Draft) -> Facts | None:
    """Look up a retry of a stored message to a friend who has been renamed since."""
    username = renamed_to(draft.sender_id, draft.to)
    if username is None:
        return None
    [facts] = look_up(database, [replace(draft, to=username)])
    return facts if facts and facts.message_id else None


def _not_friends() -> ValidationError:
    return ValidationError(_("You are not friends with this person."), "not_found")


def why_unsendable(
    *,
    muted_until: datetime | None,
    is_there: bool,
    is_blocking: bool,
    is_refused: bool = False,
    now: datetime,
) -> ValidationError | None:
    """Say why nothing can be sent to this friend. Pages say so beforehand, but for `is_refused`."""
    if muted_until is not None and muted_until > now:
        return ValidationError(
            _("You are muted until %(until)s."), "muted", {"until": minute(muted_until)}
        )
    if not is_there:
        return ValidationError(_("This account is not available at the moment."), "forbidden")
    if is_refused:
        return ValidationError(_("The message was sent, but the other side refused it."), "blocked")
    if is_blocking:
        return ValidationError(_("You have blocked this friend. Unblock them to write."), "blocked")
    return None
