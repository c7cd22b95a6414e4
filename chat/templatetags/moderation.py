from django import template
from django.template import Context

from chat.moderation.waiting import Waiting, look
from chat.notices.presentation import look_at_keys

register = template.Library()


@register.simple_tag(takes_context=True)
def what_waits(context: Context) -> list[Waiting]:
    return look(context["request"].user)


@register.simple_tag(takes_context=True)
def keys_given(context: Context) -> list[str]:
    return look_at_keys(context["request"].user)
