"""Access through the user: conversations exist for friends only, anybody else gets a 404."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.names import username_key
from friends.access import get_friendship
from friends.models import Friendship
from webchat.base.holding import holding

from .models import Conversation, Event, Membership, Message, MessageQuerySet


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
        return messages.filter(id__gt=self.membership.hidden_through).not_hidden_from(
            self.membership.user_id
        )

    def holding(self, *messages: Message) -> AbstractContextManager[None]:
        """`webchat.base.holding`, for a change of this thread or of messages in it."""
        return holding(self.friendship, self.membership, *messages)


def get_thread(user: User, username: str) -> Thread:
    friendship = get_friendship(user, username)
    # The friend's account may be deleted between two of these queries.
    conversation = get_object_or_404(Conversation.objects.between(user, friendship.friend))
    membership = get_object_or_404(
        Membership.objects.filter(user=user, conversation=conversation)
        .select_related("conversation")
        .with_state()
    )
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
    told = Event.objects.filter(
        user=user_id, kind=Event.Kind.FRIEND_CHANGED, data__has_key="old_username"
    )
    for event in told.order_by("-id"):
        if username_key(event.data["old_username"]) == key:
            friendships = Friendship.objects.filter(owner=user_id, friend=event.data["friend"])
            return friendships.values_list("friend__username", flat=True).first()
    return None
