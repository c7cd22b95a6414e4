"""Browsers and proxies may keep only static files, and what is the same for everybody."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts.models import User
from tests.cast import say
from webchat.middleware import PrivateMiddleware, StaticMiddleware, is_for_browsers

PLACES = {"username": "bob", "app_label": "accounts", "content_type_id": "1", "url": "nowhere"}


def addresses(resolver: URLResolver | None = None, before: str = "/") -> set[str]:
    """Return every address there is, with bob or a number in its places."""
    found = set()
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            found |= addresses(pattern, route)
        else:
            found.add(re.sub(r"<(?:\w+:)?(\w+)>", lambda name: PLACES.get(name[1], "1"), route))
    return {re.sub(r"\(\?P1.*$", "accounts/", route) for route in found}


@pytest.fixture
def boss(alice, bob) -> User:
    """An administrator who is bob's friend, so that nearly every page has something to show."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    say(bob, alice, "a secret")
    return alice


def log_in(user: User, **options) -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


def may_be_kept(response) -> bool:
    return "no-store" not in response.get("Cache-Control", "")


@pytest.mark.django_db
def test_no_answer_to_a_person_is_kept(boss):
    paths = addresses()
    assert len(paths) > 100
    assert {"/", "/chat/bob/", "/terms/", "/admin/", "/api/me/", "/favicon.ico"} <= paths
    statuses, client = set(), log_in(boss)
    for path in sorted(paths):
        for method in ("get", "post"):
            if SESSION_KEY not in client.session:
                client = log_in(boss)  # one of the paths has logged them out
            response = getattr(client, method)(path)
            statuses.add(response.status_code)
            assert not may_be_kept(response), f"{method} {path}: {response.status_code}"
    assert {200, 302, 404, 405} <= statuses


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/no/such/thing/", "/static/no.css", "/chat/nobody/", "/try/bad/", "/try/broken/"]
)
def test_no_error_of_a_person_is_kept(boss, settings, path):
    settings.ROOT_URLCONF = "webchat.tests.urls"
    response = log_in(boss).get(path)
    assert response.status_code in (400, 404, 500)
    assert not may_be_kept(response)


@pytest.mark.django_db
def test_what_is_refused_before_the_session_is_looked_at_is_not_kept(boss):
    assert not may_be_kept(log_in(boss).get("/", headers={"host": "foreign.example"}))
    response = log_in(boss, enforce_csrf_checks=True).post("/settings/name/")
    assert response.status_code in (403, 404)
    assert not may_be_kept(response)


@pytest.mark.django_db
def test_what_is_the_same_for_everybody_may_be_kept(boss):
    assert may_be_kept(Client().get("/terms/"))
    assert may_be_kept(Client().get("/no/such/thing/"))
    for client in (Client(), log_in(boss)):
        response = client.get("/static/css/base.css")
        assert response.status_code == 200
        assert "public" in response["Cache-Control"]


def test_only_what_asks_for_it_may_be_kept_by_the_browser_of_a_person(rf, settings):
    request = rf.get("/")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = "x"
    for control in ("private, no-cache", "private", "public, max-age=60", "no-cache"):
        answer = HttpResponse(headers={"Cache-Control": control})
        answer = PrivateMiddleware(lambda request, answer=answer: answer)(request)
        assert may_be_kept(answer) == (control == "private, no-cache"), control


@pytest.mark.parametrize(
    ("url", "is_served"),
    [
        ("/static/css/base.css", True),
        ("/static/js/live/feed.0123456789ab.js", True),
        ("/static/.stamp", False),
        ("/static/.lock", False),
        ("/static/.git/config", False),
        ("/static/css/.base.css.swp", False),
        ("/static/staticfiles.json", False),
        ("/static/staticfiles.json.gz", False),
    ],
)
def test_only_what_browsers_ask_for_is_served(url, is_served):
    assert is_for_browsers(url) == is_served


@pytest.mark.parametrize("is_developer", [False, True])
def test_what_collectstatic_remembers_by_is_not_served(settings, tmp_path, rf, is_developer):
    settings.STATIC_ROOT, settings.DEBUG = tmp_path, is_developer
    settings.WHITENOISE_USE_FINDERS = False
    (tmp_path / "css").mkdir()
    for name in ("a.css", "css/b.css", ".stamp", ".lock", "staticfiles.json", "css/.c.css"):
        (tmp_path / name).write_text("x")
    middleware = StaticMiddleware(lambda request: None)

    def is_served(name: str) -> bool:
        return middleware(rf.get(f"/static/{name}")) is not None

    assert is_served("a.css")
    assert is_served("css/b.css")
    for name in (".stamp", ".lock", "staticfiles.json", "css/.c.css"):
        assert not is_served(name), name
