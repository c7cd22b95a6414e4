"""The bounds of what a search reads, and its answers at them."""

from __future__ import annotations

import threading
import time

import pytest

from accounts import budgets
from chat.search import finding, index
from chat.search.finding import Query, find_messages, searching
from chat.search.index import build_all
from tests.cast import Api, error_of, say
from webchat.base import text as text_gate

from .search.conftest import fill, texts


@pytest.fixture(autouse=True)
def no_rate(settings):
    settings.SEND_RATE = None


def test_words_that_nearly_match_everywhere_cost_little(alice, bob):
    fill(alice, bob, 2000, "a" * 4000)
    say(alice, bob, "a" * 3000 + "bc" + "a" * 900)
    began = time.thread_time()
    found, more = find_messages(alice, Query("a" * 96 + "bc"), limit=20)
    # A tenth of a second here; more than a second if each letter is compared with each.
    assert time.thread_time() - began < 0.6
    assert (len(found), more) == (1, False)
    assert found[0].excerpt.hit == "a" * 96 + "bc"


@pytest.mark.parametrize("typed", ["ab " * 33, "ä ö ü é à ß ñ ç ø å œ æ", "a" * 100])
def test_as_many_words_as_there_may_be_are_looked_for(alice, bob, typed):
    say(alice, bob, typed)
    assert texts(alice, typed) == [typed.strip()]


def test_of_a_long_stretch_so_many_are_read_at_once(alice, bob, monkeypatch):
    fill(alice, bob, 1000, "Nadel {n}")
    read = []
    real = finding.Query.find_in
    monkeypatch.setattr(
        finding.Query, "find_in", lambda self, texts: read.append(texts) or real(self, texts)
    )
    found, more = find_messages(alice, Query("nadel 7"), limit=1000)
    assert [each.message.text for each in found] == [
        f"Nadel {number}" for number in reversed(range(1000)) if "7" in str(number)
    ]
    assert more is False
    assert [texts.count("Nadel") for texts in read] == [256, 256, 256, 232]


def test_more_words_than_so_many_are_refused(alice, bob):
    letters = [chr(ord("a") + number) for number in range(17)]
    assert error_of(Api(alice).get("search/", q=" ".join(letters))) == (400, "too_long")
    assert texts(alice, " ".join(letters[:16])) == []


def test_what_is_typed_is_bounded_before_it_is_read(alice, monkeypatch):
    monkeypatch.setattr(text_gate, "_with_plain_ends", None)  # the first to read all of it
    assert error_of(Api(alice).get("search/", q="e\u0301" * 5000)) == (400, "too_long")


def test_where_time_runs_out_there_is_more_and_it_goes_on_from_there(alice, bob, monkeypatch):
    fill(alice, bob, 3000, "Nadel {n}")
    build_all()
    monkeypatch.setattr(finding, "STRETCHES_FIRST", 1)
    monkeypatch.setattr(finding, "STRETCHES_AT_ONCE", 1)
    look_in, looks = finding._look_in, []

    def look(*args):
        looks.append(1)
        if len(looks) % 3 == 0:
            raise finding.TookTooLong
        return look_in(*args)

    monkeypatch.setattr(finding, "_look_in", look)
    heard, before, more = [], None, True
    while more:
        found, more = find_messages(alice, Query("nadel"), limit=10_000, before=before)
        assert found
        heard += [each.message.text for each in found]
        before = found[-1].message.id
    assert heard == [f"Nadel {number}" for number in reversed(range(3000))]
    assert len(looks) > 6


def test_where_nothing_is_found_in_time_one_is_told_so(alice, bob, monkeypatch):
    fill(alice, bob, 400, "a" * 4000)
    monkeypatch.setattr(finding, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("webchat.database.patience.STEPS", 100)
    answer = Api(alice).get("search/", q="aab")
    assert error_of(answer) == (503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    page = Api(alice).client.get("/search/", {"q": "aab"})
    assert (page.status_code, page["Retry-After"]) == (503, answer["Retry-After"])
    assert b"alert" in page.content
    assert Api(alice).get("me/").status_code == 200


def test_who_has_searched_for_long_waits_and_others_do_not(alice, bob):
    budgets.SEARCHING.charge(alice.pk, 100)
    assert error_of(Api(alice).get("search/", q="x")) == (429, "rate_limited")
    page = Api(alice).client.get("/search/", {"q": "x"})
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 60
    assert texts(bob, "x") == []


def test_one_search_of_an_account_runs_at_a_time_and_few_in_all(alice, bob, mallory, monkeypatch):
    monkeypatch.setattr(finding, "SEAT_SECONDS", 0.05)
    with searching(alice):
        assert error_of(Api(alice).get("search/", q="x")) == (503, "unavailable")
        assert texts(bob, "x") == []
        with searching(bob):
            assert error_of(Api(mallory).get("search/", q="x")) == (503, "unavailable")
    assert texts(alice, "x") == texts(mallory, "x") == []


def test_who_waits_for_a_seat_gets_it(alice, bob):
    with searching(alice):
        got = []

        def wait():
            with searching(alice):
                got.append(1)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        assert not got
    thread.join(5)
    assert got


def test_the_index_hashes_each_text_once(alice, bob, monkeypatch):
    digits = [f"{n:05x}" for n in range(4000)]
    texts = [" ".join(digits[n::4]) for n in range(4)]  # each fills a block by itself
    for n in range(60):
        fill(alice, bob, 1, texts[n % 4])
    hashed = []
    real = index.hash_text
    monkeypatch.setattr(index, "hash_text", lambda text: hashed.append(text) or real(text))
    assert build_all() == 60
    assert len(hashed) == 60
