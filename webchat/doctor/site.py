"""Checks of the server as visitors reach it: at its port, and at SITE_URL through any proxy."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from webchat.environment import Site
from webchat.health import QUESTION, sign_question

from .finding import Finding, advice, ok, wrong

SECONDS = 3.0
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def check_server() -> Finding:
    here = Site("http", "127.0.0.1", settings.PORT, settings.PREFIX)
    try:
        status, body = _ask(here, "healthz", {})
    except (OSError, http.client.HTTPException):
        return advice(
            _("Nothing answers on port %(port)s of this machine.") % {"port": settings.PORT},
            _("Start the server; behind a unix socket this is as it should be."),
        )
    if status != 200 or body.get("status") != "ok":
        return wrong(
            _("Another program answers on port %(port)s.") % {"port": settings.PORT},
            _("Stop it, or set PORT in .env."),
        )
    return ok(_("The server answers on port %(port)s") % {"port": settings.PORT})


def check_site_url() -> Finding:
    site = settings.SITE
    if site is None:
        return ok(_("No SITE_URL: for this machine and its local network"))
    proxy = _("Compare the proxy's configuration with deploy/nginx/.")
    try:
        status, body = _ask(site, "healthz", {QUESTION: sign_question()})
    except ssl.SSLError as error:
        return wrong(
            _("%(url)s has no valid certificate: %(reason)s")
            % {"url": site.url, "reason": error.reason or error},
            _("Renew it: certbot renew"),
        )
    except (OSError, http.client.HTTPException) as error:
        return advice(
            _("%(url)s is not reached from here: %(reason)s") % {"url": site.url, "reason": error},
            _("Try it from outside; then look at the name, the firewall and the proxy."),
        )
    seen = body.get("seen") or {}
    if status == 400:
        return wrong(_("The proxy passes another Host than SITE_URL has."), proxy)
    if status != 200 or not seen:
        return wrong(_("Something else answers at %(url)s.") % {"url": site.url}, proxy)
    if seen["host"] != site.origin.partition("://")[2]:
        return wrong(
            _("The proxy passes the Host %(host)s.") % {"host": seen["host"]},
            "proxy_set_header Host $http_host;",
        )
    if seen["scheme"] != site.scheme:
        return wrong(
            _("The proxy does not say that people come by %(scheme)s.") % {"scheme": site.scheme},
            "proxy_set_header X-Forwarded-Proto $scheme;",
        )
    if settings.BEHIND_PROXY and not seen["has_address"]:
        return wrong(
            _("The proxy does not pass the visitors' addresses: the limits count them as one."),
            "proxy_set_header X-Real-IP $remote_addr;",
        )
    return ok(_("%(url)s leads here") % {"url": site.url})


def check_websocket() -> Finding:
    site = settings.SITE
    if site is None:
        return ok(_("No proxy that could hold up the live connection"))
    try:
        status, _body = _ask(site, "live/", UPGRADE | {"Origin": site.origin})
    except (OSError, http.client.HTTPException):
        return advice(_("The live connection could not be tried."), _("See site_url above."))
    if status != 101:
        return advice(
            _("The proxy does not let the live connection through; pages ask every 2 seconds."),
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
            " proxy_set_header Connection $connection_upgrade;",
        )
    return ok(_("The live connection gets through"))


def _ask(site: Site, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of an answer; {} if it is not JSON."""
    kind = http.client.HTTPSConnection if site.scheme == "https" else http.client.HTTPConnection
    connection = kind(site.host.strip("[]"), site.port, timeout=SECONDS)
    try:
        connection.request("GET", f"{site.prefix}/{path}", headers=headers)
        response = connection.getresponse()
        if response.status == 101:
            return 101, {}
        try:
            body = json.loads(response.read(65_536))
        except ValueError:
            body = {}
        return response.status, body if isinstance(body, dict) else {}
    finally:
        connection.close()
