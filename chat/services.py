"""Every change of conversations. Pages, API, socket, admin and commands come in here.

One that is about a thread raises Http404 where that has gone since it was fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from webchat.database.bulk import insert, stored

from .access import Thread, renamed_to
from .drafts import Draft
from .facts import Facts, look_up
from .log import writing
from .models import Conversation, Event, HiddenMessage, Membership, MembershipQuerySet, Message
from .presentation import (
    ConversationView,
    MessageView,
    encode,
    minute,
    view_conversation,
    view_message,
    view_quote,
    view_thread,
)


@dataclass(frozen=True)
class Posted:
    """A message that stands, as its sender sees it."""

    message: MessageView
    sender_id: int
    recipient_id: int
    event_id: int | None  # None for the retry of a message that stood already

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
        """What both see, made once; without the brace in front."""
        body = self.message.as_json()
        del body["with"]
        return encode(body)[1:]


Outcome = Posted | ValidationError


def post_message(draft: Draft) -> Posted:
    """`post_messages` for one; raises what it would answer."""
    [outcome] = post_messages([draft])
    if isinstance(outcome, ValidationError):
        raise outcome
    return outcome


def post_messages(drafts: Sequence[Draft]) -> list[Outcome]:
    """Write a batch of messages and their events in one transaction, each at most once.

    Answers per draft, in order: the message, or why not: not_found (not a friend),
    duplicate_id (its client_id stands for another message), muted, forbidden (the friend's
    account is closed), blocked, rate_limited. One draft that fails never fails its neighbours.
    """
    try:
        with transaction.atomic():
            return _Batch(drafts).post()
    except IntegrityError:
        # Foreign keys are checked at COMMIT, so one bad row sinks all: find it alone.
        if len(drafts) == 1:
            return [_not_found()]
        return [outcome for draft in drafts for outcome in post_messages([draft])]


def mark_read(*, thread: Thread, up_to: int) -> dict[str, object]:
    """Move the reader's own cursor forward and tell the reader's other tabs."""
    with thread.holding():
        moved = thread.membership.mark_read(up_to)
        now = Membership.objects.with_unread().get(pk=thread.membership.pk)
        if now.marked_unread:
            now.mark_unread(False)
            _tell_conversation(Membership.objects.filter(pk=now.pk))
        if moved:
            facts = {"last_read": now.last_read, "unread": now.unread}
            writing.record(
                [
                    Event(
                        kind=Event.Kind.READ,
                        user_id=now.user_id,
                        conversation_id=now.conversation_id,
                        data=facts,
                    )
                ]
            )
    return {"last_read": now.last_read, "last_read_time": minute(now.last_read_at)}


RECALL_WITHIN = timedelta(minutes=2)


def recall(*, thread: Thread, message: Message) -> MessageView:
    """Take back one's own message, for both sides; a second time changes nothing.

    Raises ValidationError("forbidden") for the other's message and after two minutes.
    """
    if message.sender_id != thread.membership.user_id:
        raise ValidationError(_("Only your own messages can be recalled."), "forbidden")
    if message.state == "sent" and timezone.now() - message.sent_at > RECALL_WITHIN:
        raise ValidationError(_("Messages can be recalled for 2 minutes."), "forbidden")
    with thread.holding(message):
        if message.recall():
            writing.record([_about_message(Event.Kind.MESSAGE_CHANGED, message)])
            _tell_conversation(Membership.objects.filter(conversation=message.conversation_id))
        message.refresh_from_db()
    return view_message(message, viewer=thread.membership.user, friend=thread.friend)


def hide_message(*, thread: Thread, message: Message) -> None:
    """Delete a message for oneself; the other side keeps it."""
    user_id = thread.membership.user_id
    with thread.holding(message):
        _hidden, is_new = HiddenMessage.objects.get_or_create(
            user_id=user_id,
            message=message.pk,
            defaults={"conversation_id": message.conversation_id},
        )
        if not is_new:
            return
        told = _about_message(Event.Kind.MESSAGE_HIDDEN, message)
        told.user_id, told.message, told.data = user_id, None, {"message_id": message.pk}
        writing.record([told])
        _tell_conversation(Membership.objects.filter(pk=thread.membership.pk))


def arrange(*, thread: Thread, how: str, on: bool) -> ConversationView:
    """Pin, mute, hide a chat or mark it unread, for oneself; `how` is the verb of Membership."""
    with thread.holding():
        getattr(thread.membership, how)(on)
        mine = Membership.objects.filter(pk=thread.membership.pk)
        _tell_conversation(mine)
        [membership] = mine.with_unread().with_last_message()
        newest = Message.objects.filter(pk=membership.last_message_id or 0).first()
    return view_conversation(thread.friendship, membership, newest, thread.membership.user)


def _about_message(kind: Event.Kind, message: Message) -> Event:
    return Event(kind=kind, conversation_id=message.conversation_id, message=message)


def _tell_conversation(memberships: MembershipQuerySet) -> None:
    """Tell each of these people what their chat looks like now."""
    now = memberships.with_unread().with_last_message()
    writing.record([writing.conversation_changed(membership) for membership in now])


def _look_up_retry(draft: Draft) -> Facts | None:
    """The facts about a message that stands, sent to a friend who has another name by now."""
    username = renamed_to(draft.sender_id, draft.to)
    if username is None:
        return None
    [facts] = look_up([replace(draft, to=username)])
    return facts if facts and facts.message_id else None


@dataclass(slots=True)
class _New:
    """A message that is about to be written."""

    draft: Draft
    facts: Facts
    conversation_id: int
    digest: bytes
    pk: int = 0
    event_id: int = 0


class _Batch:
    """One transaction's worth of drafts, and what the database says about all of them at once."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.facts = [
            facts or _look_up_retry(draft)
            for draft, facts in zip(drafts, look_up(drafts), strict=True)
        ]
        self.rate = _Rate({draft.sender_id for draft in drafts})
        self.now = timezone.now()
        self.standing: Mapping[int, Message] = Message.objects.in_bulk(
            {facts.message_id for facts in self.facts if facts and facts.message_id}
        )
        self.quoted = Message.objects.in_bulk({draft.quote for draft in drafts if draft.quote})
        self.new: dict[tuple[int, UUID], _New] = {}

    def post(self) -> list[Outcome]:
        answers = list(map(self._answer, self.drafts, self.facts))
        self._write(list(self.new.values()))
        return [answer() if callable(answer) else answer for answer in answers]

    def _answer(self, draft: Draft, facts: Facts | None) -> ValidationError | Callable[[], Posted]:
        """Why not, or what to answer with once everything is written."""
        if facts is None:
            return _not_found()
        digest = draft.digest(facts.friend_id)
        key = draft.sender_id, draft.client_id
        before = self.standing.get(facts.message_id or 0) or self.new.get(key)
        if before is not None and bytes(before.digest) != digest:
            return ValidationError(_("This id stands for another message already."), "duplicate_id")
        if isinstance(before, Message):
            return partial(self._posted_before, before, draft, facts)
        if before is not None:
            return partial(self._posted, before, is_new=False)
        if refusal := self._refusal(draft, facts):
            return refusal
        conversation_id = self._conversation(draft, facts)
        if draft.quote is not None and not self._stands_there(draft.quote, conversation_id):
            return ValidationError(_("The message that you answer is not there."), "invalid")
        new = self.new[key] = _New(draft, facts, conversation_id, digest)
        return partial(self._posted, new, is_new=True)

    def _conversation(self, draft: Draft, facts: Facts) -> int:
        if facts.conversation_id is not None:
            return facts.conversation_id
        sender, friend = User(pk=draft.sender_id), User(pk=facts.friend_id)
        return Conversation.objects.open_between(sender, friend).pk

    def _stands_there(self, pk: int, conversation_id: int) -> bool:
        message = self.quoted.get(pk)
        return message is not None and message.conversation_id == conversation_id

    def _refusal(self, draft: Draft, facts: Facts) -> ValidationError | None:
        if facts.muted_until is not None and facts.muted_until > self.now:
            return ValidationError(
                _("You are muted until %(until)s."), "muted", {"until": minute(facts.muted_until)}
            )
        if not facts.is_there:
            return ValidationError(_("This account is not available at the moment."), "forbidden")
        if facts.is_refused:
            return ValidationError(
                _("The message was sent, but the other side refused it."), "blocked"
            )
        if facts.is_blocking:
            return ValidationError(
                _("You have blocked this friend. Unblock them to write."), "blocked"
            )
        return self.rate.refusal(draft.sender_id)

    def _write(self, new: Sequence[_New]) -> None:
        now = stored(Message, "sent_at", self.now)
        ids = insert(
            Message,
            ("conversation", "sender", "text", "client_id", "digest", "sent_at", "quote"),
            [
                (
                    message.conversation_id,
                    message.draft.sender_id,
                    message.draft.text,
                    stored(Message, "client_id", message.draft.client_id),
                    message.digest,
                    now,
                    message.draft.quote,
                )
                for message in new
            ],
        )
        event_ids = writing.record_messages(ids)
        for message, pk, event_id in zip(new, ids, event_ids, strict=True):
            message.pk, message.event_id = pk, event_id

    def _posted(self, new: _New, *, is_new: bool) -> Posted:
        draft, facts = new.draft, new.facts
        quote = None
        if draft.quote is not None:
            sender, friend = _people(draft, facts)
            quote = view_quote(self.quoted[draft.quote], viewer=sender, friend=friend)
        message = MessageView(
            id=new.pk,
            with_=facts.friend,
            sender=facts.sender,
            mine=True,
            text=draft.text,
            sent_at=self.now,
            client_id=str(draft.client_id),
            state="sent",
            quote=quote,
        )
        return Posted(
            message=message,
            sender_id=draft.sender_id,
            recipient_id=facts.friend_id,
            event_id=new.event_id if is_new else None,
        )

    def _posted_before(self, message: Message, draft: Draft, facts: Facts) -> Posted:
        sender, friend = _people(draft, facts)
        [view] = view_thread([message], viewer=sender, friend=friend)
        return Posted(
            message=view,
            sender_id=sender.pk,
            recipient_id=friend.pk,
            event_id=None,
        )


def _people(draft: Draft, facts: Facts) -> tuple[User, User]:
    """Who writes to whom, as far as a view asks."""
    sender = User(pk=draft.sender_id, username=facts.sender)
    return sender, User(pk=facts.friend_id, username=facts.friend)


class _Rate:
    """SEND_RATE, counted from the messages that stand: right across workers and restarts."""

    def __init__(self, sender_ids: Iterable[int]) -> None:
        self.recent: dict[int, list[float]] = {}
        if settings.SEND_RATE is None:
            return
        count, self.seconds = settings.SEND_RATE
        self.count = count
        self.now = timezone.now()
        window = timedelta(seconds=self.seconds)
        for sender_id in sender_ids:
            newest = Message.objects.filter(sender=sender_id).order_by("-id")
            # A message from the future was sent before the clock was set back: it counts not.
            self.recent[sender_id] = [
                (self.now - sent_at).total_seconds()
                for sent_at in newest.values_list("sent_at", flat=True)[:count]
                if timedelta() <= self.now - sent_at < window
            ]

    def refusal(self, sender_id: int) -> ValidationError | None:
        """Why this person may not send one more now; counts it if they may."""
        if settings.SEND_RATE is None:
            return None
        ages = self.recent[sender_id]
        if len(ages) < self.count:
            ages.append(0.0)
            return None
        seconds = max(1, round(self.seconds - max(ages)))
        return ValidationError(
            _("Too fast. Please wait %(retry_after)s seconds."),
            "rate_limited",
            {"retry_after": seconds},
        )


def _not_found() -> ValidationError:
    return ValidationError(_("You are not friends with this person."), "not_found")
