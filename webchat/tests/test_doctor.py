"""Servers broken on purpose: the doctor names what is wrong with each, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from types import SimpleNamespace

import httpx
import pytest
from django.test import Client

from tests.mailbox import Mailbox
from tests.server import ROOT, Server, free_port
from webchat import disks
from webchat.doctor import data, files, machine
from webchat.doctor.finding import Level
from webchat.health import QUESTION, sign_question
from webchat.mail_failures import note_failure


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("healthy")
    Server(folder).manage("prepare", "--no-port")
    return folder


@pytest.fixture
def folder(healthy, tmp_path) -> Path:
    return Path(shutil.copytree(healthy, tmp_path / "data#1?%41"))


def examine(folder: Path, **settings: str) -> dict[str, dict[str, str]]:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings", "LANGUAGE_CODE": "en"}
    env |= {"DATA_DIR": str(folder), "PORT": str(free_port())} | settings
    answer = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True,
    )  # fmt: skip
    findings = {finding["check"]: finding for finding in json.loads(answer.stdout)}
    wrong = [finding for finding in findings.values() if finding["level"] == "wrong"]
    assert answer.returncode == (1 if wrong else 0)
    assert "Traceback" not in answer.stderr
    return findings


def wrong_with(folder: Path, **settings: str) -> dict[str, str]:
    """Return what is wrong, by check; a developer's .env is the developer's own."""
    findings = examine(folder, **settings)
    return {
        name: finding["message"] + finding["fix"]
        for name, finding in findings.items()
        if finding["level"] == "wrong" and name != "env_file"
    }


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database, database:
        for statement in statements:
            database.execute(statement)


def test_nothing_is_wrong_with_a_healthy_server(folder):
    assert wrong_with(folder) == {}


def test_data_that_others_can_get_at(folder):
    assert examine(folder)["files"]["level"] == "ok"
    (folder / "db.sqlite3").chmod(0o640)
    finding = examine(folder)["files"]
    assert finding["level"] == "advice"
    assert finding["fix"] == f"chmod go-rwx {folder}/db.sqlite3"


def test_a_backup_of_last_month_is_too_old(folder):
    (folder / "backups").mkdir()
    old = folder / "backups/webchat-20260101-030000.tar.gz"
    old.write_bytes(b"")
    os.utime(old, (1_767_000_000, 1_767_000_000))
    assert "days old" in wrong_with(folder)["backup"]


def test_a_damaged_database(folder):
    file = folder / "db.sqlite3"
    content = bytearray(file.read_bytes())
    for page in range(3, len(content) // 4096, 2):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(content)
    assert "restore" in wrong_with(folder)["database"]


@pytest.mark.parametrize(
    ("words", "reason", "fix"),
    [
        ("unable to open database file", "没有权限使用", "chmod u+rwX"),
        ("attempt to write a readonly database", "没有权限使用", "chmod u+rwX"),
        ("database is locked", "锁住", "等那个程序结束"),
        ("disk I/O error", "系统日志", "journalctl -k"),
    ],
)
def test_a_database_that_cannot_be_opened_is_no_damaged_one(
    tmp_path, settings, monkeypatch, words, reason, fix
):
    def fail(*_args):
        raise sqlite3.OperationalError(words)

    settings.DATA_DIR, settings.DATABASE_FILE = tmp_path, tmp_path / "db.sqlite3"
    settings.DATABASE_FILE.touch()
    monkeypatch.setattr("webchat.base.failures.connecting.own_file", lambda: settings.DATABASE_FILE)
    monkeypatch.setattr(data.examining, "check_whole", fail)
    finding = data.check_database()
    assert finding.level == Level.WRONG
    assert reason in finding.message
    assert words not in finding.message
    assert fix in finding.fix
    assert "restore" not in finding.fix


def test_a_database_that_is_a_folder_or_missing_is_told_in_the_readers_language(
    tmp_path, settings, monkeypatch
):
    settings.DATA_DIR, settings.DATABASE_FILE = tmp_path, tmp_path / "db.sqlite3"
    monkeypatch.setattr("webchat.base.failures.connecting.own_file", lambda: settings.DATABASE_FILE)
    assert "migrate" in data.check_database().fix
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups/webchat-20260101-030000Z.tar.gz").touch()
    assert "restore" in data.check_database().fix
    settings.DATABASE_FILE.mkdir()
    finding = data.check_database()
    assert "unable to open" not in finding.message
    assert "restore" not in finding.fix


def test_a_row_without_what_it_belongs_to(folder):
    change(
        folder,
        "INSERT INTO chat_event (kind, data, created_at, user_id)"
        " VALUES ('read', '{}', '2026-01-01', 99)",
    )
    assert "chat_event" in wrong_with(folder)["database"]


def test_a_migration_that_waits(folder):
    change(folder, "DELETE FROM django_migrations WHERE app = 'friends'")
    assert "migrate" in wrong_with(folder)["migrations"]


def test_a_clock_that_was_set_back(folder):
    change(
        folder,
        "INSERT INTO chat_event (kind, data, created_at) VALUES ('reset', '{}', '2099-01-01')",
    )
    assert "future" in wrong_with(folder)["clock"]


def test_settings_that_contradict_each_other_and_a_weak_key(folder):
    key = "abcdefgh" * 5  # enough to start with, and less than Django's check wants
    wrong = wrong_with(folder, SITE_URL="https://chat.invalid", BEHIND_PROXY="", SECRET_KEY=key)
    assert set(wrong) == {"settings", "secret_key"}


def test_settings_that_cannot_be_read(folder):
    findings = examine(folder, PORT="achttausend")
    assert list(findings) == ["settings"]
    assert "PORT" in findings["settings"]["message"]


class Stranger(BaseHTTPRequestHandler):
    """Another program, which answers everything in its own way."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>It works!</h1>")

    def log_message(self, *args: object) -> None:
        pass


class Careless(Stranger):
    """A proxy that passes requests on, but neither addresses nor upgrades."""

    upstream = ""
    takes = "/nothing"  # the ending that a rule of its own site takes

    def do_GET(self) -> None:
        if self.path.endswith(self.takes):
            self.send_error(404)
            return
        asked = {"Host": self.headers["Host"], QUESTION: self.headers.get(QUESTION, "")}
        answer = httpx.get(self.upstream + self.path, headers=asked)
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(answer.content)


@pytest.fixture
def listening():
    """A function that starts a handler on a port of its own, and returns the port."""
    servers: list[HTTPServer] = []

    def start(handler: type[BaseHTTPRequestHandler]) -> int:
        server = HTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_another_program_on_the_port_and_at_the_address(folder, listening):
    port = str(listening(Stranger))
    wrong = wrong_with(folder, PORT=port, SITE_URL=f"http://127.0.0.1:{port}")
    assert set(wrong) == {"server", "site_url"}


def test_a_proxy_that_passes_no_addresses_and_no_upgrades(folder, listening, monkeypatch):
    port = listening(Careless)
    settings = {"SITE_URL": f"http://127.0.0.1:{port}", "BEHIND_PROXY": "on"}
    with Server(folder, **settings) as server:
        Careless.upstream = server.url
        findings = examine(folder, PORT=str(server.port), **settings)
        assert findings["server"]["level"] == "ok"
        assert "X-Real-IP" in findings["site_url"]["fix"]
        assert "Upgrade" in findings["websocket"]["fix"]
        assert findings["websocket"]["level"] == "advice"
        assert findings["static_site"]["level"] == "ok"
        monkeypatch.setattr(Careless, "takes", ".css")
        finding = examine(folder, PORT=str(server.port), **settings)["static_site"]
        assert finding["level"] == "wrong"
        assert finding["fix"].startswith("location ^~ /static/ { alias /")
        direct = {"SITE_URL": server.url, "BEHIND_PROXY": ""}
    with Server(folder, **direct) as server:
        settings = direct | {"SITE_URL": server.url, "PORT": str(server.port)}
        assert examine(folder, **settings)["site_url"]["level"] == "ok"


class Strict(Mailbox):
    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        return "501 mail from address must be same as authorization user"


class Busy(Mailbox):
    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        return "450 frequency limited"


@pytest.mark.parametrize(
    ("kind", "url", "word"),
    [
        (Mailbox, "smtp://user:falsch@127.0.0.1:{port}", "authorisation code"),
        (Strict, "smtp://user:secret@127.0.0.1:{port}", "sender"),
        (Busy, "smtp://user:secret@127.0.0.1:{port}", "too often"),
        (Mailbox, "smtp+ssl://user:secret@127.0.0.1:{port}", "as expected"),
        (None, "smtp://user:secret@127.0.0.1:{port}", "not reached"),
    ],
)
def test_the_troubles_of_mail(folder, kind, url, word):
    if kind is None:
        wrong = wrong_with(folder, MAIL_MODE="smtp", EMAIL_URL=url.format(port=free_port()))
    else:
        with kind() as mailbox:
            wrong = wrong_with(folder, MAIL_MODE="smtp", EMAIL_URL=url.format(port=mailbox.port))
            assert mailbox.mails == []
    assert set(wrong) == {"mail"}
    assert word in wrong["mail"]
    assert "secret" not in wrong["mail"]
    assert "falsch" not in wrong["mail"]


def test_a_mail_server_that_works(folder):
    with Mailbox() as mailbox:
        url = f"smtp://user:secret@127.0.0.1:{mailbox.port}"
        assert examine(folder, MAIL_MODE="smtp", EMAIL_URL=url)["mail"]["level"] == "ok"


def test_a_mail_server_that_lets_one_log_in_and_relays_nothing(folder, settings):
    settings.DATA_DIR, settings.MAIL_MODE = folder, "smtp"
    findings = []
    with Mailbox() as mailbox:
        url = f"smtp://user:secret@127.0.0.1:{mailbox.port}"
        for address in ("wang@example.com", "li@example.com"):
            answer = {address: (554, b"5.7.1 Relay access denied")}
            note_failure(SMTPRecipientsRefused(answer), to=[address])
            findings.append(examine(folder, MAIL_MODE="smtp", EMAIL_URL=url)["mail"])
    assert [finding["level"] for finding in findings] == ["ok", "advice"]
    assert "554 5.7.1 Relay access denied" in findings[1]["message"]


# Faults that a test cannot cause for real


@pytest.mark.parametrize(
    ("free", "level"), [(10**6, Level.WRONG), (5 * 10**8, Level.ADVICE), (10**11, Level.OK)]
)
def test_a_disk_that_fills(monkeypatch, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert machine.check_disk().level == level


def test_a_disk_with_too_little_room_for_files(monkeypatch, settings):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**11))
    settings.MIN_FREE = 10**11
    assert machine.check_disk().level == Level.OK
    settings.MIN_FREE = 10**11 + 1
    finding = machine.check_disk()
    assert finding.level == Level.ADVICE
    assert "MIN_FREE" in finding.message


def test_files_that_are_missing_and_those_that_nobody_needs(folder):
    assert examine(folder)["attachments"]["level"] == "ok"
    columns = "owner_id, client_id, name, announced_size, announced_kind, received, state, part"
    change(
        folder,
        f"INSERT INTO chat_upload ({columns}, created_at, changed_at, file, preview, mimetype)"
        " VALUES (7, 'a', 'x', 1, 'file', 1, 'ready', 'p', '2026-01-01', '2026-01-01', 'f', '',"
        " '')",
    )
    finding = examine(folder)["attachments"]
    assert finding["level"] == "advice"
    assert finding["message"] == "Files of messages that are not there: 1 (f)"
    assert "cp -n BACKUP/attachments/f " in finding["fix"]
    (folder / "attachments").mkdir(exist_ok=True)
    for name in ("f", "new", "old"):
        (folder / "attachments" / name).write_bytes(b"12345")
    os.utime(folder / "attachments/f", (1, 1))
    assert examine(folder)["attachments"]["level"] == "ok"
    os.utime(folder / "attachments/old", (1, 1))
    finding = examine(folder)["attachments"]
    assert finding["level"] == "advice"
    assert "1 (5" in finding["message"]
    assert "prune" in finding["fix"]
    replaced = folder / "before-restore-20260102-030000Z"
    replaced.mkdir()
    with closing(sqlite3.connect(replaced / "db.sqlite3")) as database, database:
        database.execute("CREATE TABLE chat_attachment (file)")
        database.execute("INSERT INTO chat_attachment VALUES ('old')")
    assert examine(folder)["attachments"]["level"] == "ok"


def test_a_file_that_goes_while_the_folder_is_read(db, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    (tmp_path / "attachments").mkdir()
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "recalled"]))
    assert files.check_attachments().level == Level.OK


def test_an_env_file_that_others_can_read(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    assert machine.check_env_file().level == Level.OK
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    assert machine.check_env_file().level == Level.WRONG
    (tmp_path / ".env").chmod(0o600)
    assert machine.check_env_file().level == Level.OK


def test_pictures_without_pillow(monkeypatch):
    features = pytest.importorskip("PIL.features")
    assert machine.check_pictures().level == Level.OK
    with monkeypatch.context() as without:
        without.setattr(features, "check", lambda name: name != "webp")
        assert "webp" in machine.check_pictures().message
    monkeypatch.setitem(sys.modules, "PIL", None)
    finding = machine.check_pictures()
    assert finding.level == Level.ADVICE
    assert "Pillow" in finding.message
    assert "pip install" in finding.fix


def test_static_files_that_were_not_collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    assert machine.check_static_files().level == Level.WRONG


def test_a_database_on_a_network_share(monkeypatch, tmp_path, settings):
    (tmp_path / "mounts").write_text(
        "22 1 8:1 / / rw,noatime shared:1 - ext4 /dev/sda1 rw\n"
        "36 22 0:41 / /srv/my\\040share\\043\\134 rw shared:5 master:2 - nfs4 nas:/x rw,vers=4.2\n"
        "37 22 0:42 / /srv/- rw - cifs //nas/y rw\n38 22 cut\n"
    )
    monkeypatch.setattr(disks, "MOUNTS", tmp_path / "mounts")
    for folder, level in (
        ("/srv/my share#\\/webchat", Level.WRONG), ("/srv/-/webchat", Level.WRONG),
        ("/srv/webchat", Level.OK), ("/srv/my share", Level.OK),
    ):  # fmt: skip
        settings.DATABASE_FILE = Path(folder) / "db.sqlite3"
        assert data.check_file_system().level == level
    (tmp_path / "mounts").unlink()
    assert data.check_file_system().level == Level.OK, "nobody can tell"


def test_only_the_doctor_learns_how_its_request_came():
    client = Client()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/healthz", headers={QUESTION: "seen:1:x"}).json() == {"status": "ok"}
    asked = {QUESTION: sign_question()}
    seen = client.get("/healthz", headers=asked).json()["seen"]
    assert seen == {"host": "testserver", "scheme": "http", "has_address": False}
