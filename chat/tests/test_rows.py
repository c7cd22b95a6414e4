"""Rows of pages are filled in as their templates would render them."""

from __future__ import annotations

from itertools import product

import pytest
from django.template import Context
from django.template.loader import get_template
from django.utils.translation import override

from accounts.avatars import AVATAR
from chat import file_rows, rows
from chat.templatetags.frame import TABS
from friends import rows as friend_rows
from webchat.base.stencils import INDENT, Stencil

STENCILS = {
    "chat/_row.html": rows.CHAT,
    "chat/_message.html": rows.MESSAGE,
    "chat/_thread_row.html": rows.THREAD,
    "chat/_attachment.html": file_rows.FILE,
    "chat/_list.html": rows.LIST,
    "friends/_list.html": friend_rows.LIST,
    "friends/_letter.html": friend_rows.LETTER,
    "friends/_letter_link.html": friend_rows.LINK,
    "friends/_friend.html": friend_rows.FRIEND,
    "_tabs.html": TABS,
    "_avatar.html": AVATAR,
}
FLAGS = ("is_", "has_", "pinned", "muted", "marked_", "hidden", "quote_is_")


def shapes(stencil: Stencil):
    """Parts with each value there alone, each missing alone, and each pair of values there."""
    values = [True if name.startswith(FLAGS) else f"<{name}> & 50%" for name in stencil._names]
    empty = [False if value is True else "" for value in values]
    for one, other in product(range(len(values)), repeat=2):
        yield tuple(v if n in (one, other) else empty[n] for n, v in enumerate(values))
        yield tuple(empty[n] if n in (one, other) else v for n, v in enumerate(values))


@pytest.mark.parametrize("name", STENCILS)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_row_is_filled_in_as_its_template_would_be_rendered(name, language):
    stencil, template = STENCILS[name], get_template(name).template
    with override(language):
        for part in shapes(stencil):
            whole = template.render(Context(dict(zip(stencil._names, part, strict=True))))
            assert stencil.fill([part]) == INDENT.sub("\n", whole.strip())
