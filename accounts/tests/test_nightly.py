"""The nightly run: each part although another has failed, and the superusers told once a day."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from smtplib import (
    SMTPDataError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone

from accounts.mail import sending
from accounts.management.commands import nightly as command
from accounts.models import User
from webchat.base.failures import StoppedError
from webchat.base.terminal import Terminated
from webchat.doctor.finding import advice, ok, wrong
from webchat.nightly import Nightly, last_nightly, record


@pytest.fixture
def parts(monkeypatch, settings, tmp_path):
    """The three parts, and what each of them does: nothing, or it raises."""
    settings.DATA_DIR = tmp_path
    done, raised, findings = [], {}, [("disk", ok("well")), ("clock", advice("Old", "mend"))]

    def call(name, *args, **options):
        name = "backup --to" if options.get("to") else name
        done.append(" ".join([name, *args]))
        if name in raised:
            raise raised[name]

    def examine():
        done.append("doctor")
        yield from findings

    monkeypatch.setattr(command, "call_command", call)
    monkeypatch.setattr(command, "examine", examine)
    parts.done, parts.raised, parts.findings = done, raised, findings
    return parts


def run(*options):
    """Run it; returns its output, and what it said had failed."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("nightly", *options, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}"
    return out.getvalue(), err.getvalue()


def test_a_good_night_is_recorded_and_says_little(parts, db):
    out, err = run()
    assert parts.done == ["backup", "prune", "doctor"]
    assert (out, err) == ("! clock: Old mend\n", "")
    found = last_nightly()
    assert (found.is_well, found.is_late, found.mailed_at, found.to) == (True, False, None, "")


@pytest.mark.parametrize(
    "error", [CommandError("磁盘已满。"), OSError(28, "x", "/x"), KeyError("x")]
)
@pytest.mark.parametrize("part", ["backup", "backup --to", "prune"])
def test_each_part_runs_although_one_before_it_failed(parts, db, part, error):
    parts.raised[part] = error
    parts.findings.append(("server", wrong("It is down.", "start it")))
    out, err = run("--to", "/mnt/usb")
    assert parts.done == ["backup", "prune", "doctor", "backup --to"]
    assert f"✗ {part}: " in err
    assert "2" in err.splitlines()[-1]
    found = last_nightly()
    assert set(found.failures) == {part, "doctor"}
    assert found.failures["doctor"] == "server: It is down. start it"
    assert found.to == "/mnt/usb"


class Killed(BaseException):
    """The end of a process that no handler of its own sees."""


def night(to="/mnt/nas", days=0):
    """Let one night pass, with its end, and then `days`; return its record."""
    with suppress(Killed, CommandError):
        call_command("nightly", "--to", to, stdout=io.StringIO(), stderr=io.StringIO())
    found = last_nightly()
    mailed_at = found.mailed_at and found.mailed_at - timedelta(days=days)
    record(replace(found, at=found.at - timedelta(days=days), mailed_at=mailed_at))
    return found


def test_a_disk_from_which_nobody_comes_back_is_recorded_beforehand(parts, db):
    parts.raised["prune"] = CommandError("x")
    parts.raised["backup --to"] = Killed()
    found = night(days=1)
    assert (found.failures, found.to, found.is_unfinished) == ({"prune": "x"}, "/mnt/nas", True)
    assert found.failed == {"prune": "x"}, "a copy that is being made is no failure"
    assert "没有做完" in last_nightly().failed["backup --to"]


def test_what_failed_is_told_before_a_disk_from_which_nobody_comes_back(parts, superusers):
    parts.raised["backup"] = CommandError("磁盘已满。")
    parts.raised["backup --to"] = Killed()
    night()
    [sent] = mail.outbox
    assert "backup: 磁盘已满。" in sent.body
    assert "backup --to" not in sent.body


@pytest.mark.parametrize("end", [Killed(), Terminated(15)])
def test_a_disk_that_held_up_the_last_night_is_told_once_each_night(parts, superusers, end):
    parts.raised["backup --to"] = end
    night(days=1)
    assert mail.outbox == []
    for number in (1, 2):
        night(days=1)
        assert len(mail.outbox) == number
        assert "backup --to" in mail.outbox[-1].body
    parts.raised.clear()
    found = night(days=1)
    assert (found.failures, found.is_unfinished) == ({}, False)
    assert len(mail.outbox) == 3, "of the night before; one a day"
    for _night in range(2):
        night(days=1)
        assert len(mail.outbox) == 4
    assert "恢复正常" in mail.outbox[3].subject


def test_a_night_that_fails_at_both_ends_is_told_in_one_mail(parts, superusers):
    parts.raised["backup"] = parts.raised["backup --to"] = CommandError("磁盘已满。")
    found = night()
    assert len(mail.outbox) == 1
    assert set(found.failures) == {"backup", "backup --to"}
    assert found.mailed_at is not None


def test_a_failure_that_no_encoding_can_write_is_escaped(parts, db):
    parts.raised["backup --to"] = CommandError("没有 /mnt/\udcb1。")
    run("--to", "/mnt/\udcb1")
    found = last_nightly()
    assert found.failures == {"backup --to": "没有 /mnt/\\udcb1。"}
    assert found.to == "/mnt/\udcb1"


def test_the_doctors_view_of_the_night_before_does_not_fail_this_one(parts, db):
    parts.findings.append((command.OWN_CHECK, wrong("Last night failed.", "")))
    run()
    assert last_nightly().is_well


def test_a_stop_ends_it_and_is_recorded(parts, db):
    parts.raised["backup"] = StoppedError("已停止。")
    with pytest.raises(StoppedError):
        call_command("nightly", stderr=io.StringIO())
    assert parts.done == ["backup"]
    assert last_nightly().failures == {"backup": "已停止。"}
    parts.raised["backup"] = Terminated(15)
    with pytest.raises(StoppedError) as stopped:
        call_command("nightly", stderr=io.StringIO())
    assert stopped.value.returncode == 143


def test_old_messages_go_where_the_unit_says_so(parts, db):
    run("--messages-older-than", "365")
    assert parts.done[1] == "prune --messages-older-than=365 --yes"


@pytest.fixture
def superusers(settings, make_user):
    settings.MAIL_MODE = "smtp"
    for name, change in {
        "root1": {"is_superuser": True, "email": "root1@example.com"},
        "root2": {"is_superuser": True},
        "gone": {"is_superuser": True, "email": "gone@example.com", "is_active": False},
        "alice": {"email": "alice@example.com"},
    }.items():
        make_user(name)
        User.objects.filter(username=name).update(**change)


def test_superusers_hear_of_it_once_a_day_and_when_it_is_well_again(parts, superusers):
    parts.raised["backup"] = CommandError("磁盘已满。")
    run()
    [sent] = mail.outbox
    assert sent.to == ["root1@example.com"]
    assert "backup: 磁盘已满。" in sent.body
    assert "backup: 磁盘已满。" in sent.alternatives[0].content
    run()
    assert len(mail.outbox) == 1
    before = last_nightly()
    earlier = timezone.now() - timedelta(hours=24)
    record(Nightly(earlier, before.failures, mailed_at=earlier))
    run()
    assert len(mail.outbox) == 2
    parts.raised.clear()
    run()
    run()
    assert len(mail.outbox) == 3
    assert "恢复正常" in mail.outbox[2].subject
    assert last_nightly().mailed_at is None


def test_a_mail_server_that_refuses_is_one_more_failure_and_tried_again(
    parts, superusers, monkeypatch
):
    def refuse(*args, **options):
        raise ConnectionRefusedError

    parts.raised["prune"] = CommandError("x")
    with monkeypatch.context() as patch:
        patch.setattr("accounts.mail.sending.send_now", refuse)
        run()
    assert list(last_nightly().failures) == ["prune", "mail"]
    assert last_nightly().mailed_at is None
    run()
    assert len(mail.outbox) == 1


@pytest.fixture
def deliver(monkeypatch):
    """A function that makes the mail of one address fail."""
    send = sending.send_now

    def fail_for(address, error):
        def deliver(kind, *, to, **context):
            if to == address:
                raise error
            send(kind, to=to, **context)

        monkeypatch.setattr(sending, "send_now", deliver)

    return fail_for


def test_an_address_that_is_refused_hides_nothing_from_all_others(parts, superusers, deliver):
    User.objects.filter(username="root2").update(email="root2@example.com")
    parts.raised["prune"] = CommandError("x")
    for first, second in (("root1", "root2"), ("root2", "root1")):
        address = f"{first}@example.com"
        refusal = {address: (550, f"No {first} here: {address}".encode())}
        deliver(address, SMTPRecipientsRefused(refusal))
        mail.outbox.clear()
        record(Nightly(timezone.now()))
        _out, err = run()
        assert [sent.to for sent in mail.outbox] == [[f"{second}@example.com"]]
        assert "550" in err
        assert "SMTP" not in err
        assert "@" not in err
        assert last_nightly().mailed_at is not None
        run()
        assert len(mail.outbox) == 1, "one a day"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "连不上邮件服务器"),
        (TimeoutError("timed out"), "连不上邮件服务器"),
        (SMTPServerDisconnected("Connection unexpectedly closed"), "端口"),
        (SMTPNotSupportedError("STARTTLS extension not supported by server."), "端口"),
        (ValueError("No recipient in None"), "邮箱地址"),
        (SMTPDataError(554, b"spam"), "554 spam"),
    ],
)
def test_why_nobody_could_be_told_is_said_in_the_readers_language(
    parts, superusers, deliver, error, told
):
    parts.raised["prune"] = CommandError("x")
    deliver("root1@example.com", error)
    run()
    words = last_nightly().failures["mail"]
    assert told in words
    assert str(error) not in words


def test_who_was_told_that_it_is_well_hears_no_more_though_another_is_never_reached(
    parts, superusers, deliver
):
    User.objects.filter(username="root2").update(email="root2@example.com")
    refusal = {"root2@example.com": (550, b"No such user")}
    deliver("root2@example.com", SMTPRecipientsRefused(refusal))
    parts.raised["backup"] = CommandError("磁盘已满。")
    run()
    parts.raised.clear()
    run()
    assert "550" in last_nightly().failures["mail"]
    for _night in range(3):
        assert last_nightly().mailed_at is None
        run()
    assert [sent.to for sent in mail.outbox] == [["root1@example.com"]] * 2
    assert last_nightly().is_well


def test_without_a_database_the_mail_fails_in_a_sentence(parts, superusers, monkeypatch, caplog):
    def fail(*_args):
        raise OperationalError("no such table: accounts_user")

    parts.raised["prune"] = CommandError("x")
    monkeypatch.setattr(command, "tell_superusers", fail)
    run()
    assert "manage.py migrate" in last_nightly().failures["mail"]
    assert caplog.records == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Terminated(15)])
def test_a_stop_while_it_mails_is_no_night_without_a_record(parts, superusers, deliver, stop):
    parts.raised["prune"] = CommandError("x")
    deliver("root1@example.com", stop)
    with pytest.raises(StoppedError):
        call_command("nightly", stderr=io.StringIO())
    assert last_nightly().failures == {"prune": "x"}


def test_with_mail_off_nobody_is_written_to(parts, superusers, settings):
    settings.MAIL_MODE = "off"
    parts.raised["prune"] = CommandError("x")
    run()
    assert mail.outbox == []
    assert last_nightly().failures == {"prune": "x"}


def test_a_record_that_cannot_be_written_is_told(parts, db, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "nowhere"
    _out, err = run()
    assert "✗ record: " in err
