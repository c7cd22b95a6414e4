from django import template
from django.template import Context

from chat.moderation.waiting import Waiting, look

register = template.Library()


@register.simple_tag(takes_context=True)
def what_waits(context: Context) -> list[Waiting]:
    return look(context["request"].user)
