"""The audience of notes of typing, none of which is written anywhere."""

from __future__ import annotations

import asyncio
import logging
import os
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.live import typing
from chat.live.neighbours import AT_ONCE, LONGEST, Neighbours
from chat.live.typing import Note
from friends import services


def test_it_is_told_to_friends_alone(alice, bob, mallory):
    assert typing.note_to(alice, "BOB") == Note(bob.pk, "alice")
    for nobody in ("mallory", "alice", "nobody", "", "\ud800"):
        assert typing.note_to(alice, nobody) is None


@pytest.mark.parametrize("is_owner", [True, False])
def test_a_block_hides_it_whoever_blocks(alice, bob, is_owner):
    owner, target = (alice, bob) if is_owner else (bob, alice)
    services.block(owner=owner, target=target)
    assert typing.note_to(alice, "bob") is None
    services.unblock(owner=owner, target=target)
    assert typing.note_to(alice, "bob")


def test_nothing_is_written(alice, bob):
    with CaptureQueriesContext(connection) as queries:
        typing.note_to(alice, "bob")
    assert queries
    assert all(query["sql"].startswith("SELECT") for query in queries)


def test_a_note_survives_the_way():
    note = Note(7, "王伟")
    assert typing.parse(note.as_word()) == note
    assert len(Note(2**63, "\U0001f600" * 64).as_word()) < LONGEST


@pytest.mark.parametrize(
    "word", [b"", b"x", b"[]", b"7", b"null", b'["7","a"]', b"[1,2,3]", b"\xff"]
)
def test_junk_is_no_note(word):
    assert typing.parse(word) is None


# From worker to worker


class Worker:
    def __init__(self, folder):
        self.heard = []
        self.neighbours = Neighbours(folder, self.heard.append)
        self.neighbours.start()


def play(scene):
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_each_of_the_others_hears_it(tmp_path):
    async def scene():
        one, *others = (Worker(tmp_path / "workers") for _number in range(3))
        one.neighbours.tell(b"word")
        await asyncio.sleep(0.05)
        assert [each.heard for each in (one, *others)] == [[], [b"word"], [b"word"]]
        for each in (one, *others):
            each.neighbours.stop()
        assert os.listdir(tmp_path / "workers") == []
        assert (tmp_path / "workers").stat().st_mode & 0o077 == 0

    play(scene)


def test_a_worker_that_was_killed_is_forgotten_and_one_that_is_deaf_is_no_trouble(tmp_path):
    async def scene():
        one, killed, deaf = (Worker(tmp_path) for _number in range(3))
        loop = asyncio.get_running_loop()
        for each in (killed, deaf):
            loop.remove_reader(each.neighbours._socket)
        killed.neighbours._socket.close()
        for _time in range(5000):
            one.neighbours.tell(b"x" * 100)
        assert set(os.listdir(tmp_path)) == {one.neighbours._name, deaf.neighbours._name}
        one.neighbours.tell(b"x" * (LONGEST + 1))

    play(scene)


def test_the_folder_is_listed_again_after_each_change_and_else_not(tmp_path, monkeypatch):
    listed, names = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(1) or names(folder))

    async def scene():
        one, old = Worker(tmp_path), Worker(tmp_path)
        long_ago = time.time() - 60
        os.utime(tmp_path, (long_ago, long_ago))
        for _time in range(5):
            one.neighbours.tell(b"word")
        assert len(listed) == 1
        new = Worker(tmp_path)
        one.neighbours.tell(b"word")
        newest = Worker(tmp_path)  # within the same tick of the clock, maybe
        one.neighbours.tell(b"word")
        old.neighbours.stop()
        one.neighbours.tell(b"word")
        await asyncio.sleep(0.05)
        assert [len(each.heard) for each in (new, newest)] == [3, 2]

    play(scene)


def test_a_long_path_is_no_trouble(tmp_path):
    folder = tmp_path / ("x" * 200) / ("y" * 200)
    folder.mkdir(parents=True)

    async def scene():
        one, other = Worker(folder / "workers"), Worker(folder / "workers")
        one.neighbours.tell(b"word")
        await asyncio.sleep(0.05)
        assert other.heard == [b"word"]

    play(scene)


def test_where_there_can_be_no_socket_a_worker_keeps_to_itself(tmp_path, caplog):
    (tmp_path / "workers").touch()

    async def scene():
        alone = Worker(tmp_path / "workers")
        alone.neighbours.tell(b"word")
        alone.neighbours.stop()

    with caplog.at_level(logging.WARNING):
        play(scene)
    assert "cannot tell each other" in caplog.text


def test_many_words_at_once_leave_the_loop_to_others(tmp_path):
    async def scene():
        one, other = Worker(tmp_path), Worker(tmp_path)
        for _word in range(AT_ONCE + 20):
            one.neighbours.tell(b"x")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(other.heard) <= AT_ONCE
        await asyncio.sleep(0.05)

    play(scene)
