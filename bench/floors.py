"""The cost of the work without a server. Run in a process of its own:

floors.py inserts FILE BATCH SECONDS   rows in groups, each group synced to disk
floors.py page PATH COOKIE SECONDS     the same view, called as a function
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

TEXT = "明天下午三点开会，记得带上电脑。"


def insert_groups(path: str, batch: int, seconds: float) -> dict[str, float]:
    """Insert messages and their events, with the needed indexes, but without queries or checks."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, conversation, sender, text,"
        " client_id, digest, sent_at);"
        "CREATE UNIQUE INDEX once ON message (sender, client_id);"
        "CREATE INDEX page ON message (conversation, id);"
        "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, kind, conversation, message);"
        "CREATE INDEX event_conversation ON event (conversation);"
        "CREATE INDEX event_message ON event (message);"
    )
    count, began = 0, time.perf_counter()
    while (now := time.perf_counter()) < began + seconds:
        sent_at = str(now)
        rows = [(n, n, TEXT, uuid4().hex, bytes(16), sent_at) for n in range(batch)]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO message (conversation, sender, text, client_id, digest, sent_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
        ids = [("message", n, count + n + 1) for n in range(batch)]
        database.executemany("INSERT INTO event (kind, conversation, message) VALUES (?,?,?)", ids)
        database.execute("COMMIT")
        count += batch
    return {"rate": count / (time.perf_counter() - began)}


def call_page(path: str, cookie: str, seconds: float) -> dict[str, float]:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "webchat.settings"
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    for _ in range(20):
        _call(application, path, cookie)
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        _call(application, path, cookie)
        count += 1
    return {
        "rate": count / (time.perf_counter() - began),
        "cpu": (time.process_time() - cpu) / count,
    }


def _call(application: Any, path: str, cookie: str) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_COOKIE": cookie,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    statuses = []
    response = application(environ, lambda status, headers: statuses.append(status))
    b"".join(response)
    response.close()
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"{path} answers {statuses[0]}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["inserts", path, batch, seconds]:
            print(json.dumps(insert_groups(path, int(batch), float(seconds))))
        case ["page", path, cookie, seconds]:
            print(json.dumps(call_page(path, cookie, float(seconds))))
