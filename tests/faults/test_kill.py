"""Servers killed, stopped and reloaded while people talk."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx

from tests.faults.talk import nothing_was_lost, talk
from tests.live import settle
from tests.server import Server

NAMES = ["anna", "ben", "cleo", "dirk", "emma", "finn"]
PAIRS = [("anna", "ben"), ("cleo", "dirk"), ("emma", "finn")]
KILLS = 20


def pairs_on(server: Server):
    people = settle(server, NAMES, PAIRS)
    return [(people[a], people[b]) for a, b in PAIRS]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def answers(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{server.url}/healthz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


def test_workers_killed_twenty_times_lose_nothing(tmp_path):
    with Server(tmp_path, SEND_RATE="off", WEB_CONCURRENCY="2") as server:
        pairs = pairs_on(server)

        async def trouble() -> None:
            for number in range(KILLS):
                await asyncio.sleep(0.6)
                workers = children(server.process.pid)
                os.kill(workers[number % len(workers)], signal.SIGKILL)
                await asyncio.sleep(0.4)
                await answers(server)
                while len(children(server.process.pid)) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

        talkers = asyncio.run(talk(pairs, KILLS * 1.2, trouble, pause=0.01))
        assert sum(talker.connections for talker in talkers) > len(talkers), "nobody was cut off"
        nothing_was_lost(tmp_path / "db.sqlite3", talkers)


def test_the_whole_server_killed_and_started_again_loses_nothing(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        pairs = pairs_on(server)

        async def trouble() -> None:
            for _time in range(3):
                await asyncio.sleep(1.5)
                for pid in [*children(server.process.pid), server.process.pid]:
                    os.kill(pid, signal.SIGKILL)
                server.process.wait()
                await asyncio.to_thread(server.start)

        talkers = asyncio.run(talk(pairs, 9, trouble, pause=0.01))
        nothing_was_lost(tmp_path / "db.sqlite3", talkers)


def test_a_reload_fails_no_request_and_the_sockets_come_back(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        pairs = pairs_on(server)
        statuses: list[int] = []

        async def browse(done: asyncio.Event) -> None:
            async with httpx.AsyncClient(headers={"Cookie": pairs[0][0].cookie}) as client:
                while not done.is_set():
                    statuses.append((await client.get(f"{server.url}/api/me/")).status_code)

        async def trouble() -> None:
            done = asyncio.Event()
            browsing = asyncio.create_task(browse(done))
            for _time in range(3):
                await asyncio.sleep(1)
                server.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(2)
            done.set()
            await browsing

        talkers = asyncio.run(talk(pairs, 9, trouble, pause=0.01))
        assert len(statuses) > 50
        assert set(statuses) == {200}
        assert all(talker.codes[1012] >= 1 for talker in talkers)
        nothing_was_lost(tmp_path / "db.sqlite3", talkers)


def test_a_stop_under_load_takes_seconds_and_loses_nothing(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        pairs = pairs_on(server)

        async def trouble() -> None:
            await asyncio.sleep(2)
            assert await asyncio.to_thread(server.stop) < 9
            await asyncio.to_thread(server.start)

        talkers = asyncio.run(talk(pairs, 5, trouble))
        nothing_was_lost(tmp_path / "db.sqlite3", talkers)
