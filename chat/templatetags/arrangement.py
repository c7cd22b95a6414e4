from __future__ import annotations

from django import template
from django.template import Context

from chat.access import get_thread
from chat.forms import ArrangeForm

register = template.Library()


@register.simple_tag(takes_context=True)
def arrange_form(context: Context, username: str) -> ArrangeForm:
    """Return the form for the chat with a friend, as the viewer has arranged it."""
    membership = get_thread(context["request"].user, username).membership
    return ArrangeForm(initial={"pinned": membership.pinned, "muted": membership.muted})
