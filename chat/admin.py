"""What the admin shows of the chat: reports, users, announcements, the audit log. Conversations
and messages are not registered: what people write is seen through a report only."""

from .moderation import admin  # noqa: F401
