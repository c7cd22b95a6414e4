"""Lists of the admin that can be read on a phone, where each row is a card without headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()

START = len("<td")  # of a cell, or "<th", as Django's `items_for_result` makes them

EMPTY = re.compile("<td[^>]*>-?</td>")  # as Django shows what has no value


@register.filter
def labelled(cells: list[SafeString], headers: list[dict[str, Any]]) -> Iterator[SafeString]:
    """Give each cell of a row the words of its column, for the style sheet to show beside it."""
    words = [header["text"] for header in headers]
    for cell, column in zip_longest(cells, words, fillvalue=SafeString()):
        yield _labelled(cell, column)


def _labelled(cell: SafeString, column: Any) -> SafeString:
    if isinstance(column, SafeString):  # the box that chooses all rows
        return cell
    empty = SafeString(" data-empty") if EMPTY.fullmatch(cell) else ""
    label = format_html(' data-label="{}"{}', capfirst(column), empty)
    return SafeString(cell[:START]) + label + SafeString(cell[START:])
