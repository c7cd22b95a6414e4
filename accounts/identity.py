"""The owner of a session, for those who are no request."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import auth
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from .models import User
from .session_store import SessionStore


class Owner(NamedTuple):
    user: User
    session_data: str  # as it is stored


def owner_of(session_key: str) -> Owner | None:
    """Return whose session that is: the person whom `auth.get_user` finds."""
    session = SessionStore(session_key)
    owner = session.proven_owner()
    return Owner(owner, session.stored_data) if owner else _by_the_book(session_key)


def _by_the_book(session_key: str) -> Owner | None:
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = auth.get_user(request)
    if not isinstance(user, User):
        return None
    # With another key by now, only a page could tell its browser.
    session = Session.objects.filter(session_key=session_key).first()
    return Owner(user, session.session_data) if session else None
