"""Files of messages while processes are killed, the disk is full and the server stops."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from chat.tests.media.cast import photo
from tests.faults.test_uploads import KB, PATIENCE, Tab, is_whole, rows, workers
from tests.live import Person, settle
from tests.server import ROOT, Server

ROOM = "服务器空间不足"
OCTETS = "application/octet-stream"
FILES = """SELECT m.client_id, a.file, a.sha256
    FROM chat_attachment a JOIN chat_message m ON m.id = a.message_id"""
NAMES = {"attachments": "file", "previews": "preview"}
KILL = """
import os, signal
from uuid import UUID
from accounts.models import User
from chat.media import processing
from chat.models import Upload
from chat.models.uploads import UploadQuerySet
from chat.sending import files
from chat.sending.drafts import Draft
from chat.sending.posting import post_message
from webchat.database.prepared import Transaction

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def send(**what):
    anna = User.objects.get(username="anna")
    post_message(Draft.parse(anna.pk, to="ben", client_id="{client_id}", **what))

upload = Upload.objects.order_by("-pk").first()
"""
PROCESS = """
processing.close(upload)
UploadQuerySet.update = die
processing.run(upload.pk)
"""
PROCESS_COMMITTED = """
processing.close(upload)
processing._remove = die
processing.run(upload.pk)
"""
SEND_WRITTEN = """
UploadQuerySet.note_sent = die
send(upload=str(upload.client_id))
"""
SEND_BEFORE_COMMIT = """
attach = files.attach
def attach_and_die(new):
    attach(new)
    die()
files.attach = attach_and_die
send(upload=str(upload.client_id))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off", MIN_FREE="1K") as server:
        yield server


@pytest.fixture(scope="module")
def people(server):
    return settle(server, ["anna", "ben"], [("anna", "ben")])


@pytest.fixture(scope="module")
def data(server):
    return server.database.parent


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """Check that a test leaves no file without a row, and no part of a file that is ready."""
    yield
    if "data" in request.fixturenames:
        data = request.getfixturevalue("data")
        assert surplus(data) == {"attachments": set(), "previews": set()}
        assert os.listdir(data / "uploads") == []


def killed_in(server: Server, code: str, client_id: str = "") -> None:
    """Run code in a process of this release, which is killed at the place that the code says."""
    code = KILL.replace("{client_id}", client_id) + code
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def send(person: Person, to: str, client_id: str | None = None, **what) -> httpx.Response:
    path = f"conversations/{to}/messages/"
    return person.post(path, client_id=client_id or str(uuid4()), **what)


def upload(person: Person, content: bytes, kind: str = "file", *, is_done: bool = True) -> Tab:
    tab = Tab(person, str(uuid4()), content, kind)
    tab.send(range(200 * KB, 900 * KB))
    if is_done:
        tab.finish()
    return tab


def ask(data: Path, question: str) -> list[tuple]:
    with closing(sqlite3.connect(data / "db.sqlite3", timeout=30)) as database:
        return database.execute(question).fetchall()


def surplus(data: Path) -> dict[str, set[str]]:
    """Return the files that no row names, by folder."""
    found = {}
    for folder, column in NAMES.items():
        named = ask(
            data, f"SELECT {column} FROM chat_upload UNION SELECT {column} FROM chat_attachment"
        )
        there = set(os.listdir(data / folder)) if (data / folder).is_dir() else set()
        found[folder] = there - {name for (name,) in named}
    return found


def sweep(server: Server) -> None:
    """Prune a day later, as far as the files are concerned."""
    for folder in (*NAMES, "uploads"):
        for path in (server.database.parent / folder).glob("*"):
            os.utime(path, (time.time() - 90_000,) * 2)
    server.manage("prune")


def test_a_kill_around_the_commit_of_a_ready_file_leaves_what_is_swept(server, people, data):
    for code, state, left in ((PROCESS, "processing", 1), (PROCESS_COMMITTED, "ready", 0)):
        tab = upload(people["anna"], photo((640, 480)), "picture", is_done=False)
        killed_in(server, code)
        assert rows(data)[-1]["state"] == state
        assert [len(names) for names in surplus(data).values()] == [left, left]
        assert len(os.listdir(data / "uploads")) >= 1
        shown = tab.finish()
        assert (shown["kind"], shown["width"]) == ("picture", 640)
        sweep(server)
        row = rows(data)[-1]
        assert row["state"] == "ready"
        assert is_whole(data, row)
        assert row["preview"]
        assert os.listdir(data / "uploads") == []
        assert send(people["anna"], "ben", upload=tab.facts["id"]).status_code == 201


def test_a_kill_within_a_send_is_no_message_and_the_retry_is_one(server, people, data):
    for code in (SEND_WRITTEN, SEND_BEFORE_COMMIT):
        tab = upload(people["anna"], random.randbytes(300 * KB))
        client_id = str(uuid4())
        [(before,)] = ask(data, "SELECT count(*) FROM chat_message")
        killed_in(server, code, client_id)
        assert ask(data, "SELECT count(*) FROM chat_message") == [(before,)]
        assert rows(data)[-1]["state"] == "ready"
        for status in (201, 200):
            answer = send(people["anna"], "ben", client_id, upload=tab.facts["id"])
            assert answer.status_code == status
        url = answer.json()["message"]["attachment"]["url"]
        found = httpx.get(server.url + url, headers={"Cookie": people["ben"].cookie})
        assert found.content == tab.content
        assert ask(data, "SELECT count(*) FROM chat_message") == [(before + 1,)]


def test_a_kill_within_a_forward_leaves_a_second_name_that_is_swept(server, people, data):
    tab = upload(people["anna"], photo((320, 240)), "picture")
    message = send(people["anna"], "ben", upload=tab.facts["id"]).json()["message"]
    killed_in(server, f"files.sync_names = die\nsend(forward={message['id']})", str(uuid4()))
    assert [len(names) for names in surplus(data).values()] == [1, 1]
    sweep(server)
    url = server.url + message["attachment"]["url"]
    for which in ("", "preview/"):
        found = httpx.get(url + which, headers={"Cookie": people["ben"].cookie})
        assert found.status_code == 200


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, each.read_text().split())
    return found


def test_a_killed_process_of_a_file_costs_a_try_and_no_byte(server, people, data):
    tab = upload(people["anna"], photo((3000, 2000)), "picture", is_done=False)
    [worker] = workers(server)
    over, struck = threading.Event(), []

    def strike() -> None:
        while not over.wait(0.002):
            for child in children_of(worker):
                with suppress(OSError):
                    if b"chat.media.work" in Path(f"/proc/{child}/cmdline").read_bytes():
                        os.kill(child, signal.SIGKILL)
                        struck.append(child)

    killer = threading.Thread(target=strike)
    killer.start()
    try:
        answer = tab.client.post(f"{tab.path}finish/", json={})
    finally:
        over.set()
        killer.join()
    assert len(set(struck)) == 3, "each process that is tried"
    assert answer.status_code == 503, "nothing is known about the file, so nothing is said"
    assert rows(data)[-1]["state"] == "processing"
    shown = tab.finish()
    assert (shown["kind"], shown["width"]) == ("picture", 3000)
    assert is_whole(data, rows(data)[-1])


# A full disk


@contextmanager
def small_disk(disk: Path, size: str) -> Iterator[Path]:
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def await_sweep(disk: Path) -> None:
    """Wait until the log of the database has been cut after the start: that makes room."""
    deadline = time.monotonic() + PATIENCE
    while (disk / "db.sqlite3-wal").stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def leave_free(disk: Path, size: int) -> Path:
    """Fill the disk but for some bytes."""
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - size))
    return filler


def told(answer: httpx.Response) -> tuple[int, str, bool, bool]:
    error = answer.json()["error"]
    has_room_in_words = error["message"].startswith(ROOM)
    return answer.status_code, error["code"], has_room_in_words, "Retry-After" in answer.headers


FULL = (503, "unavailable", True, True)


def test_a_full_disk_is_told_at_each_step_and_room_works_again(tmp_path):
    with (
        small_disk(tmp_path / "disk", "24m") as disk,
        Server(disk, SEND_RATE="off", MIN_FREE="1K") as server,
    ):
        people = settle(server, ["anna", "ben"], [("anna", "ben")])
        anna = people["anna"]
        assert anna.say("ben", "davor").status_code == 201
        await_sweep(disk)
        content = photo((2000, 1500), gps=False)
        assert len(content) > 900 * KB
        tab = Tab(anna, str(uuid4()), content, "picture")
        tab.client.headers["Accept-Language"] = "zh-CN"
        assert tab.client.post("uploads/", json=tab.facts).status_code == 201
        # At a piece: there is room for some of it.
        filler = leave_free(disk, 300 * KB)
        piece = {"content": content[: 900 * KB], "headers": {"Content-Type": OCTETS}}
        assert told(tab.client.put(f"{tab.path}?offset=0", **piece)) == FULL
        assert tab.client.get(tab.path).json()["received"] == 0
        assert anna.say("ben", "geht noch").status_code == 201
        filler.unlink()
        tab.send(range(500 * KB, 900 * KB))
        # While it is processed: its clean copy has no room, then only its preview has none.
        for room in (len(content) // 2, len(content) + 4 * KB):
            filler = leave_free(disk, room)
            assert told(tab.client.post(f"{tab.path}finish/", json={})) == FULL, room
            assert anna.say("ben", "geht noch").status_code == 201
            filler.unlink()
            assert len(os.listdir(disk / "uploads")) == 1
            assert surplus(disk) == {"attachments": set(), "previews": set()}
        assert tab.finish()["kind"] == "picture"
        # At the send: nothing at all is left, not even for words.
        filler = leave_free(disk, 0)
        while (answer := anna.say("ben", "x" * 4000)).status_code == 201:
            pass
        assert answer.status_code == 503
        client_id = str(uuid4())
        answer = send(anna, "ben", client_id, upload=tab.facts["id"])
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        filler.unlink()
        answer = send(anna, "ben", client_id, upload=tab.facts["id"])
        assert answer.status_code == 201
        url = server.url + answer.json()["message"]["attachment"]["url"]
        for which in ("", "preview/"):
            found = httpx.get(url + which, headers={"Cookie": people["ben"].cookie})
            assert found.status_code == 200
        assert ask(disk, "PRAGMA integrity_check") == [("ok",)]
        server.stop()
        # What is kept free is kept for words.
        server.env["MIN_FREE"] = "4M"
        server.start()
        begun = upload(anna, random.randbytes(200 * KB), is_done=False)
        begun.client.headers["Accept-Language"] = "zh-CN"
        filler = leave_free(disk, 3 * KB * KB)
        new = {"id": str(uuid4()), "name": "x", "size": 9, "kind": "file"}
        assert told(begun.client.post("uploads/", json=new)) == FULL
        for _message in range(20):
            assert anna.say("ben", "x" * 4000).status_code == 201
        filler.unlink()
        assert begun.client.post("uploads/", json=new).status_code == 201
        assert begun.finish()["size"] == 200 * KB


# A stop, a recall


def test_a_stop_while_files_are_sent_loses_no_byte(server, people, data):
    contents = [random.randbytes(2_000 * KB) for _tab in range(3)]
    tabs = [Tab(people["anna"], str(uuid4()), content) for content in contents]
    with ThreadPoolExecutor(len(tabs)) as pool:
        sending = [pool.submit(tab.send, range(9 * KB, 40 * KB)) for tab in tabs]
        stops = 0
        while not all(each.done() for each in sending) and stops < 3:
            time.sleep(0.7)
            assert server.stop() < 10
            for row in rows(data)[-len(tabs) :]:
                part = data / "uploads" / row["part"]
                assert not row["received"] or part.stat().st_size >= row["received"]
            server.start()
            stops += 1
        for each in sending:
            each.result(PATIENCE)
    assert stops > 1, "they were sent before anything stopped"
    for tab in tabs:
        tab.finish()
    found = {row["sha256"] for row in rows(data)[-3:]}
    assert found == {hashlib.sha256(content).hexdigest() for content in contents}


def test_what_is_recalled_while_a_friend_takes_it_is_gone_when_that_ends(server, people, data):
    content = random.randbytes(9_000 * KB)
    tab = upload(people["anna"], content)
    name = rows(data)[-1]["file"]
    message = send(people["anna"], "ben", upload=tab.facts["id"]).json()["message"]
    url = server.url + message["attachment"]["url"]
    cookie = {"Cookie": people["ben"].cookie}
    [worker] = workers(server)

    def held() -> list[str]:
        links = []
        for number in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                links.append(str(number.readlink()))
        return [link for link in links if "/attachments/" in link]

    with httpx.stream("GET", url, headers=cookie) as download:
        pieces = download.iter_raw()
        taken = next(pieces)
        assert len(held()) == 1
        assert people["anna"].post(f"messages/{message['id']}/recall/").status_code == 200
        assert not (data / "attachments" / name).exists()
        assert httpx.get(url, headers=cookie).status_code == 404
        assert httpx.get(url, headers=cookie | {"Range": "bytes=0-1"}).status_code == 404
        with suppress(httpx.HTTPError):
            for piece in pieces:
                taken += piece
        assert content.startswith(taken), "what comes is of the file"
    deadline = time.monotonic() + PATIENCE
    while held():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# A backup


def test_a_backup_meanwhile_restores_every_acknowledged_file(server, people, data, tmp_path):
    anna, ben = people["anna"], people["ben"]
    known: dict[str, str] = {}  # the sums of acknowledged files, by client_id
    gone: set[str] = set()
    done = threading.Event()

    def talk(person: Person, to: str) -> None:
        while not done.is_set():
            content = random.randbytes(random.choice([7, 40 * KB, 700 * KB]))
            tab = upload(person, content)
            client_id = str(uuid4())
            message = send(person, to, client_id, upload=tab.facts["id"]).json()["message"]
            known[client_id] = hashlib.sha256(content).hexdigest()
            if random.random() < 0.3:
                gone.add(client_id)  # before it may be
                person.post(f"messages/{message['id']}/recall/")

    with ThreadPoolExecutor(2) as pool:
        talking = [pool.submit(talk, anna, "ben"), pool.submit(talk, ben, "anna")]
        try:
            while len(known) < 12 and not any(each.done() for each in talking):
                time.sleep(0.1)
            before = dict(known)
            backup = server.manage("backup").stdout.splitlines()[-1].split(" ")[0]
        finally:
            done.set()
        for each in talking:
            each.result(PATIENCE)
    assert len(known) > len(before) >= 12
    env = server.env | {"DATA_DIR": str(tmp_path)}
    restore = [sys.executable, "manage.py", "restore", backup]
    subprocess.run(restore, cwd=ROOT, env=env, check=True, capture_output=True)
    sums = {}
    for client_id, file, sha256 in ask(tmp_path, FILES):
        content = (tmp_path / "attachments" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
        sums[client_id] = sha256
    wanted = {key.replace("-", ""): sha256 for key, sha256 in before.items() if key not in gone}
    assert wanted
    assert wanted.items() <= sums.items()
