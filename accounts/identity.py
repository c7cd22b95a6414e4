"""The owner of a session, found in one query.

It is plain SQL, because a thousand sockets may come back at once. Whatever it cannot tell at a
glance, as after a change of the secret key, is asked by the book.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from webchat.database.bulk import stored

from .models import User
from .names import NOBODY
from .session_store import SessionStore

Convert = Callable[..., Any]


class Owner(NamedTuple):
    user: User
    session_data: str  # as it is stored


def owner_of(session_key: str) -> Owner | None:
    """Return whose session that is: the person whom `auth.get_user` finds."""
    found = _at_a_glance(session_key)
    return found or _by_the_book(session_key)


def _at_a_glance(session_key: str) -> Owner | None:
    now = stored(Session, "expire_date", timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_question(), [session_key, now])
        row = cursor.fetchone()
    if row is None:
        return None
    session_data, *values = row
    user = _user(values)
    session = SessionStore(session_key).decode(session_data)
    return Owner(user, session_data) if _is_certain(user, session) else None


def _is_certain(user: User, session: dict[str, Any]) -> bool:
    return (
        session.get(auth.SESSION_KEY) == str(user.pk)
        and [session.get(auth.BACKEND_SESSION_KEY)] == settings.AUTHENTICATION_BACKENDS
        and user.is_active
        and user.unverified_since is None
        and not user.username_key.startswith(NOBODY)
        and constant_time_compare(
            session.get(auth.HASH_SESSION_KEY, ""), user.get_session_auth_hash()
        )
    )


def _by_the_book(session_key: str) -> Owner | None:
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = auth.get_user(request)
    session = Session.objects.filter(session_key=session_key).first()
    if session is None or not isinstance(user, User):
        return None
    return Owner(user, session.session_data)


@cache
def _question() -> str:
    columns = ", ".join(f"owner.{field.column}" for field in User._meta.concrete_fields)
    return f"""
        SELECT session.session_data, {columns}
        FROM django_session session
        JOIN accounts_usersession device ON device.session_id = session.session_key
        JOIN accounts_user owner ON owner.id = device.user_id
        WHERE session.session_key = %s AND session.expire_date > %s
    """  # noqa: S608  (nothing in it comes from outside)


def _user(values: list[Any]) -> User:
    for at, expression, converters in _converters():
        for convert in converters:
            values[at] = convert(values[at], expression, connection)
    user: User = User.from_db(connection.alias, _names(), values)
    return user


@cache
def _names() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]


@cache
def _converters() -> list[tuple[int, Any, list[Convert]]]:
    """Return the columns that are stored as something else, as the ORM's own queries treat them."""
    found = []
    for at, field in enumerate(User._meta.concrete_fields):
        expression = field.cached_col
        converters = connection.ops.get_db_converters(expression)
        converters += expression.get_db_converters(connection)
        if converters:
            found.append((at, expression, converters))
    return found
