"""The frame of every page of a logged-in person."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from accounts.avatars import avatar_of
from chat.strings import STRINGS
from webchat.base.stencils import Stencil

from .chat_display import badge

register = template.Library()


class Tabs(NamedTuple):
    """The values of _tabs.html."""

    colour: str
    initial: str
    face: str
    is_in_chats: bool
    is_in_contacts: bool
    is_in_discover: bool
    unread: str
    requests: str


TABS = Stencil("_tabs.html", Tabs._fields)


@register.simple_tag(takes_context=True)
def tabs(context: Context) -> SafeString:
    shell = context["shell"]
    tab = shell.get("tab", "")
    places = [tab == place for place in ("chats", "contacts", "discover")]
    counts = [badge(shell.get(name, 0)) for name in ("unread", "requests")]
    user = context["request"].user
    return TABS.fill([Tabs(*avatar_of(user.username, user.face), *places, *counts)])


@register.simple_tag
def strings() -> dict[str, Any]:
    return STRINGS
