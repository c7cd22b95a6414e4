import asyncio
import threading
from types import SimpleNamespace

import pytest

from webchat.serving import bodies
from webchat.serving.bridge import WsgiBridge

from .peer import Peer, exchange, run, scope


class Environ:
    """An application that keeps what it was given."""

    def __call__(self, environ, start_response):
        self.environ = environ
        self.body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


def test_a_request_becomes_the_environ_of_pep_3333():
    application = Environ()
    run(
        application,
        method="POST",
        raw_path=b"/chat/%E7%8E%8B%E4%BC%9F/%ff",
        query_string=b"q=\xe7\x8e\x8b&after=1",
        headers=[
            (b"host", b"chat.example"),
            (b"content-type", b"text/plain"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"x-twice", b"1"),
            (b"x-twice", b"2"),
            (b"content-length", b"999"),
        ],
        peer_body=(b"hello ", b"", b"world"),
    )
    environ = application.environ
    assert environ["PATH_INFO"].encode("latin-1") == "/chat/王伟/".encode() + b"\xff"
    assert environ["QUERY_STRING"].encode("latin-1") == b"q=\xe7\x8e\x8b&after=1"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_TWICE"] == "1,2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["CONTENT_LENGTH"] == "11"
    assert "HTTP_CONTENT_LENGTH" not in environ
    assert application.body == b"hello world"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert environ["wsgi.url_scheme"] == "http"


def test_a_unix_socket_has_no_address():
    application = Environ()
    run(application, client=None, server=None)
    assert application.environ["REMOTE_ADDR"] == ""


def test_equal_headers_stay_apart_and_a_short_answer_is_one_piece():
    def application(environ, start_response):
        headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "2")]
        start_response("201 Created", headers)
        return [b"o", b"k"]

    peer = run(application)
    assert peer.start["status"] == 201
    assert [v for k, v in peer.start["headers"] if k == b"set-cookie"] == [b"a=1", b"b=2"]
    assert peer.sent[1:] == [{"type": "http.response.body", "body": b"ok", "more_body": False}]


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_an_answer_without_a_body_is_never_read(method, status):
    read = []

    def application(environ, start_response):
        start_response(status, [("Content-Length", "7")])
        return map(read.append, [b"content"])

    peer = run(application, method=method)
    assert (peer.content, read) == (b"", [])


def test_a_body_that_is_too_long_is_dropped_but_its_length_told(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_BYTES", 10)
    application = Environ()
    run(application, method="POST", peer_body=(b"12345", b"67890", b"x"))
    assert (application.body, application.environ["CONTENT_LENGTH"]) == (b"", "11")


def test_a_body_without_end_is_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_BYTES", 10)
    monkeypatch.setattr(bodies, "DISCARDED_BYTES", 50)
    application = Environ()
    peer = run(application, method="POST", peer_body=[b"x" * 10] * 100)
    assert application.environ["CONTENT_LENGTH"] == "60"
    assert len(peer.body) == 94


def test_a_client_that_leaves_within_its_body_asks_nothing():
    application = Environ()

    async def once():
        peer = Peer()
        peer.body = []
        peer.gone.set()
        await WsgiBridge(application, 1)(scope(), peer.receive, peer.send)
        return peer

    assert asyncio.run(once()).sent == []
    assert not hasattr(application, "environ")


def test_the_threads_last():
    seen = set()

    def application(environ, start_response):
        seen.add(threading.get_ident())
        start_response("200 OK", [("Content-Length", "0")])
        return []

    async def many():
        wsgi = WsgiBridge(application, 2)
        for _attempt in range(20):
            peer = Peer()
            await wsgi(scope(), peer.receive, peer.send)

    asyncio.run(many())
    assert len(seen) <= 2


@pytest.mark.parametrize(("method", "runs"), [("GET", 0), ("HEAD", 0), ("POST", 1)])
def test_nothing_is_read_for_who_has_gone_before_the_turn_came(method, runs):
    asked = []

    def application(environ, start_response):
        asked.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    bridge = WsgiBridge(application, 1)
    gone = SimpleNamespace(has_gone=True, belongs_to=lambda _user: None)
    around = scope(method=method, **{"webchat.connection": gone})
    asyncio.run(exchange(bridge, Peer(), around))
    assert len(asked) == runs
    [client] = bridge.turns._clients.values()
    assert client.room._value == client.share.at_once
