"""Files on their way while workers are killed, servers reload and tabs send the same twice."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from chat.tests.media.cast import photo
from tests.live import CSRF, Person, settle
from tests.server import Server

KB = 1024
PATIENCE = 90
COLUMNS = "received, state, part, file, preview, sha256, size"


class Tab:
    """A page that sends one file, whatever happens to the server."""

    def __init__(self, person: Person, upload: str, content: bytes, kind: str = "file") -> None:
        headers = {"Cookie": person.cookie, "X-CSRFToken": CSRF}
        self.client = httpx.Client(
            base_url=f"{person.server.url}/api/", headers=headers, timeout=PATIENCE
        )
        self.facts = {"id": upload, "name": "x", "size": len(content), "kind": kind}
        self.path = f"uploads/{upload}/"
        self.content = content

    def ask(self, method: str, path: str, **more) -> httpx.Response:
        """Ask until there is an answer of the server's that is not just trouble."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                answer = self.client.request(method, path, **more)
                if answer.status_code not in (502, 503):
                    return answer
            time.sleep(0.05)
        raise AssertionError("the server has not come back")

    def send(self, pieces: range) -> None:
        received = self.ask("POST", "uploads/", json=self.facts).json()["received"]
        while received < len(self.content):
            piece = self.content[received : received + random.choice(pieces)]
            answer = self.ask(
                "PUT",
                f"{self.path}?offset={received}",
                content=piece,
                headers={"Content-Type": "application/octet-stream"},
            )
            assert answer.status_code in (200, 409), answer.text
            received = answer.json()["received"]

    def finish(self) -> dict:
        while (answer := self.ask("POST", f"{self.path}finish/", json={})).status_code == 202:
            pass
        assert answer.status_code == 200, answer.text
        return answer.json()["attachment"]


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, SEND_RATE="off", WEB_CONCURRENCY="2", MIN_FREE="1K") as server:
        yield server


@pytest.fixture
def anna(server):
    return settle(server, ["anna"], [])["anna"]


def rows(data: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(data / "db.sqlite3", timeout=30)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(f"SELECT {COLUMNS} FROM chat_upload ORDER BY id").fetchall()


def workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(child) for child in children.read_text().split()]


def kill_one(server: Server) -> None:
    with suppress(ProcessLookupError, IndexError):
        os.kill(random.choice(workers(server)), signal.SIGKILL)


def await_two(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(workers(server)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{server.url}/healthz").status_code == 200:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_whole(data: Path, row: sqlite3.Row) -> bool:
    """Return whether the file that is ready is what its row says."""
    content = (data / "attachments" / row["file"]).read_bytes()
    preview = not row["preview"] or (data / "previews" / row["preview"]).exists()
    return (hashlib.sha256(content).hexdigest(), len(content)) == (row["sha256"], row["size"]) and (
        preview
    )


def test_tabs_that_send_one_file_through_two_workers_send_it_once(server, anna, tmp_path):
    content = random.randbytes(600 * KB)
    upload = str(uuid4())
    tabs = [Tab(anna, upload, content) for _number in range(4)]
    sizes = [range(3 * KB, 20 * KB), range(KB, 9 * KB), range(9 * KB, 40 * KB), range(7, 15 * KB)]
    with ThreadPoolExecutor(len(tabs)) as pool:
        list(pool.map(Tab.send, tabs, sizes))
        answers = list(pool.map(Tab.finish, tabs))
    assert all(answer == answers[0] for answer in answers)
    [row] = rows(tmp_path)
    assert (tmp_path / "attachments" / row["file"]).read_bytes() == content
    assert os.listdir(tmp_path / "attachments") == [row["file"]]
    assert os.listdir(tmp_path / "uploads") == []


def test_workers_killed_between_pieces_lose_nothing_that_was_received(server, anna, tmp_path):
    content = random.randbytes(1_500 * KB)
    done = threading.Event()
    checked = 0

    def send() -> list[Tab]:
        tabs = [Tab(anna, str(uuid4()), content) for _number in range(3)]
        for tab in tabs:
            tab.send(range(4 * KB, 64 * KB))
        done.set()
        return tabs

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        sending.add_done_callback(lambda _future: done.set())
        while not done.wait(random.uniform(0.1, 0.6)):
            kill_one(server)
            await_two(server)
            for row in rows(tmp_path):
                if row["received"]:
                    part = (tmp_path / "uploads" / row["part"]).read_bytes()
                    assert part[: row["received"]] == content[: row["received"]]
                    checked += 1
        tabs = sending.result()
    assert checked > 5, "the kills came too late"
    for tab in tabs:
        tab.finish()
    assert all(is_whole(tmp_path, row) for row in rows(tmp_path))
    assert {row["sha256"] for row in rows(tmp_path)} == {hashlib.sha256(content).hexdigest()}


def test_a_worker_killed_while_it_processes_is_followed_by_another(server, anna, tmp_path):
    content = photo((1600, 1200))
    delays = [0.02, 0.1, 0.2, 0.3, 0.4, 0.6]
    for delay in delays:
        tab = Tab(anna, str(uuid4()), content, "picture")
        tab.send(range(900 * KB, 1000 * KB))
        with ThreadPoolExecutor(1) as pool:
            finishing = pool.submit(tab.finish)
            time.sleep(delay)
            for pid in workers(server):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shown = finishing.result()
        assert (shown["kind"], shown["width"]) == ("picture", 1600)
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["ready"] * len(delays)
    assert all(is_whole(tmp_path, row) for row in found)
    assert not {row["part"] for row in found} & set(os.listdir(tmp_path / "uploads"))


def test_a_reload_answers_those_that_wait_for_their_files(server, anna, tmp_path):
    tab = Tab(anna, str(uuid4()), b"0123456789")
    tab.send(range(10, 11))
    with ExitStack() as stack:
        for number in range(2):
            lock = stack.enter_context((tmp_path / f"workshop-{number}.lock").open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(tab.client.post, f"{tab.path}finish/", json={})
            deadline = time.monotonic() + PATIENCE
            while [row["state"] for row in rows(tmp_path)] != ["processing"]:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            server.process.send_signal(signal.SIGHUP)
            answer = waiting.result()
    assert (answer.status_code, answer.json()) == (202, {"state": "processing"})
    tab.client.close()
    assert Tab(anna, tab.facts["id"], tab.content).finish()["size"] == 10
