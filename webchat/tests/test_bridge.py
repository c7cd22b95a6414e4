import asyncio
import threading

import pytest

from webchat import bridge
from webchat.bridge import WsgiBridge


class Peer:
    """The server's side of one request: `receive` plays `body`, `send` notes what comes."""

    def __init__(self, *body, stall_after=None):
        self.body = list(body) or [b""]
        self.sent = []
        self.gone = asyncio.Event()
        self.stall_after = stall_after

    async def receive(self):
        if self.body:
            chunk = self.body.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self.body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if self.stall_after is not None and len(self.sent) > self.stall_after:
            await self.gone.wait()

    @property
    def start(self):
        return self.sent[0]

    @property
    def content(self):
        return b"".join(message["body"] for message in self.sent[1:])


def scope(**changes):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.7", 5000),
    } | changes


def run(application, peer_body=(), **changes):
    async def once():
        peer = Peer(*peer_body)
        await asyncio.wait_for(
            WsgiBridge(application, 2)(scope(**changes), peer.receive, peer.send), 5
        )
        return peer

    return asyncio.run(once())


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
    monkeypatch.setattr(bridge, "BODY_BYTES", 10)
    application = Environ()
    run(application, method="POST", peer_body=(b"12345", b"67890", b"x"))
    assert (application.body, application.environ["CONTENT_LENGTH"]) == (b"", "11")


def test_a_body_without_end_is_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr(bridge, "BODY_BYTES", 10)
    monkeypatch.setattr(bridge, "DISCARDED_BYTES", 50)
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


class Stream:
    """A long answer that notes how far it was read and on which thread it was closed."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.given = 0
        self.closed = threading.Event()

    def __call__(self, environ, start_response):
        self.began_on = threading.get_ident()
        start_response("200 OK", [])
        return self

    def __iter__(self):
        while self.given < self.chunks:
            self.given += 1
            yield b"x" * 1000

    def close(self):
        self.closed_on = threading.get_ident()
        self.closed.set()


def test_a_stream_goes_out_chunk_by_chunk_and_is_closed_on_its_thread():
    stream = Stream(20)
    peer = run(stream)
    assert peer.content == b"x" * 20_000
    assert len(peer.sent) == 22
    assert peer.sent[-1]["more_body"] is False
    assert stream.closed_on == stream.began_on


def test_a_stream_waits_for_its_client_and_ends_when_the_client_leaves():
    stream = Stream(1000)

    async def leave():
        peer = Peer(stall_after=3)
        task = asyncio.create_task(WsgiBridge(stream, 1)(scope(), peer.receive, peer.send))
        await asyncio.sleep(0.2)
        waiting_at = stream.given
        task.cancel()
        assert await asyncio.to_thread(stream.closed.wait, 5)
        return waiting_at

    assert asyncio.run(leave()) < 12
    assert stream.given < 12


def test_a_stream_ends_when_the_client_leaves_between_chunks():
    stream = Stream(10**9)

    async def leave():
        peer = Peer()
        task = asyncio.create_task(WsgiBridge(stream, 1)(scope(), peer.receive, peer.send))
        await asyncio.sleep(0.1)
        peer.gone.set()
        assert await asyncio.to_thread(stream.closed.wait, 5)
        task.cancel()

    asyncio.run(leave())


def test_a_failure_reaches_the_server_and_closes_the_answer():
    class Failing(Stream):
        def __iter__(self):
            raise ZeroDivisionError

    stream = Failing(1)
    with pytest.raises(ZeroDivisionError):
        run(stream)
    assert stream.closed.is_set()


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
