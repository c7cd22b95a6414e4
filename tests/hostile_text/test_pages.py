"""Pages take any text, with an account and without one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse

from .conftest import of, percent, texts

pytestmark = pytest.mark.sweeps

# Without an account

OURS = (settings.LANGUAGE_COOKIE_NAME, settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)


@texts
def test_a_stranger_can_type_anything(db, settings, text):
    settings.MAIL_MODE = "console"
    settings.REGISTRATION, settings.REGISTRATION_CODE = "code", "sesame"
    forms = {
        "/login/": ["username", "password", "next"],
        "/admin/login/": ["username", "password", "next"],
        "/register/": ["username", "email", "password1", "password2", "registration_code"],
        "/register/verify/": ["name", "code", "action"],
        "/password/forgot/": ["username"],
        "/password/reset/": ["username", "code", "token", "new_password1", "new_password2"],
        "/discover/language/": ["language", "next"],
        "/logout/": ["next"],
    }
    client = of()
    for path, fields in forms.items():
        assert client.post(path, dict.fromkeys(fields, text)).status_code < 500, path
        for field in fields:  # and one by one, beside valid values
            typed = dict.fromkeys(fields, "nobody-7") | {field: text}
            assert client.post(path, typed).status_code < 500, (path, field)
    for path in ["/api/username-available/", "/login/", "/register/verify/", "/password/reset/"]:
        query = dict.fromkeys(["username", "next", "name", "code", "token"], text)
        assert client.get(path, query).status_code < 500, path


@texts
def test_headers_may_hold_anything(db, text):
    text = text[:8000]
    value = text.replace("\0", "").encode("utf-8").decode("latin-1")
    for name in ("Accept-Language", "User-Agent", "X-Request-ID", "X-User-ID", "Referer", "Origin"):
        for path in ("/login/", "/api/me/"):
            assert of().get(path, headers={name: value}).status_code < 500, name
    for name in ("django_language", "sessionid", "csrftoken", *OURS):
        client = of()
        client.cookies[name] = value[:3000]
        assert client.get("/login/").status_code < 500, name
        assert client.post("/login/", {"username": "a"}).status_code < 500, name


# With an account


@texts
def test_a_person_can_type_anything(alice, bob, settings, text):
    settings.MAIL_MODE = "console"
    forms = {
        "/password/change/": ["old_password", "new_password1", "new_password2"],
        "/account/username/": ["username", "password"],
        "/account/email/": ["email", "password"],
        "/account/email/?code": ["code"],
        "/account/delete/": ["password"],
        "/account/sessions/": ["session"],
        "/settings/": ["theme", "text_size"],
        "/contacts/requests/": ["username", "note"],
        "/contacts/bob/remark/": ["remark"],
        "/chat/bob/": ["text", "client_id", "up_to", "action"],
        "/chat/bob/report/": ["reason", "message"],
        "/notices/confirm/": ["notice", "up_to", "next"],
    }
    client = of(alice)
    for path, fields in forms.items():
        for typed in [dict.fromkeys(fields, text), *({field: text} for field in fields)]:
            assert client.post(path, typed).status_code < 500, (path, list(typed))
    client_id = str(uuid4())
    for typed in (
        {"text": text, "client_id": client_id},
        {"text": "hi", "client_id": client_id, "up_to": text},
        {"action": "read", "up_to": text},
    ):
        assert client.post("/chat/bob/", typed).status_code < 500
    for path in ("/search/", "/chat/bob/", "/chat/bob/report/", "/api/search/", "/api/events/"):
        for name in ("q", "before", "after", "at", "limit", "message"):
            assert client.get(path, {name: text}).status_code < 500, (path, name)
    messages = "/api/conversations/bob/messages/"
    for name in ("before", "after", "limit"):
        assert client.get(messages, {name: text}).status_code < 500, name


@texts
def test_an_address_may_hold_anything(alice, bob, text):
    client = of(alice)
    for route in ("chat:conversation", "chat:report", "friends:contact", "chat:api_messages"):
        path = reverse(route, args=["bob"]).replace("bob", "{}")
        for name in {text, text[:60], "/" + text[:60], text[:60] + "/.."}:
            assert client.get(path.format(percent(name))).status_code < 500, route
    digits = "9" * min(len(text), 5000)
    for path in ("attachments/{}/", "api/messages/{}/recall/", "api/friends/requests/{}/accept/"):
        for number in (digits, text):
            url = "/" + path.format(percent(number))
            assert client.get(url).status_code < 500
            assert client.post(url, "{}", content_type="application/json").status_code < 500
