"""Tables for a terminal, and for the programs that open a `.csv`."""

from __future__ import annotations

import unicodedata

BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the encoding of its country
# At the beginning of a cell they make a formula of it, which may run a program (OWASP, “CSV
# Injection”); Excel takes the wide ones of Chinese keyboards for the same.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def width(text: str) -> int:
    """Return the columns that a text takes on a terminal, where 王 is twice as wide as w (UAX #11).

    A sign whose width depends on the font counts as narrow.
    """
    return sum(map(_width, text))


def pad(text: str, columns: int) -> str:
    """Return the text with spaces up to so many columns."""
    return text + " " * (columns - width(text))


def harmless(cell: str) -> str:
    """Return the cell of a `.csv` so that it is read as a text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
