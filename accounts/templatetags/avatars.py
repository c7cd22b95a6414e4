from django import template

from accounts.avatars import show_avatar

register = template.Library()

register.simple_tag(show_avatar, name="avatar")
