"""Every change of conversations. Pages, API, socket, admin and commands come in here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import username_key
from friends.models import Block, Friendship

from . import events
from .drafts import Draft
from .models import Conversation, Event, Membership, Message
from .presentation import MessageView, minute, view_message


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that stands, as each of the two sees it."""

    message: MessageView
    received: MessageView
    sender_id: int
    recipient_id: int
    event_id: int | None  # None for the retry of a message that stood already

    @property
    def is_new(self) -> bool:
        return self.event_id is not None


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
    duplicate_id (its client_id stands for another message), blocked, rate_limited. One draft
    that fails never fails its neighbours.
    """
    try:
        with transaction.atomic():
            return _Batch(drafts).post()
    except IntegrityError:
        # Foreign keys are checked at COMMIT, so one bad row sinks all: find it alone.
        if len(drafts) == 1:
            return [_not_found()]
        return [outcome for draft in drafts for outcome in post_messages([draft])]


def mark_read(*, membership: Membership, up_to: int) -> dict[str, object]:
    """Move the reader's own cursor forward and tell the reader's other tabs."""
    with transaction.atomic():
        moved = membership.mark_read(up_to)
        now = Membership.objects.with_unread().get(pk=membership.pk)
        if moved:
            facts = {"last_read": now.last_read, "unread": now.unread}
            events.record(
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


class _Batch:
    """One transaction's worth of drafts, and what the database says about all of them at once."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        keys = {username_key(draft.to) for draft in drafts}
        sender_ids = {draft.sender_id for draft in drafts}
        people = User.objects.filter(Q(username_key__in=keys) | Q(pk__in=sender_ids)).only(
            "pk", "username", "username_key", "is_active"
        )
        self.by_key = {user.username_key: user for user in people}
        self.by_id = {user.pk: user for user in people}
        ids = self.by_id.keys()
        self.friends = set(
            Friendship.objects.filter(owner__in=sender_ids, friend__in=ids).values_list(
                "owner_id", "friend_id"
            )
        )
        self.blocks = set(
            Block.objects.filter(owner__in=ids, target__in=ids).values_list("owner_id", "target_id")
        )
        self.standing = {
            (message.sender_id, message.client_id): message
            for message in Message.objects.filter(
                sender__in=sender_ids, client_id__in={draft.client_id for draft in drafts}
            )
        }
        self.rate = _Rate(sender_ids)
        self.conversations: dict[frozenset[int], Conversation] = {}
        self.new: list[Message] = []

    def post(self) -> list[Outcome]:
        answers = [self._answer(draft) for draft in self.drafts]
        Message.objects.bulk_create(self.new)
        recorded = events.record(
            Event(kind=Event.Kind.MESSAGE, conversation_id=message.conversation_id, message=message)
            for message in self.new
        )
        event_ids = {event.message_id: event.pk for event in recorded}
        return [
            answer if isinstance(answer, ValidationError) else self._posted(*answer, event_ids)
            for answer in answers
        ]

    def _answer(self, draft: Draft) -> tuple[Message, User, bool] | ValidationError:
        """The message that will stand for a draft, its recipient, and whether it is new."""
        sender = self.by_id.get(draft.sender_id)
        friend = self.by_key.get(username_key(draft.to))
        if sender is None or friend is None or not sender.is_active:
            return _not_found()
        if (sender.pk, friend.pk) not in self.friends:
            return _not_found()
        digest = draft.digest(friend.pk)
        message = self.standing.get((sender.pk, draft.client_id))
        if message is not None:
            if bytes(message.digest) != digest:
                return ValidationError(
                    _("This id stands for another message already."), "duplicate_id"
                )
            return message, friend, False
        if refusal := self._refusal(sender, friend):
            return refusal
        message = Message(
            conversation=self._conversation(sender, friend),
            sender=sender,
            text=draft.text,
            client_id=draft.client_id,
            digest=digest,
            sent_at=timezone.now(),
        )
        self.standing[sender.pk, draft.client_id] = message
        self.new.append(message)
        return message, friend, True

    def _conversation(self, sender: User, friend: User) -> Conversation:
        pair = frozenset((sender.pk, friend.pk))
        if pair not in self.conversations:
            self.conversations[pair] = Conversation.objects.open_between(sender, friend)
        return self.conversations[pair]

    def _refusal(self, sender: User, friend: User) -> ValidationError | None:
        if (friend.pk, sender.pk) in self.blocks:
            return ValidationError(
                _("The message was sent, but the other side refused it."), "blocked"
            )
        if (sender.pk, friend.pk) in self.blocks:
            return ValidationError(
                _("You have blocked this friend. Unblock them to write."), "blocked"
            )
        return self.rate.refusal(sender.pk)

    def _posted(
        self, message: Message, friend: User, is_new: bool, event_ids: dict[int | None, int]
    ) -> Posted:
        sender = self.by_id[message.sender_id]
        return Posted(
            message=view_message(message, viewer=sender, friend=friend),
            received=view_message(message, viewer=friend, friend=sender),
            sender_id=sender.pk,
            recipient_id=friend.pk,
            event_id=event_ids[message.pk] if is_new else None,
        )


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
