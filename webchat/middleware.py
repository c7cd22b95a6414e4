from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from csp.constants import HEADER as POLICY
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port
from django.middleware.gzip import GZipMiddleware
from django.urls import Resolver404, resolve
from django.utils.cache import add_never_cache_headers
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from . import cookies, logs
from .base import addresses, errors
from .database import trouble

GetResponse = Callable[[HttpRequest], HttpResponse]

FOR_ONE_BROWSER = "private, no-cache"
FOR_A_DAY = "private, max-age=86400"

logger = logging.getLogger(__name__)


class OldCookiesMiddleware:
    """Middleware that reads cookies under their old names, and answers with the new ones."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        adopted = cookies.adopt_old(request.COOKIES)
        response = self.get_response(request)
        if adopted and not isinstance(response, WhiteNoiseFileResponse):
            cookies.renew(request, response, adopted)
        return response


class PolicyMiddleware:
    """Middleware that says what a page may load: the same for all, so it is put together once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._policy = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's page of an error, which only developers see, has its style in itself.
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault(POLICY, self._policy)
        return response


class PrivateMiddleware:
    """Middleware that lets nobody keep an answer to a person: a page, an error or a redirect.

    Pages say who is logged in, and the next user of a shared computer must not find them. Static
    files are the same for everybody. The cookie decides, since it is there even if a request
    is refused before anything has looked for its session.

    A view may let the browser of one person keep what is large, and ask each time whether they may
    still have it: FOR_ONE_BROWSER. What never changes under its address, which nobody else can
    guess, may be shown again without asking: FOR_A_DAY.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        never = HttpResponse()
        add_never_cache_headers(never)
        self._never = never["Cache-Control"]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        name = settings.SESSION_COOKIE_NAME
        is_personal = name in request.COOKIES or name in response.cookies
        control = response.get("Cache-Control")
        is_kept = control in (FOR_ONE_BROWSER, FOR_A_DAY)
        is_marked = is_kept or (control == self._never and "Expires" in response)
        if is_personal and not is_marked and not isinstance(response, WhiteNoiseFileResponse):
            add_never_cache_headers(response)
        return response


class StaticMiddleware(WhiteNoiseMiddleware):
    """Middleware that serves what `collectstatic` wrote for browsers, but not its records."""

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        if is_for_browsers(url):
            super().add_file_to_dictionary(url, path, stat_cache=stat_cache)

    def find_file(self, url: str) -> StaticFile | None:
        return super().find_file(url) if is_for_browsers(url) else None


def is_for_browsers(url: str) -> bool:
    """Return whether it is not the manifest, and no name or folder in it begins with a dot."""
    return not re.search(r"/(\.|staticfiles\.json)", url)


class PagesGZipMiddleware(GZipMiddleware):
    """Django's own middleware, but for files: they are sent from the disk, and in parts."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if isinstance(response, FileResponse):
            return response
        return super().process_response(request, response)


class PrefixMiddleware:
    """Middleware that answers `/chat/login/` and `/login/` alike if SITE_URL ends with `/chat`.

    Some proxies strip the prefix and some do not. The application has pages below `/chat/`
    itself, so a path is taken as prefixed when what follows the prefix is a route of ours.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.PREFIX:
            path = strip_prefix(request.path_info)
            request.path_info = request.META["PATH_INFO"] = path
            request.path = settings.PREFIX + path
        return self.get_response(request)


def strip_prefix(path: str) -> str:
    """Return `path` as the application knows it, whether the proxy stripped the prefix or not."""
    prefix = settings.PREFIX
    if path == prefix:
        return "/"
    if not prefix or not path.startswith(prefix + "/"):
        return path
    rest = path[len(prefix) :]
    return rest if _is_ours(rest) or not _is_ours(path) else path


def _is_ours(path: str) -> bool:
    if path.startswith(("/static/", "/live/")):
        return True
    for candidate in (path, path + "/"):  # APPEND_SLASH redirects the latter
        try:
            resolve(candidate)
        except Resolver404:
            continue
        return True
    return False


class ProxyMiddleware:
    """Middleware that believes only the proxy about the client's address and the scheme."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if settings.BEHIND_PROXY and is_trusted_proxy(meta.get("REMOTE_ADDR", "")):
            address = _address(meta.get("HTTP_X_REAL_IP", ""))
            if address:
                meta["REMOTE_ADDR"] = address
            scheme = meta.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if scheme in ("http", "https"):
                request.META["wsgi.url_scheme"] = scheme
        return self.get_response(request)


class RequestIdMiddleware:
    """Middleware that gives each request an id, shown in its log lines and in its answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        is_ours = settings.BEHIND_PROXY and re.fullmatch(r"[0-9a-f]{8,64}", given)
        token = logs.request_id.set(given if is_ours else secrets.token_hex(8))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = logs.request_id.get()
            return response
        finally:
            logs.request_id.reset(token)


def client_address(request: HttpRequest) -> str:
    """Return the address of the person's device, or "" for a local socket without one."""
    return request.META.get("REMOTE_ADDR", "")


def is_trusted_proxy(peer: str) -> bool:
    """Return whether `peer` may speak for others: this machine, a unix socket, TRUSTED_PROXY."""
    address = _address(peer)
    if not address:
        return peer == ""  # only a unix socket has no address
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or any(ip in network for network in settings.TRUSTED_PROXY)


def proxied_address(peer: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the client a trusted `peer` speaks for, "" if it does not say; None: for itself."""
    if not settings.BEHIND_PROXY or not is_trusted_proxy(peer):
        return None
    given = [value for name, value in headers if name == b"x-real-ip"]
    return _address(",".join(value.decode("latin-1") for value in given))


def _address(value: str) -> str:
    return str(addresses.parse(value) or "")


class HostMiddleware:
    """Middleware that refuses foreign Host headers before anything else, with a page (400).

    With SITE_URL, ALLOWED_HOSTS decides. In LAN mode the names of this machine and `.local`
    are good, and any IP literal: DNS rebinding, which the check is against, needs a name.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host()
        name = split_domain_port(host)[0]
        # Django's test runner adds the name that it uses to ALLOWED_HOSTS.
        known = name in settings.ALLOWED_HOSTS or is_lan_name(name)
        if settings.SITE is None and not known:
            raise DisallowedHost(f"Invalid HTTP_HOST header: {host!r}: set SITE_URL to use a name.")
        return self.get_response(request)


def is_lan_name(name: str) -> bool:
    name = name.lower()
    if name == "localhost" or name.endswith((".localhost", ".local")) or name in machine_names():
        return True
    return bool(_address(name.removeprefix("[").removesuffix("]")))


@cache
def machine_names() -> frozenset[str]:
    """Return this machine's own names; DNS is not asked, since it may be slow or lie."""
    name = socket.gethostname().lower()
    names = {name, name.split(".")[0]}
    try:
        lines = Path("/etc/hosts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        address, *aliases = line.split("#")[0].lower().split() or [""]
        if aliases and (names & set(aliases) or address.startswith("127.") or address == "::1"):
            names |= set(aliases)
    return frozenset(names)


class DatabaseTroubleMiddleware:
    """Middleware that turns a locked, full or broken database into a 503 (errors in views).

    A number that no row can have is not the database's trouble: the request is wrong, 400.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if trouble.is_database_trouble(error):
            return errors.unavailable(request, error)
        if trouble.is_number_too_large(error):
            return errors.bad_request(request, error)
        return None
