"""Access through the user: conversations exist for friends only, anybody else gets a 404."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.names import username_key
from friends.access import get_friendship
from friends.models import Friendship
from webchat.base.holding import holding
from webchat.base.numbers import MAX_INTEGER
from webchat.database.questions import Listing, Question, given

from .models import Conversation, Event, Membership, Message, MessageQuerySet, MessageRow
from .models.rows import COLUMNS

MEMBERSHIP = Question(
    lambda: Membership.objects.filter(
        user=given("user"), conversation__low=given("low"), conversation__high=given("high")
    ).select_related("conversation")
)


def _messages_between() -> MessageQuerySet:
    found = Message.objects.filter(conversation=given("conversation"), id__lt=given("below"))
    return found.seen_by(given("viewer"), above=given("above"))


OLDEST_FIRST = Listing(lambda: _messages_between().order_by("id").values_list(*COLUMNS), MessageRow)
NEWEST_FIRST = Listing(
    lambda: _messages_between().order_by("-id").values_list(*COLUMNS), MessageRow
)

RENAMES = Question(
    lambda: Event.objects.filter(
        user=given("user"), kind=Event.Kind.FRIEND_CHANGED, data__has_key="old_username"
    ).order_by("-id")
)


@dataclass(frozen=True, slots=True)
class Thread:
    """One person's view of the conversation with a friend."""

    membership: Membership
    friendship: Friendship

    @property
    def friend(self) -> User:
        return self.friendship.friend

    @property
    def messages(self) -> MessageQuerySet:
        """The messages that the person has not hidden."""
        messages: MessageQuerySet = self.membership.conversation.messages.all()
        return messages.seen_by(self.membership.user_id, above=self.membership.hidden_through)

    def page(
        self, *, before: int | None = None, after: int | None = None, limit: int
    ) -> tuple[list[MessageRow], bool]:
        """Load a page in ascending order, and whether there is more in the direction asked.

        `after` reads on from an id; otherwise the newest messages, or those before an id.
        """
        hidden_through = self.membership.hidden_through
        found = (NEWEST_FIRST if after is None else OLDEST_FIRST).all(
            conversation=self.membership.conversation_id,
            above=hidden_through if after is None else max(after, hidden_through),
            below=MAX_INTEGER if before is None else before,
            viewer=self.membership.user_id,
            at_most=limit + 1,
        )
        more = len(found) > limit
        found = found[:limit]
        return (found[::-1] if after is None else found), more

    def around(self, pk: int, *, limit: int) -> tuple[list[MessageRow], bool, bool]:
        """Load an ascending page around a message, and whether there are older and newer ones."""
        older, more = self.page(before=pk, limit=limit // 2)
        newer, rest = self.page(after=pk - 1, limit=limit - len(older))
        return older + newer, more, rest

    def holding(self, *messages: Message) -> AbstractContextManager[None]:
        """`webchat.base.holding`, for a change of this thread or of messages in it."""
        return holding(self.friendship, self.membership, *messages)


def get_thread(user: User, username: str) -> Thread:
    friendship = get_friendship(user, username)
    low, high = sorted((user.pk, friendship.friend_id))
    membership = MEMBERSHIP.first(user=user.pk, low=low, high=high)
    if membership is None:  # the friend's account was deleted between the two queries
        raise Http404
    membership.user = user
    return Thread(membership, friendship)


def get_message(user: User, pk: int) -> tuple[Thread, Message]:
    """Fetch a message of the user's conversations, with its thread."""
    own = Conversation.objects.of(user)
    message = get_object_or_404(
        Message.objects.select_related("conversation__low", "conversation__high"),
        pk=pk,
        conversation__in=own,
    )
    conversation = message.conversation
    thread = get_thread(user, conversation.username_of(conversation.other_id(user.pk)))
    return thread, get_object_or_404(thread.messages, pk=pk)


def renamed_to(user_id: int, username: str) -> str | None:
    """Find the present name of a friend by an old one, for as long as the log remembers it."""
    key = username_key(username)
    for event in RENAMES.all(user=user_id):
        if username_key(event.data["old_username"]) == key:
            friendships = Friendship.objects.filter(owner=user_id, friend=event.data["friend"])
            return friendships.values_list("friend__username", flat=True).first()
    return None
