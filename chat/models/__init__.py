from .attachments import Attachment
from .conversations import (
    IMPORTED,
    UNREAD_AT_MOST,
    Conversation,
    ConversationQuerySet,
    HiddenMessage,
    Membership,
    MembershipQuerySet,
    Message,
    MessageQuerySet,
)
from .events import Event, EventLog, EventQuerySet, Presence, Typing
from .files import MediaKind
from .moderation import AuditEntry, Evidence, Report
from .notices import ANNOUNCEMENTS_AT_ONCE, Announcement, AnnouncementCursor, Notice
from .rows import MessageRow
from .search import SearchFilter, SearchSegment
from .uploads import Upload, UsedQuota

__all__ = [
    "ANNOUNCEMENTS_AT_ONCE",
    "IMPORTED",
    "UNREAD_AT_MOST",
    "Announcement",
    "AnnouncementCursor",
    "Attachment",
    "AuditEntry",
    "Conversation",
    "ConversationQuerySet",
    "Event",
    "EventLog",
    "EventQuerySet",
    "Evidence",
    "HiddenMessage",
    "MediaKind",
    "Membership",
    "MembershipQuerySet",
    "Message",
    "MessageQuerySet",
    "MessageRow",
    "Notice",
    "Presence",
    "Report",
    "SearchFilter",
    "SearchSegment",
    "Typing",
    "Upload",
    "UsedQuota",
]
