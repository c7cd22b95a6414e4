from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import User
from accounts.names import NOBODY
from friends.models import Friendship
from webchat.database.questions import Listing, given, given_several

from .rows import CHAT_COLUMNS, COLUMNS, MembershipRow, MessageRow, is_hidden, state_of

# No draft has this digest: no retry by a client finds an imported message, but an import does.
IMPORTED = b""
UNREAD_AT_MOST = 100  # as the API counts; the pages show 99+


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def between(self, user: User, friend: User) -> ConversationQuerySet:
        low, high = sorted((user.pk, friend.pk))
        return self.filter(low=low, high=high)

    def of(self, *users: User) -> ConversationQuerySet:
        return self.filter(Q(low__in=users) | Q(high__in=users))

    def waiting(self) -> ConversationQuerySet:
        """Return those of an import under way: they are between accounts that nobody sees."""
        accounts = User.everybody.filter(username_key__startswith=NOBODY).values("pk")
        return self.filter(Q(low__in=accounts) | Q(high__in=accounts))

    def seen(self) -> ConversationQuerySet:
        return self.exclude(pk__in=Conversation.objects.waiting().values("pk"))

    def open_between(self, user: User, friend: User) -> Conversation:
        """Return the conversation of the two, made if there is none yet."""
        low, high = sorted((user.pk, friend.pk))
        conversation, is_new = self.get_or_create(low_id=low, high_id=high)
        if is_new:
            Membership.objects.bulk_create(
                Membership(conversation=conversation, user_id=pk) for pk in (low, high)
            )
        return conversation


class Conversation(models.Model):
    """A chat of two. Its members are in `Membership`, so that groups can be added."""

    # CASCADE on both: whichever way a user is deleted, the conversation goes too.
    low = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    high = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="chat_conversation_once"),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="chat_conversation_order"),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    def other_id(self, user_id: int) -> int:
        return self.high_id if self.low_id == user_id else self.low_id

    def username_of(self, user_id: int) -> str:
        """Name a member; needs `low` and `high` loaded."""
        return self.low.username if self.low_id == user_id else self.high.username


class Unread(NamedTuple):
    friend_name: str | None  # null where the other is no friend (any more)
    muted: bool
    unread: int


class CappedCount(Subquery):
    """The number of rows of a sliced subquery: the database stops counting at the cap."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = models.IntegerField()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def with_unread(self) -> MembershipQuerySet:
        """Annotate `unread`, at most UNREAD_AT_MOST; own messages are never unread."""
        unread = (
            Message.objects.present()
            .filter(
                conversation=OuterRef("conversation"),
                id__gt=OuterRef("last_read"),
            )
            .filter(id__gt=OuterRef("hidden_through"))
            .exclude(sender=OuterRef("user"))
            .exclude(Exists(HiddenMessage.objects.of_row(OuterRef(OuterRef("user")))))
            .order_by()
            .values("id")[:UNREAD_AT_MOST]
        )
        return self.annotate(unread=CappedCount(unread))

    def with_state(self) -> MembershipQuerySet:
        """Annotate all that `Membership.state` needs."""
        return self.with_unread().with_last_message()

    def with_last_message(self) -> MembershipQuerySet:
        """Annotate `last_message_id`, null where there is nothing to see."""
        newest = (
            Message.objects.filter(
                conversation=OuterRef("conversation"), id__gt=OuterRef("hidden_through")
            )
            .exclude(Exists(HiddenMessage.objects.of_row(OuterRef(OuterRef("user")))))
            .order_by("-id")
            .values("id")[:1]
        )
        return self.annotate(last_message_id=Subquery(newest))

    def by_friend(self, user: User) -> dict[int, MembershipRow]:
        """Load this person's chats with their state, by the id of the other in each."""
        return {each.other_id(user.pk): each for each in WITH_STATE.all(user=user.pk)}

    def with_friend_name(self) -> MembershipQuerySet:
        """Annotate `friend_name`, null where the other person is no friend (any more)."""
        friend = Q(friend=OuterRef("conversation__low")) | Q(friend=OuterRef("conversation__high"))
        names = Friendship.objects.filter(friend, owner=OuterRef("user"))
        return self.annotate(friend_name=Subquery(names.values("friend__username")[:1]))

    def unread_counts(self, user: User) -> dict[str, int]:
        """Count the unread messages by the friend's name, without zeros."""
        return {
            name: unread for name, _muted, unread in UNREAD.all(user=user.pk) if name and unread
        }

    def audible_unread(self, user: User) -> int:
        """Count the unread messages of all chats that are not muted."""
        return sum(unread for name, muted, unread in UNREAD.all(user=user.pk) if name and not muted)


class Membership(models.Model):
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    # A message id, not a foreign key: the cursor outlives the message that it points to.
    last_read = models.BigIntegerField(default=0)
    last_read_at = models.DateTimeField(null=True)
    pinned = models.BooleanField(default=False)
    muted = models.BooleanField(default=False)
    marked_unread = models.BooleanField(default=False)
    # The chat is hidden up to this message; -1 for one without messages.
    hidden_through = models.BigIntegerField(default=0)

    # Annotated by `with_unread`, `with_last_message` and `with_friend_name`.
    unread: int
    last_message_id: int | None
    friend_name: str | None

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="chat_member_once"),
        ]

    def __str__(self) -> str:
        return f"member {self.user_id} of conversation {self.conversation_id}"

    @property
    def is_hidden(self) -> bool:
        """Whether the chat is hidden until the next message; needs `with_last_message`."""
        return is_hidden(self)

    @property
    def state(self) -> dict[str, Any]:
        """The state of this person's chat, but for its last message; needs `with_state`."""
        return state_of(self)

    def pin(self, on: bool) -> None:
        self._change(pinned=on)

    def mute(self, on: bool) -> None:
        self._change(muted=on)

    def mark_unread(self, on: bool) -> None:
        self._change(marked_unread=on)

    def hide(self, on: bool) -> None:
        """Hide the chat with everything in it, or bring it back with everything."""
        newest = self._newest()
        if on:
            self._change(hidden_through=newest or -1, marked_unread=False)
            self._read_through(newest)
        else:
            self._change(hidden_through=0)

    def _newest(self) -> int:
        return self.conversation.messages.aggregate(newest=models.Max("id"))["newest"] or 0

    def _change(self, **fields: Any) -> None:
        Membership.objects.filter(pk=self.pk).update(**fields)

    def _read_through(self, newest: int) -> None:
        Membership.objects.filter(pk=self.pk, last_read__lt=newest).update(
            last_read=newest, last_read_at=timezone.now()
        )


class MessageQuerySet(models.QuerySet["Message"]):
    def present(self) -> MessageQuerySet:
        return self.filter(recalled_at=None, removed_at=None)

    def seen(self) -> MessageQuerySet:
        """Leave out those of an import under way."""
        return self.exclude(conversation__in=Conversation.objects.waiting().values("pk"))

    def written_here(self) -> MessageQuerySet:
        """Leave out what an import has brought; the times of the others rise with their ids."""
        return self.exclude(digest=IMPORTED)

    def with_attachment(self) -> MessageQuerySet:
        return self.select_related("attachment")

    def newest_of(
        self, memberships: Iterable[Membership | MembershipRow]
    ) -> dict[int | None, MessageRow]:
        """Load the last messages of these chats, by `last_message_id`."""
        ids = {each.last_message_id for each in memberships if each.last_message_id}
        return self.load(ids)

    def load(self, ids: Collection[int]) -> dict[int | None, MessageRow]:
        """Load these messages with their attachments, in at most one query."""
        return {message.pk: message for message in BY_ID.all(ids=ids)} if ids else {}

    def seen_by(self, user_id: int, *, above: int) -> MessageQuerySet:
        """Filter those of a chat that a member has not hidden; up to `above` they hid all."""
        hidden = HiddenMessage.objects.of_row(user_id)
        return self.filter(id__gt=above).exclude(Exists(hidden))


class Message(models.Model):
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", db_index=False
    )
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    text = models.TextField(max_length=4000)
    client_id = models.UUIDField()
    # Keyed digest of recipient and text: tells a retry from another message with the same id,
    # even after the text is gone.
    digest = models.BinaryField(max_length=16)
    sent_at = models.DateTimeField()
    # The id of a message in the same conversation, which deletes both, in whatever order.
    quote = models.BigIntegerField(null=True)
    recalled_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            # A browser that lost the answer sends it again: same id, same message.
            models.UniqueConstraint(fields=["sender", "client_id"], name="chat_message_sent_once"),
        ]
        indexes = [
            # History by the page, newest message, unread count.
            models.Index(fields=["conversation", "id"], name="chat_message_page"),
            # Of the few that quote another one: finds the quotes of a deleted message.
            models.Index(
                fields=["quote"], condition=Q(quote__isnull=False), name="chat_message_quoting"
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def state(self) -> str:
        if self.removed_at:
            return "removed"
        return "recalled" if self.recalled_at else "sent"

    def recall(self) -> bool:
        """Recall the message, and erase its text from the database; False if it was gone before."""
        return bool(
            Message.objects.filter(pk=self.pk, recalled_at=None, removed_at=None).update(
                recalled_at=timezone.now(), text=""
            )
        )


WITH_STATE = Listing(
    lambda: Membership.objects.filter(user=given("user")).with_state().values_list(*CHAT_COLUMNS),
    MembershipRow,
)
UNREAD = Listing(
    lambda: (
        Membership.objects.filter(user=given("user"))  # type: ignore[misc]
        .with_friend_name()
        .with_unread()
        .order_by("pk")
        .values_list("friend_name", "muted", "unread")
    ),
    Unread,
)
BY_ID = Listing(
    lambda: Message.objects.filter(pk__in=given_several("ids")).values_list(*COLUMNS), MessageRow
)


class HiddenMessageQuerySet(models.QuerySet["HiddenMessage"]):
    def of_row(self, user: int | OuterRef) -> HiddenMessageQuerySet:
        """Filter for `Exists` in a query of messages."""
        return self.filter(user=user, message=OuterRef("pk"))


class HiddenMessage(models.Model):
    """A message that one of the two has deleted for themselves."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    # An id: with a foreign key, deleting a conversation would load each of its messages first.
    message = models.BigIntegerField()

    objects = HiddenMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "message"], name="chat_hidden_once"),
        ]

    def __str__(self) -> str:
        return f"message {self.message} hidden from user {self.user_id}"
