"""Friendships as lists show them: a tuple takes a tenth of the time of an instance."""

from __future__ import annotations

from typing import NamedTuple

from accounts.pinyin import NAME, spell
from webchat.base.text import fold, without_accents

SPELLING_AT_MOST = 64  # characters: names have 16, and folding makes up to three of one


class FriendshipRow(NamedTuple):
    """One side of a friendship, with all that is shown of the friend."""

    pk: int
    owner_id: int
    friend_id: int
    remark: str
    remark_pinyin: str
    username: str
    pinyin: str
    is_there: bool  # not banned
    face: str
    blocked: bool

    @property
    def name(self) -> str:
        """The name that the owner calls the friend by."""
        return self.remark or self.username

    @property
    def spelling(self) -> str:
        """The name in small letters, by which contacts are ordered: in pinyin, without accents."""
        pinyin = self.remark_pinyin if self.remark else self.pinyin
        return without_accents(spell(pinyin) or fold(self.name, most=SPELLING_AT_MOST) or "")

    @property
    def readings(self) -> str:
        return readings_of(self.pinyin, self.remark_pinyin)


# The columns of a row, as a query set knows them.
COLUMNS = (
    "pk",
    "owner",
    "friend",
    "remark",
    "remark_pinyin",
    "friend__username",
    "friend__pinyin",
    "friend__is_active",
    "friend__face",
    "blocked",
)


def readings_of(*pinyin: str) -> str:
    """Return the ways to type a friend's name and remark: see `accounts.pinyin.spells`."""
    return NAME.join(filter(None, pinyin))
