"""The log-in of a banned person: the right password tells of the ban, and nothing else does."""

from unittest import mock

import pytest
from django.contrib.auth import hashers

from accounts import services
from accounts.models import Attempt, User

from .test_sessions import is_signed_in

BANNED = "该账号已被封禁。如有疑问，请联系管理员。"


def told(client, path, name, word):
    """Return the errors of a log-in, and the hashes that it costs."""
    encode = hashers.MD5PasswordHasher.encode
    with mock.patch.object(hashers.MD5PasswordHasher, "encode", autospec=True) as hashing:
        hashing.side_effect = encode
        answer = client.post(path, {"username": name, "password": word})
    assert answer.status_code in (200, 422)
    return answer.context["form"].non_field_errors(), hashing.call_count


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
@pytest.mark.parametrize("name", ["alice", "ＡＬＩＣＥ", "alice@example.com"])
def test_who_knows_the_password_of_a_banned_account_learns_of_it_and_nobody_else(
    client, alice, password, path, name
):
    User.objects.update(is_active=False, is_staff=True, email="alice@example.com")
    assert told(client, path, name, password) == ([BANNED], 1)
    assert not is_signed_in(client)
    for word in ("wrong", password.upper(), "", "x" * 1025):
        banned, cost = told(client, path, name, word)
        assert BANNED not in banned
        assert (banned, cost) == told(client, path, f"x{name}", word)


def test_a_banned_person_is_told_the_same_however_often(client, alice, password):
    User.objects.update(is_active=False)
    answers = [told(client, "/login/", "alice", password)[0] for _time in range(12)]
    assert answers == [[BANNED]] * 12
    limits = Attempt.objects.values_list("limit", flat=True)
    assert list(limits) == ["logged-in"] * 12


def test_a_new_password_by_a_code_ends_no_ban(client, alice, password):
    User.objects.update(is_active=False)
    services.set_password(user=alice, password="gruene-Wiese-8")
    assert told(client, "/login/", "alice", "gruene-Wiese-8")[0] == [BANNED]
