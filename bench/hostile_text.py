"""Hostile texts and JSON, made by hypothesis from a seed: the same seed makes the same ones.

A text is drawn as a recipe (a unit and its repetitions), so that a megabyte costs as little as a
word, and a finding can describe in one line what was sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

CANARY = "<x-canary>"  # never raw in a page, nor any word of it in a log
TRAIL = "<x-trail>"  # the same for texts that may be in a log: paths and headers
LONGEST = 1 << 20  # characters; a body may have a megabyte

# The repeated units, by kind: findings are told apart by kind, so that a fault is reported once.
UNITS: dict[str, list[str]] = {
    "marks": [
        "\u0301\u0327", "\u0301", "\u0327\u0301\u0316\u0345", "\u064b\u0651", "\u0f71\u0f72\u0f74",
        "\u3099\u309a", "\u05b0\u05c1", "\U0001d165\U0001d16e", "\u0300a", "\u0323\u0307e",
        "\u20dd",
    ],
    "expanding": ["\ufdfa", "\ufdfb", "\u0390", "\u1f82", "ﬃ", "ß", "İ", "㍿", "㋿", "⑳",
    "\u1e9b\u0323"],
    "invisible": [
        "\u200d", "\u200c", "\u2060", "\u00ad", "\u180e", "\u034f", "\u115f", "\u3164", "\ufeff",
        "\U000e0061", "\ufe0f", "\U000e0100", "\u17b4", "\u2800",
    ],
    "bidi": [
        "\u202e", "\u202a", "\u2066", "\u2069", "\u200f", "\u061c", "שלום", "مرحبا ",
        "\u202eabc\u202c",
    ],
    "surrogates": ["\ud800", "\udc00", "\udfff\ud800", "a\udbff"],
    "controls": [
        "\0", "\x01", "\x1b[31m", "\x7f", "\x85", "\x9b", "\b", "\x1b]0;x\x07", "\ufffe", "\uffff",
    ],
    "lines": ["\r\n", "\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c", "\r\nx-canary: 1\r\n", "a\n"],
    "digits": ["9", "1", "0", "٣", "１", "²", "๙", "𝟗", "-", "9,", "9."],
    "patterns": [
        "a", "<", "www.", "(", "@", ".", "http://", "[", "a@", "-", "_", "&", "&#", "%", "://",
        "!--", "a.", "ab", "((a)", "[](", "*", "`", "<a ", "&amp;", "&#x41", "a,", ";", "q=0.1,",
        "=?utf-8?q?",
    ],
    "formats": [
        "%s", "%n", "{0}", "{{7*7}}", "%(name)s", "{x.__class__}", "${7*7}", "{% debug %}",
        "%(wait)s", "%", "{", "%(", "%c", "%d", "\\N{BELL}",
    ],
    "like": [
        "%", "_", "\\", "'", '"; --', "' OR 1=1 --", "*", "NEAR(", "%_\\", "^", '"', "a%", "_%",
    ],
    "html": [
        CANARY, f'">{CANARY}', f"'>{CANARY}", f"</textarea>{CANARY}", f"</script>{CANARY}",
        f"<!--{CANARY}", f"javascript:alert(1)//{CANARY}", f"&lt;{CANARY}",
        f"<svg onload=1>{CANARY}",
    ],
    "paths": [
        "../", "..%2f", "/", "\\", "%00", "./", "//x.example/", ";", "?", "#", "%2e%2e/", "%u0041",
        "%", "C:\\",
    ],
    "words": ["W", "好", "а", "wort", "字"],
    "many words": ["a ", "好 ", "a b ", "\u3000字", "ab\tc ", "a\n"],
    "emoji": ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\U0001f3fb"],
    "jamo": ["ᄀ", "가", "ᅡᆨ", "각", "가", "\u1160", "\u11a8", "각ᆨ"],
    "spaces": [" ", "\t", "\u3000", "\u00a0", "\u1680", "\u2003", "\u205f", "\n "],
}  # fmt: skip
EDGES: dict[str, list[str]] = {
    "empty": [""],
    "numbers": [
        "0", "-0", "-1", "2147483648", "9223372036854775807", "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616", "1e999", "NaN", "-Infinity", "1_000", "0x10", "١", "１", "+1", " 1",
        "1.0", "²",
        "1,2,3", "True", "None", "null",
    ],
    "dates": [
        "0000-00-00", "9999-12-31 23:59:59", "2026-02-30", "10000-01-01", "1970-01-01T00:00:00Z",
        "0001-01-01",
        "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "2026-11-01 01:30:00", "24:00",
        "99999", "-1",
    ],
    "names": [
        "alice", "ALICE", "ａｌｉｃｅ", "alice ", "admin", "admın", "ɑdmin", "管理員", "root",
        "~17",
        "a@b", ".", "..", "login", "alice/../bob", "nobody", "friend", "王伟", "alice\u200d",
        "alice@example.com", "@", "@@",
    ],
    "ids": [
        "1", "2", "00000000-0000-0000-0000-000000000000", "f" * 32, "{" + "0" * 36 + "}",
        "urn:uuid:" + "0" * 32,
    ],
}  # fmt: skip
LIMITS = [
    1,
    2,
    15,
    16,
    17,
    32,
    33,
    50,
    51,
    64,
    65,
    100,
    101,
    254,
    255,
    256,
    500,
    501,
    4000,
    4001,
    32768,
]
LENGTHS = st.one_of(
    st.integers(1, 40),
    st.sampled_from(LIMITS),
    st.integers(0, 20).map(lambda power: 1 << power),
    st.integers(14, 20).map(lambda power: 1 << power),
)
AFFIXES = ["", "a", "!", "bc", " ", "好", "\n", "@", "a" * 63, "1", "\0"]
# Numbers, types and depths as JSON, in addition to the texts that hypothesis draws.
FRAGMENTS = [
    "null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e999", "-1e999", "NaN", "Infinity",
    "1E400",
    "9223372036854775807", "9223372036854775808", "1e18", "[]", "{}", '[1]', '{"a": 1}', '""',
    '"1"', "[[]]",
    '{"": ""}', '{"\\ud800": 1}', '"\\ud800"', '["\\udc00"]', '"\\u0000"', "", "undefined", "'a'",
    "{", "[",
    '"', "\\", '{"a":1,"a":2}', "0x10", "01", "1.", ".5", "+1", "--1", "tru",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hostile:
    """A text and how to make it; the text may hold lone surrogates."""

    kind: str
    text: str
    recipe: str

    def cut(self, longest: int) -> Hostile:
        if len(self.text) <= longest:
            return self
        return Hostile(self.kind, self.text[:longest], f"({self.recipe})[:{longest}]")


def _repeated(kind: str, before: str, unit: str, times: int, after: str) -> Hostile:
    times = min(times, LONGEST // len(unit))
    parts = [ascii(before)] if before else []
    parts += [f"{unit!a} * {times}", *([ascii(after)] if after else [])]
    return Hostile(kind, before + unit * times + after, " + ".join(parts))


def _plain(kind: str, text: str) -> Hostile:
    return Hostile(kind, text, ascii(text))


def _joined(parts: list[Hostile]) -> Hostile:
    kind = "+".join(sorted({part.kind for part in parts}))
    return Hostile(kind, "".join(p.text for p in parts), " + ".join(p.recipe for p in parts))


def _of_kind(kind: str) -> st.SearchStrategy[Hostile]:
    if kind in EDGES:
        return st.sampled_from(EDGES[kind]).map(lambda text: _plain(kind, text))
    affixes = st.sampled_from(AFFIXES)
    return st.builds(
        _repeated, st.just(kind), affixes, st.sampled_from(UNITS[kind]), LENGTHS, affixes
    )


# The kinds that have cost most so far come more often.
ONE = st.sampled_from(
    [*UNITS, *EDGES, "marks", "marks", "expanding", "patterns", "many words"]
).flatmap(_of_kind)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60).map(
    lambda text: _plain("anything", text)
)
MIXED = st.lists(ONE.map(lambda one: one.cut(60)), min_size=2, max_size=4).map(_joined)
TEXTS = st.one_of(ONE, ONE, ONE, ONE, ANYTHING, MIXED)


def _quoted(text: Hostile, is_ascii: bool) -> Hostile:
    source = json.dumps(text.text, ensure_ascii=is_ascii)
    return Hostile(text.kind, source, f"json({text.recipe})")


def _nested(opening: str, middle: str, closing: str, depth: int) -> Hostile:
    source = opening * depth + middle + closing * depth
    return Hostile("depth", source, f"{opening!r} * {depth} + {middle!r} + {closing!r} * {depth}")


JSON = st.one_of(
    st.builds(_quoted, TEXTS, st.booleans()),
    st.builds(_quoted, TEXTS, st.booleans()),
    st.sampled_from(FRAGMENTS).map(lambda source: Hostile("type", source, source)),
    st.builds(_repeated, st.just("long number"), st.sampled_from(["1", "-1", "0.", "1e", "1."]),
              st.sampled_from(["0", "9"]), LENGTHS, st.just("")),
    st.builds(_nested, st.sampled_from(["[", '{"a":']), st.sampled_from(["", "1"]),
              st.sampled_from(["]", "}", ""]), st.integers(1, 20_000)),
    st.builds(_repeated, st.just("many keys"), st.just('{"a":1'), st.just(',"a":1'), LENGTHS,
    st.just("}")),
)  # fmt: skip


# The worst known of each kind, once for every place; drawn texts may never hit the right one.
WORST = [
    _repeated("marks", "a", "\u0301\u0327", 120_000, ""),
    _repeated("expanding", "", "\ufdfa", 300_000, ""),
    _repeated("patterns", "", "www.", 200_000, "!"),
    _repeated("patterns", "", "<", 900_000, ""),
    _repeated("patterns", "a" * 96, "@", 100_000, "bc"),
    _repeated("spaces", "a", " ", 900_000, "b"),
    _repeated("digits", "", "9", 100_000, ""),
    _repeated("invisible", "a", "\u200d", 200_000, ""),
    *(
        _plain(kind, text)
        for kind, text in [
            ("empty", ""), ("surrogates", "\ud800"), ("controls", "a\0b"), ("html", f'">{CANARY}'),
            ("lines", "a\u2028\x85\x1b[31m"), ("numbers", "9" * 20), ("words", "abc"),
        ]
    ),
]  # fmt: skip
HEADER_TEXTS = [
    _plain("headers", text)
    for text in [
        "bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-" + "9" * 400, "bytes=" + "0-0," * 300,
        "bytes=-0",
        "[::1", "[::1]:99999", "127.0.0.1:99999", "127.0.0.1:", "a..b", "[", "a@127.0.0.1", "127.1",
        "::ffff:1.2.3.4",
        "http://[", "http://127.0.0.1:x/", "null", "//", "http://127.0.0.1@x.example/",
        "1.2.3.4%eth0", "fe80::1%" + "x" * 900,
        'W/"x"', '"x"' + ', "x"' * 300, "*", "Wed, 21 Oct 2015 07:28:00 GMT",
        "Sat, 99 Foo 99999 99:99:99 GMT",
        "Wed, 21 Oct 0000 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "zh-hans;q=1e999",
        "en;q=0.1," * 150, "-" * 500,
        "zh-" + "a-" * 400, "gzip;q=nan", "br, gzip, *", "text/html;q=0.1," * 80,
        "a=" + '"' * 300, "x" * 32, "f" * 64, "; " * 500, "sessionid=; " * 100, "-1", "1", "9" * 30,
        "٣", "https", "http,https", "PUT", "__proto__", "\xff" * 40,
    ]
]  # fmt: skip
WORST_JSON = [
    *(_quoted(text.cut(9_000), False) for text in WORST),
    *(Hostile("type", source, source) for source in FRAGMENTS),
    _repeated("long number", "", "9", 30_000, ""),
    _nested("[", "", "]", 15_000),
    _nested('{"a":', "1", "}", 5_000),
]


def draw(strategy: st.SearchStrategy[Any], number: int, count: int) -> list[Any]:
    """Draw the examples that hypothesis makes from this seed."""
    drawn: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        drawn.append(value)

    collect()
    return drawn
