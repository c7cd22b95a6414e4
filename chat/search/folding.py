"""The cheap way to find words in texts as they fold: most need no folding.

Folding a text takes some microseconds, and a search may read a hundred thousand. But most of what
folding changes does not matter: a full-width comma does to a search for a comma, and to no other.
So only those texts are folded that have a character which may become a part of the words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate

from webchat.base.text import IGNORABLE_OF_PLANE_0, MARKS_OF_PLANE_0, UNSEEN, normalize, searchable

from .grams import CJK

# Beyond plane 0 all that folding changes, and more: such characters are rare. Python looks up
# those of plane 0 in a bitmap, but compares all others with each range: here, only what is beyond.
CHANGED_BEYOND = re.compile(
    "[\U00010000-\U0010ffff](?<=[\U00010000-\U0001efff\U0001f100-\U0001f2ff"
    "\U0001fbf0-\U0001fbf9\U0002f800-\U0002fa1f\U000e0000-\U000e0fff])"
)
# Characters at once: meanwhile, for some 0.5 ms, no other thread has the interpreter.
LOOKED_THROUGH = 64 * 1024
# Characters of a text that are folded together, to find a place in it; the more only where all
# join each other, as in no language: the place may then be one off.
PIECE, PIECE_AT_MOST = 64, 256
JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")  # vowels and finals, which join those before them
ALL_CJK = re.compile(f"[{CJK}]+")
# JSON writes these in another way.
ESCAPED = re.compile(r'["\\\x00-\x1f]')


class Words:
    """Words in their `searchable` form, to be found in texts."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self._in_json = [word for word in words if not ESCAPED.search(word)]
        self._changing = _changing_into(words)
        # Of what need not be folded as a whole; no case leads to Chinese.
        is_cjk = all(map(ALL_CJK.fullmatch, words))
        self._fold: Callable[[str], str] = str if is_cjk else str.casefold

    def find_in(self, messages: str) -> list[int]:
        """Return the ids of those with all the words, of JSON with a list of ids and of texts."""
        is_alike = len(messages) <= LOOKED_THROUGH and not self._is_changed(messages)
        if is_alike:
            messages = self._fold(messages)
            if not all(word in messages for word in self._in_json):
                return []
        ids, texts = json.loads(messages)
        folded = texts if is_alike else [self._folding_of(text)(text) for text in texts]
        found = list(zip(ids, folded, strict=True))
        for word in self.words:
            found = [(pk, text) for pk, text in found if word in text]
        return [pk for pk, _text in found]

    def place_in(self, text: str) -> tuple[int, int]:
        """Return where the first word begins and ends in a text as it was written."""
        fold = self._folding_of(text)
        at = fold(text).find(self.words[0])
        if at < 0:
            return 0, 0
        places, past = Places(text, fold), at + len(self.words[0])
        # With what belongs to its last character and shows nothing by itself.
        return places.last(at), max(places.first(past), places.last(past))

    def _folding_of(self, text: str) -> Callable[[str], str]:
        return searchable if self._is_changed(text) else self._fold

    def _is_changed(self, text: str) -> bool:
        return bool(self._changing.search(text) or CHANGED_BEYOND.search(text))


class Places:
    """The ends of the beginnings of a text, by the size of their foldings.

    To fold every beginning would take the square of the length. So the text is cut into pieces
    that fold alone, and only those are searched in which the places are.
    """

    def __init__(self, text: str, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._pieces = list(_pieces(text))
        self._starts = [0, *accumulate(map(len, self._pieces))]
        self._sizes = [0, *accumulate(len(fold(piece)) for piece in self._pieces)]

    def first(self, size: int) -> int:
        """Return the first end at which the folding has this size, or more."""
        index, ends, key = self._piece_of(bisect_left(self._sizes, size) - 1)
        return self._starts[index] + bisect_left(ends, size, key=key)

    def last(self, size: int) -> int:
        """Return the last end at which the folding has this size, or less."""
        index, ends, key = self._piece_of(bisect_right(self._sizes, size) - 1)
        return self._starts[index] + bisect_right(ends, size, key=key) - 1

    def _piece_of(self, found: int) -> tuple[int, range, Callable[[int], int]]:
        index = min(found, len(self._pieces) - 1)
        piece, before = self._pieces[index], self._sizes[index]
        return index, range(len(piece) + 1), lambda end: before + len(self._fold(piece[:end]))


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + PIECE
        while end - start < PIECE_AT_MOST and end < len(text) and not _begins(text[end]):
            end += 1
        yield text[start:end]
        start = end


def _begins(character: str) -> bool:
    """Return whether a character never joins what stands before it when a text is folded."""
    first = normalize("NFKD", character)[0]
    is_joining = unicodedata.category(first).startswith("M") or JAMO.match(first)
    return not is_joining and not UNSEEN.match(character)


def _changing_into(words: Iterable[str]) -> re.Pattern[str]:
    """Match what folding changes, beyond its case, so that it may be part of these words.

    Of plane 0. Marks belong to that: J has none with a caron that is one character, but j has.
    """
    parts = set(normalize("NFKD", "".join(words)))
    changed = "".join(_changed().get(part, "") for part in sorted(parts))
    return re.compile(f"[{IGNORABLE_OF_PLANE_0}{MARKS_OF_PLANE_0}{changed}]")


@cache
def _changed() -> dict[str, str]:
    """Map parts of folded characters to the characters of plane 0 that fold into them."""
    found: dict[str, list[str]] = defaultdict(list)
    for character in map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x10000))):
        if not _is_folded(character) or not _is_folded(character.casefold()):
            for part in normalize("NFKD", searchable(character)):
                found[part].append(character)
    return {part: "".join(characters) for part, characters in found.items()}


def _is_folded(text: str) -> bool:
    return unicodedata.is_normalized("NFKC", text)
