"""The reasons why SITE_URL is not reached, or not believed, told apart."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl

from django.utils.translation import gettext as _

from webchat.base.places import DEFAULT_PORTS, Site

from . import remedies
from .finding import Finding, advice, wrong

# What OpenSSL says of a certificate: X509_V_ERR_… in x509_vfy.h.
NOT_YET_VALID = 9
EXPIRED = 10
SELF_SIGNED = 18
OF_UNKNOWN_AUTHORITY = 19
WITHOUT_CHAIN = (2, 20, 21)
OF_OTHER_NAME = (62, 64)


def explain(site: Site, error: Exception) -> Finding:
    """Explain an OSError or an HTTPException, the certificate's troubles among them."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(site, error)
    if isinstance(error, ssl.SSLError):
        return wrong(
            _("%(url)s does not speak https: %(reason)s")
            % {"url": site.url, "reason": error.reason or error},
            _("Let nginx do https there: compare its configuration with deploy/nginx/."),
        )
    told = {"url": site.url, "host": site.host, "port": site.port or DEFAULT_PORTS[site.scheme]}
    if isinstance(error, socket.gaierror):
        return advice(
            _("The name %(host)s is not known here.") % told,
            _("Let the name point to this server at your registrar, or mend SITE_URL in .env."),
        )
    if isinstance(error, ConnectionRefusedError):
        return advice(
            _("Nothing listens at %(host)s, port %(port)s.") % told,
            remedies.by_root("systemctl restart nginx") + "; journalctl -u nginx -n 50",
        )
    if isinstance(error, TimeoutError):
        return advice(
            _("%(host)s, port %(port)s, does not answer: a firewall, or another machine.") % told,
            _("Try it from outside, or open the port: %(command)s")
            % {"command": remedies.by_root(f"ufw allow {told['port']}/tcp")},
        )
    return advice(
        _("%(url)s is not reached from here: %(reason)s") % (told | {"reason": _reason(error)}),
        _("Try it from outside; then look at the name, the firewall and the proxy."),
    )


def _reason(error: Exception) -> str:
    """Return the likeliest reasons in words; a rare one as the system says it."""
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return _("no way leads there")
    if isinstance(error, (ConnectionResetError, http.client.RemoteDisconnected)):
        return _("the connection was cut")
    if isinstance(error, http.client.HTTPException):
        return _("what answers does not speak http (%(words)s)") % {"words": error}
    return str(error)


def _explain_certificate(site: Site, error: ssl.SSLCertVerificationError) -> Finding:
    code = error.verify_code
    told = {"url": site.url, "host": site.host, "reason": error.verify_message}
    if code == SELF_SIGNED:
        return advice(
            _("The certificate of %(url)s is signed by itself: browsers warn of it.") % told,
            remedies.certificate(site.host),
        )
    if code == OF_UNKNOWN_AUTHORITY:
        return advice(
            _("The authority behind the certificate of %(url)s is not known here.") % told,
            _("Where each device knows it, all is well. Else: %(command)s")
            % {"command": remedies.certificate(site.host)},
        )
    if code == EXPIRED:
        renewal = "certbot renew", "systemctl reload nginx"
        return wrong(
            _("The certificate of %(url)s has expired.") % told,
            " && ".join(map(remedies.by_root, renewal)),
        )
    if code == NOT_YET_VALID:
        return wrong(
            _("The certificate of %(url)s is not valid yet: a clock is wrong.") % told,
            remedies.by_root("timedatectl set-ntp true"),
        )
    if code in OF_OTHER_NAME:
        return wrong(
            _("The certificate of %(url)s is for another name than %(host)s.") % told,
            remedies.certificate(site.host),
        )
    if code in WITHOUT_CHAIN:
        return wrong(
            _("The certificate of %(url)s lacks those between it and its authority.") % told,
            _("Name fullchain.pem in ssl_certificate of nginx, not cert.pem."),
        )
    return wrong(
        _("%(url)s has no valid certificate: %(reason)s") % told, remedies.certificate(site.host)
    )
