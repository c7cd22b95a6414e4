"""A limit lets through as many as it says, and a refusal tells the true wait."""

from __future__ import annotations

import itertools
import math
import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from accounts import limits
from accounts.limits import Limit
from accounts.models import Attempt, User

from .conftest import HERE, THREE, log_in

pytestmark = pytest.mark.django_db


def test_as_many_as_the_limit_pass_and_one_more_learns_how_long(clock):
    for _attempt in range(3):
        limits.take(THREE.of("alice"))
        clock.shift(60)
    with pytest.raises(ValidationError) as refusal:
        limits.take(THREE.of("alice"))
    assert refusal.value.code == "rate_limited"
    assert refusal.value.params["retry_after"] == 7 * 60, "until the first of them is forgotten"
    limits.take(THREE.of("bob"))


def test_the_wait_counts_down_and_is_true(clock):
    claim = THREE.of("alice")
    for _attempt in range(3):
        limits.take(claim)
    waits = []
    for _look in range(3):
        clock.shift(100.5)
        with pytest.raises(ValidationError) as refusal:
            limits.take(claim)
        waits.append(refusal.value.params["retry_after"])
    assert waits == [500, 399, 299]
    clock.shift(298)
    with pytest.raises(ValidationError):
        limits.take(claim)
    clock.shift(1)
    limits.take(claim)


def test_what_is_refused_does_not_make_the_wait_longer(clock):
    for _attempt in range(20):
        try:
            limits.take(THREE.of("alice"))
        except ValidationError:
            clock.shift(10)
    assert Attempt.objects.count() == 3


def test_of_two_claims_both_count_or_neither():
    for _attempt in range(3):
        limits.take(THREE.of("full"))
    with pytest.raises(ValidationError):
        limits.take(THREE.of("free"), THREE.of("full"))
    assert Attempt.objects.count() == 3


def test_a_clock_that_is_set_back_locks_nobody_out(clock):
    for _attempt in range(3):
        limits.take(THREE.of("alice"))
    clock.shift(-3600)
    limits.take(THREE.of("alice"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (86_400, "24 hours"),
    ],
)
def test_the_sentence_never_promises_too_much(english, seconds, words):
    assert limits.refusal(seconds).messages == [f"Too many attempts. Please try again in {words}."]


def test_nothing_that_was_typed_is_stored():
    limits.guess_login(typed="alice@example.com", address=HERE)
    limits.guess_login(typed="alice", address=HERE)
    stored = str(list(Attempt.objects.values()))
    assert "alice" not in stored
    assert HERE not in stored


def test_old_rows_are_outdated_and_those_that_count_are_not(clock):
    limits.take(limits.RENAMING.of(1), limits.LOGIN.of("alice"))
    clock.shift(24 * 3600 - 1)
    assert not limits.outdated(timezone.now()).exists()
    clock.shift(1)
    assert limits.outdated(timezone.now()).count() == 2


def test_no_window_is_longer_than_what_pruning_leaves():
    windows = [limit.window for limit in vars(limits).values() if isinstance(limit, Limit)]
    assert len(windows) > 10
    assert max(windows) == limits.LONGEST


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        (HERE, HERE),
        (f"::ffff:{HERE}", HERE),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_an_address_counts_by_what_a_household_shares(address, shared):
    assert limits.network(address) == shared


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1", "127.8.8.8", "::1"])
def test_nobody_is_limited_by_an_address_that_may_be_everybody_s(address):
    assert THREE.at(address) == []
    assert THREE.at(address, "alice") == [THREE.of("alice", limits.network(address))]
    assert THREE.at(HERE) == THREE.at(f"::ffff:{HERE}") == [THREE.of(HERE)]


def test_of_ipv6_the_network_around_counts_too_with_a_larger_allowance():
    def take(network):
        limits.take(*THREE.at(f"2001:db8:7:{network:x}::1", "alice"))

    for network in range(30):
        take(network)
    with pytest.raises(ValidationError) as refusal:
        take(30)
    assert refusal.value.code == "rate_limited"
    limits.take(*THREE.at("2001:db8:8::1", "alice"), *THREE.at("2001:db8:7::1", "bob"))


@pytest.mark.django_db(transaction=True)
def test_of_forty_at_once_no_more_than_the_limit_pass():
    assert "memory" not in str(connection.settings_dict["NAME"])
    outcomes = []
    start = threading.Barrier(40)

    def go():
        try:
            start.wait()
            limits.take(THREE.of("alice"))
            outcomes.append("passed")
        except ValidationError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _each in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["passed"] * 3 + ["rate_limited"] * 37


@pytest.mark.django_db(transaction=True)
def test_of_thirty_guesses_at_once_no_more_than_ten_are_looked_at(make_user, monkeypatch):
    make_user("alice")
    looked_at = []
    check_password = User.check_password

    def check(user, raw_password):
        looked_at.append(raw_password)
        return check_password(user, raw_password)

    monkeypatch.setattr(User, "check_password", check)
    answers = []
    start = threading.Barrier(30)

    def go(number):
        try:
            start.wait()
            answers.append(log_in("alice", f"wrong-{number}").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[number]) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == 10
    assert sorted(answers) == [422] * 10 + [429] * 20


def test_the_plain_question_finds_what_the_orm_would(clock):
    """The same moment, to the microsecond, for each of several claims at once."""
    now = timezone.now()
    claims = [THREE.of("alice"), THREE.of("bob"), Limit("two", 2, THREE.window).of("alice")]
    for claim, seconds in itertools.product(claims, (-700, -599.5, -400.25, -3, 0, 2, 700)):
        at = now + timedelta(seconds=seconds * (1 + claims.index(claim) / 10))
        Attempt.objects.create(limit=claim.limit.name, key=claim.key, at=at)

    def asked(claim):
        since = now - claim.limit.window
        counted = Attempt.objects.filter(limit=claim.limit.name, key=claim.key)
        times = counted.filter(at__gt=since, at__lte=now).order_by("-at")
        oldest = times[claim.limit.most - 1 : claim.limit.most].get().at
        return math.ceil((oldest + claim.limit.window - now).total_seconds())

    waits = [asked(claim) for claim in claims]
    assert len(set(waits)) == 3
    assert [limits._seconds_to_wait([claim], now) for claim in claims] == waits
    assert limits._seconds_to_wait(claims, now) == max(waits)


def test_an_exchange_gives_back_even_where_the_other_limit_refuses(clock):
    for _attempt in range(3):
        limits.take(THREE.of("bob"))
    taken = limits.take(THREE.of("alice"))
    with pytest.raises(ValidationError):
        taken.exchange(THREE.of("bob"))
    assert not Attempt.objects.filter(key=THREE.of("alice").key).exists()
    limits.take(THREE.of("alice")).exchange(THREE.of("carol"))
    assert limits.has_taken(THREE.of("carol"))
    assert not limits.has_taken(THREE.of("alice"))
