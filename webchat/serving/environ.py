"""The environ of a request (PEP 3333), made of the scope of an ASGI server."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from .streams import FileWrapper

Scope = MutableMapping[str, Any]
Environ = dict[str, Any]


def make_environ(scope: Scope, body: bytes, length: int) -> Environ:
    """Build the environ of PEP 3333, whose strings hold bytes as latin-1."""
    host, port = scope.get("server") or ("localhost", None)
    client = scope.get("client")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(length) if length else "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",  # a unix socket has none
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name == "CONTENT_LENGTH":
            continue  # only what arrived counts
        key = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        if key in environ:
            value = environ[key] + ("; " if name == "COOKIE" else ",") + value
        environ[key] = value
    return environ
