"""Checks of the server as visitors reach it: where it listens, and at SITE_URL by any proxy."""

from __future__ import annotations

import http.client
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import gettext as _

from webchat.base.places import Site
from webchat.health import QUESTION, sign_question

from . import remedies
from .asking import UnixConnection, ask, connect
from .finding import Finding, advice, ok, wrong
from .unreached import explain

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def check_server() -> Finding:
    if path := remedies.unix_socket():
        return _check_socket(path)
    here = Site("http", "127.0.0.1", settings.PORT, settings.PREFIX)
    told = {"port": settings.PORT}
    try:
        status, body = ask(connect(here), f"{here.prefix}/healthz", {})
    except (OSError, http.client.HTTPException):
        nothing = _("Nothing answers on port %(port)s of this machine.") % told
        # On a machine that is set up for it, it should.
        return (advice if remedies.installed() is None else wrong)(nothing, remedies.start())
    if status != 200 or body.get("status") != "ok":
        return wrong(
            _("Another program answers on port %(port)s.") % told,
            _("Stop it, or set PORT in .env."),
        )
    return ok(_("The server answers on port %(port)s") % told)


def _check_socket(path: str) -> Finding:
    told = {"path": path}
    try:
        status, body = ask(UnixConnection(path), f"{settings.PREFIX}/healthz", {})
    except PermissionError:
        return advice(
            _("This account may not ask the server at %(path)s.") % told, remedies.manage("doctor")
        )
    except (OSError, http.client.HTTPException):
        status, body = 0, {}
    if status != 200 or body.get("status") != "ok":
        return wrong(_("The server does not answer at %(path)s.") % told, remedies.start())
    return ok(_("The server answers at %(path)s") % told)


def check_site_url() -> Finding:
    site = settings.SITE
    if site is None:
        return ok(_("No SITE_URL: for this machine and its local network"))
    try:
        answer = ask(connect(site), f"{site.prefix}/healthz", {QUESTION: sign_question()})
    except (OSError, http.client.HTTPException) as error:
        return explain(site, error)
    return _judge(site, *answer)


def _judge(site: Site, status: int, body: dict[str, Any]) -> Finding:
    """Judge what has come through the proxy."""
    proxy = _("Compare the proxy's configuration with deploy/nginx/.")
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


def check_static_site() -> Finding:
    """Check that a style sheet gets through: a rule of the proxy may take all of them."""
    site = settings.SITE
    if site is None:
        return ok(_("No proxy that could hold up the static files"))
    try:
        path = static("css/base.css")
        status, body = ask(connect(site, believing=True), f"{site.prefix}/healthz", {})
        is_here = status == 200 and body.get("status") == "ok"
        status, _body = ask(connect(site, believing=True), path, {})
    except (OSError, http.client.HTTPException, ValueError):  # ValueError: they are not collected
        is_here = False
    if not is_here:
        return advice(_("The static files could not be tried."), _("See site_url above."))
    if status != 200:
        home = remedies.installed()
        folder = settings.STATIC_ROOT if home is None else home / "static"
        return wrong(
            _("The proxy does not deliver the static files: pages have no looks."),
            f"location ^~ {settings.STATIC_URL} {{ alias {folder}/; }}",
        )
    return ok(_("The static files get through"))


def check_websocket() -> Finding:
    site = settings.SITE
    if site is None:
        return ok(_("No proxy that could hold up the live connection"))
    try:
        # Whatever its certificate is, which site_url tells: nothing is entrusted to it here.
        connection = connect(site, believing=True)
        status, _body = ask(connection, f"{site.prefix}/live/", UPGRADE | {"Origin": site.origin})
    except (OSError, http.client.HTTPException):
        return advice(_("The live connection could not be tried."), _("See site_url above."))
    if status != 101:
        return advice(
            _("The proxy does not let the live connection through; pages ask every 2 seconds."),
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
            " proxy_set_header Connection $connection_upgrade;",
        )
    return ok(_("The live connection gets through"))
