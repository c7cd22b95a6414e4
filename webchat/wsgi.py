"""Django's own entry point, with one rule in front of it: what comes in is UTF-8."""

from __future__ import annotations

import os
import re
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat.settings")

# RFC 2046, 5.1.1; without RFC 2231's own encodings.
BOUNDARY = re.compile(r';\s*(boundary=(?:"[^"*]{1,70}"|[^;"*,\s]{1,70}))\s*(?:;|$)', re.IGNORECASE)


class Utf8Handler(WSGIHandler):
    """A handler that lets no request choose the codec that its query and form are read with.

    Some of Python's take the square of the length (punycode), or make what cannot be stored
    (utf-7), and it remembers every unknown codec name for good. A form is UTF-8
    (WHATWG, URL Standard, 5.2), and so is JSON (RFC 8259, 8.1).
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        environ["CONTENT_TYPE"] = plain_type(environ.get("CONTENT_TYPE", ""))
        return super().__call__(environ, start_response)


def plain_type(value: str) -> str:
    """Return the media type, and of its parameters the boundary only."""
    media_type = value.partition(";")[0].strip()
    boundary = BOUNDARY.search(value)
    return f"{media_type}; {boundary[1]}" if boundary else media_type


django.setup(set_prefix=False)
application = Utf8Handler()
