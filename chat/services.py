"""Changes of stored messages and of chats; `chat.sending` writes new messages.

A change of a thread raises Http404 if that has gone since it was fetched.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .access import Thread
from .log import writing
from .models import Event, HiddenMessage, Membership, Message
from .presentation import (
    ConversationView,
    MessageView,
    minute,
    view_conversation,
    view_message,
)


def mark_read(*, thread: Thread, up_to: int) -> dict[str, object]:
    """Move the reader's own cursor forward and tell the reader's other tabs."""
    with thread.holding():
        moved = thread.membership.mark_read(up_to)
        now = Membership.objects.with_unread().get(pk=thread.membership.pk)
        if now.marked_unread:
            now.mark_unread(False)
            writing.record_chats(Membership.objects.filter(pk=now.pk))
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
    """Recall one's own message, for both sides; a second time changes nothing.

    Raises ValidationError("forbidden") for the friend's messages and after two minutes.
    """
    if message.sender_id != thread.membership.user_id:
        raise ValidationError(_("Only your own messages can be recalled."), "forbidden")
    if message.state == "sent" and timezone.now() - message.sent_at > RECALL_WITHIN:
        raise ValidationError(_("Messages can be recalled for 2 minutes."), "forbidden")
    with thread.holding(message):
        if message.recall():
            writing.record_change_of(message)
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
        writing.record(
            [
                Event(
                    kind=Event.Kind.MESSAGE_HIDDEN,
                    user_id=user_id,
                    conversation_id=message.conversation_id,
                    data={"message_id": message.pk},
                )
            ]
        )
        writing.record_chats(Membership.objects.filter(pk=thread.membership.pk))


def arrange(*, thread: Thread, how: str, on: bool) -> ConversationView:
    """Pin, mute, hide or mark a chat unread, for oneself; `how` is a method of Membership."""
    with thread.holding():
        getattr(thread.membership, how)(on)
        mine = Membership.objects.filter(pk=thread.membership.pk)
        writing.record_chats(mine)
        [membership] = mine.with_state()
        newest = Message.objects.newest_of([membership]).get(membership.last_message_id)
    return view_conversation(thread.friendship, membership.state, newest, thread.membership.user)
