from django import template

from accounts.avatars import face_url, show_avatar

register = template.Library()

register.simple_tag(show_avatar, name="avatar")
register.simple_tag(face_url)
