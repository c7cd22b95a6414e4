"""Nobody asks the whole house: 20 requests a day, 50 without an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from accounts import limits
from accounts.models import Attempt, User
from friends import services
from friends.models import FriendRequest, Friendship
from tests.cast import Api, error_of

DAY_SECONDS = 24 * 3600


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


def strangers(count: int) -> list[User]:
    return User.objects.bulk_create(
        User(username=f"stranger{n}", username_key=f"stranger{n}") for n in range(count)
    )


def ask_all(sender: User, people: list[User]) -> None:
    for person in people:
        services.ask(sender=sender, username=person.username)


def test_twenty_strangers_are_asked_a_day(mallory, clock):
    strangers(21)
    api = Api(mallory)
    answers = [api.post("friends/requests/", username=f"stranger{n}") for n in range(20)]
    assert {answer.status_code for answer in answers} == {201}
    clock.shift(60)
    answer = api.post("friends/requests/", username="stranger20")
    assert error_of(answer) == (429, "rate_limited")
    assert answer["Retry-After"] == str(DAY_SECONDS - 60)
    clock.shift(DAY_SECONDS - 60)
    assert api.post("friends/requests/", username="stranger20").status_code == 201


def test_the_page_says_how_long_and_keeps_what_was_typed(mallory, clock):
    people = strangers(21)
    ask_all(mallory, people[:20])
    client = Client(headers={"accept-language": "en"})
    client.force_login(mallory)
    answer = client.post("/contacts/requests/", {"username": "stranger20", "note": "let me in"})
    assert (answer.status_code, answer["Retry-After"]) == (429, str(DAY_SECONDS))
    page = answer.content.decode()
    assert "Too many attempts. Please try again in 24 hours." in page
    assert 'value="stranger20"' in page
    assert 'value="let me in"' in page


def test_to_withdraw_does_not_give_a_request_back(mallory):
    people = strangers(21)
    for person in people[:20]:
        services.withdraw(request=services.ask(sender=mallory, username=person.username))
    with pytest.raises(ValidationError) as refusal:
        services.ask(sender=mallory, username="stranger20")
    assert refusal.value.code == "rate_limited"


def test_what_was_no_request_does_not_count(alice, bob):
    Attempt.objects.all().delete()
    api = Api(alice)
    for username in ("nobody", "alice", "bob"):
        assert api.post("friends/requests/", username=username).status_code in (400, 404, 409)
    assert not Attempt.objects.exists()


def test_who_has_asked_all_may_still_say_yes(alice, carol):
    ask_all(alice, strangers(20))
    assert isinstance(services.ask(sender=alice, username="carol"), Friendship)


def test_fifty_may_wait_for_an_answer(mallory):
    people = strangers(51)
    FriendRequest.objects.bulk_create(
        FriendRequest(sender=mallory, recipient=person) for person in people[:50]
    )
    api = Api(mallory)
    answer = api.post("friends/requests/", username="stranger50")
    assert error_of(answer) == (429, "rate_limited")
    assert int(answer["Retry-After"]) > 0
    FriendRequest.objects.first().delete()
    assert api.post("friends/requests/", username="stranger50").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_ten_requests_at_once_no_more_than_the_limit_are_made(mallory):
    people = strangers(28)
    ask_all(mallory, people[:18])
    barrier = Barrier(10)

    def ask(person: User) -> int:
        api = Api(mallory)
        try:
            barrier.wait()
            return api.post("friends/requests/", username=person.username).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        statuses = sorted(threads.map(ask, people[18:]))
    assert statuses == [201] * 2 + [429] * 8
    assert FriendRequest.objects.count() == 20 == limits.FRIEND_REQUEST.most
