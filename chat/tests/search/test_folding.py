"""Words are found in whatever form they were written."""

from __future__ import annotations

import json
import sys
import unicodedata
from bisect import bisect_left, bisect_right

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from chat.search import folding
from chat.search.folding import Words
from chat.search.index import build_all
from friends.services import set_remark
from tests.cast import say
from webchat.base.text import clean_text, searchable

from .conftest import fill, names, search, texts

# The message, the words of the search, and the hit as it is shown.
FORMS = [
    ("报名截止０６２７", "0627", "０６２７"),
    ("报名截止0627", "０６２７", "0627"),
    ("das \ufb01nal heute", "final", "\ufb01nal"),
    ("das \ufb01nal heute", "inal", "\ufb01nal"),
    ("das final heute", "\ufb01nal", "final"),
    ("ein Sil\u00adben\u00adrätsel", "silbenrätsel", "Sil\u00adben\u00adrätsel"),
    ("ein Silbenrätsel", "Sil\u00adben\u00adrätsel", "Silbenrätsel"),
    ("zero\u200bwidth", "zerowidth", "zero\u200bwidth"),
    ("你好，世界！", "你好,世界!", "你好，世界！"),
    ("价格５％", "5%", "５％"),
    ("ｶﾞﾗｽ", "ガラス", "ｶﾞﾗｽ"),
    ("Straße", "STRASSE", "Straße"),
    ("ÉCOLé", "écolé", "ÉCOLé"),
    ("x² + y²", "x2", "x²"),
    ("第①题", "第1题", "第①题"),
    ("𝐟𝐞𝐭𝐭 gedruckt", "fett", "𝐟𝐞𝐭𝐭"),
    ("㈱三菱", "(株)", "㈱"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("说\u3000了\u00a0算", "了 算", "了"),
    ("er sagte ＂ja＂", '"ja"', "＂ja＂"),
    ("C:\\neu", "\\NEU", "\\neu"),
    ("❤\ufe0f 心", "❤ 心", "❤"),
    ("心❤ 好", "❤\ufe0f", "❤"),
]


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize(("said", "typed", "hit"), FORMS)
def test_messages_and_queries_are_folded_alike(alice, bob, said, typed, hit, is_indexed):
    message = say(alice, bob, said)
    say(bob, alice, "ganz etwas anderes 别的")
    if is_indexed:
        fill(alice, bob, 300, "。{n}。")
        build_all()
    [found] = search(bob, typed)["messages"]
    assert found["message"]["text"] == said
    assert found["message"]["id"] == message.id
    assert found["excerpt"]["hit"].startswith(hit)


def test_a_remark_is_folded_too(alice, bob):
    set_remark(friendship=alice.friendships.get(friend=bob), remark="小\u200b王ﬁ")
    for typed in ("小王", "小王fi", "小\u00ad王"):
        assert names(alice, typed) == ["bob"]


def test_what_cannot_be_seen_is_no_word(alice, bob):
    say(alice, bob, "hallo")
    assert search(alice, "\u200b \u2060") == {"friends": [], "messages": [], "more": False}
    assert texts(alice, "hallo \u200b") == ["hallo"]


def test_all_that_folding_changes_beyond_plane_0_is_known():
    for code in range(0x10000, sys.maxunicode + 1):
        character = chr(code)
        if searchable(character) != character.casefold():
            assert folding.CHANGED_BEYOND.match(character), hex(code)


TRICKY = (
    'aAbfiFIsStT0271 ,.("\\ßſéÉ e\u0301\u0327\u030cıİjJ\u01f0Kµςσ①⑩²½ﬁﬀﬃ０Ａａ，（％ﾊﾞハバ\u3099ﾟ'
    "下㊦一ㄱ가ﾡ가각김豈更\u00ad\u200b\u200d\ufe0f\u3164𝐚𝟎🄰𠀀丽😀\u0345ᾳΐ㍿℡™Ⅸⅸ\u00a8\u00b4"
)


def found(words, *texts):
    """Find words as SQLite gives the messages; returns which of the texts have them."""
    ids = list(range(100, 100 + len(texts)))
    hits = Words(words).find_in(json.dumps([ids, texts], ensure_ascii=False))
    return [pk in hits for pk in ids]


@hypothesis(deadline=None, max_examples=500)
@given(st.text(st.sampled_from(TRICKY), max_size=20), st.integers(0, 20), st.integers(1, 4))
def test_the_cheap_way_finds_what_folding_finds(typed, start, length):
    text = clean_text(typed, most=100)
    folded = searchable(text)
    for word in (folded[start : start + length].strip(), "fi", "下", "0", "가", "e", "σ", "("):
        if not word or searchable(word) != word or len(word.split()) > 1:
            continue
        assert found([word], text) == [word in folded], (text, word)
        assert found([word], "nichts", text, word) == [word in "nichts", word in folded, True]
        # Folding may put single marks into another order.
        if word in folded and not any(map(unicodedata.combining, folded)):
            begin, end = Words([word]).place_in(text)
            assert word in searchable(text[begin:end])
            assert begin < end


def place_by_folding_every_beginning(text, word):
    sizes = [len(searchable(text[:end])) for end in range(len(text) + 1)]
    at = searchable(text).find(word)
    past = at + len(word)
    ends = range(len(sizes))
    start = bisect_right(ends, at, key=sizes.__getitem__) - 1
    first = bisect_left(ends, past, key=sizes.__getitem__)
    return start, max(first, bisect_right(ends, past, key=sizes.__getitem__) - 1)


@hypothesis(deadline=None, max_examples=500)
@given(st.text(st.sampled_from(TRICKY), max_size=40), st.integers(0, 40), st.integers(1, 4))
def test_a_place_is_the_same_by_pieces(typed, start, length):
    text = clean_text(typed, most=100)
    folded = searchable(text)
    word = folded[start : start + length].strip()
    if not word or searchable(word) != word or len(word.split()) > 1:
        return
    expected = place_by_folding_every_beginning(text, word)
    for size in (1, 3, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folding, "PIECE", size)
            patch.setattr(Words, "_folding_of", lambda self, text: searchable)
            assert Words([word]).place_in(text) == expected


def test_a_piece_begins_with_nothing_that_joins_what_is_before_it():
    for code in range(sys.maxunicode + 1):
        pair = unicodedata.normalize("NFD", chr(code))
        if len(pair) > 1 and unicodedata.normalize("NFC", pair) == chr(code):
            assert not any(map(folding._begins, pair[1:])), hex(code)


@pytest.mark.parametrize(
    "text",
    [
        "e\u0302\u0323" * 1_300 + "0627",
        "０６２７" + "a\u0308" * 1_900,
        "한" * 3_000 + "0627",
        "\u1161" * 3_900 + "0627",
        "👩\u200d" * 1_900 + "０６２７",
        "\u200b" * 3_900 + "0627",
    ],
    ids=["marks", "before marks", "han", "jamo", "joiners", "nothing"],
)
def test_to_find_a_place_costs_little_more_than_to_fold_the_text(text, monkeypatch):
    folded = []

    def fold(part):
        folded.append(len(part))
        return searchable(part)

    words = Words(["0627"])
    monkeypatch.setattr(folding, "searchable", fold)
    monkeypatch.setattr(Words, "_folding_of", lambda self, text: fold)
    start, end = words.place_in(text)
    assert searchable(text[start:end]) == "0627"
    assert sum(folded) < 5 * len(text)


@hypothesis(deadline=None, max_examples=200)
@given(st.text(max_size=20), st.text(min_size=1, max_size=2))
def test_nor_does_any_other_character_make_a_difference(typed, wanted):
    text = unicodedata.normalize("NFC", typed.encode(errors="replace").decode())
    [*words] = searchable(wanted.encode(errors="replace").decode()).split()
    if words:
        assert found(words, text) == [all(word in searchable(text) for word in words)]
