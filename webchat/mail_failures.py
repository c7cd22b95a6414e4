"""The mails that did not go out, noted in a file for the front page of the admin and the doctor."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from threading import Lock
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

FILE = "mail-failure.json"
BYTES_AT_MOST = 4096  # of the file: ours has some 400
WORDS_AT_MOST = 200  # characters of an answer: the first sentence says what is wrong
DIGEST_LENGTH = 16  # hexadecimal digits: it is compared with one other
HIDDEN = "…"
# Addresses of mail, addresses with a password in them, and codes that a filter quotes.
TELLING = re.compile(r"\S*@\S*|\S*://\S*|\d{6,}")

logger = logging.getLogger(__name__)
_writing = Lock()


@dataclass(frozen=True, slots=True)
class Failure:
    """The mails that failed since the last one that went out."""

    at: datetime  # of the newest
    since: datetime  # of the first
    number: int
    kind: str  # the name of the error's class
    code: int  # of the mail server's answer; 0 if there was none
    words: str  # the server's or the system's own, without addresses, passwords and codes
    refused: str  # the digest of the one address that all these mails went to; empty for others

    @property
    def is_about_address(self) -> bool:
        """Return whether the server works, as far as is known, and refused this one address.

        One that relays nothing refuses address after address, with the same codes.
        """
        return bool(self.refused)

    @property
    def reason(self) -> str:
        return f"{self.code} {self.words}".strip() if self.code else _silence(self.kind)


def last_failure() -> Failure | None:
    """Return how mail failed, or None if the last one went out, or none is sent at all."""
    if settings.MAIL_MODE in ("off", "console"):
        return None
    try:
        with _path().open("rb") as file:
            facts = json.loads(file.read(BYTES_AT_MOST))
        times = {name: datetime.fromisoformat(facts[name]) for name in ("at", "since")}
        return Failure(**facts | times)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def note_failure(error: OSError | SMTPException, *, to: Sequence[str]) -> Failure:
    """Note that a mail to these addresses failed, and return what is known now.

    Of an address that was refused, a digest is kept until the next mail goes out.
    """
    now = timezone.now()
    with _writing:
        before = last_failure()
        code, words = _answer(error)
        failure = Failure(
            at=now,
            since=before.since if before else now,
            number=before.number + 1 if before else 1,
            kind=type(error).__name__,
            code=code,
            words=_tell_nothing(words, to),
            refused=_refused(error, code, to, before),
        )
        _write(failure)
        return failure


def words_of(error: OSError | SMTPException, *, to: Iterable[str]) -> str:
    """Say why a mail failed: the code and the words of the server, without these addresses.

    Where it has given no answer, in the reader's language.
    """
    code, words = _answer(error)
    return f"{code} {_tell_nothing(words, to)}".strip() if code else silence_of(error)


def silence_of(error: OSError | SMTPException) -> str:
    """Say of an error that is no answer of the mail server what may be wrong."""
    return _silence(type(error).__name__)


def note_success() -> None:
    with _writing:
        try:
            _path().unlink(missing_ok=True)
        except OSError as error:
            logger.error("The note of a mail that failed stays: %s", type(error).__name__)


def _write(failure: Failure) -> None:
    path = _path()
    part = path.with_name(f".{FILE}-{os.getpid()}")
    try:
        part.write_text(json.dumps(asdict(failure), default=datetime.isoformat))
        part.replace(path)
    except OSError as error:  # as on a full disk
        logger.error("A mail that failed could not be noted: %s", type(error).__name__)


def _silence(kind: str) -> str:
    facts = {"host": settings.EMAIL_HOST, "port": settings.EMAIL_PORT}
    if kind.startswith(("SMTP", "SSL")):
        return _("The mail server does not speak as expected on port %(port)s.") % facts
    return _("The mail server %(host)s:%(port)s is not reached.") % facts


def _answer(error: Exception) -> tuple[int, str]:
    """Return the code and the words of the mail server; without an answer, 0 and the system's."""
    code, words = 0, getattr(error, "strerror", None) or str(error)
    if isinstance(error, SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
    elif isinstance(error, SMTPRecipientsRefused) and error.recipients:
        code, words = next(iter(error.recipients.values()))
    return code, _decode(words)


def _decode(words: Any) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)


def _tell_nothing(words: str, to: Iterable[str]) -> str:
    words = "".join(letter if letter.isprintable() else " " for letter in words[:BYTES_AT_MOST])
    secrets = [settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD]
    for address in to:
        secrets += [address, address.partition("@")[0]]
    for secret in filter(None, secrets):
        words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, words, flags=re.IGNORECASE)
    return " ".join(TELLING.sub(HIDDEN, words).split())[:WORDS_AT_MOST]


def _refused(
    error: OSError | SMTPException, code: int, to: Sequence[str], before: Failure | None
) -> str:
    """Return the digest of an address that is refused for good, unless other mails failed, too."""
    if not isinstance(error, SMTPRecipientsRefused) or code < 500:
        return ""
    digest = salted_hmac(FILE, " ".join(to).casefold()).hexdigest()[:DIGEST_LENGTH]
    return digest if before is None or before.refused == digest else ""


def _path() -> Path:
    return Path(settings.DATA_DIR, FILE)
