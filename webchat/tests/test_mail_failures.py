"""What is kept of a mail that did not go out: enough to mend it, and nothing of anybody."""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as live
from django.utils import timezone

from webchat import mail_failures

TO = ["Wang.Wei@example.com"]


@pytest.fixture(autouse=True)
def mail(settings, tmp_path):
    settings.MAIL_MODE = "smtp"
    settings.DATA_DIR = tmp_path
    settings.EMAIL_HOST_USER = "10001@qq.com"
    settings.EMAIL_HOST_PASSWORD = "hunter2-secret"


def fail(error):
    mail_failures.note_failure(error, to=TO)
    return mail_failures.last_failure()


def test_before_a_mail_fails_there_is_nothing():
    mail_failures.note_success()
    assert mail_failures.last_failure() is None


def test_failures_in_a_row_are_counted_until_a_mail_goes_out():
    first = fail(TimeoutError("timed out"))
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        second = fail(smtplib.SMTPServerDisconnected("Connection unexpectedly closed"))
    assert (second.number, second.since, second.kind) == (2, first.at, "SMTPServerDisconnected")
    assert second.at - first.at >= timedelta(hours=1)
    mail_failures.note_success()
    assert mail_failures.last_failure() is None
    assert fail(TimeoutError("timed out")).number == 1


@pytest.mark.parametrize(
    ("error", "code", "words", "is_about_address"),
    [
        (ConnectionRefusedError(111, "Connection refused"), 0, "Connection refused", False),
        (TimeoutError("timed out"), 0, "timed out", False),
        (ssl.SSLError(1, "[SSL] wrong version number"), 0, "[SSL] wrong version number", False),
        (smtplib.SMTPAuthenticationError(535, b"Login\nFail"), 535, "Login Fail", False),
        (smtplib.SMTPRecipientsRefused({TO[0]: (550, b"No such user")}), 550, "No such user", True),
        (smtplib.SMTPRecipientsRefused({TO[0]: (451, b"Later")}), 451, "Later", False),
        (smtplib.SMTPRecipientsRefused({}), 0, "{}", False),
    ],
)
def test_the_code_and_the_words_of_the_server_are_kept(error, code, words, is_about_address):
    failure = fail(error)
    assert (failure.code, failure.words) == (code, words)
    assert failure.is_about_address == is_about_address


def test_an_error_that_is_no_answer_is_told_in_the_readers_language():
    for error, told in (
        (TimeoutError("timed out"), "连不上邮件服务器"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), "应答不对"),
        (ssl.SSLError(1, "[SSL] wrong version number"), "应答不对"),
    ):
        assert told in fail(error).reason
        assert told in mail_failures.words_of(error, to=TO)
    assert fail(smtplib.SMTPDataError(554, b"spam")).reason == "554 spam"


def refuse(address, code=554):
    answer = (code, b"5.7.1 Relay access denied")
    error = smtplib.SMTPRecipientsRefused({address: answer})
    return mail_failures.note_failure(error, to=[address])


def test_a_server_that_refuses_one_address_after_the_other_is_at_fault():
    for _again in range(3):  # somebody who tries a wrong address again and again
        assert refuse("wang@example.com").is_about_address
    assert not refuse("li@example.com").is_about_address
    assert not refuse("wang@example.com").is_about_address
    assert not refuse("wang@example.com").is_about_address
    mail_failures.note_success()
    assert refuse("li@example.com").is_about_address


def test_an_address_that_is_refused_while_the_server_fails_is_not_blamed():
    fail(TimeoutError("timed out"))
    assert not refuse("wang@example.com").is_about_address


@pytest.mark.parametrize(
    "words",
    [
        "<wang.wei@EXAMPLE.com>: no such user",
        "user Wang.Wei is unknown here",
        "log-in of 10001@qq.com failed with hunter2-secret",
        "see smtp://root:toor@mail.example.com",
        "spam: your code is 123456",
        "\x1b[2Jx\r\ny",
        "x" * 100_000,
        b"\xff\xfe wang.wei",
    ],
)
def test_nothing_of_anybody_is_kept(words):
    kept = fail(smtplib.SMTPDataError(554, words)).words
    for secret in ("wang", "10001", "hunter2", "toor", "123456", "\x1b", "\n"):
        assert secret not in kept.lower()
    assert len(kept) <= 200
    assert b"wang" not in (live.DATA_DIR / mail_failures.FILE).read_bytes().lower()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"at": 1}', "{" * 5000, "[" * 5000, "null", "\xff"]
)
def test_a_damaged_note_is_none(content):
    (live.DATA_DIR / mail_failures.FILE).write_text(content, "latin-1")
    assert mail_failures.last_failure() is None
    assert fail(TimeoutError()).number == 1


@pytest.mark.parametrize("mode", ["off", "console"])
def test_where_no_mail_is_sent_none_failed(settings, mode):
    assert fail(TimeoutError())
    settings.MAIL_MODE = mode
    assert mail_failures.last_failure() is None


def test_a_refused_address_is_kept_as_a_digest_only():
    refuse("wang.wei@example.com")
    assert b"wang" not in (live.DATA_DIR / mail_failures.FILE).read_bytes().lower()


def test_a_disk_that_takes_nothing_stops_no_mail(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "missing"
    assert fail(TimeoutError()) is None
    mail_failures.note_success()
