"""A server that logs as much as it can still logs nothing that somebody wrote."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.live import Person, settle
from tests.server import ROOT, Server, wait_for

CANARY = "kanarienvogel"
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ \S+ "
)
FORGERIES = [
    "%0a",
    "%0d%0a",
    "%0d",
    "%e2%80%a8",
    "%e2%80%a9",
    "%c2%85",
    "%0b",
    "%0c",
    "%1b[2J",
    "%00",
]


class LoudServer(Server):
    def start(self) -> None:
        self.log = Path(self.env["DATA_DIR"]) / "server.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
                cwd=ROOT, env=self.env, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self.port, self.process)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with LoudServer(data, LOG_LEVEL="DEBUG", SEND_RATE="off", MAIL_MODE="off") as server:
        server.people = settle(server, ["anna", "ben", "cleo"], [("anna", "ben")])
        yield server


def log_of(server: LoudServer) -> str:
    """Return the whole log, once it has been written; newlines are as in the file."""
    server.stop()
    text = server.log.read_bytes().decode()
    server.start()
    return text


def ask(server: LoudServer, path: str, data: dict[str, str] | None = None, **headers: str) -> int:
    """Request a page, or post a form, as anna."""
    anna = server.people["anna"]
    headers = {"Cookie": anna.cookie, "X-CSRFToken": "c" * 32, "Referer": f"/?{CANARY}"} | headers
    url = server.url + path
    if data is None:
        return httpx.get(url, headers=headers).status_code
    return httpx.post(url, data=data, headers=headers).status_code


def test_no_text_no_word_no_password_and_no_code_gets_into_the_log(server):
    ask_for_pages(server)
    fill_in_forms(server)
    send_words(server)
    send_frames(server.people["anna"])
    log = log_of(server)
    assert "/chat/ben/" in log, "the access log is part of it"
    assert [line for line in log.splitlines() if CANARY in line] == []


def ask_for_pages(server: LoudServer) -> None:
    client = {"User-Agent": CANARY, "X-Request-ID": CANARY, "Accept-Language": CANARY}
    for path in ("/", "/chat/ben/", f"/search/?q={CANARY}", f"/chat/ben/?before={CANARY}"):
        assert ask(server, path, **client) < 500
    for path in ("search/", "events/", "conversations/ben/messages/"):
        answer = server.people["anna"].get(path, q=CANARY, after=CANARY, before=CANARY)
        assert answer.status_code < 500
    for path in (f"/password/reset/?token={CANARY}&code={CANARY}", f"/login/?next=/{CANARY}"):
        assert httpx.get(server.url + path).status_code < 500


def fill_in_forms(server: LoudServer) -> None:
    forms = {"username": "anna", "password": CANARY, "password1": CANARY, "password2": CANARY}
    forms |= {"code": CANARY, "email": f"{CANARY}@example.org", "token": CANARY, "note": CANARY}
    for path in (
        "/login/", "/register/", "/register/verify/", "/password/forgot/", "/password/reset/",
        "/admin/login/", "/password/change/", "/account/email/", "/account/delete/", "/settings/",
        "/chat/ben/report/", "/contacts/requests/", "/contacts/ben/remark/", "/nowhere/",
    ):  # fmt: skip
        assert ask(server, path, forms | {"reason": CANARY, "remark": CANARY}) < 500
        assert ask(server, path, forms, Cookie=f"csrftoken={'c' * 32}") < 500
        assert ask(server, path, forms, Cookie=f"sessionid={CANARY}") < 500


def send_words(server: LoudServer) -> None:
    anna, words = server.people["anna"], {"text": CANARY, "client_id": str(uuid4())}
    pk = anna.say("ben", CANARY).json()["message"]["id"]
    assert ask(server, "/chat/ben/", words) < 500
    assert ask(server, "/chat/ben/", words | {"text": CANARY * 1000}) < 500
    anna.post(f"messages/{pk}/report/", reason=CANARY)
    anna.post("friends/ben/remark/", remark=CANARY)
    anna.post("friends/requests/", username="cleo", note=CANARY)
    anna.post("conversations/ben/read/", up_to=CANARY)


def send_frames(anna: Person) -> None:
    with anna.open(after=CANARY, **{"user-agent": CANARY}) as live:
        live.say("ben", CANARY)
        for frame in (CANARY, f'["{CANARY}"]', f'{{"type": "{CANARY}"}}', "[" * 9000 + CANARY):
            live.send(frame)
        live.send({"type": "read", "with": CANARY, "up_to": CANARY})
        live.send({"type": "typing", "to": CANARY})
        live.say("ben", f"{CANARY}\ud800")
        live.send(CANARY.encode())
        try:
            while True:
                live.next(1)
        except (TimeoutError, ConnectionClosed):
            pass


def raw(server: LoudServer, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(request)
        peer.settimeout(2)
        try:
            while peer.recv(65536):
                pass
        except OSError:
            pass


def test_nobody_forges_a_line_or_steers_a_terminal(server):
    forged = "2026-01-01 00:00:00,000 INFO - webchat forged".replace(" ", "%20")
    for each in FORGERIES:
        for start in ("/", "/chat/", "/api/", "/static/", "/contacts/"):
            raw(server, f"GET {start}{each}{forged} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            raw(server, f"POST {start}{each}{forged} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    for name in ("Host", "User-Agent", "X-Forwarded-For", "X-Request-ID", "Origin"):
        for control in ("\x1b[2J", "\x85", "\u2028", "\n", "\r", "\x00"):
            line = f"{name}: x{control}forged\r\n".encode()
            raw(server, b"GET / HTTP/1.1\r\n" + line + b"Connection: close\r\n\r\n")
    raw(server, b"GET / \x1b[2J\r\n\r\n")
    raw(server, b"\x1b[2Jforged\r\n\r\n")
    lines = log_of(server).split("\n")
    assert sum("forged" in line for line in lines) >= len(FORGERIES)
    for line in filter(None, lines):
        assert line.isprintable(), ascii(line)
        assert LINE.match(line), line
