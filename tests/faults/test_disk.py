"""Power loss, as far as it can be tested: when a commit is on disk, and what a copy holds."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.live import settle
from tests.server import Server

COPIES = 25
CALLS = "fsync,fdatasync,write,sendto,sendmsg,pwrite64"


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        yield server


def worker_of(server: Server) -> int:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return int(children.read_text().split()[0])


def stop(pid: int) -> None:
    """Halt every thread: until the first of them has got the signal, the others go on."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 5
    while any(
        thread.read_text().rpartition(")")[2].split()[0] != "T"
        for thread in Path(f"/proc/{pid}/task").glob("*/stat")
    ):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_commit_is_synced_before_its_answer_leaves(server, tmp_path):
    if shutil.which("strace") is None:
        message = "strace is missing: apt-get install strace"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    anna = settle(server, ["anna", "ben"], [("anna", "ben")])["anna"]
    trace = tmp_path / "trace.txt"
    with anna.open() as live:
        live.expect("caught_up")
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}"]
            + ["-o", str(trace), "-p", str(worker_of(server))],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1.5)
        ids = []
        for number in range(10):
            ids.append(live.say("ben", f"n{number}"))
            live.expect("ack")
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    lines = trace.read_text().splitlines()
    syncs = [
        index for index, line in enumerate(lines)
        if re.search(r"(fsync|fdatasync)(\(|.*resumed).*= 0", line)
    ]  # fmt: skip
    assert len(syncs) >= len(ids)
    before = 0
    for client_id in ids:
        [answer] = [
            index for index, line in enumerate(lines)
            if client_id in line and "ack" in line and "sock" in line.lower()
        ][:1]  # fmt: skip
        written = next(
            index for index, line in enumerate(lines) if index > before and "db.sqlite3-wal" in line
        )
        assert any(written < sync < answer for sync in syncs), f"{client_id} was not synced first"
        before = answer


def test_copies_at_any_instant_open_clean_and_hold_what_was_acknowledged(server, tmp_path):
    people = settle(server, ["anna", "ben"], [("anna", "ben")])
    worker = worker_of(server)
    acknowledged: list[str] = []
    done = threading.Event()

    def send() -> None:
        with people["anna"].open() as live:
            live.expect("caught_up")
            while not done.is_set():
                client_id = str(uuid4())
                live.say("ben", "x" * random.randint(1, 3000), client_id)
                live.expect("ack", timeout=20)
                acknowledged.append(client_id)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for number in range(COPIES):
            time.sleep(random.uniform(0.02, 0.25))
            copy = tmp_path / f"copy{number}"
            copy.mkdir()
            known = list(acknowledged)
            # The files at one instant: nothing is written while they are copied.
            stop(worker)
            try:
                shutil.copy(tmp_path / "db.sqlite3", copy)
                with suppress(FileNotFoundError):  # before the worker has read anything
                    shutil.copy(tmp_path / "db.sqlite3-wal", copy)
            finally:
                os.kill(worker, signal.SIGCONT)
            connection = sqlite3.connect(copy / "db.sqlite3")
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            stored = {row[0] for row in connection.execute("SELECT client_id FROM chat_message")}
            connection.close()
            assert {client_id.replace("-", "") for client_id in known} <= stored
    finally:
        done.set()
        sender.join(30)
    assert len(acknowledged) > COPIES
