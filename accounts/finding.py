"""Accounts by a name that somebody types at the machine, perhaps wrongly."""

from __future__ import annotations

from difflib import get_close_matches

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from webchat.base.text import fold

from .models import OldName, User
from .names import TYPED_AT_MOST
from .pinyin import spells

SUGGESTED_AT_MOST = 5
NEAR = 0.5  # of the letters in order: one of two characters of a Chinese name
LOOKED_AT = 50_000  # accounts: half a second for the most people that one machine serves


def find_user(typed: str) -> User:
    """Return the account of that name, typed in any case or width, or of that verified address.

    Where nobody has the name here, the one who had it in the earlier program. Raises
    ValidationError("ambiguous") if it is the old name of one and, in another case or width, the
    name of another; and ValidationError("not_found"), which suggests names that are near.
    """
    user = User.objects.known_as(typed)
    if user is not None:
        _refuse_ambiguous(typed, user)
        return user
    message = _("Nobody is called that here.")
    if names := near(typed):
        message = _("Nobody is called that here. Do you mean %(names)s?")
        message %= {"names": ", ".join(names)}
    raise ValidationError(message, "not_found")


def _refuse_ambiguous(typed: str, user: User) -> None:
    other = OldName.objects.owner_of(typed)
    if other in (None, user) or user.username == typed:
        return
    message = _(
        "%(name)s is called that here, and %(other)s was in the earlier program. Type the name of"
        " the one you mean, in the same case and width."
    )
    facts = {"name": user.username, "other": other}
    raise ValidationError(message, "ambiguous", facts)


def near(typed: str) -> list[str]:
    """Return the names that somebody may have meant: nearly the same, or typed in letters."""
    key = fold(typed, most=TYPED_AT_MOST)
    if not key:
        return []
    rows = User.objects.order_by("pk").values_list("username_key", "username", "pinyin")
    names, spelled = {}, []
    for other, username, pinyin in rows[:LOOKED_AT]:
        names[other] = username
        if pinyin and spells(key, pinyin):
            spelled.append(username)
    alike = [names[each] for each in get_close_matches(key, names, SUGGESTED_AT_MOST, NEAR)]
    return [*dict.fromkeys(spelled + alike)][:SUGGESTED_AT_MOST]
