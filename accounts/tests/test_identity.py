"""The owner of a session is the same person in one query as by Django's book."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import identity
from accounts.models import User, UserSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(client, alice):
    alice.muted_until = timezone.now()
    alice.save()
    client.force_login(alice)
    return client.session.session_key


def change_session(key, **changes):
    store = identity.SessionStore(key)
    store.update(changes)
    store.save()


def test_one_query_finds_every_field_of_the_owner(key, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = identity.owner_of(key)
    by_the_book = identity._by_the_book(key)
    assert found.session_data == by_the_book.session_data
    for field in User._meta.concrete_fields:
        value = getattr(found.user, field.attname)
        assert value == getattr(by_the_book.user, field.attname)
        assert type(value) is type(getattr(by_the_book.user, field.attname))
    found.user.save()
    assert User.objects.get(pk=found.user.pk).username == "alice"


CHANGES = {
    "another password": lambda key, alice: (alice.set_password("blue-kettle-9"), alice.save()),
    "banned": lambda key, alice: User.objects.update(is_active=False),
    "not verified": lambda key, alice: User.objects.update(unverified_since=timezone.now()),
    "deleted": lambda key, alice: alice.delete(),
    "logged out": lambda key, alice: Session.objects.all().delete(),
    "expired": lambda key, alice: Session.objects.update(
        expire_date=timezone.now() - timedelta(seconds=1)
    ),
    "another backend": lambda key, alice: change_session(key, _auth_user_backend="made.up.Backend"),
    "another hash": lambda key, alice: change_session(key, _auth_user_hash="x"),
    "no person": lambda key, alice: change_session(key, _auth_user_id="12345"),
    "not signed by us": lambda key, alice: Session.objects.update(session_data="x"),
    "being imported": lambda key, alice: User.objects.update(username_key="?1"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_who_may_not_stay_is_nobody(key, alice, what):
    assert identity.owner_of(key).user == alice
    CHANGES[what](key, alice)
    assert identity._by_the_book(key) is None
    assert identity.owner_of(key) is None


def test_a_session_that_is_not_listed_is_found_by_the_book(key, alice):
    UserSession.objects.all().delete()
    assert identity.SessionStore(key).proven_owner() is None
    assert identity.owner_of(key).user == alice


def test_a_session_listed_as_somebody_elses_belongs_to_whom_it_says(key, alice, bob):
    UserSession.objects.update(user=bob)
    assert identity.owner_of(key).user == alice


def test_a_new_secret_key_keeps_sessions_while_the_old_one_is_told(key, alice, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 60
    assert identity.SessionStore(key).proven_owner() is None
    assert identity._by_the_book(key) is None, "as it gets a new key, which only a page can tell"


@pytest.mark.parametrize("key", ["", "x", "0" * 32, "a\x00b", "é"])
def test_a_made_up_key_is_nobodys(alice, key):
    assert identity.owner_of(key) is None
