"""The one gate that text written by people passes, whatever way it came in.

Normalizing a text costs the square of its length if it has many combining marks in a row, and
blocks the interpreter meanwhile. So a text is measured before anything is done with it, and
`unicodedata.normalize` is called here and nowhere else (a test checks that).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# In a row: what the Stream-Safe Text Format allows (UAX #15, section 13). No script needs ten.
MARKS_AT_MOST = 30
# NFC makes one character of up to four (U+1F82): that many times a limit may be typed.
TYPED_FOR_ONE = 4

LAST_MARK = 0x1FFFF  # planes 0 and 1; there are no marks beyond
# Not marks by themselves, but NFKD turns them into some.
BECOME_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"
# Cc and Cs: controls, but for newline and tab, and lone surrogates, which UTF-8 cannot hold.
UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 16): joiners, selectors of
# variants, marks of direction, soft hyphens, fillers, tags. They show nothing by themselves.
IGNORABLE_OF_PLANE_0 = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
IGNORABLE = IGNORABLE_OF_PLANE_0 + (
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
UNSEEN = re.compile(f"[{IGNORABLE}]+")
# Nor do these: the borders of an annotation, an empty pattern of Braille, the joiners and modifiers
# of hieroglyphs, a null notehead and the filler of Khitan.
BLANK = "\ufff9-\ufffb\u2800\U00013430-\U0001343f\U0001d159\U00016fe4"
NOTHING = re.compile(rf"[\s{IGNORABLE}{BLANK}]*")

TOO_LONG = _("Please write at most %(limit)d characters.")


def _row_of(marks: str) -> re.Pattern[str]:
    # Only matched where a row begins: tried at each of its marks, it would be read thirty times.
    return re.compile(f"(?<![{marks}])([{marks}]{{{MARKS_AT_MOST}}})[{marks}]+")


_MARKS = "".join(filter(unicodedata.combining, map(chr, range(LAST_MARK)))) + BECOME_MARKS
MARKS_OF_PLANE_0 = "".join(mark for mark in _MARKS if mark <= "\uffff")
RUN_OF_MARKS = _row_of(_MARKS)
# Python looks up letters of plane 0 in a bitmap, but goes through a list if there are others:
# 2 ms for the longest message, most of which have no mark at all.
RUN_OF_MARKS_OF_PLANE_0 = _row_of(MARKS_OF_PLANE_0)
MARK_OF_PLANE_0 = re.compile(f"[{MARKS_OF_PLANE_0}]")
PLANE_1 = re.compile("[\U00010000-\U0001efff]")  # up to the last marks; emoji begin after it


def _find_rows(text: str) -> re.Pattern[str] | None:
    """Return the pattern for too many marks in this text; None if it cannot have any."""
    if PLANE_1.search(text):
        return RUN_OF_MARKS
    return RUN_OF_MARKS_OF_PLANE_0 if MARK_OF_PLANE_0.search(text) else None


def _without_rows(text: str) -> str:
    rows = _find_rows(text)
    return text if rows is None else rows.sub(r"\1", text)


def normalize(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Normalize a text in linear time: of marks in a row the first 30 stay."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, _without_rows(text))


def fold(text: str, *, most: int) -> str | None:
    """Return the form by which texts are compared: NFKC, casefold, NFKC.

    None for a text of more than `most` characters, which is never looked at. A lone surrogate
    (JSON can hold one) becomes “?”, since it would break every look-up.
    """
    if len(text) > most:
        return None
    folded = normalize("NFKC", encodable(text)).casefold()
    return normalize("NFKC", folded)


def searchable(text: str) -> str:
    """Return the form in which texts are searched: folded, and without what shows nothing."""
    if text.isascii():
        return text.lower()
    return fold(UNSEEN.sub("", text), most=len(text)) or ""


def without_accents(text: str) -> str:
    """Return the letters without the marks on them: `émile` as `emile`."""
    if text.isascii():
        return text
    return "".join(each for each in normalize("NFKD", text) if not unicodedata.combining(each))


def encodable(text: str) -> str:
    """Return the text, with “?” for what UTF-8 cannot hold."""
    return LONE_SURROGATE.sub("?", text)


def clean_text(text: str, *, most: int, too_long: Any = TOO_LONG) -> str:
    """Return `text` in NFC, trimmed, with `\\n` line ends; refuse what cannot be shown or stored.

    A text of which nothing can be seen is empty.

    Raises ValidationError: too_long for more than `most` characters, with `too_long` as its
    sentence; invalid for lone surrogates, for control characters other than newline and tab, and
    for letters under a heap of marks.
    """
    if len(text) > TYPED_FOR_ONE * most:
        raise _over(most, too_long)
    text = _with_plain_ends(text)
    if UNSTORABLE.search(text):
        raise ValidationError(_("The text contains a character that is not allowed."), "invalid")
    rows = _find_rows(text)
    if rows is not None and rows.search(text):
        raise ValidationError(_("There are too many marks on one letter."), "invalid")
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > most:
        raise _over(most, too_long)
    return "" if NOTHING.fullmatch(text) else text


def _over(most: int, sentence: Any) -> ValidationError:
    return ValidationError(sentence, "too_long", {"limit": most})


def mend_text(text: str) -> tuple[str, int]:
    """Keep what can be kept of an old text of any length; return it and how much was lost."""
    text = _with_plain_ends(text)
    kept = _without_rows(UNSTORABLE.sub("", text))
    mended = normalize("NFC", kept).strip()
    return "" if NOTHING.fullmatch(mended) else mended, len(text) - len(kept)


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def uncut(attrs: dict[str, Any]) -> dict[str, Any]:
    """Leave out `maxlength`, by which browsers count UTF-16 and cut what is pasted, unsaid."""
    return {name: value for name, value in attrs.items() if name != "maxlength"}


class UncutField(forms.CharField):
    """A form field that refuses a text over `max_length` with a sentence, and keeps it."""

    def widget_attrs(self, widget: forms.Widget) -> Any:
        return uncut(super().widget_attrs(widget))


class UncutEmailField(UncutField, forms.EmailField):
    pass


class PlainTextField(UncutField):
    """A form field whose value has passed `clean_text`."""

    max_length: int

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "", most=self.max_length)
