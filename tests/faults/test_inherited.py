"""Reloads and restarts behind nginx, while fifty people talk, on an inherited socket.

It outlives the server, as systemd's `webchat.socket` does."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests import nginx
from tests.faults.talk import nothing_was_lost, talk
from tests.live import settle
from tests.nginx import Nginx
from tests.server import ROOT, Server, free_port

PEOPLE = 50
NAME = "127.0.0.1"
FIRST = 3  # the first inherited socket of a server


class InheritedServer(Server):
    """A server that inherits its listening socket (sd_listen_fds(3))."""

    def __init__(self, data_dir: Path, path: Path, **settings: str) -> None:
        super().__init__(data_dir, **settings)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen(1024)

    def start(self) -> None:
        number = self.listening.fileno()
        command = f"{sys.executable} -m gunicorn -c deploy/gunicorn.conf.py"
        self.process = subprocess.Popen(
            ["sh", "-c", f"export LISTEN_FDS=1 LISTEN_PID=$$; exec {command}"],
            cwd=ROOT,
            env=self.env,
            pass_fds=[FIRST],
            preexec_fn=partial(os.dup2, number, FIRST),
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def server(tmp_path):
    port = free_port()
    path = tmp_path / "webchat.sock"
    url = f"http://{NAME}:{port}/chat"
    (tmp_path / "static").symlink_to(ROOT / "staticfiles")
    config = nginx.beside(
        tmp_path,
        upstream=f"unix:{path}",
        static=tmp_path / "static",
        name=NAME,
        port=port,
        prefix="/chat",
    )
    options = {"SEND_RATE": "off", "SITE_URL": url, "BEHIND_PROXY": "on"}
    with InheritedServer(tmp_path, path, **options) as server, Nginx(tmp_path, config, port):
        server.url = url
        httpx.get(f"{url}/healthz", timeout=60)  # waits in the socket until there is a server
        yield server


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_behind_nginx_nothing_is_lost_and_nobody_is_refused(server, tmp_path, how):
    names = [f"nr{number}" for number in range(PEOPLE)]
    couples = list(zip(names[::2], names[1::2], strict=True))
    people = settle(server, names, couples)
    pairs = [(people[a], people[b]) for a, b in couples]
    statuses: list[int] = []
    gaps: list[float] = []

    async def browse(done: asyncio.Event) -> None:
        async with httpx.AsyncClient(headers={"Cookie": pairs[0][0].cookie}, timeout=60) as client:
            while not done.is_set():
                began = time.monotonic()
                statuses.append((await client.get(f"{server.url}/api/me/")).status_code)
                gaps.append(time.monotonic() - began)

    async def trouble() -> None:
        done = asyncio.Event()
        browsing = asyncio.create_task(browse(done))
        for _time in range(2):
            await asyncio.sleep(1)
            if how == "reload":
                server.process.send_signal(signal.SIGHUP)
            else:
                await asyncio.to_thread(server.stop)
                server.start()
            await asyncio.sleep(3)
        done.set()
        await browsing

    talkers = asyncio.run(talk(pairs, 9, trouble, pause=0.05))
    assert set(statuses) == {200}
    assert len(statuses) > 20
    assert all(talker.codes[1012] >= 1 for talker in talkers)
    nothing_was_lost(tmp_path / "db.sqlite3", talkers)
    print(f"{how}: the longest that a request waited was {max(gaps):.2f} s")
