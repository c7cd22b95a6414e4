import asyncio
import errno
import os
import threading

import pytest
from whitenoise.responders import SlicedFile

from webchat import bodies, streams
from webchat.bridge import WsgiBridge
from webchat.connections import Connection, Connections


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


async def exchange(wsgi, peer, around):
    """One request, up to the moment at which its thread has said that it has ended."""
    try:
        await asyncio.wait_for(wsgi(around, peer.receive, peer.send), 5)
    finally:
        await asyncio.to_thread(wsgi._threads.shutdown)


def run(application, peer_body=(), folder=None, **changes):
    async def once():
        peer = Peer(*peer_body)
        if peer_body:
            changes.setdefault("headers", [(b"transfer-encoding", b"chunked")])
        await exchange(WsgiBridge(application, 2, folder), peer, scope(**changes))
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


def test_a_short_stream_goes_out_whole_and_is_closed_on_its_thread():
    stream = Stream(20)
    peer = run(stream)
    assert peer.content == b"x" * 20_000
    assert len(peer.sent) == 2
    assert (b"content-length", b"20000") in peer.start["headers"]
    assert stream.closed_on == stream.began_on


def test_a_long_stream_goes_out_in_pieces_that_never_fill_the_memory(tmp_path):
    stream = Stream(1000)
    peer = run(stream, folder=tmp_path)
    assert peer.content == b"x" * 1_000_000
    assert max(len(message["body"]) for message in peer.sent[1:]) <= streams.PIECE_BYTES
    assert peer.sent[-1]["more_body"] is False
    assert list(tmp_path.iterdir()) == []
    assert streams.disk._used == 0


def test_no_thread_waits_for_a_reader_who_takes_nothing():
    stream = Stream(1000)

    async def read_slowly():
        wsgi = WsgiBridge(stream, 1)
        peers = [Peer(stall_after=1) for _number in range(5)]
        tasks = [asyncio.create_task(wsgi(scope(), p.receive, p.send)) for p in peers]
        for _number in range(500):
            await asyncio.sleep(0.01)
            if all(len(peer.sent) > 1 for peer in peers):
                break
        assert all(len(peer.sent) == 2 for peer in peers), "each has the first piece"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(wsgi._threads.shutdown)

    asyncio.run(read_slowly())
    assert stream.closed.is_set()
    assert streams.disk._used == 0


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


@pytest.fixture
def long_file(tmp_path):
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(range(256)) * 1024)
    return path


class Download:
    """An application that answers with a file, as Django and whitenoise do."""

    def __init__(self, path, length, begin=0, of=None):
        self.path, self.length, self.begin = path, length, begin
        self.of = of or (lambda file: file)

    def __call__(self, environ, start_response):
        file = self.path.open("rb")
        file.read(100)  # to see what it is: its buffer is ahead of it
        file.seek(self.begin)
        self.began_on = threading.get_ident()
        self.file = self.of(file)
        self.close, self.file.close = self.file.close, self.on_close
        start_response("200 OK", [("Content-Length", str(self.length))])
        return environ["wsgi.file_wrapper"](self.file, 4096)

    def on_close(self):
        self.closed_on = threading.get_ident()
        self.close()


class Plain:
    def __init__(self, file):
        self.read, self.close = file.read, file.close


@pytest.mark.parametrize(
    ("begin", "length"), [(0, 262_144), (5_000, 200_000), (7, 20), (0, 65_536)]
)
@pytest.mark.parametrize("of", [None, Plain, lambda file: SlicedFile(file, file.tell(), 10**9)])
def test_a_file_goes_out_from_where_it_stands_and_is_closed_on_its_thread(
    long_file, begin, length, of
):
    application = Download(long_file, length, begin, of)
    peer = run(application)
    assert peer.content[:length] == long_file.read_bytes()[begin : begin + length]
    if of is not Plain:  # which the server below cuts at its length
        assert len(peer.content) == length
    assert application.closed_on == application.began_on


def test_a_file_is_read_no_further_than_its_reader_takes_it(long_file, monkeypatch):
    read = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *given: read.append(given[1]) or pread(*given))

    async def stall():
        peer = Peer(stall_after=1)
        wsgi = WsgiBridge(Download(long_file, 262_144), 1)
        task = asyncio.create_task(wsgi(scope(), peer.receive, peer.send))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stall())
    assert len(read) <= 1


def test_head_of_a_file_reads_and_leaves_nothing(long_file):
    application = Download(long_file, 262_144)
    before = len(os.listdir("/proc/self/fd"))
    assert run(application, method="HEAD").content == b""
    assert application.closed_on == application.began_on
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # what a loop leaves


def test_a_file_that_is_cut_short_meanwhile_ends_early(long_file):
    class Cut(Download):
        def __call__(self, environ, start_response):
            answer = super().__call__(environ, start_response)
            os.truncate(self.path, 100_000)
            return answer

    peer = run(Cut(long_file, 262_144))
    assert len(peer.content) == 100_000


@pytest.mark.parametrize("name", ["DISK_BYTES", "KEPT_FREE_BYTES"])
def test_an_answer_that_finds_no_room_is_an_honest_503(tmp_path, monkeypatch, name):
    monkeypatch.setattr(streams, name, 1000 if name == "DISK_BYTES" else 2**62)
    stream = Stream(1000)
    peer = run(stream, folder=tmp_path, headers=[(b"accept-language", b"zh-CN")])
    assert peer.start["status"] == 503
    assert dict(peer.start["headers"])[b"retry-after"] == b"5"
    assert "服务器繁忙" in peer.content.decode()
    assert stream.closed_on == stream.began_on
    assert streams.disk._used == 0
    assert run(stream, folder=tmp_path, path="/api/x/").content.startswith(b'{"error"')


def test_a_disk_that_refuses_is_an_honest_503_too(tmp_path, monkeypatch):
    def refuse(number, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(streams.os, "write", refuse)
    assert run(Stream(1000), folder=tmp_path).start["status"] == 503
    assert run(Stream(1000), folder=tmp_path / "missing").start["status"] == 503
    assert streams.disk._used == 0


def test_a_full_disk_in_the_middle_never_looks_like_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "DISK_BYTES", 600_000)
    sent = []

    async def once():
        peer = Peer()
        sent.append(peer)
        await exchange(WsgiBridge(Stream(1000), 1, tmp_path), peer, scope())

    with pytest.raises(streams.NoRoom):
        asyncio.run(once())
    assert all(message["more_body"] for message in sent[0].sent[1:])
    assert streams.disk._used == 0


@pytest.mark.parametrize("chunks", [1, 1000])
@pytest.mark.parametrize("leaves", [False, True])
def test_what_waits_for_the_end_is_done_once_when_both_sides_have_ended(chunks, leaves):
    done = []

    class Noting(Stream):
        def __call__(self, environ, start_response):
            environ["webchat.at_end"].append(lambda: done.append(self.closed.is_set()))
            return super().__call__(environ, start_response)

    async def once():
        peer = Peer(stall_after=0 if leaves else None)
        wsgi = WsgiBridge(Noting(chunks), 1)
        task = asyncio.create_task(wsgi(scope(), peer.receive, peer.send))
        if leaves:
            await asyncio.sleep(0.2)
            assert done == []
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.2)

    asyncio.run(once())
    assert done == [True]


class Counted(Connection):
    is_idle = False

    def __init__(self, connections):
        super().__init__(connections, "192.0.2.7")
        self.calls = []

    def begin_long_answer(self, *, is_kept):
        self.calls.append(is_kept)

    async def end_long_answer(self):
        self.calls.append("taken")


def answered(application, connection):
    peer = Peer()
    around = scope(**{"webchat.connection": connection})
    asyncio.run(exchange(WsgiBridge(application, 1), peer, around))
    return peer


def test_the_connection_learns_whose_it_is_and_counts_the_open_file(long_file):
    connections = Connections(10, lambda: 0.0)
    one = Counted(connections)
    connections.add(one)

    class Mine(Download):
        def __call__(self, environ, start_response):
            environ["webchat.user_id"] = 7
            environ["webchat.is_download"] = True
            return super().__call__(environ, start_response)

    assert answered(Mine(long_file, 262_144), one).start["status"] == 200
    assert (one.owner, one.calls, connections.files) == (7, [True, "taken"], 0)
    answered(Download(long_file, 100), one)
    assert (one.owner, one.calls) == (7, [True, "taken"]), "a short answer is nothing to watch"
    connections.at_most = 1
    assert answered(Mine(long_file, 262_144), one).start["status"] == 503
    assert connections.files == 0


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
