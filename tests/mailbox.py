"""A mail server for tests, which keeps its mails and fails as it is told to."""

from __future__ import annotations

import asyncio
import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.server import free_port

DELIVERED_SECONDS = 10


class Mailbox:
    """A mail server that gives `answer` to each mail, and takes only the password `password`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.password = "secret"
        self.is_slow = False

    def __enter__(self) -> Mailbox:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
        )
        self.controller.start()

    def stop(self) -> None:
        self.controller.stop()

    def wait_for(self, address: str, number: int = 1) -> EmailMessage:
        """Wait for the first, second, … mail to an address, and return it."""
        deadline = time.monotonic() + DELIVERED_SECONDS
        while time.monotonic() < deadline:
            mails = self.to(address)
            if len(mails) >= number:
                return mails[number - 1]
            time.sleep(0.02)
        raise AssertionError(f"mail {number} to {address} did not come")

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        while self.is_slow:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if not self.answer.startswith("250"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        return AuthResult(success=data.password.decode() == self.password, handled=False)


def digits_of(mail: EmailMessage) -> str:
    return re.search(r"\d{6}", mail["Subject"])[0]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    return mail.get_body((kind,)).get_content()


def link_of(mail: EmailMessage) -> str:
    """Find the link for the purpose of the mail, which is the one with a query."""
    return re.search(r"\S+/\?\S+", text_of(mail))[0]
