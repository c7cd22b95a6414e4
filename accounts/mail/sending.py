"""Outgoing mail: sent after the commit, in threads of its own, and never in anybody's way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from queue import Full, Queue
from smtplib import (
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from threading import BoundedSemaphore, Lock, Thread
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.template.loader import render_to_string

from accounts.limits import Taken
from accounts.models import OneTimeCode
from webchat import mail_failures

THREADS = 2
WAITING_AT_MOST = 200  # mails; with a server that hangs, more would only fill the memory
VISITOR_SECONDS = 1.5  # with all the rest, the page is there within three
VISITORS_WAITING = 2  # of the threads that serve everybody

logger = logging.getLogger(__name__)
_jobs: Queue[tuple[Future[None], Callable[..., None], tuple[Any, ...]]] = Queue(WAITING_AT_MOST)
_threads: list[Thread] = []
_starting = Lock()
_visitors = BoundedSemaphore(VISITORS_WAITING)
_under_way: set[Future[None]] = set()
_silence: OSError | None = None  # the last error with which the mail server did not answer


class Sending:
    """A mail being sent; `wait` gives its outcome a moment to arrive."""

    def __init__(self) -> None:
        self.future: Future[None] | None = None

    def wait(self) -> None:
        if self.future is None or not _visitors.acquire(blocking=False):
            return
        try:
            self.future.result(VISITOR_SECONDS)
        except TimeoutError:
            pass  # it goes on without the visitor
        finally:
            _visitors.release()


def in_background(job: Callable[..., None], *args: Any) -> Future[None] | None:
    """Run a job beside the requests; return None if there is no room for one more."""
    future: Future[None] = Future()
    try:
        _jobs.put_nowait((future, job, args))
    except Full:
        logger.error("Too many mails wait: one was dropped")
        return None
    _under_way.add(future)
    future.add_done_callback(_under_way.discard)
    with _starting:
        while len(_threads) < THREADS:
            # Daemons: a mail server that hangs must not hold up a stop.
            thread = Thread(target=_work, name=f"mail-{len(_threads)}", daemon=True)
            _threads.append(thread)
            thread.start()
    return future


def finish(seconds: float) -> bool:
    """Wait for the mails of a process that is about to end; False if some are still under way."""
    return not wait(_under_way.copy(), seconds).not_done


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail on its way, with the code that its page waits for, and what is counted for it."""

    message: EmailMultiAlternatives
    code: OneTimeCode | None
    taken: Taken | None
    silence: OSError | None  # the last one when it was asked for

    def settle(self, state: OneTimeCode.MailState) -> None:
        """Store the outcome with the code, unless another has taken the place of that."""
        if self.code is not None:
            same = OneTimeCode.objects.filter(pk=self.code.pk, digest=self.code.digest)
            same.update(mail_state=state)

    def fail(self, error: OSError | SMTPException) -> None:
        """Give back what was counted, unless the server works and refuses this address."""
        failure = mail_failures.note_failure(error, to=self.message.to)
        if self.taken is not None and not failure.is_about_address:
            self.taken.give_back()
        self.settle(OneTimeCode.MailState.FAILED)


def send(
    kind: str,
    *,
    to: str,
    code: OneTimeCode | None = None,
    taken: Taken | None = None,
    **context: Any,
) -> Sending:
    """Send `templates/mail/<kind>` in the language that is active now, once it is committed.

    The outcome is stored with its code, so that the page can tell it. If the mail cannot be sent,
    `taken` is given back.
    """
    message = _render(kind, to, context)
    sending = Sending()

    def begin() -> None:
        letter = Letter(message, code, taken, _silence)
        sending.future = in_background(_deliver, letter)
        if sending.future is None:
            letter.fail(OSError("too many mails wait"))

    transaction.on_commit(begin)
    return sending


def send_now(kind: str, *, to: str, **context: Any) -> None:
    """Send a mail while the caller waits, as a command does; raises OSError or SMTPException."""
    message = _render(kind, to, context)
    try:
        message.send()
    except (OSError, SMTPException) as error:
        mail_failures.note_failure(error, to=message.to)
        raise
    mail_failures.note_success()


def _work() -> None:
    while True:
        future, job, args = _jobs.get()
        try:
            job(*args)
        except Exception:
            logger.exception("A job of the mail failed")
        finally:
            connection.close()
            future.set_result(None)


def _deliver(letter: Letter) -> None:
    """Send a mail. One that waited while the server did not answer fails with the one before it.

    Otherwise a class whose mails wait for a server that hangs would be told one by one, two every
    ten seconds. Mails without a code have nobody who would try again, so they get their turn.
    """
    global _silence
    if letter.code is not None and _silence is not None and letter.silence is not _silence:
        letter.fail(_silence)
        return
    try:
        letter.message.send()
    except (OSError, SMTPException) as error:
        # Neither the address nor what the server says of it belongs in a log.
        reason = error.smtp_code if isinstance(error, SMTPResponseException) else ""
        logger.error("A mail could not be sent: %s %s", type(error).__name__, reason)
        if isinstance(error, SMTPServerDisconnected) or not isinstance(error, SMTPException):
            _silence = error
        letter.fail(error)
    else:
        mail_failures.note_success()
        letter.settle(OneTimeCode.MailState.SENT)


def _render(kind: str, to: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    context["site"] = settings.SITE.url if settings.SITE else ""
    render = partial(render_to_string, context=context)
    context["subject"] = subject = " ".join(render(f"mail/{kind}.subject.txt").split())
    message = EmailMultiAlternatives(subject, render(f"mail/{kind}.txt").strip() + "\n", to=[to])
    message.attach_alternative(render(f"mail/{kind}.html"), "text/html")
    return message
