"""Changes of stored messages and of chats; `chat.sending` writes new messages.

A change of a thread raises Http404 if that has gone since it was fetched.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webchat.base.times import minute

from . import marking
from .access import Thread
from .log import writing
from .marking import Mark
from .models import Attachment, Event, HiddenMessage, Membership, Message
from .presentation import (
    ConversationView,
    MessageView,
    view_conversation,
    view_message,
)


def mark_read(*, thread: Thread, up_to: int) -> dict[str, object]:
    """Move the reader's own cursor forward and tell the reader's other tabs."""
    with thread.holding():
        marking.mark_all([Mark(thread.membership.user_id, thread.friend.username, up_to)])
        now = Membership.objects.get(pk=thread.membership.pk)
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
            Attachment.objects.filter(message=message).delete()
            writing.record_change_of(message)
        message.refresh_from_db()
    return view_message(message, viewer=thread.membership.user, friend=thread.friend)


def hide_message(*, thread: Thread, message: Message) -> None:
    """Delete a message for oneself; the other side keeps it."""
    with thread.holding(message):
        _hide(thread, [message.pk])


HIDDEN_AT_MOST = 100  # messages in one request, as many as a page of the API has


def hide_messages(*, thread: Thread, ids: Collection[int]) -> list[int]:
    """Delete messages of a thread for oneself; returns the ids of those that were still there.

    Raises ValidationError("invalid") for more than a hundred.
    """
    if len(ids) > HIDDEN_AT_MOST:
        raise ValidationError(
            _("At most %(limit)s messages at once."), "invalid", {"limit": HIDDEN_AT_MOST}
        )
    with thread.holding():
        return _hide(thread, ids)


def _hide(thread: Thread, ids: Collection[int]) -> list[int]:
    """Hide what is to be seen of these messages, and tell the person's pages, inside `holding`."""
    user_id, conversation_id = thread.membership.user_id, thread.membership.conversation_id
    found = list(thread.messages.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    if not found:
        return []
    HiddenMessage.objects.bulk_create(
        HiddenMessage(user_id=user_id, conversation_id=conversation_id, message=pk) for pk in found
    )
    writing.record(
        Event(
            kind=Event.Kind.MESSAGE_HIDDEN,
            user_id=user_id,
            conversation_id=conversation_id,
            data={"message_id": pk},
        )
        for pk in found
    )
    writing.record_chats(Membership.objects.filter(pk=thread.membership.pk))
    return found


def arrange(*, thread: Thread, how: str, on: bool) -> ConversationView:
    """Pin, mute, hide or mark a chat unread, for oneself; `how` is a method of Membership."""
    with thread.holding():
        getattr(thread.membership, how)(on)
        mine = Membership.objects.filter(pk=thread.membership.pk)
        writing.record_chats(mine)
        [membership] = mine.with_state()
        newest = Message.objects.newest_of([membership]).get(membership.last_message_id)
    return view_conversation(thread.friendship, membership.state, newest, thread.membership.user)
