from unittest.mock import patch

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.test import Client

from webchat.database.trouble import is_database_trouble


def error_of(response):
    assert response["Content-Type"] == "application/json"
    (key,) = response.json()
    return response.json()[key]["code"]


@pytest.mark.parametrize("trouble", ["locked", "full"])
def test_a_database_that_refuses_is_an_honest_503(client, trouble):
    response = client.get(f"/try/{trouble}/")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "text/html" in response["Content-Type"]


def test_a_database_that_refuses_is_json_below_api(client):
    response = client.post("/api/try/locked/")
    assert (response.status_code, error_of(response)) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0


@pytest.mark.django_db
def test_a_session_that_cannot_be_saved_is_a_503_too(client):
    with patch.object(SessionStore, "save", side_effect=OperationalError("database is locked")):
        response = client.get("/try/session/")
    assert response.status_code == 503
    assert response["Retry-After"]


def test_a_mistake_of_ours_is_a_500_and_tells_nothing(client):
    for path in ("/try/broken/", "/try/wrong_query/"):
        response = client.get(path)
        assert response.status_code == 500
        assert b"person" not in response.content
        assert b"texd" not in response.content


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/try/broken/", 500, "server_error"),
        ("/api/try/forbidden/", 403, "forbidden"),
        ("/api/try/bad/", 400, "invalid"),
        ("/api/try/missing/", 404, "not_found"),
    ],
)
def test_errors_below_api_are_json(client, path, status, code):
    response = client.get(path)
    assert (response.status_code, error_of(response)) == (status, code)


@pytest.mark.parametrize(
    ("path", "status"), [("/try/forbidden/", 403), ("/try/bad/", 400), ("/no/such/thing/", 404)]
)
@pytest.mark.django_db
def test_errors_elsewhere_are_pages(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused(settings):
    settings.ROOT_URLCONF = "webchat.tests.urls"
    browser = Client(enforce_csrf_checks=True)
    response = browser.post("/try/form/", {"text": "hello"})
    assert response.status_code == 403
    assert "text/html" in response["Content-Type"]
    response = browser.post("/api/try/form/", {"text": "hello"})
    assert (response.status_code, error_of(response)) == (403, "csrf")


@pytest.mark.parametrize("path", ["/try/form/", "/api/try/form/"])
def test_a_body_that_is_too_large_is_413(client, settings, path):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b"text=" + b"x" * 1000
    response = client.post(path, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 413


def test_only_what_may_pass_is_trouble():
    assert is_database_trouble(OperationalError("database is locked"))
    assert is_database_trouble(OperationalError("disk I/O error"))
    assert is_database_trouble(OperationalError("attempt to write a readonly database"))
    assert not is_database_trouble(OperationalError("no such table: chat_message"))
    assert not is_database_trouble(ValueError("database is locked"))
