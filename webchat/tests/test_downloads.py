"""The places of one person's long downloads, and their end."""

from __future__ import annotations

import asyncio

import pytest

from webchat.base.downloads import Part, Unsatisfiable, disposition, find_part
from webchat.serving import downloads
from webchat.serving.bridge import WsgiBridge
from webchat.serving.downloads import PIECES_AT_ONCE

from .peer import Peer, scope

LENGTH = 262_144


class Mine:
    """An application that lets anna download a file."""

    def __init__(self, path, who=7):
        self.path, self.who = path, who

    def __call__(self, environ, start_response):
        environ["webchat.user_id"] = self.who
        environ["webchat.is_download"] = True
        start_response("200 OK", [("Content-Length", str(LENGTH))])
        return environ["wsgi.file_wrapper"](self.path.open("rb"), 4096)


@pytest.fixture
def long_file(tmp_path):
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(LENGTH))
    return path


class Reader(Peer):
    """A reader who takes the head and a piece, and the rest when it goes on."""

    def __init__(self, *, stall):
        super().__init__()
        self.goes_on = asyncio.Event()
        if not stall:
            self.goes_on.set()

    async def send(self, message):
        self.sent.append(message)
        if len(self.sent) > 1:
            await self.goes_on.wait()


class Readers:
    """Requests under way."""

    def __init__(self, wsgi):
        self.wsgi = wsgi
        self.tasks = []

    def ask(self, *, stall=True, **changes):
        peer = Reader(stall=stall)
        self.tasks.append(asyncio.create_task(self.wsgi(scope(**changes), peer.receive, peer.send)))
        return peer

    async def end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.to_thread(self.wsgi._threads.shutdown)
        assert self.wsgi._downloads._shares == {}


async def until(condition):
    for _time in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come so far")


def served(long_file, story, who=7):
    async def once():
        readers = Readers(WsgiBridge(Mine(long_file, who), 2))
        try:
            await story(readers)
        finally:
            await readers.end()

    asyncio.run(once())


def test_thirty_pictures_and_a_film_at_once_are_all_sent(long_file):
    async def story(readers):
        peers = [readers.ask(stall=False) for _one in range(31)]
        await asyncio.gather(*readers.tasks)
        assert {peer.start["status"] for peer in peers} == {200}
        assert {len(peer.content) for peer in peers} == {LENGTH}

    served(long_file, story)


def test_only_a_few_pieces_of_a_person_are_under_way(long_file, monkeypatch):
    """The rest have neither read nor sent any."""
    monkeypatch.setattr(downloads, "SOON_SECONDS", 60)

    async def story(readers):
        peers = [readers.ask() for _one in range(PIECES_AT_ONCE + 5)]
        await until(lambda: all(peer.sent for peer in peers))
        await asyncio.sleep(0.1)
        assert sum(len(peer.sent) == 2 for peer in peers) == PIECES_AT_ONCE
        readers.wsgi._application.who = 8
        other = readers.ask(stall=False)
        await asyncio.wait_for(readers.tasks[-1], 5)
        assert len(other.content) == LENGTH, "of another person"
        for peer in peers:
            peer.goes_on.set()
        await asyncio.wait_for(asyncio.gather(*readers.tasks), 5)
        assert {len(peer.content) for peer in peers} == {LENGTH}

    served(long_file, story)


def test_readers_that_pause_hold_up_nobody_and_go_on(long_file):
    async def story(readers):
        films = [readers.ask() for _one in range(3 * PIECES_AT_ONCE)]
        await until(lambda: all(len(film.sent) == 2 for film in films))
        picture = readers.ask(stall=False)
        await asyncio.wait_for(readers.tasks[-1], 5)
        assert len(picture.content) == LENGTH
        assert all(len(film.sent) == 2 for film in films)
        for film in films:
            film.goes_on.set()
        await asyncio.wait_for(asyncio.gather(*readers.tasks), 5)
        assert {len(film.content) for film in films} == {LENGTH}

    served(long_file, story)


@pytest.mark.parametrize("soon", [0.01, 60])
def test_one_who_leaves_ends_at_once_whether_it_waits_or_reads(long_file, monkeypatch, soon):
    """As at a seek: the browser closes one connection and asks on another."""
    monkeypatch.setattr(downloads, "SOON_SECONDS", soon)

    async def story(readers):
        peers = [readers.ask() for _one in range(PIECES_AT_ONCE + 5)]
        await until(lambda: all(peer.sent for peer in peers))
        for peer in peers:
            peer.gone.set()
        await asyncio.wait_for(asyncio.gather(*readers.tasks), 5)
        assert readers.wsgi._downloads._shares == {}
        peer = readers.ask(stall=False)
        await asyncio.wait_for(readers.tasks[-1], 5)
        assert len(peer.content) == LENGTH

    served(long_file, story)


def test_one_too_many_is_told_so(long_file, monkeypatch):
    monkeypatch.setattr(downloads, "IN_ALL", 7)

    async def story(readers):
        peers = [readers.ask() for _one in range(7)]
        await until(lambda: all(peer.sent for peer in peers))
        late = readers.ask(stall=False, headers=[(b"accept-language", b"zh-CN")])
        await asyncio.wait_for(readers.tasks[-1], 5)
        assert late.start["status"] == 429
        assert dict(late.start["headers"])[b"retry-after"] == b"5"
        assert "下载" in late.content.decode()
        peers[0].gone.set()
        await asyncio.wait_for(readers.tasks[0], 5)
        again = readers.ask(stall=False)
        await asyncio.wait_for(readers.tasks[-1], 5)
        assert again.start["status"] == 200

    served(long_file, story)


def test_a_place_is_given_back_once():
    async def once():
        share = downloads.Share()
        async with share.piece():
            assert share.places._value == PIECES_AT_ONCE - 1
            await asyncio.sleep(2 * downloads.SOON_SECONDS)
            assert share.places._value == PIECES_AT_ONCE
        assert share.places._value == PIECES_AT_ONCE

    asyncio.run(once())


def test_what_is_sent_is_paid_and_not_what_is_left(long_file):
    async def story(readers):
        turns = readers.wsgi.turns
        readers.ask()
        await until(lambda: readers.wsgi._downloads._shares)
        await asyncio.sleep(0.1)
        paid = []
        turns._client(7).pay = paid.append
        readers.ask(stall=False)
        await asyncio.wait_for(readers.tasks[-1], 5)
        sent = [each for each in paid if each == pytest.approx(65_536 / 400_000_000)]
        assert len(sent) == 4
        assert sum(paid) < 2 * LENGTH / 400_000_000 + 0.1

    served(long_file, story)


@pytest.mark.parametrize(
    ("asked", "size", "part"),
    [
        ("bytes=0-", 10, (0, 9)),
        ("bytes= 2-3 ", 10, (2, 3)),
        ("bytes=-3", 10, (7, 9)),
        ("bytes=-30", 10, (0, 9)),
        ("bytes=3-2", 10, None),
        ("bytes=0-0,-1", 10, None),
        ("", 10, None),
    ],
)
def test_a_part_is_found(asked, size, part):
    assert find_part(asked, size) == (part and Part(*part))


@pytest.mark.parametrize(
    ("asked", "size"), [("bytes=10-", 10), ("bytes=0-", 0), ("bytes=-1", 0), ("bytes=-0", 10)]
)
def test_what_is_not_there_is_no_part(asked, size):
    with pytest.raises(Unsatisfiable):
        find_part(asked, size)


def test_a_plain_name_is_said_once():
    assert disposition("a b.pdf", is_inline=True) == 'inline; filename="a b.pdf"'
