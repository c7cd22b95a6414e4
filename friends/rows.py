"""The contacts as rows of a page: the values of their templates, which stencils fill in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from accounts.avatars import avatar_of
from webchat.base.links import addresses_of
from webchat.base.stencils import Stencil

from .listing import FriendshipRow
from .presentation import Letter


class FriendRow(NamedTuple):
    """The values of friends/_friend.html."""

    username: str
    remark: str
    readings: str
    name: str
    page: str
    colour: str
    initial: str
    face: str
    is_current: bool
    is_blocked: bool


class LetterRow(NamedTuple):
    """The values of friends/_letter.html."""

    anchor: str
    name: str
    rows: SafeString


LIST = Stencil("friends/_list.html", ("letters", "links", "received", "is_asked"))
FRIEND = Stencil("friends/_friend.html", FriendRow._fields)
LETTER = Stencil("friends/_letter.html", LetterRow._fields)
LINK = Stencil("friends/_letter_link.html", ("anchor", "name"))


def show_list(
    letters: Sequence[Letter], received: Sequence[Any], *, current: str = ""
) -> SafeString:
    """Render the list of contacts; `current` is the name of the one whose page is open."""
    links = LINK.fill((letter.anchor, letter.name) for letter in letters)
    return LIST.fill([(_show_letters(letters, current), links, str(len(received)), bool(received))])


def _show_letters(letters: Iterable[Letter], current: str) -> SafeString:
    page_of = addresses_of("friends:contact")

    def row_of(friendship: FriendshipRow) -> FriendRow:
        username = friendship.username
        return FriendRow(
            username,
            friendship.remark,
            friendship.readings,
            friendship.name,
            page_of(username),
            *avatar_of(username, friendship.face),
            is_current=username == current,
            is_blocked=friendship.blocked,
        )

    return LETTER.fill(
        LetterRow(letter.anchor, letter.name, FRIEND.fill(map(row_of, letter.friends)))
        for letter in letters
    )
