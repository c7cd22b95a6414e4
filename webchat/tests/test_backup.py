"""Backups of a server at work, and what is made of them."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.live import settle
from tests.server import ROOT, Server

HEX = "0123456789abcdef"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A server with a few messages, and a backup of it; the server is stopped."""
    data = tmp_path_factory.mktemp("data")
    server = Server(data, SEND_RATE="off")
    with server:
        people = settle(server, ["anna", "ben"], [("anna", "ben")])
        for number in range(5):
            people["anna"].say("ben", f"vorher {number}")
    folder = data / "attachments"
    folder.mkdir()
    (folder / f"{uuid4()}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    server.manage("backup")
    [server.backup] = (data / "backups").iterdir()
    return server


def restore_into(folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    env = os.environ | {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "webchat.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(file)],
        cwd=ROOT, env=env, capture_output=True, text=True,
    )  # fmt: skip


def rows(data: Path, sql: str) -> list:
    with closing(sqlite3.connect(data / "db.sqlite3")) as connection:
        return connection.execute(sql).fetchall()


def repacked(file: Path, target: Path, change) -> Path:
    """The same archive with its members changed: `change` gets and gives {name: bytes}."""
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    with tarfile.open(target, "w:gz") as tar:
        for name, content in change(members).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target


def with_manifest(**changes):
    def change(members):
        manifest = json.loads(members["manifest.json"]) | changes
        return members | {"manifest.json": json.dumps(manifest).encode()}

    return change


def test_a_backup_under_load_holds_what_was_acknowledged_before_it_and_serves(tmp_path):
    with Server(tmp_path / "old", SEND_RATE="off") as server:
        people = settle(server, ["anna", "ben"], [("anna", "ben")])
        acknowledged: list[int] = []
        done = threading.Event()

        def talk() -> None:
            with people["anna"].open() as live:
                live.expect("caught_up")
                while not done.is_set():
                    live.say("ben", "x")
                    acknowledged.append(live.expect("ack")["message"]["id"])
                    time.sleep(0.02)

        talking = threading.Thread(target=talk)
        talking.start()
        while len(acknowledged) <= 5:
            time.sleep(0.05)
        before = list(acknowledged)
        server.manage("backup")
        done.set()
        talking.join()
        old_head = people["ben"].get("me/").json()["last_event"]
        assert len(acknowledged) > len(before)
    [backup] = (tmp_path / "old/backups").iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600

    new = tmp_path / "new"
    done = restore_into(new, backup)
    assert done.returncode == 0, done.stderr
    stored = {pk for (pk,) in rows(new, "SELECT id FROM chat_message")}
    assert set(before) <= stored
    with Server(new, SEND_RATE="off") as server:
        again = settle(server, ["cleo", "dora"], [("cleo", "dora")])
        message = again["cleo"].say("dora", "es geht weiter").json()["message"]
        assert message["id"] > max(acknowledged)
        answer = again["cleo"].get("events/", after=old_head).json()
        assert answer == {"reset": True}


def test_in_a_folder_of_others_nobody_can_say_where_a_backup_is_written(home, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    bait = tmp_path / "bait"
    bait.write_text("not ours")
    for second in range(300):  # whatever the next minutes may be called
        name = time.strftime("webchat-%Y%m%d-%H%M%S", time.gmtime(time.time() + second))
        (shared / f"{name}.tar.part").symlink_to(bait)
        (shared / f"{name}.part").symlink_to(bait)
        (shared / f"{name}.tar.gz").symlink_to(bait)
    home.manage("backup", str(shared))
    [backup] = [path for path in shared.iterdir() if not path.is_symlink()]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert bait.read_text() == "not ours"


def test_a_restore_keeps_what_it_replaces_and_ends_all_sessions(home, tmp_path):
    assert restore_into(tmp_path / "data", home.backup).returncode == 0
    with closing(sqlite3.connect(tmp_path / "data/db.sqlite3")) as connection, connection:
        connection.execute("UPDATE chat_message SET text = 'nachher'")
    assert rows(tmp_path / "data", "SELECT COUNT(*) FROM django_session") == [(0,)]
    assert restore_into(tmp_path / "data", home.backup).returncode == 0
    texts = [text for (text,) in rows(tmp_path / "data", "SELECT text FROM chat_message")]
    assert texts == [f"vorher {number}" for number in range(5)]
    [kept] = (tmp_path / "data").glob("before-restore-*")
    assert rows(kept, "SELECT DISTINCT text FROM chat_message") == [("nachher",)]
    assert len(list((tmp_path / "data/attachments").iterdir())) == 1


def test_a_second_restore_gives_ids_beyond_those_of_the_first(home, tmp_path):
    sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'chat_message'"
    assert restore_into(tmp_path / "data", home.backup).returncode == 0
    [(first,)] = rows(tmp_path / "data", sequence)
    assert restore_into(tmp_path / "data", home.backup).returncode == 0
    [(second,)] = rows(tmp_path / "data", sequence)
    assert second > first > 5


@pytest.mark.parametrize(
    "change",
    [
        lambda members: {**members, "db.sqlite3": members["db.sqlite3"][:-1] + b"x"},
        lambda members: {name: members[name] for name in members if name != "db.sqlite3"},
        lambda members: members | {"../evil": b"x"},
        lambda members: members | {"attachments/../../evil": b"x"},
        lambda members: {"db.sqlite3": members["db.sqlite3"]},
        with_manifest(application="another"),
        with_manifest(format=99),
        with_manifest(migrations=[["chat", "9999_from_the_future"]]),
        with_manifest(files={"../evil": {"bytes": 1, "sha256": "0" * 64}}),
        with_manifest(files=None),
    ],
)
def test_what_is_damaged_foreign_or_newer_is_refused_and_changes_nothing(home, tmp_path, change):
    data = tmp_path / "data"
    assert restore_into(data, home.backup).returncode == 0
    before = (data / "db.sqlite3").read_bytes()
    bad = repacked(home.backup, tmp_path / "bad.tar.gz", change)
    answer = restore_into(data, bad)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert (data / "db.sqlite3").read_bytes() == before
    assert not (tmp_path / "evil").exists()
    assert not list(data.glob(".restore-*"))
    assert not list(data.glob("before-restore-*"))


@pytest.mark.parametrize("size", [0, 10, 1000, -1])
def test_a_truncated_or_missing_file_is_refused(home, tmp_path, size):
    file = tmp_path / "bad.tar.gz"
    if size >= 0:
        file.write_bytes(home.backup.read_bytes()[:size])
    answer = restore_into(tmp_path / "data", file)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "data/db.sqlite3").exists()


def test_an_older_backup_is_brought_up_to_date(home, tmp_path):
    """As one of before the last migration: it is applied again."""
    older = tmp_path / "older"
    assert restore_into(older, home.backup).returncode == 0
    server = Server(older)
    *_, before_last, last = sorted(path.stem for path in (ROOT / "chat/migrations").glob("0*.py"))
    server.manage("migrate", "chat", before_last)
    server.manage("backup")
    [file] = (older / "backups").iterdir()
    answer = restore_into(tmp_path / "data", file)
    assert answer.returncode == 0, answer.stderr
    applied = f"SELECT COUNT(*) FROM django_migrations WHERE app = 'chat' AND name = '{last}'"
    assert rows(older, applied) == [(0,)]
    assert rows(tmp_path / "data", applied) == [(1,)]
    assert rows(tmp_path / "data", "SELECT COUNT(*) FROM chat_message") == [(5,)]


def test_nothing_is_restored_under_a_running_server(home, tmp_path):
    with Server(tmp_path) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200  # its worker is up
        answer = restore_into(tmp_path, home.backup)
        assert answer.returncode == 1
        assert "服务器正在运行" in answer.stderr
        assert server.process.poll() is None


def test_only_so_many_are_kept_and_nothing_else_is_touched(home, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(10, 15):
        (folder / f"webchat-202601{day}-030000.tar.gz").touch()
    (folder / "holiday.tar.gz").touch()
    home.manage("backup", str(folder), "--keep", "2")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "holiday.tar.gz"
    assert names[1] == "webchat-20260114-030000.tar.gz"
    assert len(names) == 3
