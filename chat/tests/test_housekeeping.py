"""The regular work of a process goes on, even if one run fails."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import pytest

from chat.live import housekeeping
from chat.live.housekeeping import GONE_AGAIN_SECONDS, GONE_SECONDS, Housekeeping, every
from chat.live.hub import Hub


def run_for(seconds, coroutine):
    async def scene():
        with suppress(TimeoutError):
            await asyncio.wait_for(coroutine, seconds)

    asyncio.run(scene())


def test_a_job_that_fails_is_complained_of_and_done_again(caplog):
    runs = []

    async def fail():
        runs.append(time.monotonic())
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        run_for(0.5, every(0.01, fail, "It could not be done"))
    assert len(runs) > 2
    assert [record.message for record in caplog.records] == ["It could not be done"] * len(runs)


def test_a_job_waits_for_its_first_pause_unless_it_is_due_at_once():
    runs = []

    async def note():
        runs.append(1)

    run_for(0.05, every(60, note, ""))
    assert runs == []
    run_for(0.05, every(60, note, "", at_once=True))
    assert runs == [1]


def test_a_pause_is_asked_for_each_time():
    pauses, runs = iter([0.001, 0.001, 60]), []

    async def note():
        runs.append(1)

    run_for(0.3, every(lambda: next(pauses), note, ""))
    assert runs == [1, 1]


def house(answer):
    async def in_thread(function, *args):
        return answer()

    return Housekeeping(Hub(), in_thread)


def test_what_could_not_be_cut_is_tried_again_soon():
    answers = iter([False, True])
    keeping = house(lambda: next(answers))
    assert keeping._gone_pause == GONE_SECONDS
    asyncio.run(keeping._sweep_gone())
    assert keeping._gone_pause == GONE_AGAIN_SECONDS
    asyncio.run(keeping._sweep_gone())
    assert keeping._gone_pause == GONE_SECONDS


def test_the_index_rests_twenty_times_as_long_as_it_took(monkeypatch):
    monkeypatch.setattr(housekeeping, "INDEX_SECONDS", 0.0)
    keeping = house(lambda: time.sleep(0.05))
    asyncio.run(keeping._build_index())
    assert keeping._index_pause >= 1.0


def test_the_index_rests_also_when_it_could_not_be_built():
    def fail():
        time.sleep(0.1)
        raise OSError("broken")

    keeping = house(fail)
    with pytest.raises(OSError, match="broken"):
        asyncio.run(keeping._build_index())
    assert keeping._index_pause >= 2.0


def test_the_log_is_folded_once_for_each_hundred_messages():
    async def scene():
        keeping = house(lambda: folded.append(keeping._written))
        folding = asyncio.create_task(every(0.0, keeping._fold_log, ""))
        for written in (60, 39, 1, 30, 300):
            keeping.count(written)
            await asyncio.sleep(0.01)
            seen.append(len(folded))
        folding.cancel()

    folded, seen = [], []
    asyncio.run(scene())
    assert seen == [0, 0, 1, 1, 2]
    assert folded == [0, 0]
