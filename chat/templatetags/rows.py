"""The list of chats, and the messages of a conversation."""

from django import template

from chat import rows

register = template.Library()

register.simple_tag(rows.show_list, name="chat_list")
register.simple_tag(rows.preview, name="preview")
register.simple_tag(rows.sides_of)
register.simple_tag(rows.show_thread, name="thread_rows")
register.simple_tag(rows.show_no_message, name="message_to_clone")
