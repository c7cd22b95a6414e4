"""Parts of a page that are rendered once in each of their shapes, and from then on filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

SHAPES_AT_MOST = 300  # of a stencil that are kept, at some 2 KB each
MARK = re.compile("\0([0-9]+)\0")  # NUL stands in no template
INDENT = re.compile(r"\n\s+")

# A text is shown, and escaped unless it is safe; a flag is only asked for.
Value = str | bool
Shape = tuple[Any, ...]


class Stencil:
    """A template for many parts of the same kind, such as the rows of a list.

    What Django does for each tag of a template takes longer than all else of a page, and the
    parts differ in their texts alone. So the template is rendered with marks in place of the
    texts, and the texts are put where the marks came out.

    The template knows the values by their names, and no context besides. It may show a text,
    and ask `{% if %}` whether a text or a flag is there: which of them are is the shape of a
    part, and each shape is rendered by itself. It may not filter or compare a text. A part is
    the same for everybody who reads its language.
    """

    def __init__(self, template_name: str, names: Iterable[str] = ()) -> None:
        self._template_name = template_name
        self._names = tuple(names)
        self._forms: dict[Shape, _Form] = {}

    def fill(self, parts: Iterable[tuple[Value, ...]]) -> SafeString:
        """Render the parts, one after the other; the values come in the order of the names."""
        # Templates and translations change under the server of a developer.
        forms = {} if settings.DEBUG else self._forms
        place = (get_language(), get_script_prefix())
        formats: list[str] = []
        texts: list[Any] = []
        for part in parts:
            shape = (*place, *map(bool, part))
            form = forms.get(shape)
            if form is None:
                if len(forms) >= SHAPES_AT_MOST:
                    forms.clear()
                form = forms[shape] = self._make(part)
            formats.append(form.format)
            texts += form.choose(part)
        return SafeString("".join(formats) % tuple(_escape(texts)))

    def _make(self, part: tuple[Value, ...]) -> _Form:
        marks = [
            SafeString(f"\0{index}\0") if value and value is not True else value
            for index, value in enumerate(part)
        ]
        context = Context(dict(zip(self._names, marks, strict=True)))
        html = Engine.get_default().get_template(self._template_name).render(context)
        return _Form(INDENT.sub("\n", html.strip()))


class _Form:
    """What a template makes of one shape: a format for the texts at these indexes of a part."""

    def __init__(self, html: str) -> None:
        pieces = MARK.split(html)  # what is always there, and indexes, in turn
        self.format = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        self.choose = _chooser(list(map(int, pieces[1::2])))


def _chooser(indexes: list[int]) -> Callable[[Sequence[Value]], Sequence[Value]]:
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda part: [part[index] for index in indexes]


def _escape(texts: list[Any]) -> list[str]:
    """Escape those that are not safe; in one piece, for most of them hold nothing to escape."""
    if SafeString not in set(map(type, texts)):
        escaped = escape("\0".join(texts)).split("\0")
        if len(escaped) == len(texts):  # NUL stands in none of them
            return escaped
    return [text if text.__class__ is SafeString else escape(text) for text in texts]
