"""A locked database, a full disk, cut connections, lost answers, changed clocks."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.faults.talk import nothing_was_lost, talk
from tests.live import Person, settle
from tests.server import Server

PAIRS = [("anna", "ben"), ("cleo", "dirk")]
LOCKED_SECONDS = 30


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        yield server


def pairs_on(server: Server) -> list[tuple[Person, Person]]:
    people = settle(server, [name for pair in PAIRS for name in pair], PAIRS)
    return [(people[a], people[b]) for a, b in PAIRS]


def test_a_database_locked_for_half_a_minute_answers_unavailable_and_recovers(server, tmp_path):
    database = tmp_path / "db.sqlite3"
    pairs = pairs_on(server)
    anna, ben = pairs[0]
    statuses = set()

    async def trouble() -> None:
        lock = sqlite3.connect(database, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        until = time.monotonic() + LOCKED_SECONDS
        async with httpx.AsyncClient(headers={"Cookie": anna.cookie}, timeout=20) as client:
            while time.monotonic() < until:
                # Reading goes on.
                page = await client.get(f"{server.url}/api/conversations/ben/messages/")
                assert page.status_code == 200
                answer = await asyncio.to_thread(_say_slowly, anna)
                statuses.add((answer.status_code, answer.headers.get("Retry-After") is not None))
        lock.execute("ROLLBACK")
        lock.close()

    talkers = asyncio.run(talk(pairs, LOCKED_SECONDS + 4, trouble, pause=0.2))
    assert statuses == {(503, True)}
    assert all(talker.refused["unavailable"] for talker in talkers)
    assert all(talker.connections == 1 for talker in talkers), "a socket did not live on"
    assert ben.say("anna", "danach").status_code == 201
    nothing_was_lost(database, talkers)


def _say_slowly(person: Person) -> httpx.Response:
    headers = {"Cookie": person.cookie, "X-CSRFToken": "c" * 32}
    url = f"{person.server.url}/api/conversations/ben/messages/"
    return httpx.post(
        url, json={"text": "hi", "client_id": str(uuid4())}, headers=headers, timeout=20
    )


def test_an_answer_that_is_lost_after_the_commit_leaves_one_message(server):
    (anna, ben), _others = pairs_on(server)
    client_id = str(uuid4())
    for _time in range(5):
        with anna.open() as live:
            live.expect("caught_up")
            live.say("ben", "einmal", client_id)
            live.socket.socket.close()  # before the answer can be read
    with anna.open() as live:
        live.expect("caught_up")
        live.say("ben", "einmal", client_id)
        assert live.expect("ack")["message"]["text"] == "einmal"
    assert ben.texts("anna") == ["einmal"]


def test_twenty_equal_sends_over_sockets_and_http_at_once_are_one_message(server):
    (anna, ben), _others = pairs_on(server)
    client_id = str(uuid4())

    def by_socket(_number: int) -> int:
        with anna.open() as live:
            live.expect("caught_up")
            live.say("ben", "einmal", client_id)
            return live.expect("ack", timeout=15)["message"]["id"]

    def by_http(_number: int) -> int:
        return anna.say("ben", "einmal", client_id).json()["message"]["id"]

    with ThreadPoolExecutor(8) as threads:
        ids = [*threads.map(by_socket, range(10)), *threads.map(by_http, range(10))]
    assert len(set(ids)) == 1
    assert ben.texts("anna") == ["einmal"]


def test_a_full_disk_is_said_and_survived(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with Server(disk, SEND_RATE="off") as server:
            (anna, ben), _others = pairs_on(server)
            assert anna.say("ben", "davor").status_code == 201
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            answer = anna.say("ben", "x" * 4000)
            while answer.status_code == 201:
                answer = anna.say("ben", "x" * 4000)
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "unavailable"
            with anna.open() as live:
                live.expect("caught_up")
                live.say("ben", "x" * 4000)
                assert live.expect("error")["code"] == "unavailable"
                # Reading lives on.
                assert ben.texts("anna")[0] == "davor"
                filler.unlink()
                live.say("ben", "danach")
                assert live.expect("ack")["message"]["text"] == "danach"
            assert ben.texts("anna")[-1] == "danach"
            assert anna.say("ben", "auch").status_code == 201
        connection = sqlite3.connect(disk / "db.sqlite3")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def memory_of(pid: int) -> int:
    """Return the PSS in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def _sockets_of(process: int) -> int:
    """Count the open sockets: threads open and close the database as they come and go."""
    number = 0
    for each in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            number += str(each.readlink()).startswith("socket:")
    return number


def test_sockets_that_never_read_are_cut_off_and_cost_nothing_after(server):
    people = settle(
        server,
        ["anna", *(f"stumm{n}" for n in range(5))],
        [("anna", f"stumm{n}") for n in range(5)],
    )
    anna = people.pop("anna")
    [worker] = [
        int(pid)
        for pid in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        .read_text()
        .split()
    ]
    with anna.open() as live:
        live.expect("caught_up")
        live.say("stumm0", "warm")
        live.expect("ack")
        before, open_before = memory_of(worker), _sockets_of(worker)
        deaf = [_deaf_socket(person) for person in people.values() for _n in range(10)]
        assert _sockets_of(worker) >= open_before + 50
        until = time.monotonic() + 25
        number = 0
        while time.monotonic() < until and _sockets_of(worker) > open_before + 2:
            for _n in range(5):
                live.say(f"stumm{number % 5}", f"{number} " + "x" * 2000)
                number += 1
            for _n in range(5):
                live.expect("ack")
            time.sleep(0.03)
        deadline = time.monotonic() + 30
        while _sockets_of(worker) > open_before + 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert _sockets_of(worker) <= open_before + 2
        assert memory_of(worker) - before < 24 * 1024 * 1024
        live.send({"type": "ping"})
        live.expect("pong")
    for raw in deaf:
        raw.close()


def test_who_falls_behind_reads_why_in_the_end(server):
    """4408: its queue is dropped, and it comes back with its cursor."""
    people = settle(server, ["laura", "langsam"], [("laura", "langsam")])
    slow = _deaf_socket(people["langsam"])
    with people["laura"].open() as live:
        live.expect("caught_up")
        for hundred in range(40):
            for number in range(100):
                live.say("langsam", f"{hundred}.{number} " + "x" * 2000)
            for _n in range(100):
                live.expect("ack")
    slow.settimeout(10)
    end = b""
    while part := slow.recv(65_536):
        end = (end + part)[-4:]
        if end == b"\x88\x02" + (4408).to_bytes(2, "big"):
            break
    else:
        raise AssertionError("it ended without a word")
    slow.close()


def _deaf_socket(person: Person):
    """Open a connection with a small receive buffer that nobody reads after the handshake."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", person.server.port))
    lines = [
        "GET /live/ HTTP/1.1",
        f"Host: 127.0.0.1:{person.server.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Cookie: {person.cookie}",
    ]
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def test_a_message_to_somebody_deleted_meanwhile_fails_alone(server):
    people = settle(server, ["anna", "ben", "cleo"], [("anna", "ben"), ("anna", "cleo")])
    anna, ben = people["anna"], people["ben"]
    with anna.open() as live:
        live.expect("caught_up")
        code = "from accounts.models import User; User.objects.get(username='cleo').delete()"
        deletion = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-c", code],
            env=server.env,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
        )
        sent: dict[str, str] = {}
        while deletion.poll() is None:
            for to in ("ben", "cleo", "ben"):
                sent[live.say(to, f"{len(sent)}")] = to
            for _answer in range(3):
                while live.next(15)["type"] not in ("ack", "error"):
                    pass
        for to in ("cleo", "ben"):
            sent[live.say(to, "danach")] = to
        live.expect("ack")
        answers = {f["client_id"]: f for f in live.frames if f["type"] in ("ack", "error")}
    assert deletion.returncode == 0
    assert {answers[c]["type"] for c, to in sent.items() if to == "ben"} == {"ack"}
    refused = [
        answers[c] for c, to in sent.items() if to == "cleo" and answers[c]["type"] == "error"
    ]
    assert refused
    assert {frame["code"] for frame in refused} == {"not_found"}
    assert "danach" in ben.texts("anna")
