from django import template
from django.template import Context

from chat.moderation.waiting import Overview, look

register = template.Library()


@register.simple_tag(takes_context=True)
def overview(context: Context) -> Overview:
    return look(context["request"].user)
