"""Read marks of one socket, made without holding up its other frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import TYPED_AT_MOST
from chat.marking import Mark

from .engine import Engine
from .writer import RETRY_SECONDS

WAITING_AT_MOST = 200  # chats; a page marks the one that is open
NOT_FOUND = ValidationError(_("Not found."), "not_found")
UNAVAILABLE = ValidationError(
    _("The server is busy. The chat could not be marked as read; please try again."),
    "unavailable",
    {"retry_after": RETRY_SECONDS},
)


class ReadMarks:
    """Sets the furthest read mark of each chat, one after the other; errors go to `refuse`."""

    def __init__(
        self, engine: Engine, reader: User, refuse: Callable[[ValidationError], None]
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._refuse = refuse
        self._waiting: dict[str, int] = {}  # up to which message, by the friend's name
        self._is_marking = False

    def note(self, username: str, up_to: int) -> None:
        if len(username) > TYPED_AT_MOST:
            return self._refuse(NOT_FOUND)
        if len(self._waiting) >= WAITING_AT_MOST and username not in self._waiting:
            return self._refuse(UNAVAILABLE)
        self._waiting[username] = max(up_to, self._waiting.get(username, up_to))
        if not self._is_marking:
            self._is_marking = True
            self._engine.keep(self._mark_all())

    async def _mark_all(self) -> None:
        try:
            while self._waiting:
                username = next(iter(self._waiting))
                await self._mark(username, self._waiting.pop(username))
        finally:
            self._is_marking = False

    async def _mark(self, username: str, up_to: int) -> None:
        marked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        mark = Mark(self._reader.pk, username, up_to)

        def answer(result: Any) -> None:
            if not marked.done():
                marked.set_result(result)

        self._engine.writer.submit(mark, answer)
        result = await marked
        if result is None:
            self._refuse(NOT_FOUND)
        elif isinstance(result, ValidationError):
            self._refuse(UNAVAILABLE)
