"""Visitors of the search, and their queries."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from chat.search import views
from tests.cast import Api, befriend, error_of, make_user, say

from .conftest import search, texts


def test_only_who_is_logged_in_searches(alice, bob):
    assert error_of(Api().get("search/", q="x")) == (401, "not_authenticated")
    assert error_of(Api(alice).post("search/", q="x")) == (405, "method_not_allowed")
    answer = Client().get("/search/", {"q": "x"})
    assert (answer.status_code, answer.url) == (302, "/login/?next=/search/%3Fq%3Dx")
    assert Api(alice).client.post("/search/").status_code == 405


@pytest.mark.parametrize("typed", ["", "   ", "\n"])
def test_nothing_typed_is_nothing_found(alice, bob, typed):
    say(alice, bob, "hallo")
    assert search(alice, typed) == {"friends": [], "messages": [], "more": False}
    assert Api(alice).get("search/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "code"), [("a\0b", "invalid"), ("\x1b[0m", "invalid"), ("x" * 101, "too_long")]
)
def test_what_cannot_be_searched_is_refused(alice, bob, typed, code):
    assert error_of(Api(alice).get("search/", q=typed)) == (400, code)
    page = Api(alice).client.get("/search/", {"q": typed})
    assert page.status_code == 200
    assert b"alert" in page.content


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", ""])
def test_a_limit_that_is_none_is_refused(alice, limit):
    assert error_of(Api(alice).get("search/", q="x", limit=limit)) == (400, "invalid")
    assert error_of(Api(alice).get("search/", q="x", before="x")) == (400, "invalid")
    assert search(alice, "x", limit=10**30, before=10**30)["messages"] == []


@pytest.mark.parametrize(
    "typed",
    ['"', "'", "AND", "a OR b", "a*", "NEAR(a b, 2)", "-x", "text:x", "(", "%", "_", "\\"]
    + ["😀", "‮שלום", "\ufffe", "￿", "a" * 100, "一" * 100, "x y " * 25],
)
def test_junk_is_words_like_any_other(alice, bob, index, typed):
    assert texts(alice, typed) == []
    say(alice, bob, typed)
    assert texts(bob, typed) == [typed.strip()]


def test_the_page_shows_the_same_without_scripts(alice, bob):
    message = say(bob, alice, "<b>明天</b>下午")
    page = Api(alice).client.get("/search/", {"q": "明天"}).content.decode()
    assert f'href="/chat/bob/?at={message.id}#m{message.id}"' in page
    assert "&lt;b&gt;<mark>明天</mark>&lt;/b&gt;下午" in page
    page = Api(alice).client.get("/search/", {"q": "bob"}).content.decode()
    assert 'href="/chat/bob/"' in page
    page = Api(alice).client.get("/search/", {"q": "nichts davon"}).content.decode()
    assert "search-none" in page


def page_of(user, **query):
    return Api(user).client.get("/search/", query)


def test_the_hits_of_a_chat_fold_to_one_row(alice, bob):
    dora = make_user("dora")
    befriend(alice, dora)
    for words in ("Wort 1", "Wort 2", "Wort 3"):
        say(bob, alice, words)
    single = say(dora, alice, "ein Wort")
    page = page_of(alice, q="Wort").content.decode()
    assert "相关记录 3 条" in page
    assert 'href="?q=Wort&amp;with=bob"' in page
    assert f'href="/chat/dora/?at={single.id}#m{single.id}"' in page
    assert page.count("<mark>") == 1


def test_where_there_may_be_more_the_number_says_so(alice, bob, monkeypatch):
    monkeypatch.setattr(views, "SHOWN", 2)
    for n in range(3):
        say(bob, alice, f"Wort {n}")
    assert "相关记录 2+ 条" in page_of(alice, q="Wort").content.decode()


def test_one_chat_is_searched_alone(alice, bob):
    dora = make_user("dora")
    befriend(alice, dora)
    ids = [say(bob, alice, f"Wort {n}").id for n in range(3)]
    say(dora, alice, "Wort von dora")
    assert texts(alice, "Wort", **{"with": "BOB"}) == ["Wort 2", "Wort 1", "Wort 0"]
    assert search(alice, "bob", **{"with": "bob"})["friends"] == []
    page = page_of(alice, q="Wort", **{"with": "bob"}).content.decode()
    assert [f"/chat/bob/?at={pk}" in page for pk in ids] == [True] * 3
    assert page.count("<mark>") == 3
    assert "dora/?at=" not in page


def test_reading_on_stays_in_the_chat(alice, bob, monkeypatch):
    monkeypatch.setattr(views, "SHOWN", 1)
    say(bob, alice, "Wort 1")
    newer = say(bob, alice, "Wort 2")
    page = page_of(alice, q="Wort", **{"with": "bob"}).content.decode()
    assert f'href="?q=Wort&amp;with=bob&amp;before={newer.id}"' in page


@pytest.mark.parametrize("chosen", [{}, {"with": "bob"}])
def test_a_page_of_older_results_says_so_and_leads_back(alice, bob, chosen):
    say(bob, alice, "bob 1")
    newer = say(bob, alice, "bob 2")
    [first, older, end] = [
        page_of(alice, q="bob", **chosen, **before).content.decode()
        for before in ({}, {"before": newer.id}, {"before": 1})
    ]
    back = f'href="?q=bob{"&amp;with=bob" if chosen else ""}"'
    assert ["最新的结果" in page for page in (first, older, end)] == [False, True, True]
    assert [back in page for page in (older, end)] == [True, True]
    below = [page.split("search-form")[1] for page in (first, older, end)]
    assert ["没有找到相关结果" in page for page in below] == [False, False, True]
    assert '<h2 class="search-title">更早的结果</h2>' in older
    friends = '<h2 class="search-title">好友</h2>'
    assert [friends in page for page in below] == [not chosen, False, False]


@pytest.mark.parametrize("name", ["mallory", "alice", "nobody", "", "x" * 3000, "bob\0", "~17"])
def test_whose_chat_is_not_ones_own_does_not_exist(alice, bob, mallory, name):
    assert error_of(Api(alice).get("search/", q="x", **{"with": name})) == (404, "not_found")
    assert page_of(alice, q="x", **{"with": name}).status_code == 404


def test_the_number_of_queries_does_not_grow(alice, bob, django_assert_max_num_queries):
    for n in range(15):
        friend = make_user(f"freund{n}")
        befriend(alice, friend)
        say(alice, friend, f"gleiche Worte {n}")
    api = Api(alice)
    api.get("search/", q="Worte")
    with django_assert_max_num_queries(12):
        assert len(api.get("search/", q="Worte").json()["messages"]) == 15


def test_a_search_in_one_chat_leaves_the_list_of_chats_alone(alice, bob):
    client = Client()
    client.force_login(alice)
    page = client.get("/search/", {"q": "下午", "with": "bob"}).content.decode()
    assert re.findall(r'id="(\S+)"[^>]*value="下午"', page) == ["search-words"]
