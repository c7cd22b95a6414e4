"""The chat in the admin: reports, users, announcements, the audit log.

Conversations and messages are not registered: what people write is seen through a report only.
"""

from .moderation import admin as moderation  # noqa: F401
from .notices import admin as notices  # noqa: F401
from .people import admin as people  # noqa: F401
