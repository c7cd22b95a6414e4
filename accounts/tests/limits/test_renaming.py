"""The limit on changing a name."""

from __future__ import annotations

import pytest

from accounts.models import Attempt, User

from .conftest import statuses, wait_of

pytestmark = pytest.mark.django_db


def test_five_new_names_a_day(alice_client, password, clock):
    def rename(number):
        fields = {"username": f"alice{number}", "password": password}
        return alice_client.post("/account/username/", fields)

    assert statuses(6, rename) == [302] * 5 + [429]
    assert User.objects.get().username == "alice4"
    assert wait_of(rename(6)) == 24 * 3600
    clock.shift(24 * 3600)
    assert rename(6).status_code == 302


def test_a_name_that_is_refused_is_no_renaming(alice_client, bob, password):
    answer = alice_client.post("/account/username/", {"username": "bob", "password": password})
    assert answer.status_code == 422
    assert not Attempt.objects.exists()
