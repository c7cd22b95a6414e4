"""The owner of a session comes along with it; who is not plainly good is for Django to judge."""

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.session_store import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(alice):
    client = Client()
    client.force_login(alice)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def of_django(key):
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)


def as_seen(key):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    response = client.get("/api/me/")
    return response.json()["username"] if response.status_code == 200 else None


def change(key, **values):
    store = SessionStore(key)
    store.update(values)
    store.save()


def test_the_owner_is_loaded_with_the_session(alice, key):
    store = SessionStore(key)
    with CaptureQueriesContext(connection) as queries:
        owner = store.proven_owner()
    assert len(queries) == 1
    assert owner == alice == of_django(key)
    columns = {field.attname for field in User._meta.concrete_fields}
    wanted = User.objects.get(pk=alice.pk)
    assert all(getattr(owner, name) == getattr(wanted, name) for name in columns)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: User.objects.update(is_active=False),
        lambda key: User.objects.update(unverified_since=timezone.now()),
        lambda key: User.objects.update(password="!"),
        lambda key: User.everybody.update(username_key="?1"),
        lambda key: Session.objects.update(expire_date=timezone.now()),
        lambda key: Session.objects.update(session_data="made up"),
        lambda key: Session.objects.all().delete(),
        lambda key: change(key, **{HASH_SESSION_KEY: ""}),
        lambda key: change(key, **{BACKEND_SESSION_KEY: "x.Backend"}),
        lambda key: change(key, **{SESSION_KEY: "99999"}),
    ],
)
def test_a_session_that_is_not_good_has_no_owner(key, spoil):
    assert as_seen(key) == "alice"
    spoil(key)
    assert SessionStore(key).proven_owner() is None
    assert not of_django(key).is_authenticated
    assert as_seen(key) is None


def test_what_is_not_plain_django_decides(alice, key):
    UserSession.objects.all().delete()
    assert SessionStore(key).proven_owner() is None
    assert as_seen(key) == "alice"


def test_a_key_before_the_last_is_still_good(alice, key, settings):
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "x" * 50
    assert as_seen(key) == "alice"
