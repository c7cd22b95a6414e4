"""Open a WebSocket for the person whose session it carries, within their budget."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError
from django.db import OperationalError

from accounts import budgets
from webchat.serving import turns
from webchat.serving.bridge import Receive, Scope, Send

from .engine import Engine
from .frames import BROKEN, SESSION_ENDED, TOO_MANY
from .socket import Socket
from .visitors import Visitor, identify, is_foreign

REFUSED_SECONDS = 1.0  # before a handshake over a budget is answered

logger = logging.getLogger(__name__)


async def serve(engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one handshake on `/live/`; what follows needs no task."""
    await receive()
    if is_foreign(scope):
        await send({"type": "websocket.close"})  # before accept: a 403
        return
    visitor, refusal = None, SESSION_ENDED
    try:
        # Without a turn: after a restart a whole class comes at once, all strangers until then.
        visitor = await engine.in_thread(identify, scope)
    except OperationalError:
        refusal = BROKEN
        logger.exception("A socket could not be opened")
    is_over_budget = _is_over_budget(scope, visitor)
    if is_over_budget:
        await asyncio.sleep(REFUSED_SECONDS)
    await send({"type": "websocket.accept"})
    if is_over_budget:
        await send({"type": "websocket.close", "code": TOO_MANY})
        return
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    page_of = query.get("user", [None])[0]
    if visitor is None or page_of not in (None, str(visitor.user.pk)):
        await send({"type": "websocket.close", "code": refusal})
        return
    turns.introduce(visitor.session_key, visitor.user.pk)
    turns.note(visitor.user.pk)
    if connection := scope.get("webchat.connection"):
        connection.belongs_to(visitor.user.pk)
    socket = Socket(engine, visitor, scope["webchat.wire"], connection)
    await socket.open(query.get("after", [None])[0])


def _is_over_budget(scope: Scope, visitor: Visitor | None) -> bool:
    """Whether this person, or this address without a session, has opened too many sockets."""
    try:
        if visitor is None:
            budgets.HANDSHAKES_BY_ADDRESS.take(turns.address_of(scope))
        else:
            budgets.HANDSHAKES.take(visitor.user.pk)
    except ValidationError:
        return True
    return False
