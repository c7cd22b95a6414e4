"""Conversations and the event log as JSON."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.avatars import face_url
from accounts.http import UserRequest
from webchat.base.numbers import integer
from webchat.database.snapshot import read_snapshot

from . import services
from .access import get_message, get_thread
from .live import presence
from .log import reading
from .models import EventLog, Membership
from .presentation import list_conversations, view_thread
from .sending.drafts import CONTENTS, Draft
from .sending.posting import post_message

PAGE_SIZE = 50
PAGE_SIZE_AT_MOST = 100
ARRANGEMENTS = {"pin": "pin", "mute": "mute", "hide": "hide", "unread": "mark_unread"}


def me(request: UserRequest) -> dict[str, Any]:
    user = request.user
    return {
        "username": user.username,
        "email": user.email,
        "avatar": face_url(user.face),
        "last_event": EventLog.objects.head(),
    }


def conversations(request: UserRequest) -> dict[str, Any]:
    with read_snapshot():
        last_event = EventLog.objects.head()
        views = list_conversations(request.user)
    return {"conversations": [view.as_json() for view in views], "last_event": last_event}


def messages(request: UserRequest, username: str) -> dict[str, Any]:
    limit = _number(request, "limit")
    if limit is None:
        limit = PAGE_SIZE
    if limit < 1:
        raise ValidationError(_("“limit” must be at least 1."), "invalid")
    before, after = _number(request, "before"), _number(request, "after")
    with read_snapshot():
        last_event = EventLog.objects.head()
        thread = get_thread(request.user, username)
        page, more = thread.page(before=before, after=after, limit=min(limit, PAGE_SIZE_AT_MOST))
        views = view_thread(page, viewer=request.user, friend=thread.friend)
    return {
        "messages": [view.as_json() for view in views],
        "more": more,
        "last_event": last_event,
    }


def send(request: UserRequest, username: str) -> tuple[dict[str, Any], int]:
    data = request.json  # type: ignore[attr-defined]
    draft = Draft.parse(
        request.user.pk,
        to=username,
        client_id=data.get("client_id"),
        **{name: data.get(name) for name in CONTENTS},
    )
    posted = post_message(draft)
    return {"message": posted.message.as_json()}, 201 if posted.is_new else 200


def read(request: UserRequest, username: str) -> dict[str, Any]:
    thread = get_thread(request.user, username)
    up_to = integer(request.json.get("up_to"), name="up_to")  # type: ignore[attr-defined]
    return services.mark_read(thread=thread, up_to=up_to)


def recall(request: UserRequest, pk: int) -> dict[str, Any]:
    thread, message = get_message(request.user, pk)
    return {"message": services.recall(thread=thread, message=message).as_json()}


def hide_message(request: UserRequest, pk: int) -> dict[str, Any]:
    thread, message = get_message(request.user, pk)
    services.hide_message(thread=thread, message=message)
    return {}


def hide_messages(request: UserRequest, username: str) -> dict[str, Any]:
    thread = get_thread(request.user, username)
    ids = request.json.get("ids")  # type: ignore[attr-defined]
    if not isinstance(ids, list) or not all(isinstance(pk, int) for pk in ids):
        raise ValidationError(_("“ids” must be a list of numbers."), "invalid")
    known = {integer(pk, name="ids") for pk in ids}
    return {"hidden": services.hide_messages(thread=thread, ids=known)}


def arrange(request: UserRequest, username: str, how: str) -> dict[str, Any]:
    thread = get_thread(request.user, username)
    on = request.json.get("on")  # type: ignore[attr-defined]
    if not isinstance(on, bool):
        raise ValidationError(_("“on” must be true or false."), "invalid")
    view = services.arrange(thread=thread, how=ARRANGEMENTS[how], on=on)
    return {"conversation": view.as_json()}


def unread_counts(request: UserRequest) -> dict[str, Any]:
    return Membership.objects.unread_counts(request.user)


def online(request: UserRequest) -> dict[str, Any]:
    return {"online": presence.online_friends(request.user)}


def events_after(request: UserRequest) -> dict[str, Any]:
    missed = reading.read_after(request.user, _number(request, "after"))
    if missed is None:
        return {"reset": True}
    return {"events": missed.events, "last_event": missed.last_event, "more": missed.more}


def _number(request: UserRequest, name: str) -> int | None:
    value = request.GET.get(name)
    return None if value is None else integer(value, name=name)
