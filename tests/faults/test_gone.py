"""Deleted data is in no file any more, by the bytes on the disk, within five seconds."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.live import settle
from tests.server import Server

PROMISED_SECONDS = 5.0
DELETE = "from accounts.models import User; User.objects.get(username={!r}).delete()"
REMOVE = """
from accounts.models import User
from chat.models import Report
from chat.moderation import services
root = User.objects.create_superuser("root")
services.remove_message(by=root, report=Report.objects.get())
"""
AGE = "UPDATE chat_message SET sent_at = '2020-01-01 00:00:00' WHERE text LIKE ?"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off") as server:
        server.data = Path(server.env["DATA_DIR"])
        names = ["anna", "ben", "cleo", "dora"]
        pairs = [("anna", "ben"), ("anna", "cleo"), ("anna", "dora")]
        server.people = settle(server, names, pairs)
        yield server


def holders(folder: Path, words: str) -> list[str]:
    """List the files that contain these words, byte for byte."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if words.encode() in path.read_bytes()]


def is_gone_in_time(folder: Path, words: str) -> bool:
    deadline = time.monotonic() + PROMISED_SECONDS
    while found := holders(folder, words):
        if time.monotonic() > deadline:
            pytest.fail(f"{words} is in {found} after {PROMISED_SECONDS} s")
        time.sleep(0.1)
    return True


def say(server: Server, to: str = "ben") -> tuple[str, int]:
    """Send a unique text; returns it, and the id of its message."""
    words = f"geheim-{uuid4().hex}"
    message = server.people["anna"].say(to, words).json()["message"]
    assert holders(server.data, words)
    return words, message["id"]


def recall(server: Server) -> str:
    words, pk = say(server)
    assert server.people["anna"].post(f"messages/{pk}/recall/").status_code == 200
    return words


def remove(server: Server) -> str:
    """Remove a message as a moderator; the report's snapshot has the text, so it goes first."""
    words, pk = say(server)
    assert server.people["ben"].post(f"messages/{pk}/report/", reason="x").status_code == 201
    with closing(sqlite3.connect(server.data / "db.sqlite3", timeout=10)) as database, database:
        database.execute("PRAGMA secure_delete=ON")
        database.execute("UPDATE chat_report SET snapshot = '[]'")
    server.manage("shell", "--verbosity", "0", "-c", REMOVE)
    return words


def delete_account(server: Server) -> str:
    words, _pk = say(server, "cleo")
    server.manage("shell", "--verbosity", "0", "-c", DELETE.format("cleo"))
    return words


def prune(server: Server) -> str:
    words, _pk = say(server)
    with closing(sqlite3.connect(server.data / "db.sqlite3", timeout=10)) as database, database:
        database.execute(AGE, [words])
    server.manage("prune", "--messages-older-than", "30", "--yes")
    return words


def remark(server: Server) -> str:
    words = f"g{uuid4().hex[:14]}"
    for each in (words, ""):
        answer = server.people["anna"].post("friends/ben/remark/", remark=each)
        assert answer.status_code == 200
    return words


def withdraw(server: Server) -> str:
    words = f"geheim-{uuid4().hex}"
    ask = server.people["ben"].post("friends/requests/", username="dora", note=words)
    pk = ask.json()["request"]["id"]
    assert server.people["ben"].post(f"friends/requests/{pk}/withdraw/").status_code == 200
    return words


@pytest.mark.parametrize("take_away", [recall, remove, prune, remark, withdraw, delete_account])
def test_whatever_way_it_goes_the_files_forget_it(server, take_away):
    assert is_gone_in_time(server.data, take_away(server))


def test_it_goes_while_others_write(server):
    """The log is never idle, and neighbouring rows are unharmed."""
    words, pk = say(server)
    kept = []
    assert server.people["anna"].post(f"messages/{pk}/recall/").status_code == 200
    deadline = time.monotonic() + PROMISED_SECONDS
    while holders(server.data, words):
        kept.append(say(server)[0])
        assert time.monotonic() < deadline
    assert set(kept) <= set(server.people["ben"].texts("anna"))


def test_a_reader_holds_it_back_and_no_longer(server):
    """A backup is such a reader; writers are not held up meanwhile."""
    with closing(sqlite3.connect(server.data / "db.sqlite3")) as reader:
        reader.execute("BEGIN")
        words = recall_under(server, reader)
        time.sleep(4)
        began = time.monotonic()
        say(server)
        assert time.monotonic() - began < 3
        assert holders(server.data, words) == ["db.sqlite3-wal"]
    assert is_gone_in_time(server.data, words)


def recall_under(server: Server, reader: sqlite3.Connection) -> str:
    words, pk = say(server)
    reader.execute("SELECT count(*) FROM chat_message").fetchall()
    server.people["anna"].post(f"messages/{pk}/recall/")
    return words


def test_after_a_stop_there_is_no_log(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        server.data = tmp_path
        server.people = settle(server, ["anna", "ben"], [("anna", "ben")])
        words = recall(server)
        server.stop()
        assert holders(tmp_path, words) == []
        log = tmp_path / "db.sqlite3-wal"
        assert not log.exists() or log.stat().st_size == 0


def test_what_a_kill_left_goes_with_the_next_start(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        server.data = tmp_path
        server.people = settle(server, ["anna", "ben"], [("anna", "ben")])
        words, pk = say(server)
        server.people["anna"].post(f"messages/{pk}/recall/")
        server.stop(9)
        server.start()
        assert is_gone_in_time(tmp_path, words)
