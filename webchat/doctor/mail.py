"""The check of the mail server: a real log-in, the sender's address offered, no mail sent.

A server may take both and relay nothing, which only real mails show: the last ones are asked, too.
"""

from __future__ import annotations

import ssl
from smtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.utils.translation import gettext as _

from webchat.base.times import minute
from webchat.mail_failures import Failure, last_failure, silence_of

from .finding import Finding, advice, ok, wrong

SECONDS = 5
TOO_MANY = (421, 450, 451, 454)


def check_mail() -> Finding:
    if settings.MAIL_MODE == "off":
        return ok(_("Mail is off: a superuser issues codes for forgotten passwords"))
    if settings.MAIL_MODE == "console":
        return advice(
            _("Mails are only printed by the server."), _("Set MAIL_MODE=qq or smtp in .env.")
        )
    mailer: Any = get_connection(timeout=SECONDS)
    try:
        mailer.open()
        _offer_sender(mailer.connection)
    except (OSError, SMTPException) as error:
        return _explain(error)
    finally:
        mailer.close()
    failure = last_failure()
    if failure is not None and not failure.is_about_address:
        return _tell(failure)
    return ok(_("The mail server accepts the log-in: %(host)s") % {"host": settings.EMAIL_HOST})


def _tell(failure: Failure) -> Finding:
    facts = {"time": minute(failure.at), "reason": failure.reason}
    return advice(
        _("The mail server accepts the log-in, but took no mail last (%(time)s): %(reason)s")
        % facts,
        _("If that is mended: this goes with the next mail that is sent."),
    )


def _offer_sender(smtp: Any) -> None:
    smtp.ehlo_or_helo_if_needed()
    code, answer = smtp.mail(settings.DEFAULT_FROM_EMAIL)
    smtp.rset()
    if code != 250:
        raise SMTPResponseException(code, answer)


def _explain(error: OSError | SMTPException) -> Finding:
    """Explain the four usual troubles of QQ mail, which others have as well."""
    code = error.smtp_code if isinstance(error, SMTPResponseException) else 0
    if code in TOO_MANY:
        return wrong(
            _("The mail server says: too often (%(code)s).") % {"code": code},
            _("Wait an hour; QQ mail allows only so many log-ins and mails."),
        )
    if isinstance(error, SMTPAuthenticationError):
        return wrong(
            _("The mail server refuses the log-in (%(code)s).") % {"code": code},
            _(
                "QQ mail: QQ_MAIL_PASSWORD is the authorisation code, not the QQ password."
                " Turn on POP3/IMAP/SMTP in its settings and make a new code; a changed QQ"
                " password ends the old one. Others: check the user and the password in EMAIL_URL."
            ),
        )
    if code:
        return wrong(
            _("The mail server refuses the sender %(sender)s (%(code)s).")
            % {"sender": settings.DEFAULT_FROM_EMAIL, "code": code},
            _("The sender must be the address that logs in: check QQ_EMAIL or EMAIL_URL."),
        )
    if isinstance(error, ssl.SSLError | SMTPException):
        return wrong(
            silence_of(error),
            _("Use smtp+ssl:// with port 465 or smtp+tls:// with port 587 in EMAIL_URL."),
        )
    return wrong(
        silence_of(error),
        _("Many providers block mail ports: open port 465 outwards, and check the host's name."),
    )
