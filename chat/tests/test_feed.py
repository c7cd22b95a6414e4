"""The events that the feed reads from the log, and those that it delivers from memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import User
from chat.live import feed, news
from chat.live.feed import LOOK_SECONDS, Feed
from chat.live.frames import BROKEN
from chat.live.hub import Hub
from chat.log import reading
from chat.sending import posting
from chat.sending.drafts import Draft
from webchat.database.trouble import DriverError
from webchat.database.watching import Watch

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 2


class Ear:
    """A socket of bob's that records the events it gets."""

    def __init__(self, user: User) -> None:
        self.user_id = user.pk
        self.event_ids: list[int] = []

    def offer(self, frame: str, event_id: int = 0) -> None:
        self.event_ids.append(event_id)


class Stage:
    """A feed with bob listening; alice writes through this process's writer, or elsewhere."""

    def __init__(self, alice: User, bob: User) -> None:
        self.alice, self.bob = alice, bob
        self.readers = ThreadPoolExecutor(THREADS)
        self.ear = Ear(bob)
        self.hub = Hub()
        self.hub.add(self.ear)
        self.is_writing = False
        self.read = 0

    def play(self, scene: Callable[[Stage], Awaitable[None]]) -> None:
        async def run() -> None:
            self.feed = Feed(self.hub, self.readers, lambda: self.is_writing)
            await self.feed.start()
            await self.pause()
            self.read = 0
            await scene(self)
            await self.feed.stop()

        try:
            asyncio.run(run())
        finally:
            for _thread in range(THREADS):
                self.readers.submit(connection.close)
            self.readers.shutdown()

    async def post(self, quote: int | None = None) -> posting.Posted:
        return await self._in_thread(self._post, quote)

    async def pause(self, looks: int = 3) -> None:
        await asyncio.sleep(looks * LOOK_SECONDS)

    async def hears(self, *posted: posting.Posted) -> None:
        expected = [each.event_id for each in posted]
        async with asyncio.timeout(5):
            while len(self.ear.event_ids) < len(expected):
                await self.pause(1)
        assert self.ear.event_ids == expected

    def _post(self, quote: int | None) -> posting.Posted:
        draft = Draft.parse(self.alice.pk, to="bob", text="x", client_id=str(uuid4()), quote=quote)
        return posting.post_message(draft)

    async def _in_thread(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(self.readers, function, *args)


@pytest.fixture
def stage(alice, bob, monkeypatch) -> Stage:
    stage = Stage(alice, bob)
    read_for = reading.read_for

    def counted(*args):
        stage.read += 1
        return read_for(*args)

    monkeypatch.setattr(reading, "read_for", counted)
    return stage


def test_what_the_writer_has_told_is_not_read_again(stage):
    async def scene(stage: Stage) -> None:
        for _number in range(3):
            posted = await stage.post()
            stage.feed.written([posted])
            assert stage.ear.event_ids[-1] == posted.event_id
            await stage.pause()
        assert len(stage.ear.event_ids) == 3
        assert stage.read == 0

    stage.play(scene)


def test_a_socket_that_fails_is_closed_and_the_others_hear_everything(stage, caplog):
    class Broken(Ear):
        closed: int | None = None

        def offer(self, frame: str, event_id: int = 0) -> None:
            raise RuntimeError("broken")

        def close(self, code: int) -> None:
            self.closed = code
            stage.hub.remove(self)

    deaf = [Broken(stage.bob), Broken(stage.alice)]
    for ear in deaf:
        stage.hub.add(ear)

    async def scene(stage):
        one, two = await stage.post(), await stage.post()
        stage.feed.written([one, two])
        three = await stage.post()
        await stage.hears(one, two, three)

    stage.play(scene)
    assert [ear.closed for ear in deaf] == [BROKEN, BROKEN]
    assert [record.message for record in caplog.records] == ["A socket could not be told"] * 2


def test_what_others_wrote_is_read_at_the_next_look(stage):
    async def scene(stage: Stage) -> None:
        await stage.hears(await stage.post())
        assert stage.read == 0, "it is plain"

    stage.play(scene)


def test_what_others_wrote_between_two_batches_comes_between_them(stage):
    async def scene(stage: Stage) -> None:
        stage.is_writing = True
        first = await stage.post()
        stage.feed.written([first])
        elsewhere = await stage.post()
        last = await stage.post()
        stage.feed.written([last])
        await stage.hears(first, elsewhere, last)

    stage.play(scene)


def test_between_two_batches_nothing_plain_is_read_the_slow_way(stage):
    async def scene(stage: Stage) -> None:
        elsewhere = await stage.post()
        posted = await stage.post()
        stage.feed.written([posted])
        assert stage.ear.event_ids == [elsewhere.event_id, posted.event_id], "at once"
        await stage.pause()
        assert len(stage.ear.event_ids) == 2
        assert stage.read == 0

    stage.play(scene)


def test_a_look_says_whether_there_is_anything(stage, monkeypatch):
    monkeypatch.setattr(feed, "LOOK_SECONDS", 60)

    async def scene(stage: Stage) -> None:
        assert not stage.feed.look()
        posted = await stage.post()
        assert stage.feed.look()
        assert stage.ear.event_ids == [posted.event_id], "at once"
        assert not stage.feed.look()

    stage.play(scene)


@pytest.mark.parametrize("is_told", [True, False])
def test_what_is_not_plain_is_read_in_its_place(stage, is_told):
    """A quote is not plain; it may come before a batch of the writer, or before another's."""

    async def scene(stage: Stage) -> None:
        first = await stage.post()
        answer = await stage.post(quote=first.message.id)
        last = await stage.post()
        if is_told:
            stage.feed.written([last])
        await stage.hears(first, answer, last)
        await stage.pause()
        assert len(stage.ear.event_ids) == 3
        assert stage.read == 1

    stage.play(scene)


def test_more_than_one_reading_holds_comes_in_order(stage, monkeypatch):
    monkeypatch.setattr(news, "AT_ONCE", 2)

    async def scene(stage: Stage) -> None:
        await stage.hears(*[await stage.post() for _number in range(7)])
        assert stage.read == 0

    stage.play(scene)


@pytest.mark.parametrize("error", [DriverError, ValueError])
def test_where_the_watch_fails_the_log_is_read_nevertheless(stage, monkeypatch, caplog, error):
    async def scene(stage: Stage) -> None:
        def fail(*_args):
            raise error("with text 'geheim'")

        monkeypatch.setattr(news, "read", fail)
        await stage.hears(await stage.post())
        assert stage.read

    stage.play(scene)
    assert error.__name__ in caplog.text
    assert "geheim" not in caplog.text


def test_a_batch_that_is_about_to_be_told_is_not_read(stage):
    async def scene(stage: Stage) -> None:
        stage.is_writing = True
        stage.feed.written([await stage.post()])
        posted = await stage.post()
        stage.feed.look()
        stage.feed.written([posted])
        stage.is_writing = False
        await stage.pause()
        assert len(stage.ear.event_ids) == 2
        assert stage.read == 0

    stage.play(scene)


def test_a_writer_that_is_held_up_holds_nobody_else_up(stage):
    """The batch of the writer may wait for a lock for seconds."""

    async def scene(stage: Stage) -> None:
        stage.is_writing = True
        first = await stage.post()
        stage.feed.written([first])
        elsewhere = await stage.post()
        await stage.hears(first, elsewhere)

    stage.play(scene)


def test_whoever_has_missed_nothing_is_told_so_and_anybody_else_is_read_for(stage):
    async def scene(stage: Stage) -> None:
        head = (await stage.post()).event_id
        for after in (head, None):
            missed = stage.feed.missed_after(after)
            assert (missed.events, missed.more) == ([], False)
            assert missed.last_event == missed.head == head
            by_the_book = await stage._in_thread(reading.read_after, stage.bob, after)
            assert missed == by_the_book
        for after in (head - 1, head + 1, 0, -1):
            assert stage.feed.missed_after(after) is None

    stage.play(scene)


def test_where_the_database_cannot_be_asked_the_reader_has_to_tell(stage, monkeypatch):
    async def scene(stage: Stage) -> None:
        def fail(_watch: object, _question: str) -> None:
            raise DriverError("disk I/O error")

        monkeypatch.setattr(Watch, "ask", fail)
        assert stage.feed.missed_after(None) is None

    stage.play(scene)
