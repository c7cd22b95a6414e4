"""Limits on trying passwords: at the log-in, and where one is typed again."""

from __future__ import annotations

import pytest

from accounts import limits
from accounts.models import Attempt, User

from .conftest import ELSEWHERE, HERE, NEW, fill, log_in, statuses, wait_of

pytestmark = pytest.mark.django_db


# Log-in


def test_after_ten_wrong_passwords_even_the_right_one_waits(alice, password, clock):
    assert statuses(10, lambda n: log_in("alice", f"wrong-{n}")) == [422] * 10
    assert wait_of(log_in("alice", password)) == 600
    clock.shift(599)
    assert wait_of(log_in("alice", password)) == 1
    clock.shift(1)
    assert log_in("alice", password).status_code == 302


def test_the_page_says_how_long_and_keeps_what_was_typed_but_the_password(alice, clock):
    statuses(10, lambda n: log_in("alice", f"wrong-{n}"))
    page = log_in("alice", "secret-guess").content.decode()
    assert "Too many attempts. Please try again in 10 minutes." in page
    assert 'value="alice"' in page
    assert "secret-guess" not in page


def test_thirty_wrong_ones_do_not_keep_the_owner_out_who_is_elsewhere(alice, password):
    assert statuses(30, lambda n: log_in("alice", f"wrong-{n}")) == [422] * 10 + [429] * 20
    assert log_in("alice", password, ELSEWHERE).status_code == 302


def test_forged_headers_make_nobody_somebody_else(alice, settings):
    def guess(number):
        address = f"192.0.2.{number}"
        names = ("x-forwarded-for", "x-real-ip", "client-ip", "true-client-ip")
        forged = dict.fromkeys(names, address) | {"forwarded": f"for={address}"}
        return log_in("alice", f"wrong-{number}", **forged)

    assert statuses(12, guess) == [422] * 10 + [429] * 2
    settings.BEHIND_PROXY = True  # and the visitor is not the proxy
    assert guess(200).status_code == 429


def test_behind_a_proxy_the_visitor_counts_and_x_forwarded_for_does_not(alice, password, settings):
    settings.BEHIND_PROXY = True

    def guess(visitor, word, number=0):
        headers = {"x-real-ip": visitor, "x-forwarded-for": f"192.0.2.{number}"}
        return log_in("alice", word, "127.0.0.1", **headers)

    assert statuses(11, lambda n: guess(HERE, "wrong", n))[9:] == [422, 429]
    assert guess(ELSEWHERE, password).status_code == 302


@pytest.mark.parametrize("address", ["127.0.0.1", ""])
def test_an_address_that_is_everybodys_counts_with_the_account_only(alice, bob, password, address):
    fill(limits.LOGIN_BY_ADDRESS.of(address), 200)
    assert statuses(11, lambda n: log_in("alice", "wrong", address)) == [422] * 10 + [429]
    assert log_in("bob", password, address).status_code == 302


def test_a_hundred_wrong_ones_for_many_names_close_an_address(alice, password):
    fill(limits.LOGIN_BY_ADDRESS.of(HERE), 90)
    assert set(statuses(10, lambda n: log_in(f"name{n}", "wrong"))) == {422}
    assert log_in("alice", password).status_code == 429
    assert log_in("alice", password, ELSEWHERE).status_code == 302


def test_a_class_behind_one_address_logs_in_at_once(alice, bob, password):
    fill(limits.LOGIN_BY_ADDRESS.of(HERE), 99)
    assert set(statuses(24, lambda n: log_in(["alice", "bob"][n % 2], password))) == {302}
    wrong = Attempt.objects.exclude(limit=limits.LOGGED_IN.name)
    assert wrong.count() == 99, "of the guesses only failures stay"


def test_a_hundred_right_ones_in_ten_minutes_are_enough_for_one_account_at_one_address(
    alice, bob, password, clock
):
    fill(limits.LOGGED_IN.of(alice.pk, HERE), 99)
    assert log_in("alice", password).status_code == 302
    for path in ("/login/", "/admin/login/"):
        assert wait_of(log_in("alice", password, path=path)) == 600
    assert log_in("alice", password, ELSEWHERE).status_code == 302
    assert log_in("bob", password).status_code == 302
    clock.shift(600)
    assert log_in("alice", password).status_code == 302


def test_a_success_in_between_does_not_forgive_the_failures(alice, password):
    for _failure in range(9):
        log_in("alice", "wrong")
    assert log_in("alice", password).status_code == 302
    assert log_in("alice", "wrong").status_code == 422
    assert log_in("alice", password).status_code == 429


@pytest.mark.parametrize("name", ["alice", "nobody", "alice@example.com", "nobody@example.com"])
def test_a_known_name_and_an_unknown_one_are_limited_alike(make_user, name, clock):
    make_user("alice", email="alice@example.com")
    answers = [log_in(name, "wrong") for _attempt in range(12)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    assert wait_of(answers[-1]) == 600


def test_a_limit_does_not_tell_whose_an_address_is(make_user):
    """The name is used up; if its mail were, too, that would tell that they belong together."""
    make_user("alice", email="alice@example.com")
    statuses(11, lambda n: log_in("alice", "wrong"))
    assert log_in("alice@example.com", "wrong").status_code == 422


@pytest.mark.parametrize("twin", ["ALICE", "ａｌｉｃｅ", "  alice "])
def test_a_name_in_another_case_or_width_is_the_same_name(alice, twin):
    statuses(10, lambda n: log_in("alice", "wrong"))
    assert log_in(twin, "wrong").status_code == 429


def test_the_neighbours_in_an_ipv6_network_are_one_address(alice):
    assert statuses(11, lambda n: log_in("alice", "wrong", f"2001:db8::{n:x}"))[9:] == [422, 429]
    assert log_in("alice", "wrong", "2001:db8:0:1::1").status_code == 422


def test_the_log_in_of_the_admin_is_limited_with_the_page_s(make_user, password, clock):
    make_user("root", is_staff=True, is_superuser=True)
    path = "/admin/login/"
    assert statuses(5, lambda n: log_in("root", "wrong", path=path)) == [200] * 5
    assert statuses(5, lambda n: log_in("root", "wrong")) == [422] * 5
    answer = log_in("root", password, path=path)
    assert wait_of(answer) == 600
    page = answer.content.decode()
    assert "Too many attempts. Please try again in 10 minutes." in page
    assert 'value="root"' in page
    assert password not in page
    assert log_in("root", password, ELSEWHERE, path=path).status_code == 302


# Typing the password again while logged in


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/delete/", {}),
        ("/account/username/", {"username": "alicia"}),
        ("/password/change/", {"new_password1": NEW, "new_password2": NEW}),
    ],
)
def test_who_finds_a_device_cannot_try_out_passwords(alice_client, password, path, fields):
    def guess(word):
        return alice_client.post(path, fields | {"password": word, "old_password": word})

    assert statuses(10, lambda n: guess(f"wrong-{n}")) == [422] * 10
    answer = guess(password)
    assert 0 < wait_of(answer) <= 600
    assert password not in answer.content.decode()
    assert User.objects.get().check_password(password)
