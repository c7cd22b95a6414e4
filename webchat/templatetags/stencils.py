"""Parts of pages that know nothing of the page, and therefore need not be rendered again."""

from __future__ import annotations

from functools import cache

from django import template
from django.utils.safestring import SafeString

from webchat.base.stencils import Stencil, Value

register = template.Library()


@register.simple_tag
def stencil(template_name: str, **values: Value | int | None) -> SafeString:
    """Include a template `with … only`, within the bounds of a `Stencil`."""
    part = tuple(_value(value) for value in values.values())
    return _stencil(template_name, *values).fill([part])


@cache  # as many as there are tags
def _stencil(template_name: str, *names: str) -> Stencil:
    return Stencil(template_name, names)


def _value(value: Value | int | None) -> Value:
    if value is None:
        return ""
    return value if isinstance(value, (bool, str)) else str(value)
