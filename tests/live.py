"""People on a real server: their sessions, their JSON API and their sockets."""

from __future__ import annotations

import base64
import json
import os
import socket
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server import READY_SECONDS, Server

CSRF = "c" * 32  # a token of our own: cookie and header only have to match
MAKE_PEOPLE = """
import json, sys
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from accounts.models import User
from friends import services

names, pairs = json.loads({data!r})
cookies = {{}}
for name in names:
    user = User.objects.create_user(name, password=None)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    cookies[name] = (
        f"{{settings.SESSION_COOKIE_NAME}}={{session.session_key}};"
        f" {{settings.CSRF_COOKIE_NAME}}={csrf}"
    )
for sender, recipient in pairs:
    request = services.ask(sender=User.objects.get(username=sender), username=recipient)
    services.accept(request=request)
print(json.dumps(cookies))
"""


def settle(server: Server, names: list[str], pairs: list[tuple[str, str]]) -> dict[str, Person]:
    """Make people and friendships by `manage.py shell`, and log everyone in."""
    code = MAKE_PEOPLE.format(data=json.dumps([names, pairs]), csrf=CSRF)
    printed = server.manage("shell", "--verbosity", "0", "-c", code).stdout
    cookies = json.loads(printed.strip().splitlines()[-1])
    return {name: Person(server, name, cookie) for name, cookie in cookies.items()}


class Person:
    def __init__(self, server: Server, name: str, cookie: str) -> None:
        self.server = server
        self.name = name
        self.cookie = cookie

    def get(self, path: str, **query: Any) -> Any:
        headers = {"Cookie": self.cookie}
        return httpx.get(
            f"{self.server.url}/api/{path}", params=query, headers=headers, timeout=READY_SECONDS
        )

    def post(self, path: str, **data: Any) -> httpx.Response:
        headers = {"Cookie": self.cookie, "X-CSRFToken": CSRF}
        return httpx.post(
            f"{self.server.url}/api/{path}", json=data, headers=headers, timeout=READY_SECONDS
        )

    def say(self, to: str, text: str, client_id: str | None = None) -> httpx.Response:
        path = f"conversations/{to}/messages/"
        return self.post(path, text=text, client_id=client_id or str(uuid4()))

    def texts(self, friend: str) -> list[str]:
        answer = self.get(f"conversations/{friend}/messages/", limit=100).json()
        return [message["text"] for message in answer["messages"]]

    def open(self, after: int | str | None = None, **headers: str) -> Live:
        return Live(self, after, headers)


class Live:
    """One socket: `with alice.open() as live: live.send(...); live.expect("ack")`."""

    def __init__(self, person: Person, after: int | str | None, headers: dict[str, str]) -> None:
        query = "" if after is None else f"?after={after}"
        url = person.server.url.replace("http", "ws") + f"/live/{query}"
        headers = {"Cookie": person.cookie} | {k.title(): v for k, v in headers.items()}
        origin = headers.pop("Origin", None)
        self.socket = connect(
            url, additional_headers=headers, origin=origin, close_timeout=2, legacy=True
        )
        self.frames: list[dict[str, Any]] = []

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def send(self, frame: Any) -> None:
        raw = frame if isinstance(frame, (str, bytes)) else json.dumps(frame)
        self.socket.send(raw)

    def say(self, to: str, text: str, client_id: str | None = None) -> str:
        client_id = client_id or str(uuid4())
        self.send({"type": "send", "to": to, "text": text, "client_id": client_id})
        return client_id

    def next(self, timeout: float = 5) -> dict[str, Any]:
        frame = json.loads(self.socket.recv(timeout))
        self.frames.append(frame)
        return frame

    def expect(self, kind: str, timeout: float = 5) -> dict[str, Any]:
        """Return the next frame of a type or event of a kind; others are kept in `frames`."""
        while True:
            frame = self.next(timeout)
            if kind in (frame["type"], frame.get("kind")):
                return frame

    def is_silent(self, seconds: float = 0.4) -> bool:
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False

    def close_code(self, timeout: float = 6) -> int:
        """Return the code with which the server closes; earlier frames are kept."""
        try:
            while True:
                self.next(timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


def open_raw(server: Server, cookie: str) -> socket.socket:
    """Open a socket after its handshake, for frames that no library would send."""
    one = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    lines = [
        "GET /live/ HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        f"Cookie: {cookie}",
    ]
    one.sendall("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in one.recv(4096)
    return one
