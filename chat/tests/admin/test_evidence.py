"""The files of reported messages: kept as evidence, and seen only with the report."""

from __future__ import annotations

import errno
import os
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import traces
from accounts.models import User
from accounts.services import delete_account
from chat import attachments, pruning, services
from chat.access import get_message
from chat.models import AuditEntry, Evidence, Message, Report
from chat.models.files import attachments_folder, previews_folder
from chat.moderation import services as moderation
from tests.cast import Api, make_user, say
from tests.cast import befriend as befriend_

from ..media.cast import PREVIEW, ready, send
from .conftest import client_of, page_of

PIXELS = b"\xff\xd8\xffpixels"


@pytest.fixture
def message(alice, bob):
    """A picture that bob has sent to alice."""
    say(alice, bob, "davor")
    pk = send(bob, "alice", upload=ready(bob, PIXELS).client_id).json()["message"]["id"]
    say(bob, alice, "danach")
    return Message.objects.get(pk=pk)


@pytest.fixture
def report(message, alice):
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="…").status_code == 201
    return Report.objects.get()


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def file_of(report):
    return reverse("admin:chat_report_file", args=[report.pk])


def preview_of(report):
    return reverse("admin:chat_report_preview", args=[report.pk])


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def files():
    return {*os.listdir(attachments_folder()), *os.listdir(previews_folder())}


def acts():
    return list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))


def test_neither_recall_nor_removal_destroys_the_file_of_a_report(report, message, bob, committed):
    kept = Evidence.objects.get()
    theirs = message.attachment
    assert {kept.file, kept.preview}.isdisjoint({theirs.file, theirs.preview})
    assert os.path.samefile(kept.path, theirs.path)
    with committed():
        services.recall(thread=get_message(bob, message.pk)[0], message=message)
    assert files() == {kept.file, kept.preview}
    assert kept.path.read_bytes() == PIXELS
    assert kept.preview_path.read_bytes() == PREVIEW


def test_a_message_without_a_file_has_no_evidence(alice, bob):
    text = say(bob, alice, "böse")
    Api(alice).post(f"messages/{text.id}/report/", reason="…")
    assert Report.objects.exists()
    assert not Evidence.objects.exists()


def test_a_lost_file_ends_no_report(message, alice):
    message.attachment.path.unlink()
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="…").status_code == 201
    assert not Evidence.objects.exists()


def test_a_disk_that_refuses_ends_no_report(message, alice, monkeypatch):
    def refuse(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chat.models.files.os.link", refuse)
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="…").status_code == 201
    assert not Evidence.objects.exists()


def test_a_file_that_takes_no_more_names_is_copied_as_evidence(message, alice, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EMLINK, "Too many links")

    monkeypatch.setattr("chat.models.files.os.link", refuse)
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="…").status_code == 201
    kept = Evidence.objects.get()
    assert not os.path.samefile(kept.path, message.attachment.path)
    assert kept.path.read_bytes() == PIXELS


def test_a_lost_preview_keeps_no_file_from_being_evidence(message, alice):
    message.attachment.preview_path.unlink()
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="…").status_code == 201
    kept = Evidence.objects.get()
    assert (kept.preview, kept.path.read_bytes()) == ("", PIXELS)


def test_the_page_shows_the_picture_behind_a_tap(report, desk):
    page = desk.get(page_of(report)).content.decode()
    details = page.partition('<details class="evidence">')[2].partition("</details>")[0]
    assert f'src="{preview_of(report)}"' in details
    assert 'loading="lazy"' in details
    assert f'href="{file_of(report)}"' in details
    assert "style=" not in details
    answer = desk.get(preview_of(report))
    assert (answer["Content-Type"], body(answer)) == ("image/webp", PREVIEW)
    answer = desk.get(file_of(report))
    assert (answer["Content-Type"], body(answer)) == ("image/jpeg", PIXELS)
    assert "no-store" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_look_at_the_file_is_an_act_of_its_own_once_an_hour(report, desk, moderator):
    desk.get(page_of(report))
    assert acts() == ["looked"]
    for _time in range(2):
        desk.get(preview_of(report))
        desk.get(file_of(report))
    assert acts() == ["looked", "file_looked"]
    entry = AuditEntry.objects.get(act="file_looked")
    assert (entry.actor_number, entry.report_number) == (moderator.pk, report.pk)
    assert "file_looked" not in desk.get(page_of(report)).content.decode()


@pytest.mark.parametrize("kind", ["video", "voice", "file"])
def test_what_is_no_picture_is_a_link_with_name_and_size_that_saves_it(alice, bob, desk, kind):
    facts = {"kind": kind, "mimetype": "video/mp4", "name": "假期 <b>.mp4", "size": 2048}
    upload = ready(bob, b"film", preview=False, **facts)
    pk = send(bob, "alice", upload=upload.client_id).json()["message"]["id"]
    Api(alice).post(f"messages/{pk}/report/", reason="…")
    report = Report.objects.get()
    page = desk.get(page_of(report)).content.decode()
    assert '<details class="evidence">' not in page
    assert "<bdi>假期 &lt;b&gt;.mp4</bdi></a> · 2.0" in page
    answer = desk.get(file_of(report))
    assert answer["Content-Disposition"].startswith("attachment")
    assert body(answer) == b"film"
    assert desk.get(preview_of(report)).status_code == 404


def test_only_staff_who_may_see_the_report_get_its_file(report, desk, alice, bob, moderator):
    assert desk.get(file_of(report)).status_code == 200
    clerk = make_user("clerk")
    for address in (file_of(report), preview_of(report)):
        for other in (alice, bob, clerk):
            assert client_of(other).get(address).status_code == 302
        User.objects.filter(pk=clerk.pk).update(is_staff=True)
        assert client_of(clerk).get(address).status_code == 403
        User.objects.filter(pk=clerk.pk).update(is_staff=False)
        assert desk.post(address).status_code == 405
    assert desk.get(file_of(report).replace(str(report.pk), "999999")).status_code == 404


def test_nobody_sees_the_file_of_a_report_of_themselves(alice, moderator, desk):
    befriend_(alice, moderator)
    upload = ready(moderator, PIXELS)
    pk = send(moderator, "alice", upload=upload.client_id).json()["message"]["id"]
    Api(alice).post(f"messages/{pk}/report/", reason="…")
    report = Report.objects.get()
    assert desk.get(file_of(report)).status_code == 403
    assert "file_looked" not in acts()


def test_a_second_report_after_the_recall_still_shows_the_file(message, report, desk, bob):
    second = Report.objects.create(
        reporter=bob, about=report.about, about_number=report.about_number,
        message_number=report.message_number, snapshot=report.snapshot, reason="…",
    )  # fmt: skip
    assert body(desk.get(file_of(second))) == PIXELS


def prune(now):
    for chore in pruning.chores(now):
        for _rows in chore.work():
            pass


def test_the_file_goes_thirty_days_after_the_decision(report, desk, moderator, committed):
    kept = Evidence.objects.get()
    with committed():
        prune(timezone.now() + timedelta(days=300))
    assert kept.path.exists()  # an open report keeps it
    moderation.dismiss(by=moderator, report=report)
    with committed():
        prune(timezone.now() + timedelta(days=29))
    assert kept.path.exists()
    with committed():
        prune(timezone.now() + timedelta(days=31))
    assert not kept.path.exists()
    assert not kept.preview_path.exists()
    assert "evidence" not in desk.get(page_of(report)).content.decode()
    assert desk.get(file_of(report)).status_code == 404


def test_a_deleted_account_takes_its_texts_and_files_out_of_every_snapshot(
    report, alice, bob, desk, committed
):
    with committed():
        delete_account(user=bob)
    report.refresh_from_db()
    assert [each["text"] for each in report.snapshot] == ["davor", "", ""]
    assert [each["state"] for each in report.snapshot] == ["sent", "deleted", "deleted"]
    assert not Evidence.objects.exists()
    assert files() == set()
    assert "Message of a deleted user" in desk.get(page_of(report)).content.decode()


def test_the_reporter_who_leaves_takes_only_their_own_along(report, alice, committed):
    with committed():
        delete_account(user=alice)
    report.refresh_from_db()
    assert [each["text"] for each in report.snapshot] == ["", "海边.jpg", "danach"]
    assert Evidence.objects.get().path.exists()


def test_orphans_and_the_proof_of_a_deletion_know_evidence(report, bob, committed):
    old = time.time() - attachments.ORPHAN_SECONDS - 60
    for folder in (attachments_folder(), previews_folder()):
        for path in folder.iterdir():
            os.utime(path, (old, old))
    assert attachments.find_orphans() == []
    assert traces.find_lost_files() == []
    kept = Evidence.objects.get()
    Evidence.objects.all()._raw_delete("default")
    assert {path.name for path in attachments.find_orphans()} == {kept.file, kept.preview}
