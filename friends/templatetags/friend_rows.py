from django import template

from friends import rows

register = template.Library()

register.simple_tag(rows.show_list, name="contact_list")
