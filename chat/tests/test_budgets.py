"""A flood of anything by one person or one address is refused; other people are not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client

from accounts import budgets
from tests.cast import Api, error_of, say

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch):
    def stands():
        return 1000.0

    monkeypatch.setattr(budgets, "time", SimpleNamespace(monotonic=stands, thread_time=stands))


def spend(budget, who):
    budget.charge(who, cost=budget.most)


def log_in(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_a_flood_of_requests_is_refused_on_pages_and_in_the_api(alice, bob):
    page, api = log_in(alice), Api(alice)
    spend(budgets.REQUESTS, alice.pk)
    answer = page.get("/contacts/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert "Please try again in 1 second" in answer.content.decode()
    answer = api.get("me/")
    assert error_of(answer) == (429, "rate_limited")
    assert answer["Retry-After"] == "1"
    assert Api(bob).get("me/").status_code == 200
    assert page.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("conversations/bob/pin/", {"on": True}),
        ("conversations/bob/read/", {"up_to": 1}),
        ("friends/bob/remark/", {"remark": "x"}),
        ("friends/bob/remove/", {}),
        ("friends/requests/", {"username": "mallory"}),
        ("friends/bob/report/", {"reason": "rude"}),
        ("announcements/seen/", {"up_to": 1}),
        ("nothing/", {}),
    ],
)
def test_a_flood_of_writes_is_refused_before_anything_is_written(
    alice, bob, path, data, django_assert_num_queries
):
    api = Api(alice)
    spend(budgets.WRITES, alice.pk)
    with django_assert_num_queries(1):  # to identify the session
        assert error_of(api.post(path, **data)) == (429, "rate_limited")
    assert api.get("me/").status_code == 200
    assert Api(bob).post("friends/alice/remark/", remark="x").status_code == 200


def test_forms_count_as_the_api_does(alice, bob):
    page = log_in(alice)
    spend(budgets.WRITES, alice.pk)
    for path in ("/settings/", "/contacts/bob/block/", "/notices/confirm/", "/export/"):
        assert page.post(path, {}).status_code == 429, path


def test_two_hundred_pins_in_a_row_are_the_last(alice, bob):
    api = Api(alice)
    assert api.post("conversations/bob/pin/", on=True).status_code == 200
    budgets.WRITES.charge(alice.pk, cost=194)
    answers = [api.post("conversations/bob/pin/", on=True).status_code for _n in range(8)]
    assert answers == [200] * 5 + [429] * 3


def test_messages_count_by_send_rate_alone(alice, bob, settings):
    spend(budgets.WRITES, alice.pk)
    assert Api(alice).say("bob", "x").status_code == 201
    spend(budgets.REQUESTS, alice.pk)
    assert Api(alice).say("bob", "x").status_code == 429
    settings.SEND_RATE = None
    assert Api(alice).say("bob", "x").status_code == 201


def test_without_a_session_the_address_counts(db):
    def visit(address, method="get"):
        return getattr(Client(REMOTE_ADDR=address), method)("/login/").status_code

    budgets.WRITES_BY_ADDRESS.take(HERE, cost=300)
    assert visit(HERE, "post") == 429
    assert visit(HERE) == visit(ELSEWHERE) == 200
    budgets.REQUESTS_BY_ADDRESS.take(HERE, cost=4_998)
    assert visit(HERE) == 429
    assert visit(ELSEWHERE) == visit("127.0.0.1") == 200


def test_who_is_logged_in_does_not_pay_for_the_neighbours(alice):
    budgets.REQUESTS_BY_ADDRESS.take(HERE, cost=5_000)
    client = log_in(alice)
    assert client.get("/contacts/", REMOTE_ADDR=HERE).status_code == 200


def test_a_person_at_a_page_never_meets_them(alice, bob):
    """Ten tabs load at once and poll every two seconds, and somebody clicks through everything."""
    client = log_in(alice)
    say(bob, alice, "x")
    for _tab in range(10):
        for path in ("/", "/chat/bob/", "/contacts/", "/api/events/", "/api/online/"):
            assert client.get(path).status_code == 200
        assert Api(alice).post("conversations/bob/read/", up_to=10**9).status_code == 200
