"""Texts that cost more than their length, or that nothing can store."""

from __future__ import annotations

import unicodedata

import pytest
from django.test import Client

from accounts.models import User
from webchat.base import text as gate

MANY = 2_500
HOSTILE = {
    "marks out of order": "a" + "\u0301\u0327" * MANY,
    "marks in heaps of thirty": ("a" + "\u0301\u0327" * 15) * (MANY // 31),
    "letters that become marks": "\u0f73" * MANY,
    "half-width voice marks": "\uff9e\u0301" * MANY,
    "one that becomes eighteen": "\ufdfa" * MANY,
    "sharp s": "ß" * MANY,
    "joiners": "👩" + "\u200d" * MANY,
    "the other direction": "\u202e\u2066" * MANY,
    "a NUL": "a\0b",
    "digits": "9" * 100_000,
    "digits of a number": "9" * 40,
    "a number that is none": "1e999",
    "beyond the basic plane": "𠮷" * MANY,
    "jamo": "\u1100\u1161\u11a8" * MANY,
    "nested": "[" * MANY,
    "percent signs": "%s%(x)d%00" * 100,
    "an address": "a" * MANY + "@" + "b." * MANY,
    "spaces": " " * MANY + "x",
    "a few words": "a " * 2_000,
    "short, with a mark": "a\u0301\u0327",
}
# Only JSON can hold these.
LONE = {"a lone surrogate": "bob\ud800", "a pair in the wrong order": "\udc00\ud800"}
NORMALIZED_AT_MOST = 18 * gate.TYPED_FOR_ONE * 4000  # characters: the most for one message

texts = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
texts_of_json = pytest.mark.parametrize(
    "text", [*HOSTILE.values(), *LONE.values()], ids=[*HOSTILE, *LONE]
)


class Watch:
    """Replaces the module, and records its arguments."""

    def __init__(self) -> None:
        self.longest = 0

    def normalize(self, form: str, text: str) -> str:
        self.longest = max(self.longest, len(text))
        assert not gate.RUN_OF_MARKS.search(text), "a run of marks came through"
        return unicodedata.normalize(form, text)

    def __getattr__(self, name: str):
        return getattr(unicodedata, name)


@pytest.fixture(autouse=True)
def watch(monkeypatch):
    watch = Watch()
    monkeypatch.setattr(gate, "unicodedata", watch)
    yield watch
    assert watch.longest <= NORMALIZED_AT_MOST


def of(user: User | None = None) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    if user is not None:
        client.force_login(user)
    return client


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
