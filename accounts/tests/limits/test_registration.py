"""Limits on registering, and on asking for a name."""

from __future__ import annotations

import pytest

from accounts import budgets, limits
from accounts.models import Attempt, User

from .conftest import ELSEWHERE, HERE, NEW, fill, register, statuses, wait_of

pytestmark = pytest.mark.django_db


def test_a_hundred_newcomers_an_hour_from_one_address(clock):
    fill(limits.REGISTRATION.of(HERE), 99)
    assert register(1).status_code == 302
    answer = register(2)
    assert wait_of(answer) == 3600
    assert 'value="new2"' in answer.content.decode()
    assert NEW not in answer.content.decode()
    assert not User.objects.named("new2").exists()
    assert register(3, ELSEWHERE).status_code == 302
    assert register(4, "127.0.0.1").status_code == 302
    clock.shift(3600)
    assert register(2).status_code == 302


def test_a_form_that_comes_back_is_no_registration(alice):
    assert register(1, username="alice").status_code == 422
    assert not Attempt.objects.exists()


def test_the_registration_code_cannot_be_tried_out(settings):
    settings.REGISTRATION, settings.REGISTRATION_CODE = "code", "class-7b"
    assert register(0, registration_code="class-7b").status_code == 302
    fill(limits.REGISTRATION_CODE.of(HERE), 98)
    assert statuses(2, lambda n: register(1, registration_code=f"wrong-{n}")) == [422] * 2
    assert 0 < wait_of(register(1, registration_code="class-7b")) <= 600
    assert register(1, ELSEWHERE, registration_code="class-7b").status_code == 302


def test_names_are_checked_600_times_in_ten_minutes_and_nothing_is_written(client):
    def check(address=HERE):
        return client.get("/api/username-available/?username=alice", REMOTE_ADDR=address)

    budgets.NAME_CHECKS.take(HERE, cost=599)
    assert check().json() == {"available": True, "reason": None}
    answer = check()
    assert wait_of(answer) == 1, "one comes back each second"
    assert answer.json()["error"]["code"] == "rate_limited"
    assert check(ELSEWHERE).status_code == check("127.0.0.1").status_code == 200
    assert not Attempt.objects.exists()
