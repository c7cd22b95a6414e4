"""Codes for new passwords, for several people at once, on a page to print."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import OneTimeCode, User
from chat.models import Notice
from chat.moderation import services
from chat.people.codes import PEOPLE_AT_MOST
from tests.cast import make_user

from .conftest import USERS, acts, client_of, moderate, user_page

CODES = reverse("admin:accounts_user_codes")


@pytest.fixture
def office(db):
    """A superuser's browser."""
    return client_of(User.objects.create_superuser("boss"))


def codes_on(page):
    return re.findall(r"<code>([A-Z0-9]{5}-[A-Z0-9]{5})</code>", page.content.decode())


def call(user, real_name):
    User.objects.filter(pk=user.pk).update(real_name=real_name)


def test_a_reload_of_the_printed_page_ends_no_code(office, alice):
    page = office.get(CODES).context["form"]["page"].value()
    data = {"names": "alice", "page": page}
    [code] = codes_on(office.post(CODES, data))
    stored = OneTimeCode.objects.get().digest
    again = office.post(CODES, data)
    assert again.status_code == 422
    assert "issued already" in again.content.decode()
    assert again.context["form"]["names"].value() == "alice"
    assert OneTimeCode.objects.get().digest == stored
    assert acts() == ["code_issued"]
    fresh = data | {"page": again.context["form"]["page"].value()}
    [other] = codes_on(office.post(CODES, fresh))
    assert other != code


def test_who_becomes_staff_meanwhile_costs_the_others_no_code(office, alice, bob, monkeypatch):
    real = services.issue_reset_code

    def issue_reset_code(*, by, about):
        if about == alice:
            raise PermissionDenied
        return real(by=by, about=about)

    monkeypatch.setattr(services, "issue_reset_code", issue_reset_code)
    page = office.post(CODES, {"names": "alice\nbob"})
    assert len(codes_on(page)) == 1
    assert "You may not issue a code for alice." in page.content.decode()


def test_each_gets_a_code_of_their_own_and_is_told_by_whom(office, alice, bob, mallory):
    call(bob, "王 伟")
    page = office.post(CODES, {"names": "Alice\r\n 王  伟，mallory\talice"})
    assert page.status_code == 200
    codes = codes_on(page)
    assert len(codes) == len(set(codes)) == 3
    assert acts() == ["code_issued"] * 3
    assert set(Notice.objects.values_list("user__username", flat=True)) == {
        "alice",
        "bob",
        "mallory",
    }
    new = {"new_password1": "gruene-Wiese-8", "new_password2": "gruene-Wiese-8"}
    for name, code in zip(["alice", "bob", "mallory"], codes, strict=True):
        Client().post("/password/reset/", {"username": name, "code": code} | new)
        assert User.objects.get(username=name).check_password("gruene-Wiese-8")


def test_the_codes_are_shown_once(office, alice):
    [code] = codes_on(office.post(CODES, {"names": "alice"}))
    assert code not in office.get(CODES).content.decode()
    assert code not in office.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("alice\nnobody", "Nobody is called nobody."),
        ("alice\n王伟", "Several people are called 王伟"),
        ("alice\nboss", "You may not issue a code for boss."),
        ("alice\nbanned", "You may not issue a code for banned."),
        ("x" * 300, "Nobody is called"),
        ("", "This field is required."),
        ("a\x00b", "Null characters"),
        ("\n".join(f"u{number}" for number in range(PEOPLE_AT_MOST + 1)), "At most 100 people"),
        ("x" * 100_000, "Please write at most"),
    ],
)
def test_nobody_gets_one_while_a_name_is_wrong_and_all_names_stay(
    office, alice, bob, mallory, names, words
):
    call(bob, "王伟")
    call(mallory, "王伟")
    User.objects.create_user("banned", is_active=False)
    page = office.post(CODES, {"names": names})
    assert page.status_code == 422
    assert words in page.content.decode()
    assert page.context["form"]["names"].value() == names
    assert acts() == []


def test_no_code_goes_to_whoever_took_the_name_of_a_pupil(office, alice, bob, mallory):
    User.objects.filter(pk=mallory.pk).update(username="王伟", username_key="王伟")
    call(bob, "王伟")
    page = office.post(CODES, {"names": "王伟"})
    assert page.status_code == 422
    assert "Several people are called 王伟" in page.content.decode()
    call(bob, "Alice")  # in whatever case
    assert office.post(CODES, {"names": "alice"}).status_code == 422
    assert acts() == []
    call(bob, "")
    call(mallory, "王伟")  # one person: both names are hers
    assert office.post(CODES, {"names": "王伟"}).status_code == 200


def test_who_still_waits_gets_no_code_but_a_way_in(office, desk, alice):
    User.objects.filter(pk=alice.pk).update(unverified_since=timezone.now())
    page = office.post(CODES, {"names": "alice"})
    assert page.status_code == 422
    assert "still waits to be let in" in page.content.decode()
    assert reverse("admin:accounts_user_waiting") in page.content.decode()
    page = office.get(user_page(alice)).content.decode()
    assert "/issue_code/" not in page
    assert f'action="{reverse("admin:accounts_user_waiting")}"' in page
    assert office.post(moderate(alice, "issue_code")).status_code == 403
    assert acts() == []


def test_who_ticks_too_many_is_told_who_is_left(office):
    people = [make_user(f"user{number:03}").pk for number in range(PEOPLE_AT_MOST + 3)]
    data = {"action": "issue_codes", "_selected_action": people}
    page = office.post(USERS, data)
    assert len(page.context["form"]["names"].value().split("\n")) == PEOPLE_AT_MOST
    assert "The codes of the first 100 of 103" in page.content.decode()


def test_from_other_staff_it_goes_by_mail_and_is_not_shown(alice, bob, settings, mailoutbox):
    settings.MAIL_MODE = "smtp"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    clerk = make_user("clerk")
    User.objects.filter(pk=clerk.pk).update(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="issue_code"))
    page = client_of(clerk).post(CODES, {"names": "alice\nbob"})
    assert codes_on(page) == []
    text = page.content.decode()
    assert "is on its way to the email address" in text
    assert "No verified email address" in text
    assert OneTimeCode.objects.get().user == alice
    assert acts() == ["code_issued"]


def test_a_moderator_without_the_permission_gets_no_codes(desk, alice):
    assert desk.get(CODES).status_code == 403
    assert desk.post(CODES, {"names": "alice"}).status_code == 403
    data = {"action": "issue_codes", "_selected_action": [alice.pk]}
    assert "Issue reset codes" not in desk.get(USERS).content.decode()
    desk.post(USERS, data)
    assert acts() == []
    assert not OneTimeCode.objects.exists()


def test_the_list_hands_over_the_names_of_those_who_are_ticked(office, alice, bob):
    data = {"action": "issue_codes", "_selected_action": [alice.pk, bob.pk]}
    page = office.post(USERS, data)
    assert page.context["form"]["names"].value() == "alice\nbob"
    assert f'action="{CODES}"' in page.content.decode()
    assert acts() == []


def test_the_address_on_paper_is_one_that_others_reach(office, alice, settings):
    def address(**headers):
        page = office.post(CODES, {"names": "alice"}, **headers).content.decode()
        return re.search(r"<dd>(http[^<]+)</dd>", page)[1]

    assert address(HTTP_HOST="192.168.1.5:8000") == "http://192.168.1.5:8000/password/reset/"
    assert "127.0.0.1" not in address(HTTP_HOST="127.0.0.1:8000")
