from __future__ import annotations

import os
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic

from webchat.base import commands


class Command(commands.Command, collectstatic.Command):
    """A collectstatic whose files nginx, another user, can read: none of them is secret."""

    def handle(self, **options: Any) -> str | None:
        before = os.umask(0o022)
        try:
            return super().handle(**options)
        finally:
            os.umask(before)
