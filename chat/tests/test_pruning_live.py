"""`manage.py prune` beside a server at work."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from threading import Event, Thread

import pytest

from tests.live import Person, settle
from tests.server import ROOT, Server

OLD = 3000
PRUNE = ["prune", "--messages-older-than", "30", "--yes"]
FILL = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO chat_message (conversation_id, sender_id, text, client_id, digest, sent_at)
SELECT c.id, c.low_id, 'alt', lower(hex(randomblob(16))), x'', '2020-01-01' FROM number
JOIN chat_conversation AS c
"""
TELL = """
INSERT INTO chat_event (kind, conversation_id, message_id, data, created_at)
SELECT 'message', conversation_id, id, '{}', sent_at FROM chat_message
"""


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        server.people = settle(server, ["anna", "ben"], [("anna", "ben")])
        server.database = tmp_path / "db.sqlite3"
        with closing(sqlite3.connect(server.database, timeout=30)) as database, database:
            database.execute(FILL, [OLD])
            database.execute(TELL)
        yield server


def ask(server: Server, sql: str) -> list:
    with closing(sqlite3.connect(server.database, timeout=30)) as database:
        return database.execute(sql).fetchall()


def count_old(server: Server) -> int:
    [[count]] = ask(server, "SELECT count(*) FROM chat_message WHERE text = 'alt'")
    return count


def write(person: Person, to: str, over: Event, answers: list[str]) -> None:
    number = 0
    with person.open() as live:
        live.expect("caught_up")
        while not over.is_set():
            client_id = live.say(to, f"neu {number}")
            number += 1
            answer = {}
            while answer.get("client_id") != client_id:
                answer = live.next(timeout=30)
            answers.append(answer["type"])
            time.sleep(0.01)


def test_nobody_who_writes_meanwhile_is_refused(server):
    over = Event()
    answers: list[str] = []
    anna, ben = server.people["anna"], server.people["ben"]
    writing = Thread(target=write, args=(anna, "ben", over, answers))
    writing.start()
    try:
        server.manage(*PRUNE)
        during = len(answers)
    finally:
        over.set()
        writing.join()
    assert during > 10
    assert set(answers) == {"ack"}
    assert count_old(server) == 0
    [[stored]] = ask(server, "SELECT count(*) FROM chat_message")
    assert stored == len(answers)
    assert ben.get("unread_counts/").json() == {"anna": min(stored, 100)}


def test_after_ctrl_c_what_was_begun_is_whole_and_pages_load_anew(server):
    with server.people["anna"].open() as live:
        live.expect("caught_up")
        pruning = subprocess.Popen(
            [sys.executable, "manage.py", *PRUNE],
            cwd=ROOT, env=server.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while count_old(server) == OLD:
            assert pruning.poll() is None
            time.sleep(0.01)
        pruning.send_signal(signal.SIGINT)
        _printed, said = pruning.communicate(timeout=30)
        live.expect("reset")
    assert pruning.returncode == 130, said
    assert "Traceback" not in said
    left = count_old(server)
    assert 0 < left < OLD
    assert f" {OLD - left}\n" in said
    assert ask(server, "PRAGMA foreign_key_check") == []
    assert ask(server, "SELECT count(*) FROM chat_event WHERE message_id NOT NULL") == [(left,)]
    server.manage(*PRUNE)
    assert count_old(server) == 0
