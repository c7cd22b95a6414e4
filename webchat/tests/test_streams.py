from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from contextlib import suppress

import pytest
from whitenoise.responders import SlicedFile

from webchat.serving import streams
from webchat.serving.bridge import WsgiBridge
from webchat.serving.connections import Connection, Connections

from .peer import Peer, Stream, exchange, run, scope


@pytest.fixture(autouse=True)
def empty_disk(monkeypatch):
    """Begin with an unused disk: threads of earlier tests may not have given all back yet."""
    monkeypatch.setattr(streams, "disk", streams.Disk())


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
    if of is not Plain:  # the server below cuts that one at its length
        assert len(peer.content) == length
    assert application.closed_on == application.began_on


def test_a_quick_reader_gets_longer_pieces_until_it_pauses(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(bytes(range(256)) * 12_000)
    lengths, content = [], []

    async def read():
        part = streams.FilePart(os.open(path, os.O_RDONLY), 5, 3_000_000)
        async for piece in part.pieces():
            lengths.append(len(piece))
            content.append(piece)
            if len(lengths) == 18:
                await asyncio.sleep(2 * streams.QUICK_SECONDS)
        part.close()

    asyncio.run(read())
    short, long = streams.PIECE_BYTES, streams.LONG_PIECE_BYTES
    assert lengths[:20] == [short] * 16 + [long] * 2 + [short] * 2
    assert b"".join(content) == path.read_bytes()[5:3_000_005]


def test_what_only_the_kernel_has_taken_makes_no_piece_longer(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(bytes(12_000_000))
    taken, lengths = [500], []

    async def read():
        part = streams.FilePart(os.open(path, os.O_RDONLY), 0, 12_000_000)
        async for piece in part.pieces(lambda: taken[0]):
            lengths.append(len(piece))
            if len(lengths) == 40:
                taken[0] += 1024 * 1024
            if len(lengths) == 45:
                await asyncio.sleep(2 * streams.QUICK_SECONDS)  # it waits, and takes a lump
        part.close()

    asyncio.run(read())
    short, long = streams.PIECE_BYTES, streams.LONG_PIECE_BYTES
    assert lengths[:-1] == [short] * 40 + [long] * 5 + [short] * (len(lengths) - 46)


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
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # a loop leaves some


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
    has_gone = False

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


# Files within a stream


class Parcel(Stream):
    """A stream with files between its chunks."""

    def __init__(self, files):
        super().__init__(len(files) + 1)
        self.files = files

    def __call__(self, environ, start_response):
        self.send_file = environ["webchat.send_file"]
        return super().__call__(environ, start_response)

    def __iter__(self):
        for path in self.files:
            yield path.name.encode() * 10
            self.send_file(path, 262_144)
        yield b"the end"

    @property
    def content(self):
        return b"".join(
            path.name.encode() * 10 + (path.read_bytes() if path.exists() else bytes(262_144))
            for path in self.files
        )


def test_files_within_a_stream_take_no_room_and_are_where_they_belong(
    long_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(streams, "DISK_BYTES", 1000)
    folder = tmp_path / "spool"
    folder.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    application = Parcel([long_file] * 9)
    peer = run(application, folder=folder)
    assert peer.content == application.content + b"the end"
    assert max(len(message["body"]) for message in peer.sent[1:]) <= streams.PIECE_BYTES
    assert peer.sent[-1]["more_body"] is False
    assert streams.disk._used == 0
    assert application.closed_on == application.began_on
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # a loop leaves some


def test_a_file_that_is_gone_or_shorter_meanwhile_moves_nothing_behind_it(long_file, tmp_path):
    short = tmp_path / "short"
    short.write_bytes(b"12345")
    peer = run(Parcel([long_file, tmp_path / "gone", short, long_file]))
    begin = 80 + 262_144
    assert peer.content[begin : begin + 40 + 262_144] == b"gone" * 10 + bytes(262_144)
    begin += 40 + 262_144
    assert peer.content[begin : begin + 55] == b"short" * 10 + b"12345"
    assert peer.content[begin + 55 : begin + 50 + 262_144] == bytes(262_139)
    whole = b"long.bin" * 10 + long_file.read_bytes() + b"the end"
    assert peer.content[begin + 50 + 262_144 :] == whole


def test_a_reader_who_leaves_within_a_file_leaves_nothing_open(long_file):
    before = len(os.listdir("/proc/self/fd"))

    async def leave():
        peer = Peer(stall_after=3)
        wsgi = WsgiBridge(Parcel([long_file]), 1)
        task = asyncio.create_task(wsgi(scope(), peer.receive, peer.send))
        while len(peer.sent) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(wsgi._threads.shutdown)

    for _reader in range(5):
        asyncio.run(leave())
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert streams.disk._used == 0


def test_a_reader_who_leaves_while_a_file_is_opened_leaves_nothing_open(long_file, monkeypatch):
    real, opening, go_on, opened = os.open, threading.Event(), threading.Event(), []

    def slowly(path, flags):
        opening.set()
        go_on.wait(10)
        opened.append(real(path, flags))
        return opened[0]

    async def leave():
        pieces = streams.LentFile(0, long_file, 10).pieces()
        task = asyncio.create_task(anext(pieces))
        assert await asyncio.to_thread(opening.wait, 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with monkeypatch.context() as patched:
        patched.setattr(streams.os, "open", slowly)
        asyncio.run(leave())
    go_on.set()
    for _time in range(500):
        if opened and opened[0] not in numbers_of(long_file):
            break
        time.sleep(0.01)
    assert opened
    assert numbers_of(long_file) == []


def numbers_of(path):
    """Return the descriptors of this process that stand for a file."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            if os.readlink(f"/proc/self/fd/{number}") == str(path):
                found.append(int(number))
    return found


def test_an_answer_with_a_length_holds_no_files(long_file):
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        environ["webchat.send_file"](long_file, 5)

    with pytest.raises(RuntimeError):
        run(answer)
