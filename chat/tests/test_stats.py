"""The numbers of `manage.py stats`, and that counting holds up nobody."""

from __future__ import annotations

import io
import json
import os
import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone, translation

from accounts.models import User
from chat import statistics
from chat.models import IMPORTED, Attachment, Event, Message, Report
from chat.models.files import attachments_folder
from chat.statistics import collect, first_since
from tests.cast import say
from webchat.base.tables import width
from webchat.database.backup import own_folder

NOON = timezone.make_aware(datetime(2026, 9, 7, 12))  # noqa: DTZ001
DAY = timedelta(days=1)


def stats(*options: str, language: str = "en") -> str:
    printed = io.StringIO()
    with translation.override(language):
        call_command("stats", *options, stdout=printed)
    return printed.getvalue()


def send(sender: User, to: User, *ago: timedelta) -> None:
    for each in ago:
        message = say(sender, to, "hallo")
        Message.objects.filter(pk=message.id).update(sent_at=NOON - each)
    Event.objects.all().delete()  # they would keep the messages from being moved or deleted


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def test_people_are_counted_by_when_they_were_here(noon, alice, bob, carol, mallory):
    for user, ago in ((alice, 1 / 24), (bob, 0.6), (carol, 20), (mallory, 40)):
        User.objects.filter(pk=user.pk).update(last_login=NOON - ago * DAY)
    User.objects.filter(pk=mallory.pk).update(is_staff=True)
    User.objects.create(username="new", unverified_since=NOON)
    User.objects.create(username="out", is_active=False)
    found = collect()
    assert (found.people, found.waiting_newcomers, found.banned, found.staff) == (4, 1, 1, 1)
    active = (found.active_today, found.active_7_days, found.active_30_days)
    assert active == (1, 2, 3), "midnight is of the site's zone: bob was here last night"


def test_each_day_has_its_messages(noon, alice, bob):
    send(alice, bob, 9 * DAY, 2 * DAY, 2 * DAY, 12.5 / 24 * DAY, 11.5 / 24 * DAY, 0 * DAY)
    found = collect()
    assert found.messages == 6
    assert [*found.messages_by_day.values()] == [2, 1, 2, 0, 0, 0, 0]
    assert next(iter(found.messages_by_day)) == NOON.date()


def test_each_day_has_its_files_and_their_bytes(noon, alice, bob):
    send(alice, bob, 9 * DAY, 2 * DAY, 1 * DAY, 1 * DAY, 0 * DAY)
    for size, message in zip((5, 70, 100, None, 2000), Message.objects.order_by("id"), strict=True):
        Attachment.objects.create(
            message=message, conversation=message.conversation, file=str(size), name="a", size=size
        )
    found = collect()
    assert found.files == 5
    numbers = [(each.number, each.bytes) for each in found.files_by_day.values()]
    assert numbers == [(1, 2000), (2, 100), (1, 70), (0, 0), (0, 0), (0, 0), (0, 0)]
    assert "… 2026-09-07               1, 2.0 KB" in stats()
    days = json.loads(stats("--json"))["files_by_day"]
    assert days["2026-09-06"] == {"number": 2, "bytes": 100}


def test_a_border_is_found_over_gaps_of_ids(noon, alice, bob):
    send(alice, bob, *(number * DAY for number in range(20, 0, -1)))
    ids = [*Message.objects.order_by("id").values_list("id", flat=True)]
    Message.objects.filter(id__in=[*ids[3:9], ids[15]]).delete()
    for message in Message.objects.all():
        assert first_since(message.sent_at) <= message.id
        found = Message.objects.filter(id__gte=first_since(message.sent_at)).order_by("id")
        assert found.first() == message
    assert not Message.objects.filter(id__gte=first_since(NOON)).exists()


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("number", [1, 40])
def test_what_an_import_brings_at_any_time_counts_on_its_own_day(noon, alice, bob, at, number):
    """It has the ids of the day of the import, and the times of the old program."""
    days = [6.4, 4.4, 2.4, 1.4, 1.3, 0.1]
    send(alice, bob, *(each * DAY for each in days))
    ids = [*Message.objects.order_by("id").values_list("id", flat=True)]
    for place, pk in enumerate(ids):  # room for the import
        Message.objects.filter(pk=pk).update(id=10_000 + 1000 * place)
    conversation = Message.objects.first().conversation
    Message.objects.bulk_create(
        Message(
            id=9_500 + 1000 * at + each,
            conversation=conversation,
            sender=alice,
            client_id=uuid4(),
            digest=IMPORTED,
            # What the old program sent before the import, two of it in this week.
            sent_at=NOON - (400 - each if each >= 2 else 6.45) * DAY,
        )
        for each in range(number)
    )
    old = min(number, 2) if at else 0
    if not at:
        Message.objects.filter(digest=IMPORTED).update(sent_at=NOON - 20 * DAY)
    found = [*collect().messages_by_day.values()]
    assert found == [1, 2, 1, 0, 1, 0, 1 + old]


def test_a_border_costs_look_ups_and_no_scan(noon, alice, bob, django_assert_max_num_queries):
    send(alice, bob, *[DAY] * 5)
    Message.objects.filter(pk=Message.objects.latest("id").pk).update(id=10**12)
    with django_assert_max_num_queries(50):  # the logarithm of 10^12, and the last id
        first_since(NOON - 2 * DAY)


def test_a_number_that_takes_too_long_stays_unknown(alice, bob, monkeypatch):
    say(alice, bob, "hallo")
    monkeypatch.setattr(statistics, "SECONDS", -1.0)
    monkeypatch.setattr("webchat.database.patience.STEPS", 1)
    assert collect().messages is None
    assert "too many to count now" in stats()
    assert json.loads(stats("--json"))["messages"] is None


def test_a_border_that_takes_too_long_leaves_its_days_unknown(alice, bob, monkeypatch):
    """As after an import of millions, which are passed over one by one."""

    def first_since(_moment):
        raise OperationalError("interrupted")

    monkeypatch.setattr(statistics, "first_since", first_since)
    found = collect()
    assert set(found.messages_by_day.values()) == set(found.files_by_day.values()) == {None}
    assert found.messages == 0


def test_each_count_is_a_step(db):
    steps = []
    collect(steps.append)
    assert steps == [1] * statistics.COUNTS


def test_sizes_are_those_of_the_files(alice, bob):
    attachments_folder().mkdir(exist_ok=True)
    (attachments_folder() / "x").write_bytes(b"x" * 1234)
    own_folder().mkdir(exist_ok=True)
    backup = own_folder() / "webchat-20260101-030000.tar.gz"
    backup.write_bytes(b"y" * 77)
    (own_folder() / "other").write_bytes(b"z" * 999)
    try:
        found = collect()
    finally:
        backup.unlink()
        (own_folder() / "other").unlink()
    assert (found.files_bytes, found.backups, found.backups_bytes) == (1234, 1, 77)
    assert found.disk_free_bytes > 0


def test_what_files_share_is_taken_once_and_a_recall_meanwhile_is_no_error(db, monkeypatch):
    attachments_folder().mkdir(exist_ok=True)
    sent, forwarded = (attachments_folder() / name for name in ("sent", "forwarded"))
    before = collect().files_bytes
    sent.write_bytes(b"x" * 1234)
    forwarded.hardlink_to(sent)
    listed = os.listdir(attachments_folder())
    monkeypatch.setattr(os, "listdir", lambda folder: [*listed, "recalled"])
    try:
        assert collect().files_bytes == before + 1234
    finally:
        for path in (sent, forwarded):
            path.unlink()


def test_open_reports_are_counted(alice, bob):
    for closed_at, outcome in ((None, ""), (timezone.now(), "dismissed")):
        Report.objects.create(
            reporter=alice, about=bob, about_number=bob.pk, reason="x",
            closed_at=closed_at, outcome=outcome,
        )  # fmt: skip
    assert collect().open_reports == 1


@pytest.mark.parametrize(("language", "label"), [("en", "Messages"), ("zh-hans", "消息")])
def test_the_values_stand_in_one_column(alice, bob, language, label):
    say(alice, bob, "hallo")
    lines = stats(language=language).splitlines()
    assert any(line.split() == [label, "1"] for line in lines)
    assert "Asia/Shanghai" in lines[0]
    places = {width(line) - width(re.split(" {2,}", line)[1]) for line in lines}
    assert len(places) == 1


def test_a_script_gets_numbers_and_local_times(noon, alice):
    found = json.loads(stats("--json"))
    assert found["at"] == "2026-09-07T12:00:00+08:00"
    assert list(found["messages_by_day"])[:2] == ["2026-09-07", "2026-09-06"]
    assert found["people"] == 1
    assert str(settings.DATA_DIR) not in str(found)
