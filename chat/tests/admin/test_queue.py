"""The queue: one row for each thing, the next one after each, and nothing offered twice."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User
from chat.models import AuditEntry, Message, Notice, Report
from chat.moderation import services, waiting
from tests.cast import Api, befriend, make_user, say

from .conftest import (
    AUDIT,
    QUEUE,
    acts,
    client_of,
    decide,
    moderate,
    page_of,
    report_state,
    user_page,
)


def report_person(about, *reporters, reason="Kettenbriefe"):
    for number, name in enumerate(reporters):
        reporter = User.objects.filter(username=name).first() or make_user(name)
        befriend(reporter, about)
        Api(reporter).post(f"friends/{about.username}/report/", reason=f"{reason} {number}")
    return Report.objects.filter(about=about).order_by("pk").first()


def report_message(by, sender, text, reason="so nicht"):
    message = say(sender, by, text)
    Api(by).post(f"messages/{message.id}/report/", reason=reason)
    return Report.objects.get(message_number=message.id)


def rows(desk, **query):
    return desk.get(QUEUE, query).context["cl"].result_list


def content(desk, path):
    return desk.get(path).content.decode().partition('id="content"')[2].partition("<footer")[0]


# The list


def test_a_person_is_one_row_however_many_report_them(desk, moderator, mallory, bob, alice):
    report_person(mallory, "anna", "ben", "cleo")
    report_message(alice, bob, "eins")
    report_message(alice, bob, "zwei")
    page = desk.get(QUEUE)
    mallorys, first, second = page.context["cl"].result_list
    assert mallorys.tally == (3, 3, 3)
    assert (first.tally, second.tally) == ((1, 1, 1), (1, 1, 1))
    assert "anna and 2 more" in page.content.decode()
    assert waiting._reports(moderator).value == "3"  # on the front page
    services.dismiss(by=User.objects.create_superuser("boss"), report=mallorys)
    assert len(rows(desk)) == 2
    assert waiting._reports(moderator).value == "2"
    report_person(mallory, "dora")
    [row] = [each for each in rows(desk) if each.about == mallory]
    assert row.tally == (4, 1, 4)
    assert "1 open of 4" in desk.get(QUEUE).content.decode()
    assert len(rows(desk, state="all")) == 3
    assert [each.pk for each in rows(desk, state="all") if each.about == mallory] == [row.pk]


def test_reasons_of_all_reports_are_searched(desk, mallory, bob, alice):
    report_person(mallory, "anna", reason="Werbung")
    report_person(mallory, "ben", reason="刷屏 广告")
    report_message(alice, bob, "geheim", reason="beleidigend")
    [found] = rows(desk, q="广告")
    assert (found.about, found.reason, found.tally.number) == (mallory, "刷屏 广告 0", 2)
    assert [each.about for each in rows(desk, q="beleidigend")] == [bob]
    assert [each.about for each in rows(desk, q="bob beleidigend")] == [bob]
    assert rows(desk, q="geheim") == []  # nobody searches in what people wrote


def test_a_long_message_is_an_excerpt_and_one_without_a_text_is_named(desk, bob, alice):
    report_message(alice, bob, "x" * 2000)
    report = report_message(alice, bob, "y")
    snapshot = [each | {"text": ""} for each in report.snapshot]
    Report.objects.filter(pk=report.pk).update(snapshot=snapshot)
    page = desk.get(QUEUE).content.decode()
    assert ">A message</a>" in page
    assert "x" * 39 + "…" in page
    assert "x" * 40 not in page


def test_who_has_deleted_the_account_is_named_as_such(desk, bob, alice):
    report = report_message(alice, bob, "böse")
    number = bob.pk
    bob.delete()
    alice.delete()
    row = desk.get(QUEUE).content.decode()
    assert f"Deleted user #{number}" in row
    assert 'class="field-reporters">Deleted user</td>' in row
    page = content(desk, page_of(report))
    assert f"Deleted user #{number}" in page
    chinese = client_of(User.objects.create_superuser("boss"))
    chinese.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    assert f"已注销的用户 #{number}" in chinese.get(QUEUE).content.decode()


def test_a_moderator_does_not_find_out_in_the_list_who_reported_them(desk, moderator, bob, alice):
    own = report_person(moderator, "anna", reason="unfair")
    other = report_message(alice, bob, "böse")
    assert [each.pk for each in rows(desk)] == [other.pk]
    assert rows(desk, q="unfair") == []
    assert desk.get(page_of(own)).status_code == 403
    assert services.next_open(by=moderator, after=other) is None
    boss = client_of(User.objects.create_superuser("boss"))
    assert {each.pk for each in rows(boss)} == {own.pk, other.pk}


def test_ten_thousand_reports_cost_as_many_queries_as_ten(
    desk, bob, alice, django_assert_num_queries, django_assert_max_num_queries
):
    first = report_message(alice, bob, "böse")

    def grow(number, **more):
        Report.objects.bulk_create(
            Report(
                about=bob if n % 2 else None,
                about_number=bob.pk if n % 2 else n,
                message_number=None if n % 3 else 10**6 + n,
                reason="x" * 500,
                snapshot=first.snapshot,
                **more,
            )
            for n in range(number)
        )

    grow(10)
    paths = [QUEUE, f"{QUEUE}?state=all", f"{QUEUE}?q=x", page_of(first)]
    counts = []
    for path in paths:
        desk.get(path)  # the first look is written down
        with django_assert_max_num_queries(30) as queries:
            assert desk.get(path).status_code == 200
        counts.append(len(queries))
    grow(5000)
    grow(5000, closed_at=timezone.now(), outcome="dismissed")
    for path, count in zip(paths, counts, strict=True):
        with django_assert_num_queries(count):
            answer = desk.get(path)
        assert len(answer.content) < 200_000


# The trace of a look


def test_a_reload_and_an_act_are_no_other_looks(desk, report):
    for _time in range(3):
        desk.get(QUEUE)
        desk.get(page_of(report))
    desk.post(decide(report, "warn"), follow=True)
    desk.post(moderate(report.about, "mute"), {"hours": "1"}, follow=True)
    desk.get(page_of(report))
    assert acts() == ["listed", "looked", "warned", "muted"]


def test_nobody_looks_without_a_trace(desk, report, alice, bob):
    second = report_message(alice, bob, "noch eins")
    desk.get(page_of(report))
    desk.get(page_of(second))
    client_of(User.objects.create_superuser("boss")).get(page_of(report))
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        desk.get(page_of(report))
        desk.get(QUEUE)
    entries = AuditEntry.objects.order_by("id").values_list("act", "report_number")
    looks = [("looked", each.pk) for each in (report, second, report, report)]
    assert list(entries) == [*looks, ("listed", None)]


def test_a_clock_that_is_set_back_hides_no_look(desk, report):
    with time_machine.travel(timezone.now() + timedelta(days=9), tick=False):
        services.look(by=User.objects.get(username="moderator"), report=report)
    desk.get(page_of(report))
    assert acts() == ["looked", "looked"]


def test_an_empty_list_shows_nothing_and_is_no_look(desk):
    assert rows(desk) == []
    assert acts() == []


# The next one


def test_the_next_one_is_offered_in_the_order_of_the_queue(desk, report, alice, bob, mallory):
    second = report_message(alice, bob, "noch eins")
    third = report_person(mallory, "anna", "ben")
    pages = {each: content(desk, page_of(each)) for each in (report, second, third)}
    for one, following in ((report, second), (second, third), (third, report)):
        assert f'href="{page_of(following)}">Next report' in pages[one]
    assert "2 more wait" in pages[report]  # the third is one, though two people sent it
    desk.post(decide(second, "dismiss"))
    answer = desk.post(decide(third, "warn"), follow=True).content.decode()
    assert f'href="{page_of(report)}">Next report' in answer
    answer = desk.post(decide(report, "dismiss"), follow=True).content.decode()
    assert "No other report waits." in answer


def test_all_reasons_for_which_a_person_is_decided_are_shown(desk, mallory):
    report = report_person(mallory, "anna", "ben")
    page = content(desk, page_of(report))
    assert "Kettenbriefe 0" in page
    assert "Kettenbriefe 1" in page


def test_a_decided_thing_shows_all_its_reports_and_the_act_whichever_is_opened(
    desk, moderator, mallory, bob, alice
):
    oldest = report_person(mallory, "anna", "ben", "cleo")
    desk.post(decide(oldest, "mute"), {"hours": "24"})
    [row] = rows(desk, state="closed")
    for each in (oldest, row):
        page = content(desk, page_of(each))
        assert all(f"Kettenbriefe {number}" in page for number in range(3))
        assert "Muted (1 day)" in page
        assert not re.search(r"\d other report", page)  # they are all here
    assert row.pk != oldest.pk


def test_the_link_to_other_reports_leads_to_as_many(desk, bob, alice):
    first = report_message(alice, bob, "eins")
    for text in ("zwei", "drei"):
        report_message(alice, bob, text)
    page = content(desk, page_of(first))
    assert "2 other reports" in page
    url = re.search(r'href="([^"]+state=all[^"]+)"', page)[1].replace("&amp;", "&")
    found = desk.get(url).context["cl"].result_list
    assert len([each for each in found if each.pk != first.pk]) == 2


def test_an_open_report_tells_how_earlier_ones_ended(desk, mallory):
    desk.post(decide(report_person(mallory, "anna"), "dismiss"))
    newer = report_person(mallory, "ben", reason="Werbung") and Report.objects.latest("pk")
    page = content(desk, page_of(newer))
    assert "Kettenbriefe 0" in page
    assert "Dismissed" in page.partition("Reported again")[2].partition("Kettenbriefe")[0]


def test_who_has_decided_and_left_is_named_as_deleted(desk, report, alice, bob):
    boss = User.objects.create_superuser("boss")
    services.warn(by=boss, about=bob, report=report)
    number = boss.pk
    boss.delete()
    for path in (page_of(report), user_page(bob)):
        page = content(desk, path)
        assert f"Deleted user #{number}" in page, path
        assert f"· #{number}" not in page, path


# What is done already


def test_a_removed_message_is_not_removed_again(desk, report, moderator):
    desk.post(decide(report, "remove"))
    assert "/remove/" not in content(desk, page_of(report))
    answer = desk.post(decide(report, "remove"), follow=True)
    assert "removed already" in answer.content.decode()
    assert acts() == ["removed", "looked"]
    assert Notice.objects.filter(kind="report_acted").count() == 1


def test_a_muted_person_is_offered_the_end_and_what_is_longer(desk, bob):
    path = user_page(bob)
    desk.post(moderate(bob, "mute"), {"hours": "24"})
    bob.refresh_from_db()
    page = content(desk, path)
    assert f"Muted until {timezone.localtime(bob.muted_until):%Y-%m-%d %H:%M}" in page
    assert "/unmute/" in page
    offered = [hours for hours in services.MUTES if f'name="hours" value="{hours}"' in page]
    assert offered == ["168"]
    until = bob.muted_until
    for hours in ("1", "24"):
        answer = desk.post(moderate(bob, "mute"), {"hours": hours}, follow=True)
        assert "muted as long already" in answer.content.decode()
    bob.refresh_from_db()
    assert bob.muted_until == until
    desk.post(moderate(bob, "mute"), {"hours": "168"})
    assert "/mute/" not in content(desk, path)
    assert acts() == ["muted", "muted"]
    log = desk.get(AUDIT).content.decode()
    assert "7 days" in log
    assert "1 day" in log


@pytest.mark.parametrize("act", ["unmute", "unban", "ban"])
def test_what_is_so_already_is_not_done_again(desk, bob, act):
    if act == "ban":
        desk.post(moderate(bob, "ban"))
    before = acts()
    assert f"/{act}/" not in content(desk, user_page(bob))
    answer = desk.post(moderate(bob, act), follow=True)
    assert answer.context["messages"]
    assert acts() == before
    assert not Notice.objects.filter(user=bob).exists()


def test_a_report_is_decided_once_by_two_moderators(report):
    bosses = [User.objects.create_superuser(name) for name in ("boss1", "boss2")]
    services.dismiss(by=bosses[0], report=Report.objects.get())
    with pytest.raises(ValidationError) as refused:
        services.dismiss(by=bosses[1], report=report)  # from a page that was opened before
    assert refused.value.code == "decided"
    assert acts() == ["dismissed"]
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("act", "outcome"),
    [("ban", "banned"), ("mute", "muted"), ("remove", "removed")],
)
def test_a_report_of_something_done_already_is_closed_as_such(
    desk, report, alice, bob, act, outcome
):
    assert "/settle/" not in content(desk, page_of(report))
    desk.post(decide(report, "settle"))
    assert report_state(report) == ""
    if act == "remove":
        Message.objects.filter(pk=report.message_number).update(removed_at=timezone.now(), text="")
    else:
        desk.post(moderate(bob, act), {"hours": "1"})
    assert "/settle/" in content(desk, page_of(report))
    desk.post(decide(report, "settle"))
    assert report_state(report) == outcome
    assert acts()[-1] == "settled"
    assert Notice.objects.get(user=alice).kind == "report_acted"
    page = content(desk, page_of(report))
    assert "/settle/" not in page
    assert "Closed a report of something done already" in page


@pytest.mark.parametrize("act", ["settle"])
def test_who_may_only_look_at_reports_closes_nothing(report, carol, bob, act):
    services.ban(by=User.objects.create_superuser("boss"), about=bob)
    before = acts()
    assert client_of(carol).post(decide(report, act)).status_code == 302  # to the log-in
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    carol.user_permissions.add(Permission.objects.get(codename="view_report"))
    clerk = client_of(carol)
    assert clerk.post(decide(report, act)).status_code == 403
    assert (report_state(report), acts()) == ("", before)
    assert clerk.get(page_of(report)).status_code == 200
