"""The moderators' pages: the effects of their buttons."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from chat.models import EventLog, Message, Notice
from tests.cast import Api

from .conftest import acts, client_of, decide, moderate, page_of, report_state, user_page


@pytest.mark.parametrize(
    ("act", "data", "outcome"),
    [
        ("dismiss", {}, "dismissed"),
        ("remove", {}, "removed"),
        ("warn", {"words": "freundlich bleiben"}, "warned"),
        ("mute", {"hours": "24"}, "muted"),
        ("ban", {}, "banned"),
    ],
)
def test_a_button_decides(desk, report, bob, act, data, outcome):
    assert f'action="{page_path(report, act)}"' in desk.get(page_of(report)).content.decode()
    assert desk.get(decide(report, act)).status_code == 405
    assert report_state(report) == ""
    answer = desk.post(decide(report, act), data, follow=True)
    assert answer.redirect_chain == [(page_of(report), 302)]
    assert report_state(report) == outcome
    assert acts()[1] == outcome
    bob.refresh_from_db()
    assert bob.is_active == (act != "ban")
    assert bool(bob.muted_until) == (act == "mute")
    assert bool(Message.objects.filter(removed_at__isnull=False)) == (act == "remove")
    assert Notice.objects.filter(user=bob, kind="warning").exists() == (act == "warn")


def page_path(report, act):
    return f"/admin/chat/report/{report.pk}/decide/{act}/"


@pytest.mark.parametrize(
    ("act", "data", "written"),
    [
        ("warn", {}, "warned"),
        ("mute", {"hours": "1"}, "muted"),
        ("unmute", {}, "unmuted"),
        ("ban", {}, "banned"),
        ("unban", {}, "unbanned"),
        ("sign_out", {}, "signed_out"),
        ("remove_face", {}, "face_removed"),
        ("issue_code", {}, "code_issued"),
    ],
)
def test_a_button_acts_on_a_user(desk, alice, act, data, written):
    if act == "issue_code":  # which is not part of the moderators' group
        desk = client_of(User.objects.create_superuser("boss"))
    if act == "unmute":
        User.objects.update(muted_until=timezone.now() + timedelta(hours=1))
    if act == "remove_face":
        User.objects.filter(pk=alice.pk).update(face="0" * 32)
    if act == "unban":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    path = f"/admin/accounts/user/{alice.pk}/moderate/{act}/"
    assert f'action="{path}"' in desk.get(user_page(alice)).content.decode()
    assert desk.get(moderate(alice, act)).status_code == 405
    answer = desk.post(moderate(alice, act), data, follow=True)
    assert answer.redirect_chain == [(user_page(alice), 302)]
    assert acts() == [written]


@pytest.mark.parametrize("data", [{}, {"hours": "2"}, {"hours": "x"}])
def test_a_mute_is_for_one_of_three_times(desk, alice, data):
    desk.post(moderate(alice, "mute"), data)
    assert acts() == []


@pytest.mark.parametrize("words", ["x" * 501, "bleib\x1b freundlich"])
def test_words_that_cannot_be_stored_are_refused_and_stay_to_be_mended(
    desk, report, alice, bob, words
):
    for path in (moderate(alice, "warn"), decide(report, "warn")):
        page = desk.post(path, {"words": words})
        assert page.status_code == 422
        assert page.context["form"].errors["words"]
        assert words in page.content.decode()
    assert acts() == []
    desk.post(moderate(alice, "warn"), {"words": words[:5]})
    assert acts() == ["warned"]


def test_who_may_not_warn_is_shown_no_form_for_it(desk):
    boss = User.objects.create_superuser("boss")
    assert desk.post(moderate(boss, "warn"), {"words": "x" * 501}).status_code == 403


def test_what_cannot_be_done_any_more_is_said(desk, report, bob):
    bob.delete()
    assert desk.get(page_of(report)).status_code == 200
    for act in ("remove", "warn", "ban"):
        answer = desk.post(decide(report, act), follow=True)
        assert "gone already" in answer.content.decode()
    assert report_state(report) == ""


def test_a_message_writes_a_name_as_it_is(desk, alice):
    for act in ("warn", "mute", "unmute", "sign_out", "ban", "unban"):
        page = desk.post(moderate(alice, act), {"hours": "1"}, follow=True).content.decode()
        said = page.partition('class="messagelist"')[2].partition("</ul>")[0]
        assert "“alice”" in said, act
        assert "Alice" not in said, act


def test_there_is_no_other_act(desk, report, alice):
    assert desk.post(decide(report, "read")).status_code == 404
    assert desk.post(decide(report, "sign_out")).status_code == 302
    assert desk.post(moderate(alice, "delete")).status_code == 404
    assert desk.post(moderate(User(pk=10**6), "ban")).status_code == 404


def test_a_form_without_its_token_is_refused(moderator, report, alice):
    client = client_of(moderator, enforce_csrf_checks=True)
    for path in (decide(report, "dismiss"), moderate(alice, "ban")):
        assert client.post(path).status_code == 403
    assert acts() == []


# A profile picture


def test_a_face_goes_at_once_for_everybody_and_can_be_looked_at_before(desk, alice, bob):
    User.objects.filter(pk=alice.pk).update(face="0" * 32, is_active=False)
    for page in (user_page(alice), user_page(bob)):
        has_face = "/avatars/" in desk.get(page).content.decode()
        assert has_face == (page == user_page(alice))
    head = EventLog.objects.head()
    desk.post(moderate(alice, "remove_face"))
    [told] = Api(bob).get("events/", after=head).json()["events"]
    assert told["friend"]["avatar"] is None
    assert told["unavailable"] is True
    said = desk.post(moderate(alice, "remove_face"), follow=True).content.decode()
    assert "There is no profile picture any more." in said
    assert acts() == ["face_removed"]
