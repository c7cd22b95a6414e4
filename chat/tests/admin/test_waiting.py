"""The newcomers who wait: let in or refused, one or many at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.mail import codes
from accounts.mail.codes import Purpose
from accounts.models import OneTimeCode, User
from tests.cast import make_user

from .conftest import FRONT, acts, client_of, user_page

WAITING = reverse("admin:accounts_user_waiting")


def make_newcomer(name, hours=1):
    user = make_user(name)
    user.unverified_since = timezone.now() - timedelta(hours=hours)
    user.save()
    codes.issue(user=user, purpose=Purpose.REGISTRATION, email=f"{name}@example.com")
    return user


def waiting_names(client):
    return [user.username for user, _email in client.get(WAITING).context["people"]]


def can_log_in(user):
    data = {"username": user.username, "password": "blaue-Wolke-7"}
    return Client().post("/login/", data)["Location"] == "/"


def test_who_waits_is_listed_with_the_address_that_is_not_proved(desk, alice):
    make_newcomer("new", hours=1)
    make_newcomer("newer", hours=0)
    make_newcomer("oldest", hours=30)
    assert waiting_names(desk) == ["oldest", "new", "newer"]
    assert "new@example.com" in desk.get(WAITING).content.decode()


def test_one_is_let_in_and_the_address_is_not_taken_for_proved(desk):
    first, second = make_newcomer("first"), make_newcomer("second")
    assert desk.post(WAITING, {"confirm": first.pk}).status_code == 302
    first.refresh_from_db()
    assert (first.unverified_since, first.email) == (None, "")
    assert can_log_in(first)
    assert not OneTimeCode.objects.filter(user=first).exists()
    assert waiting_names(desk) == ["second"]
    assert acts() == ["confirmed"]
    second.refresh_from_db()
    assert second.unverified_since is not None


def test_the_page_that_waits_for_the_code_leads_on(desk, settings):
    settings.MAIL_MODE = "smtp"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.REGISTRATION = "open"
    newcomer = Client()
    passwords = {"password1": "blaue-Wolke-7", "password2": "blaue-Wolke-7"}
    data = {"username": "new", "email": "new@example.com"} | passwords
    assert newcomer.post("/register/", data)["Location"] == "/register/verify/"
    assert newcomer.get("/register/verify/").status_code == 200
    desk.post(WAITING, {"confirm": User.objects.get(username="new").pk})
    for method in (newcomer.get, newcomer.post):
        assert method("/register/verify/")["Location"] == "/register/done/"


def test_many_are_let_in_at_once(desk):
    people = [make_newcomer(f"new{number}") for number in range(5)]
    data = {"confirm_chosen": "1", "chosen": [user.pk for user in people[:4]]}
    page = desk.post(WAITING, data, follow=True).content.decode()
    assert "4 newcomers can log in now." in page
    assert waiting_names(desk) == ["new4"]
    assert acts() == ["confirmed"] * 4


def test_those_who_are_refused_are_deleted(desk, alice):
    people = [make_newcomer(f"new{number}") for number in range(3)]
    data = {"refuse_chosen": "1", "chosen": [people[0].pk, people[1].pk, alice.pk]}
    page = desk.post(WAITING, data, follow=True).content.decode()
    # alice has come in long ago, and stays.
    assert "2 accounts are deleted." in page
    assert "Somebody else was faster" in page
    assert set(User.objects.values_list("username", flat=True)) == {"moderator", "alice", "new2"}
    assert acts() == ["deleted"] * 2


def test_a_second_click_lets_nobody_in_twice(desk):
    newcomer = make_newcomer("new")
    desk.post(WAITING, {"confirm": newcomer.pk})
    page = desk.post(WAITING, {"confirm": newcomer.pk}, follow=True).content.decode()
    assert "Somebody else was faster" in page
    number = newcomer.pk
    newcomer.delete()
    assert desk.post(WAITING, {"confirm": number}).status_code == 302
    assert acts() == ["confirmed"]


def test_who_chooses_nobody_is_told_so(desk):
    make_newcomer("new")
    assert "Nobody is chosen." in desk.post(WAITING, follow=True).content.decode()


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "", "1.5"])
def test_what_is_no_number_of_anybody_is_refused(desk, number):
    assert desk.post(WAITING, {"confirm_chosen": "1", "chosen": number}).status_code == 400
    assert acts() == []


def test_who_may_only_look_lets_nobody_in(alice):
    clerk, newcomer = make_user("clerk"), make_newcomer("new")
    User.objects.filter(pk=clerk.pk).update(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = client_of(clerk)
    assert client.get(WAITING).status_code == 403
    assert client.post(WAITING, {"confirm": newcomer.pk}).status_code == 403
    assert WAITING not in client.get(user_page(newcomer)).content.decode()
    assert client_of(alice).get(WAITING)["Location"].startswith("/admin/login/")


def test_who_may_not_delete_refuses_nobody(alice):
    warden, newcomer = make_user("warden"), make_newcomer("new")
    User.objects.filter(pk=warden.pk).update(is_staff=True)
    for codename in ("view_user", "moderate_user"):
        warden.user_permissions.add(Permission.objects.get(codename=codename))
    client = client_of(warden)
    assert b"refuse_chosen" not in client.get(WAITING).content
    data = {"refuse_chosen": "1", "chosen": newcomer.pk}
    assert client.post(WAITING, data).status_code == 403
    assert client.post(WAITING, {"confirm": newcomer.pk}).status_code == 302
    assert acts() == ["confirmed"]


def test_nobody_is_led_to_a_page_that_is_closed_to_them(alice):
    warden = make_user("warden")
    User.objects.filter(pk=warden.pk).update(is_staff=True)
    make_newcomer("new")
    for codename, has_link in (("moderate_user", False), ("view_user", True)):
        warden.user_permissions.add(Permission.objects.get(codename=codename))
        client = client_of(User.objects.get(pk=warden.pk))
        assert (WAITING in client.get(FRONT).content.decode()) == has_link
        assert (client.get(WAITING).status_code == 200) == has_link


def test_the_enter_key_lets_in_those_who_are_ticked(desk):
    make_newcomer("new")
    page = desk.get(WAITING).content.decode().partition('id="content-main"')[2]
    buttons = re.findall(r'<button[^>]* name="(\w+)"', page)
    assert buttons == ["confirm_chosen", "refuse_chosen", "confirm"]


def test_only_a_superuser_lets_the_staff_in(desk):
    colleague = make_newcomer("colleague")
    User.objects.filter(pk=colleague.pk).update(is_staff=True)
    assert desk.post(WAITING, {"confirm": colleague.pk}).status_code == 403
    boss = client_of(User.objects.create_superuser("boss"))
    assert boss.post(WAITING, {"confirm": colleague.pk}).status_code == 302


def test_where_one_of_many_may_not_be_judged_nothing_is_done(desk):
    newcomer, colleague = make_newcomer("new"), make_newcomer("teacher")
    User.objects.filter(pk=colleague.pk).update(is_staff=True)
    for button in ("confirm_chosen", "refuse_chosen"):
        data = {button: "1", "chosen": [newcomer.pk, colleague.pk]}
        assert desk.post(WAITING, data).status_code == 403
    assert acts() == []
    assert User.objects.waiting().count() == 2


def test_the_page_asks_as_much_for_many_as_for_one(desk, django_assert_max_num_queries):
    make_newcomer("new")
    desk.get(WAITING)
    with django_assert_max_num_queries(50) as few:
        desk.get(WAITING)
    for number in range(10):
        make_newcomer(f"new{number}")
    with django_assert_max_num_queries(len(few)):
        assert len(waiting_names(desk)) == 11


def test_the_page_of_a_newcomer_lets_them_in_too(desk):
    newcomer = make_newcomer("new")
    page = desk.get(user_page(newcomer)).content.decode()
    assert f'action="{WAITING}"' in page
    desk.post(WAITING, {"confirm": newcomer.pk})
    assert f'action="{WAITING}"' not in desk.get(user_page(newcomer)).content.decode()
