"""Django's own entry point, with one rule in front of it: what comes in is UTF-8.

It also remembers which view an address leads to: to find it, Django compares the address with
fifty patterns.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, URLResolver, get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat.settings")

# RFC 2046, 5.1.1; without RFC 2231's own encodings.
BOUNDARY = re.compile(r';\s*(boundary=(?:"[^"*]{1,70}"|[^;"*,\s]{1,70}))\s*(?:;|$)', re.IGNORECASE)

ADDRESSES = 512  # that are remembered …
ADDRESS_AT_MOST = 200  # … if they have no more characters: half a megabyte in all


class Utf8Handler(WSGIHandler):
    """A handler that lets no request choose the codec that its query and form are read with.

    Some of Python's take the square of the length (punycode), or make what cannot be stored
    (utf-7), and it remembers every unknown codec name for good. A form is UTF-8
    (WHATWG, URL Standard, 5.2), and so is JSON (RFC 8259, 8.1).
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        environ["CONTENT_TYPE"] = plain_type(environ.get("CONTENT_TYPE", ""))
        return super().__call__(environ, start_response)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        if hasattr(request, "urlconf") or len(request.path_info) > ADDRESS_AT_MOST:
            return super().resolve_request(request)
        request.resolver_match = _resolve(get_resolver(), request.path_info)
        return request.resolver_match


@lru_cache(maxsize=ADDRESSES)
def _resolve(resolver: URLResolver, path: str) -> ResolverMatch:
    match = resolver.resolve(path)
    match.tried = None  # for a developer's page of an error alone, and most of its size
    return match


def plain_type(value: str) -> str:
    """Return the media type, and of its parameters the boundary only."""
    media_type = value.partition(";")[0].strip()
    boundary = BOUNDARY.search(value)
    return f"{media_type}; {boundary[1]}" if boundary else media_type


django.setup(set_prefix=False)
application = Utf8Handler()
