"""Backups beside people who send, recall and delete files, in real processes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.server import ROOT
from webchat.tests.test_keeping import command, manage

FILES, BYTES = 60, 200_000  # more than fit into one file, also without those recalled
SEND = """
import django, hashlib, os, sys, uuid
django.setup()
from accounts.models import User
from datetime import timedelta
from chat import services
from chat.access import get_message
from chat.models import Message, Upload
from chat.models.files import attachments_folder
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages
from friends import services as friends

services.RECALL_WITHIN = timedelta(days=1)
anna, ben = (User.objects.create_user(name, password=None) for name in ("anna", "ben"))
friends.accept(request=friends.ask(sender=anna, username="ben"))
attachments_folder().mkdir(exist_ok=True)

def send(size):
    content = os.urandom(size)
    name = uuid.uuid4().hex
    with (attachments_folder() / name).open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    upload = Upload.objects.create(
        owner=anna, client_id=uuid.uuid4(), name="a", announced_kind="file", announced_size=size,
        received=size, state="ready", part=name, file=name, size=size,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    ids = {"client_id": str(uuid.uuid4()), "upload": str(upload.client_id)}
    draft = Draft.parse(anna.pk, to="ben", **ids)
    [posted] = post_messages([draft])
    return Message.objects.get(attachment__file=name).pk, name

first = [send(int(sys.argv[2])) for _each in range(int(sys.argv[1]))]
print(*(name for _pk, name in first), flush=True)
sent = [pk for pk, _name in first[:10]]  # these are recalled, the others stay
while True:
    print(send(3000)[1], flush=True)
    sent.append(send(3000)[0])
    pk = sent.pop(0 if len(sent) % 2 else -1)
    thread, message = get_message(anna, pk)
    services.recall(thread=thread, message=message)
"""


@pytest.fixture
def busy(tmp_path):
    """Data into which somebody sends files, and recalls some as soon as they are sent."""
    data = tmp_path / "data"
    data.mkdir()
    assert manage(data, "migrate", "--verbosity", "0").returncode == 0
    code = [sys.executable, "-c", SEND, str(FILES), str(BYTES)]
    env = command(data)["env"] | {"SEND_RATE": "off"}
    process = subprocess.Popen(code, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        process.first = process.stdout.readline().split()
        assert len(process.first) == FILES
        process.data = data
        yield process
    finally:
        process.kill()
        process.communicate()


def files_named(backup: Path, at: Path) -> dict[str, str]:
    at.write_bytes(gzip.decompress((backup / "db.sqlite3.gz").read_bytes()))
    with closing(sqlite3.connect(at)) as database:
        return dict(database.execute("SELECT file, sha256 FROM chat_attachment").fetchall())


def test_each_holds_every_file_that_its_database_names(busy, tmp_path):
    acknowledged = busy.first[10:]
    for _time in range(2):
        acknowledged += [busy.stdout.readline().strip() for _each in range(5)]
        made = manage(busy.data, "backup")
        assert (made.returncode, made.stderr) == (0, "")
        backup = Path(made.stdout.splitlines()[-1].split(" ")[0])
        named = files_named(backup, tmp_path / "db.sqlite3")
        assert set(acknowledged) <= set(named)
        for name, sha256 in named.items():
            content = (backup / "attachments" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256
    busy.kill()
    # The backup is restored elsewhere, and then over the data with what came later.
    for data in (tmp_path / "new", busy.data):
        data.mkdir(exist_ok=True)
        restored = manage(data, "restore", str(backup))
        assert restored.returncode == 0, restored.stderr
        with closing(sqlite3.connect(data / "db.sqlite3")) as database:
            rows = database.execute("SELECT file, sha256 FROM chat_attachment").fetchall()
        assert dict(rows) == named
        for name, sha256 in rows:
            content = (data / "attachments" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256
    assert json.loads((backup / "manifest.json").read_text())["notes"]["lost"] == []
    assert os.listdir(tmp_path / "new/attachments")
