"""The thread that writes: what it takes at once, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chat.live import batches, writer
from chat.live.outbox import Outbox
from chat.live.writer import COMMIT_SECONDS, DRAFTS_AT_MOST, Writer
from chat.sending.drafts import Draft


class Turns:
    def __init__(self) -> None:
        self.light = 0

    def begin_light(self) -> None:
        self.light += 1

    def end_light(self) -> None:
        self.light -= 1


class Desk:
    """A writer on a loop of its own, and a database that takes what it is given when it may."""

    def __init__(self, monkeypatch) -> None:
        self.batches: list[list[str]] = []
        self.told: list[str] = []
        self.answers: list[object] = []
        self.may_write = threading.Event()
        self.may_write.set()
        self.turns = Turns()
        monkeypatch.setattr(batches.posting, "post_messages", self._post)
        self.outbox = Outbox()
        loop = asyncio.get_running_loop()
        self.writer = Writer(loop, self._written, self.turns, self.outbox)

    def _post(self, drafts):
        self.may_write.wait(10)
        self.batches.append([draft.text for draft in drafts])
        return [draft.text for draft in drafts]

    def _written(self, outcomes) -> None:
        self.told += outcomes

    def send(self, *texts: str, sender: int = 1) -> None:
        for text in texts:
            self.writer.submit(Draft(sender, "bob", text, uuid4()), self.answers.append)

    async def all_answered(self) -> None:
        await until(lambda: not self.writer.is_busy)

    async def stop(self) -> None:
        async with asyncio.timeout(10):
            await asyncio.to_thread(self.writer.stop)
        await asyncio.sleep(0)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  (another thread does it)
            await asyncio.sleep(0.001)


def run(monkeypatch, work) -> Desk:
    async def on_a_loop() -> Desk:
        desk = Desk(monkeypatch)
        await work(desk)
        return desk

    return asyncio.run(on_a_loop())


def test_what_waits_is_written_together_in_its_order(monkeypatch):
    texts = [f"{number}" for number in range(DRAFTS_AT_MOST + 10)]

    async def work(desk: Desk) -> None:
        desk.send(*texts)
        desk.writer.start()
        await desk.all_answered()
        await desk.stop()

    desk = run(monkeypatch, work)
    assert [len(batch) for batch in desk.batches] == [DRAFTS_AT_MOST, 10]
    assert desk.answers == desk.told == texts
    assert desk.turns.light == 0


def test_what_a_batch_has_to_say_is_written_without_another_turn_of_the_loop(monkeypatch):
    seen = []
    speaker = SimpleNamespace(flush=lambda: seen.append("written"), close=seen.append)

    async def work(desk: Desk) -> None:
        def answer(_outcome: object) -> None:
            asyncio.get_running_loop().call_soon(seen.append, "next turn")
            desk.outbox.add(speaker)
            seen.append("answered")

        desk.writer.start()
        desk.writer.submit(Draft(1, "bob", "hi", uuid4()), answer)
        await desk.all_answered()
        await desk.stop()

    run(monkeypatch, work)
    assert seen == ["answered", "written", "next turn"]


def test_a_stop_writes_what_waits_and_takes_nothing_more(monkeypatch):
    async def work(desk: Desk) -> None:
        desk.may_write.clear()
        desk.writer.start()
        desk.send("under way")
        await until(desk.writer._waiting.empty)
        desk.send("waits")
        ending = asyncio.create_task(desk.stop())
        await until(lambda: desk.writer._stopping)
        desk.send("too late")
        desk.may_write.set()
        await ending
        await desk.all_answered()

    desk = run(monkeypatch, work)
    refusal, *answers = desk.answers
    assert refusal.code == "unavailable"
    assert answers == desk.told == ["under way", "waits"]


def test_the_end_within_a_batch_ends_it(monkeypatch):
    async def work(desk: Desk) -> None:
        desk.send("1", "2")
        ending = asyncio.create_task(asyncio.to_thread(desk.writer.stop))
        await until(lambda: desk.writer._stopping)
        desk.writer.start()
        await desk.all_answered()
        await ending

    monkeypatch.setattr(threading.Thread, "join", lambda self, timeout=None: None)
    desk = run(monkeypatch, work)
    assert desk.batches == [["1", "2"]]
    assert desk.answers == ["1", "2"]


def test_those_who_wait_are_answered_whatever_becomes_of_the_rest(monkeypatch, caplog):
    def fail(_outcomes) -> None:
        raise RuntimeError("broken")

    async def work(desk: Desk) -> None:
        desk.send("1")
        desk.writer.submit(Draft(1, "bob", "2", uuid4()), fail)
        desk.send("3")
        desk.writer._written = fail
        desk.writer.start()
        await desk.all_answered()
        desk.send("4")
        await desk.all_answered()
        await desk.stop()

    desk = run(monkeypatch, work)
    assert desk.batches == [["1", "2", "3"], ["4"]]
    assert desk.answers == ["1", "3", "4"]
    assert [record.message for record in caplog.records] == [
        "A batch could not be delivered",
        "An answer could not be given",
        "A batch could not be delivered",
    ]


def test_drafts_beyond_a_bound_are_refused(monkeypatch):
    monkeypatch.setattr(writer, "WAITING_AT_MOST", 3)

    async def work(desk: Desk) -> None:
        desk.send(*"12345")
        desk.writer.start()
        await desk.all_answered()
        await desk.stop()

    desk = run(monkeypatch, work)
    assert [getattr(answer, "code", answer) for answer in desk.answers] == [
        "unavailable", "unavailable", "1", "2", "3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("passed", "sender", "pause"),
    [(0.001, 2, [COMMIT_SECONDS - 0.001]), (0.001, 1, []), (0.004, 2, [])],
)
def test_only_a_commit_soon_after_one_of_another_person_waits(monkeypatch, passed, sender, pause):
    clock = SimpleNamespace(now=1000.0, slept=[])
    monkeypatch.setattr(
        writer,
        "time",
        SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.slept.append),
    )

    async def work(desk: Desk) -> None:
        desk.writer.start()
        desk.send("1")
        await desk.all_answered()
        clock.now += passed
        desk.send("2", sender=sender)
        await desk.all_answered()
        await desk.stop()

    run(monkeypatch, work)
    assert clock.slept == pytest.approx(pause)
