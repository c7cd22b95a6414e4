"""Backups of a running server, and restores from them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.live import settle
from tests.server import ROOT, Server
from webchat.database import archive
from webchat.database.backup import backups_in

HEX = "0123456789abcdef"
# Every test has its data in a folder like this: in an address, each of these means something.
ODD = "a#b?mode=memory&c%41 +[数据]"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A server with a few messages, and a backup of it; the server is stopped."""
    data = tmp_path_factory.mktemp("data") / ODD
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


@pytest.fixture(scope="module")
def restored(home, tmp_path_factory):
    """A folder into which the backup was restored."""
    data = tmp_path_factory.mktemp("restored") / ODD
    assert restore_into(data, home.backup).returncode == 0
    return data


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
    """Write the same archive with changed members: `change` gets and returns {name: bytes}."""
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


def with_database(change):
    """Return a change to another database, which the manifest says is the right one."""

    def repack(members):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "db.sqlite3"
            path.write_bytes(members["db.sqlite3"])
            change(path)
            content = path.read_bytes()
        manifest = json.loads(members["manifest.json"])
        manifest["files"]["db.sqlite3"] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return members | {"manifest.json": json.dumps(manifest).encode(), "db.sqlite3": content}

    return repack


def with_sql(*statements):
    def change(path):
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return with_database(change)


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
        (shared / f"{name}Z.tar.gz").symlink_to(bait)
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


@pytest.mark.sweeps
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
        with_manifest(files={}),
        with_manifest(files={"db.sqlite3": 7}),
        with_manifest(files={"db.sqlite3": {"bytes": -1, "sha256": ""}}),
        with_manifest(files={"db.sqlite3": {"bytes": "1", "sha256": ""}}),
        with_manifest(files={"db.sqlite3": {"bytes": 2**70, "sha256": ""}}),
        with_manifest(migrations=[[[], {}]]),
        with_manifest(migrations=7),
        with_manifest(format="1"),
        lambda members: members | {"manifest.json": b"[" * 200_000},
        lambda members: members | {"manifest.json": b'{"a":' * 200_000},
        lambda members: members | {"manifest.json": b'["webchat"]'},
        lambda members: members | {"manifest.json": b'"webchat"'},
        lambda members: members | {"manifest.json": b""},
        lambda members: members | {"manifest.json": b"\xff\xfe"},
        lambda members: members | {"manifest.json": b'{"application": ' + b"9" * 5000 + b"}"},
        with_database(lambda path: path.write_bytes(b"no database at all" * 1000)),
        with_database(lambda path: path.write_bytes(b"")),
        with_sql("DROP TABLE accounts_user"),
        with_sql("DROP TABLE chat_eventlog"),
        with_sql("DROP TABLE django_migrations"),
        with_sql("ALTER TABLE chat_message RENAME COLUMN text TO words"),
        with_sql("ALTER TABLE accounts_user ADD COLUMN more TEXT AS (upper(username))"),
        with_sql("UPDATE sqlite_sequence SET seq = 'many'"),
        with_sql("UPDATE sqlite_sequence SET seq = 9223372036854775807"),
        with_sql("CREATE TRIGGER more AFTER INSERT ON chat_message BEGIN SELECT 1; END"),
        with_sql(
            "CREATE TRIGGER t AFTER INSERT ON chat_eventlog BEGIN DELETE FROM chat_report; END"
        ),
        with_sql("CREATE VIEW more AS SELECT * FROM accounts_user"),
        with_sql("CREATE VIRTUAL TABLE more USING fts5(text)"),
        with_sql(
            "DROP TRIGGER chat_search_deleted",
            "CREATE TRIGGER chat_search_deleted AFTER DELETE ON chat_message BEGIN SELECT 1; END",
        ),
        with_sql(
            "PRAGMA writable_schema=ON",
            "INSERT INTO sqlite_master VALUES ('table', 'more', 'chat_message', 0,"
            " 'CREATE  TRIGGER more AFTER INSERT ON chat_message BEGIN SELECT 1; END')",
        ),
    ],
)
def test_what_is_damaged_foreign_or_newer_is_refused_and_changes_nothing(
    home, restored, tmp_path, change
):
    data = shutil.copytree(restored, tmp_path / "data")
    before = (data / "db.sqlite3").read_bytes()
    bad = repacked(home.backup, tmp_path / "bad.tar.gz", change)
    answer = restore_into(data, bad)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert (data / "db.sqlite3").read_bytes() == before
    assert not (tmp_path / "evil").exists()
    assert not list(data.glob(".restore-*"))
    assert not list(data.glob("before-restore-*"))


def test_an_archive_that_unpacks_to_more_than_it_says_is_given_up(tmp_path):
    """Half a gigabyte of zeros, as a header that a reader of archives would keep in memory."""
    bomb = tmp_path / "bomb.tar.gz"
    info = tarfile.TarInfo("manifest.json")
    info.type, info.size = tarfile.XHDTYPE, 512 * 1024 * 1024
    with gzip.open(bomb, "wb", compresslevel=1) as out:
        out.write(info.tobuf())
        for _megabyte in range(512):
            out.write(bytes(1024 * 1024))
    code = (
        "import re, sys; from django.core.management import execute_from_command_line as go\n"
        "try: go(['manage.py', 'restore', sys.argv[1]])\n"
        # Not `ru_maxrss`, which remembers what the process was forked from.
        "finally: print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    env = Server(tmp_path / "data").env
    (tmp_path / "data").mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", code, str(bomb)], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert answer.stderr.count("\n") == 1, answer.stderr
    *_progress, memory = answer.stdout.split()
    assert int(memory) < 300 * 1024  # KiB


def test_a_disk_without_room_for_it_is_said_before_anything_is_written(home, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(archive.NoRoomError, match="磁盘|disk"):
        archive.unpack(home.backup, tmp_path)
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("name", ["manifest.json", "db.sqlite3"])
def test_a_member_that_is_no_file_is_refused(home, tmp_path, name, kind):
    bad = tmp_path / "bad.tar.gz"
    with tarfile.open(home.backup) as old, tarfile.open(bad, "w:gz") as new:
        for member in old:
            content = old.extractfile(member).read()
            if member.name == name:
                member.type, member.linkname, content = kind, "/etc/passwd", b""
                member.size = 0
            new.addfile(member, io.BytesIO(content))
    answer = restore_into(tmp_path / "data", bad)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1, answer.stderr


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
    """It is from before the last migration, which is then applied."""
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


def test_what_only_has_the_name_of_a_backup_is_none(tmp_path):
    old = tmp_path / "webchat-20260114-030000.tar.gz"
    old.touch()
    (tmp_path / "webchat-20260115-030000.tar.gz").symlink_to(tmp_path / "unplugged")
    (tmp_path / "webchat-20260116-030000.tar.gz").mkdir()
    assert backups_in(tmp_path) == [old]
