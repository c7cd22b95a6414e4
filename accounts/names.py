"""The rules for user names, and for when two of them are the same.

A name is stored as typed, in NFC. It is judged by its NFKC form, in which full-width letters
are plain ones, and compared by its key.
"""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webchat.base.text import TYPED_FOR_ONE, fold, normalize

from .lookalikes import resembles_staff

SHORTEST, LONGEST = 2, 16  # characters (code points); names from before may have one
# Room for a name decomposed, as some keyboards send it; anything longer is never looked at.
TYPED_AT_MOST = TYPED_FOR_ONE * LONGEST
NAME_OR_MAIL_AT_MOST = 254  # characters of a mail address: RFC 5321, 4.5.3.1.3
NOBODY = "?"  # the key of a text too long to be a name: no name holds this character

# First segments of our own routes, and other reserved names; see also `lookalikes.STAFF`.
RESERVED_KEYS = frozenset(
    "account admin announcements api chat contacts discover healthz live login logout password"
    " readyz register requests root settings static system terms 管理员 系统".split()
)

HAN, HIRAGANA, KATAKANA = "CJK", "HIRAGANA", "KATAKANA"
# Python knows no script property; the first word of a letter's Unicode name stands for it.
# These are the scripts that UAX #31 (table 5) recommends for identifiers.
SCRIPTS = frozenset(
    "ARABIC ARMENIAN BENGALI BOPOMOFO CJK CYRILLIC DEVANAGARI ETHIOPIC GEORGIAN GREEK GUJARATI"
    " GURMUKHI HANGUL HEBREW HIRAGANA KANNADA KATAKANA KHMER LAO LATIN MALAYALAM MYANMAR ORIYA"
    " SINHALA TAMIL TELUGU THAANA THAI TIBETAN".split()
)
# Scripts that may be mixed: UTS #39, section 5.2, “highly restrictive”.
MIXTURES = (
    frozenset({"LATIN", HAN, HIRAGANA, KATAKANA}),
    frozenset({"LATIN", HAN, "BOPOMOFO"}),
    frozenset({"LATIN", HAN, "HANGUL"}),
)
# Marks that repeat or lengthen the letter before them: 佐々木, すゞめ, スーパー.
FOLLOWERS = {
    "々": frozenset({HAN}),
    "ー": frozenset({HIRAGANA, KATAKANA}),
    "ゝ": frozenset({HIRAGANA}),
    "ゞ": frozenset({HIRAGANA}),
    "ヽ": frozenset({KATAKANA}),
    "ヾ": frozenset({KATAKANA}),
}
EXTRA_SCRIPTS = {"々": HAN, "〇": HAN, "〆": HAN, "ー": KATAKANA}

INVALID = _(
    "Use letters of one script, digits, and “_”, “-” or “.” between them, like 王伟2024 or alice_b."
)


def username_key(username: str) -> str:
    """Return the form by which names are compared: see `webchat.base.text.fold`.

    Whatever is typed gets one that can be stored and looked up.
    """
    key = fold(username, most=TYPED_AT_MOST)
    return NOBODY if key is None else key


def normalize_username(username: str) -> str:
    """Return the form in which a name is stored and shown."""
    return normalize("NFC", username)


def validate_length(typed: str) -> None:
    """Refuse unread what is too long for any form of a name: ValidationError("too_long")."""
    if len(typed) > TYPED_AT_MOST:
        raise _too_long()


def validate_username(username: str) -> None:
    """Check `username` against the rules that bind every account, the imported ones as well.

    Raises ValidationError: too_short (empty), too_long, invalid.
    """
    validate_length(username)
    typed = normalize_username(username)
    judged = normalize("NFKC", typed)
    if not judged:
        raise _too_short()
    if max(len(typed), len(judged)) > LONGEST:
        raise _too_long()
    # NFKC turns ㊙ and ™ into letters; no symbol gets in that way.
    if any(unicodedata.category(character)[0] == "S" for character in typed):
        raise ValidationError(INVALID, "invalid")
    if not _is_well_built(judged):
        raise ValidationError(INVALID, "invalid")


def validate_new_username(username: str) -> None:
    """Check a name that somebody chooses today; see `validate_username`.

    Raises ValidationError: too_short, too_long, invalid, reserved.
    """
    validate_length(username)
    typed = normalize_username(username)
    if min(len(typed), len(normalize("NFKC", typed))) < SHORTEST:
        raise _too_short()
    validate_username(typed)
    validate_unreserved(typed)


def validate_unreserved(username: str) -> None:
    """Refuse names that only createsuperuser may give: ValidationError("reserved").

    Names that look like them are reserved as well.
    """
    if username_key(username) in RESERVED_KEYS or resembles_staff(username):
        raise ValidationError(_("This user name is reserved. Please choose another."), "reserved")


def possible_part(text: str) -> str:
    """Return the letters and digits of a text that a name may have: `Li Lei!` as `Li_Lei`.

    Scripts that do not go with the first ones are left out, and so is what is beyond 16
    characters. It may be empty, reserved or somebody's.
    """
    kept, scripts = [], set[str]()
    for character in normalize("NFKC", text[:TYPED_AT_MOST]):
        script = None if character in "0123456789" else _script(character)
        if script is not None and _may_mix(scripts | {script}):
            scripts.add(script)
        elif character not in "0123456789.-":
            character = "_"
        kept.append(character)
    part = re.sub("[_.-]{2,}", "_", "".join(kept)).strip("_.-")
    return part[:LONGEST].rstrip("_.-")


def _too_short() -> ValidationError:
    message = _("A user name has at least %(limit)d characters.")
    return ValidationError(message, "too_short", {"limit": SHORTEST})


def _too_long() -> ValidationError:
    message = _("A user name has at most %(limit)d characters.")
    return ValidationError(message, "too_long", {"limit": LONGEST})


def _is_well_built(judged: str) -> bool:
    scripts = set()
    for part in re.split(r"[_.-]", judged):
        if not part:  # a separator at an end, or two in a row
            return False
        previous = None
        for character in part:
            script = None
            if character not in "0123456789":
                script = _script(character)
                if script is None:
                    return False
                if character in FOLLOWERS and previous not in FOLLOWERS[character]:
                    return False
                scripts.add(script)
            previous = script
    return _may_mix(scripts)


def _may_mix(scripts: set[str]) -> bool:
    return len(scripts) <= 1 or any(scripts <= mixture for mixture in MIXTURES)


def _script(character: str) -> str | None:
    """Return the script of a letter, None for a character that no name may hold."""
    if character in EXTRA_SCRIPTS:
        return EXTRA_SCRIPTS[character]
    if unicodedata.category(character) not in ("Lu", "Ll", "Lo") and character not in FOLLOWERS:
        return None
    words = unicodedata.name(character, "").split()
    # The Hangul fillers are letters that nobody can see.
    if not words or words[0] not in SCRIPTS or words[-1] == "FILLER":
        return None
    return words[0]
