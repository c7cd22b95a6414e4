from .conversations import (
    UNREAD_AT_MOST,
    Conversation,
    ConversationQuerySet,
    Membership,
    MembershipQuerySet,
    Message,
    MessageQuerySet,
)
from .events import Event, EventLog, EventQuerySet, Typing

__all__ = [
    "UNREAD_AT_MOST",
    "Conversation",
    "ConversationQuerySet",
    "Event",
    "EventLog",
    "EventQuerySet",
    "Membership",
    "MembershipQuerySet",
    "Message",
    "MessageQuerySet",
    "Typing",
]
