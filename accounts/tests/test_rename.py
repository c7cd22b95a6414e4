from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import services, signals
from accounts.models import RetiredUsername, User

pytestmark = pytest.mark.django_db


def test_a_name_changes_and_the_old_one_is_held_back(alice):
    services.rename(user=alice, username="艾丽丝")
    assert alice.username == "艾丽丝"
    assert User.objects.named("艾丽丝").get() == alice
    assert not User.objects.named("alice").exists()
    assert RetiredUsername.objects.holds("ALICE")
    with pytest.raises(ValidationError) as caught:
        services.check_available("alice")
    assert caught.value.code == "name_taken"


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("b", "too_short"),
        ("x" * 17, "too_long"),
        ("a b", "invalid"),
        ("admin", "reserved"),
        ("BOB", "name_taken"),
        ("Ｂob", "name_taken"),
        ("gone", "name_taken"),
    ],
)
def test_the_rules_of_a_new_account_hold(alice, bob, username, code):
    RetiredUsername.objects.retire("gone")
    with pytest.raises(ValidationError) as caught:
        services.rename(user=alice, username=username)
    assert caught.value.code == code
    assert alice.username == User.objects.get(pk=alice.pk).username == "alice"
    assert not RetiredUsername.objects.holds("alice")


def test_ones_own_name_in_another_case_is_free_and_retires_nothing(alice):
    services.rename(user=alice, username="Alice")
    assert User.objects.get(pk=alice.pk).username == "Alice"
    assert not RetiredUsername.objects.exists()


def test_a_name_of_one_letter_can_be_written_in_another_case_and_given_up_for_good(db):
    user = User.objects.create_user("a", password="12345678")
    services.rename(user=user, username="A")
    assert User.objects.get().username == "A"
    services.rename(user=user, username="anna")
    with pytest.raises(ValidationError) as caught:
        services.rename(user=user, username="a")
    assert caught.value.code == "too_short"


def test_an_administrator_may_write_a_reserved_name_of_their_own_anew(root_client):
    root = User.objects.get()
    services.rename(user=root, username="Root")
    assert User.objects.get().username == "Root"


def test_what_fails_half_way_leaves_the_name(alice):
    def fail(**kwargs):
        raise RuntimeError

    signals.account_renamed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            services.rename(user=alice, username="alicia")
    finally:
        signals.account_renamed.disconnect(fail)
    assert User.objects.get().username == alice.username == "alice"
    assert not RetiredUsername.objects.exists()


def test_the_password_and_the_sessions_stay(alice_client, alice, password):
    services.rename(user=alice, username="alicia")
    assert alice_client.get("/password/change/").status_code == 200
    assert alice_client.login(username="alicia", password=password)
    assert not alice_client.login(username="alice", password=password)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_one_name_at_once_one_gets_it(make_user):
    users = [make_user(f"user{number}") for number in range(6)]
    all_there = Barrier(len(users))

    def attempt(user):
        all_there.wait()
        try:
            services.rename(user=user, username="wanted")
        except ValidationError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(users)) as threads:
        outcomes = list(threads.map(attempt, users))
    assert sorted(outcomes, key=str) == [None] + ["name_taken"] * 5
    assert User.objects.filter(username="wanted").count() == 1
    assert RetiredUsername.objects.count() == 1
