"""No request chooses how its own bytes are read."""

from __future__ import annotations

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve

from webchat import wsgi
from webchat.wsgi import application, plain_type


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("", ""),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/plain;charset=punycode", "text/plain"),
        ("text/plain; charset*=idna''%41; x*0*=nosuch''%41", "text/plain"),
        ("multipart/form-data; boundary=--b", "multipart/form-data; boundary=--b"),
        ("Multipart/Form-Data;charset=utf-7;BOUNDARY=b;x", "Multipart/Form-Data; BOUNDARY=b"),
        ('multipart/form-data; boundary="a b"', 'multipart/form-data; boundary="a b"'),
        ("multipart/form-data; boundary*=utf-7''b", "multipart/form-data"),
        ("multipart/form-data; boundary=" + "b" * 71, "multipart/form-data"),
    ],
)
def test_of_a_content_type_only_the_boundary_stays(typed, plain):
    assert plain_type(typed) == plain


@pytest.fixture
def connected(db):
    """Keep the test's connection open: the signals around a request would close it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Answer:
    def __init__(self, content_type: str, path: str = "/login/", body: bytes | None = None) -> None:
        method = "GET" if body is None else "POST"
        # Not through the factory, which reads the type itself.
        request = RequestFactory().generic(method, path, body or b"", content_type="text/plain")
        application(request.environ | {"CONTENT_TYPE": content_type}, self.start).close()

    def start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = int(status[:3]), dict(headers)


@pytest.mark.parametrize(
    "parameter",
    [
        "charset=punycode",
        "charset=utf-7",
        "charset=utf-16",
        "charset=unicode_escape",
        "charset=nosuch",
        "charset*=utf-7''utf-7",
        "x*=nosuch''%41",
        "x*=idna''%ff",
    ],
)
def test_no_codec_is_chosen_from_outside(connected, parameter):
    name = r"%2B2AA-%5Cud800-a9"
    answer = Answer(f"text/plain; {parameter}", f"/register/verify/?name={name}")
    assert answer.status == 302
    assert answer.headers["Location"] == f"/login/?username={name}"


@pytest.mark.parametrize("name", ["name*=nosuch''%41", "name*=idna''%ff", "name*=punycode''%39"])
def test_the_parts_of_a_form_may_name_any_codec(connected, name):
    part = f"--b\r\nContent-Disposition: form-data; {name}\r\n\r\nx\r\n--b--\r\n".encode()
    assert Answer("multipart/form-data; boundary=b", body=part).status in (400, 403)


def test_an_address_leads_twice_to_the_view_that_it_leads_to():
    wsgi._resolve.cache_clear()
    for path in ("/chat/bob/", "/chat/王伟/", "/chat/bob/", "/", "/api/nothing/", "/chat/bob/"):
        request = RequestFactory().get(path)
        match, found = application.resolve_request(request), resolve(request.path_info)
        assert request.resolver_match is match
        assert (match.func, match.kwargs, match.view_name) == (
            found.func,
            found.kwargs,
            found.view_name,
        )
    assert wsgi._resolve.cache_info().hits == 2


def test_only_addresses_of_a_view_are_remembered_and_no_long_ones():
    wsgi._resolve.cache_clear()
    for path in ("/nothing/", "/nothing/"):
        with pytest.raises(Http404):
            application.resolve_request(RequestFactory().get(path))
    long = RequestFactory().get(f"/chat/{'x' * wsgi.ADDRESS_AT_MOST}/")
    assert application.resolve_request(long).view_name == "chat:conversation"
    assert wsgi._resolve.cache_info().currsize == 0
