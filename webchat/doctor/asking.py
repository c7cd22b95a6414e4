"""One request to a server, by its address or through its unix socket."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any

from webchat.base.places import Site

SECONDS = 3.0
ANSWER_BYTES = 65_536


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connect(site: Site, *, believing: bool = False) -> http.client.HTTPConnection:
    """Return a connection that is not made yet; `believing` takes any certificate."""
    host = site.host.strip("[]")
    if site.scheme != "https":
        return http.client.HTTPConnection(host, site.port, timeout=SECONDS)
    context = ssl.create_default_context()
    # Python 3.13 asks more of a certificate than browsers do.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if believing:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, site.port, timeout=SECONDS, context=context)


def ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of an answer; {} if it is not JSON."""
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        if response.status == 101:
            return 101, {}
        try:
            body = json.loads(response.read(ANSWER_BYTES))
        except ValueError:
            body = {}
        return response.status, body if isinstance(body, dict) else {}
    finally:
        connection.close()
