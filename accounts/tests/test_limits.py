"""What is limited, for whom, and that the answer says honestly how long."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import budgets, limits
from accounts.limits import Limit
from accounts.mail import codes, sending
from accounts.models import Attempt, OneTimeCode, User

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
THREE = Limit("three", 3, timedelta(minutes=10))
NEW = "blue-kettle-9"

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def by_mail(settings, monkeypatch):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", lambda job, *args: job(*args))


def log_in(username, password, address=HERE, path="/login/", **headers):
    client = Client(headers={"accept-language": "en"} | headers, REMOTE_ADDR=address)
    return client.post(path, {"username": username, "password": password})


def statuses(count, act):
    return [act(number).status_code for number in range(count)]


def fill(claim, count):
    """As if it had been done so often already."""
    Attempt.objects.bulk_create(
        Attempt(limit=claim.limit.name, key=claim.key, at=timezone.now()) for _each in range(count)
    )


def wait_of(answer):
    assert answer.status_code == 429
    return int(answer["Retry-After"])


# The mechanism


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
    """The name is used up: if its mail were, too, one would know that they belong together."""
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


# Who is logged in and types their password again


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


# Registration


def register(number, address=HERE, **more):
    fields = {"username": f"new{number}", "password1": NEW, "password2": NEW}
    return Client(REMOTE_ADDR=address).post("/register/", fields | more)


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


# Codes by mail


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


# Renaming


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
