"""Budgets are used at once, refill evenly, and take a bounded amount of memory."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts import budgets
from accounts.budgets import AddressBudget, Budget


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

        thread_time = monotonic

    clock = Clock()
    monkeypatch.setattr(budgets, "time", clock)
    return clock


def taken(budget, who, times=1000):
    """Return how often it can be taken in a row."""
    for count in range(times):
        if budget.try_take(who):
            return count
    return times


def test_it_is_used_at_once_and_comes_back_evenly(clock):
    budget = Budget(10, 20)
    assert taken(budget, "alice") == 10
    assert budget.try_take("alice") == pytest.approx(2)
    clock.now += 4
    assert taken(budget, "alice") == 2
    clock.now += 1000
    assert taken(budget, "alice") == 10, "never more than all of it"
    assert taken(budget, "bob") == 10


def test_what_is_refused_uses_nothing_and_says_how_long(clock):
    budget = Budget(10, 20)
    budget.take("alice", cost=10)
    for _refused in range(5):
        with pytest.raises(ValidationError) as refusal:
            budget.take("alice", cost=3)
        assert refusal.value.code == "rate_limited"
        assert refusal.value.params["retry_after"] == 6
    clock.now += 6.1
    budget.take("alice", cost=3)


def test_what_took_long_is_paid_afterwards(clock):
    budget = Budget(5, 30)
    with budget.timed("alice"):
        clock.now += 9
    assert budget.try_take("alice", 0) == pytest.approx((9 - 5) * 6)
    with pytest.raises(ValidationError), budget.timed("alice"):
        pytest.fail("not before it is paid")


def test_of_very_many_those_who_owe_most_are_remembered(clock, monkeypatch):
    monkeypatch.setattr(budgets, "KEYS_AT_MOST", 100)
    budget = Budget(10, 20)
    budget.take("mallory", cost=10)
    for number in range(1000):
        budget.take(number)
        assert len(budget._full_at) <= 100
    assert budget.try_take("mallory")


def test_a_whole_site_of_ipv6_has_ten_times_the_budget_of_one_network(clock):
    budget = AddressBudget(3, 60)
    for network in range(30):
        budget.take(f"2001:db8:7:{network:x}::1")
    with pytest.raises(ValidationError):
        budget.take("2001:db8:7:ffff::1")
    budget.take("2001:db8:8::1")


@pytest.mark.parametrize("address", ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"])
def test_an_address_has_its_budget(clock, address):
    budget = AddressBudget(3, 60)
    for _time in range(3):
        budget.take(address)
    with pytest.raises(ValidationError):
        budget.take(address)


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1", "::1"])
def test_what_may_be_everybody_has_none(clock, address):
    for _time in range(20):
        AddressBudget(3, 60).take(address)
