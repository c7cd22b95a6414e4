"""Limits on how many codes go out by mail, and on how often one may be tried."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts import limits
from accounts.mail import codes
from accounts.models import Attempt, OneTimeCode, User

from .conftest import ELSEWHERE, HERE, NEW, fill, register, statuses, wait_of

pytestmark = pytest.mark.django_db


def ask(name, address=HERE):
    return Client(REMOTE_ADDR=address).post("/password/forgot/", {"username": name})


def test_five_codes_an_hour_reach_one_owner_and_who_asks_learns_nothing(make_user, by_mail, clock):
    make_user("alice", email="alice@example.com")
    for name in ["alice", "alice@example.com", "nobody"] * 4:
        assert ask(name).status_code == 302
        clock.shift(61)
    assert len(mail.outbox) == 5
    clock.shift(3600)
    ask("alice")
    assert len(mail.outbox) == 6


def test_thirty_codes_an_hour_for_one_visitor(by_mail, clock):
    assert set(statuses(30, lambda n: ask(f"name{n}"))) == {302}
    answer = ask("name31")
    assert wait_of(answer) == 3600
    assert 'value="name31"' in answer.content.decode()
    assert ask("name31", ELSEWHERE).status_code == 302
    assert set(statuses(40, lambda n: ask(f"other{n}", "127.0.0.1"))) == {302}


def test_one_address_of_mail_is_not_flooded_by_registrations(by_mail):
    def try_it(number):
        return register(number, address=f"192.0.2.{number}", email="Victim@example.com")

    assert statuses(6, try_it) == [302] * 5 + [429]
    assert not User.objects.named("new5").exists()
    assert register(7, email="other@example.com").status_code == 302


def test_a_class_registers_with_mail_behind_one_address(by_mail):
    def newcomer(number):
        return register(number, email=f"new{number}@example.com")

    fill(limits.CODE_BY_ADDRESS.of(HERE), 30)
    assert set(statuses(3, newcomer)) == {302}


def test_another_code_for_a_registration_counts(client, by_mail, clock):
    client.post(
        "/register/",
        {"username": "alice", "email": "a@example.com", "password1": NEW, "password2": NEW},
    )

    def again():
        clock.shift(61)
        return client.post("/register/verify/", {"action": "resend"})

    assert statuses(5, lambda n: again()) == [302] * 4 + [429]
    assert wait_of(again()) == 3600 - 6 * 61


def test_a_code_that_has_to_wait_a_minute_costs_nothing(client, by_mail, clock):
    client.post(
        "/register/",
        {"username": "alice", "email": "a@example.com", "password1": NEW, "password2": NEW},
    )
    counted = Attempt.objects.count()
    assert wait_of(client.post("/register/verify/", {"action": "resend"})) == 60
    assert Attempt.objects.count() == counted


def test_a_change_of_the_address_of_mail_is_limited(alice_client, by_mail, password, clock):
    def change(number):
        clock.shift(61)
        fields = {"email": "neu@example.com", "password": password}
        return alice_client.post("/account/email/", fields)

    answers = [change(number) for number in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert 'value="neu@example.com"' in answers[-1].content.decode()


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_codes_cannot_be_tried_out(make_user, name, clock):
    user = make_user("alice")
    spoken = codes.issue_spoken(user=user)

    def guess(code, address=HERE):
        fields = {"username": name, "code": code, "new_password1": NEW, "new_password2": NEW}
        return Client(REMOTE_ADDR=address).post("/password/reset/", fields)

    assert statuses(10, lambda n: guess("WRONG")) == [422] * 10
    assert wait_of(guess(spoken)) == 600
    OneTimeCode.objects.update(tries_left=codes.TRIES)
    assert guess(spoken, ELSEWHERE).status_code == (302 if name == "alice" else 422)


def test_a_stranger_neither_uses_up_nor_replaces_a_code_that_was_read_out(make_user, by_mail):
    user = make_user("alice")
    user.email = "alice@example.com"
    user.save()
    spoken = codes.issue_spoken(user=user)

    def guess(code, address):
        fields = {"username": "alice", "code": code, "new_password1": NEW, "new_password2": NEW}
        return Client(REMOTE_ADDR=address).post("/password/reset/", fields)

    for code in ("WRONG", "123456", "ABCDE-FGHJK"):
        assert statuses(3, lambda n, code=code: guess(code, HERE)) == [422] * 3
    Client().post("/password/forgot/", {"username": "alice"})
    assert guess(spoken, ELSEWHERE).status_code == 302


def test_a_new_password_of_one_s_own_leaves_no_code_that_opens_the_account(make_user, password):
    user = make_user("alice")
    codes.issue_spoken(user=user)
    client = Client()
    client.force_login(user)
    fields = {"old_password": password, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/change/", fields).status_code == 302
    assert not OneTimeCode.objects.exists()
