"""The turns of those whose files wait to be processed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from chat.media import processing
from chat.media.turns import Turns

from .cast import ready


def test_each_owner_has_one_turn_after_the_other():
    turns: Turns[int] = Turns()
    for item, owner in [(1, 7), (2, 7), (3, 7), (4, 8), (5, 9), (6, 8)]:
        turns.put(item, owner=owner)
    assert [turns.get() for _item in range(4)] == [1, 4, 5, 2]
    turns.put(7, owner=9)
    assert [turns.get() for _item in range(3)] == [6, 3, 7]


def test_whoever_comes_to_an_empty_queue_waits_and_nothing_is_given_twice():
    turns: Turns[int] = Turns()
    with ThreadPoolExecutor(4) as pool:
        taken = [pool.submit(turns.get) for _item in range(100)]
        for item in range(100):
            turns.put(item, owner=item % 3)
        assert sorted(one.result(10) for one in taken) == list(range(100))


def test_one_file_of_another_does_not_wait_for_the_twenty_of_one_person(alice, bob, monkeypatch):
    done, may_go_on = [], Event()

    def run(pk: int) -> None:
        may_go_on.wait(10)
        done.append(pk)

    for name, value in {"PLACES": 1, "_jobs": {}, "_threads": [], "_turns": Turns()}.items():
        monkeypatch.setattr(processing, name, value)
    monkeypatch.setattr(processing, "run", run)
    theirs = [ready(alice) for _file in range(20)]
    one = ready(bob)
    jobs = [processing.begin(processing.job_of(upload)) for upload in [*theirs, one]]
    may_go_on.set()
    for job in jobs:
        job.result(10)
    assert done.index(one.pk) <= 2
    assert sorted(done) == sorted(upload.pk for upload in [*theirs, one])
