"""Cookies of our own: no other site on the host uses or replaces them, and old names hold."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from webchat import cookies
from webchat.environment import parse_site_url

PASSWORD = "blaue-Wolke-7"


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice", password=PASSWORD)


@pytest.fixture
def old(alice):
    """A browser that logged in before the names changed."""

    def make(shared=""):
        before = Client()
        before.post("/login/", {"username": "alice", "password": PASSWORD, "shared": shared})
        client = Client(enforce_csrf_checks=True)
        client.cookies["sessionid"] = before.session.session_key
        client.cookies["csrftoken"] = "c" * 32
        return client

    return make


def stems(*addresses):
    return [cookies.stem(parse_site_url(address), 8000) for address in addresses]


def test_the_names_hold_port_and_prefix(settings):
    assert cookies.stem(None, 8001) == "webchat_8001"
    assert stems("https://a.b/chat/x", "https://a.b", "http://a.b", "http://a.b:81/c.d") == [
        "webchat_443_chat_x",
        "webchat_443",
        "webchat_80",
        "webchat_81_c.d",
    ]
    assert settings.SESSION_COOKIE_NAME == "webchat_8000_sessionid"
    assert settings.CSRF_COOKIE_NAME.endswith("csrftoken")
    assert settings.LANGUAGE_COOKIE_NAME.endswith("language")


def test_a_long_prefix_makes_no_cookie_that_browsers_refuse():
    [stem] = stems("https://a.b/" + "x" * 3000)
    assert len(stem) < 100


def test_cookies_of_another_site_on_the_host_are_neither_used_nor_replaced(client, alice):
    theirs = {"sessionid": "z" * 32, "csrftoken": "y" * 64, "django_language": "fr"}
    for name, value in theirs.items():
        client.cookies[name] = value
    client.get("/login/")
    typed = {"username": "alice", "password": PASSWORD}
    assert client.post("/login/", typed)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert {name: client.cookies[name].value for name in theirs} == theirs


def test_nobody_is_logged_out_by_the_new_names(old, settings):
    client = old()
    page = client.get("/")
    assert page.status_code == 200
    assert page.cookies[settings.SESSION_COOKIE_NAME].value == client.cookies["sessionid"].value
    assert page.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == settings.SESSION_COOKIE_AGE
    assert page.cookies[settings.SESSION_COOKIE_NAME]["httponly"]
    for name in cookies.OLD_NAMES.values():
        client.cookies.pop(name, None)
    assert client.get("/").status_code == 200


def test_a_page_from_before_can_still_write(old):
    client = old()
    answer = client.post(
        "/api/announcements/seen/",
        {"up_to": 0},
        content_type="application/json",
        headers={"X-CSRFToken": "c" * 32},
    )
    assert answer.status_code == 200


def test_a_public_computer_stays_one(old, settings):
    answer = old(shared="on").get("/")
    assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""


def test_an_old_cookie_brings_no_session_back(old, settings):
    client = old()
    client.get("/")
    client.post("/logout/", headers={"X-CSRFToken": "c" * 32})
    assert not Session.objects.exists()
    del client.cookies[settings.SESSION_COOKIE_NAME]
    assert client.cookies["sessionid"].value
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.cookies[settings.SESSION_COOKIE_NAME].value == ""


def test_the_log_out_of_an_old_session_ends_it(old, settings):
    client = old()
    answer = client.post("/logout/", headers={"X-CSRFToken": "c" * 32})
    assert answer.cookies[settings.SESSION_COOKIE_NAME].value == ""
    assert not Session.objects.exists()


def test_a_new_cookie_comes_before_an_old_one(client, alice, old):
    bob = User.objects.create_user("bob", password=PASSWORD)
    client.force_login(bob)
    client.cookies["sessionid"] = old().cookies["sessionid"].value
    assert client.get("/").context["user"] == bob


def test_a_language_is_kept_and_renewed(client, db, settings):
    client.cookies["django_language"] = "en"
    answer = client.get("/login/")
    assert "Log in" in answer.content.decode()
    assert answer.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"
    client.cookies["django_language"] = "fr"
    client.cookies.pop(settings.LANGUAGE_COOKIE_NAME)
    assert settings.LANGUAGE_COOKIE_NAME not in client.get("/login/").cookies


def test_a_static_file_sets_no_cookie(client):
    client.cookies["sessionid"] = "z" * 32
    client.cookies["csrftoken"] = "c" * 32
    assert not client.get("/static/css/base.css").cookies
