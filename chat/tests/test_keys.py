"""The power of the staff over the keys of an account, and the notices to its owner."""

from __future__ import annotations

import io
import logging
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts import services as accounts
from accounts.mail import sending
from accounts.models import OneTimeCode, User
from chat.models import AuditEntry, Notice, Report
from chat.moderation import services
from chat.notices.services import confirm
from tests.cast import Api, at_once, befriend, make_user, say

PASSWORD, NEW = "blaue-Wolke-7", "gruene-Wiese-8"
DEVICES = "/account/sessions/"
MONTH = timedelta(days=30)


@pytest.fixture(autouse=True)
def mail_at_once(settings, monkeypatch):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", at_once)


def make_staff(username, *permissions):
    user = make_user(username)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss")


@pytest.fixture
def helper(db):
    """Staff who may issue codes."""
    return make_staff("helper", "view_user", "moderate_user", "issue_code")


@pytest.fixture
def lilei(db):
    """Somebody with a verified address."""
    user = make_user("lilei")
    user.email = "lilei@example.com"
    user.save()
    return user


def client_of(user, language="en"):
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def user_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def issue(client, about):
    """Press the button; returns all messages shown on the way."""
    path = reverse("admin:accounts_user_moderate", args=[about.pk, "issue_code"])
    return client.post(path, follow=True)


# Issuing


def test_moderators_may_not_issue_codes_unless_they_are_given_the_right(boss, lilei):
    moderator = make_staff("moderator")
    moderator.groups.add(Group.objects.get(name="管理员"))
    desk = client_of(moderator)
    assert "issue_code/" not in desk.get(user_page(lilei)).content.decode()
    assert issue(desk, lilei).status_code == 403
    with pytest.raises(PermissionDenied):
        services.issue_reset_code(by=moderator, about=lilei)
    assert not OneTimeCode.objects.exists()
    assert not Notice.objects.exists()
    moderator.user_permissions.add(Permission.objects.get(codename="issue_code"))
    assert "issue_code/" in desk.get(user_page(lilei)).content.decode()


def test_the_right_is_named_in_the_reader_s_language(boss, lilei):
    group = Group.objects.get()
    for path in (user_page(lilei), reverse("admin:auth_group_change", args=[group.pk])):
        page = client_of(boss, "zh-hans").get(path).content.decode()
        assert "可以通过邮件向用户签发重置密码的验证码" in page


def test_a_code_of_staff_goes_to_the_verified_mail_and_nowhere_else(helper, lilei, caplog):
    caplog.set_level(logging.DEBUG)
    browser = client_of(helper)
    answer = issue(browser, lilei)
    [sent] = mail.outbox
    assert sent.to == ["lilei@example.com"]
    digits = re.search(r"\b\d{6}\b", sent.body)[0]
    seen = [answer.content.decode(), str(answer.headers), str(dict(browser.session))]
    seen += [caplog.text, *map(str, AuditEntry.objects.values())]
    assert "A code for a new password is on its way" in seen[0]
    assert "lilei@example.com" not in re.sub("(?s)<dl.*?</dl>", "", seen[0])
    for text in seen:
        assert digits not in text
    # And it opens the account for whoever has read the mail.
    form = {"username": "lilei", "code": digits, "new_password1": NEW, "new_password2": NEW}
    assert Client().post("/password/reset/", form).status_code == 302
    lilei.refresh_from_db()
    assert lilei.check_password(NEW)


@pytest.mark.parametrize("lack", ["address", "mode"])
def test_without_a_verified_mail_only_a_superuser_issues_a_code(
    boss, helper, lilei, settings, lack
):
    if lack == "mode":
        settings.MAIL_MODE = "off"
    if lack == "address":
        User.objects.filter(pk=lilei.pk).update(email="")
    said = issue(client_of(helper), lilei).content.decode()
    assert "only a superuser can issue a code" in said
    assert not OneTimeCode.objects.exists()
    assert not Notice.objects.exists()
    assert not AuditEntry.objects.exists()
    lilei.refresh_from_db()
    with pytest.raises(ValidationError) as refused:
        services.issue_reset_code(by=helper, about=lilei)
    assert refused.value.code == "no_mail"
    assert services.issue_reset_code(by=boss, about=lilei)


def test_a_superuser_s_is_shown_once(boss, lilei):
    browser = client_of(boss)
    said = issue(browser, lilei).content.decode()
    [code] = re.findall(r"\b[2-9A-Z]{5}-[2-9A-Z]{5}\b", said)
    assert code not in browser.get(user_page(lilei)).content.decode()
    assert mail.outbox == []
    form = {"username": "lilei", "code": code, "new_password1": NEW, "new_password2": NEW}
    assert Client().post("/password/reset/", form).status_code == 302


def test_mails_of_codes_are_limited_for_staff_as_for_anybody(helper, lilei):
    issue(client_of(helper), lilei)
    said = issue(client_of(helper), lilei).content.decode()
    assert "Please wait" in said
    assert len(mail.outbox) == 1
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("who", ["boss", "colleague", "helper"])
def test_staff_issues_no_code_for_the_staff(boss, helper, who):
    make_staff("colleague")
    User.objects.filter(username=who).update(email=f"{who}@example.com")
    about = User.objects.get(username=who)
    assert issue(client_of(helper), about).status_code == 403
    assert mail.outbox == []
    assert not OneTimeCode.objects.exists()


# Telling


def spoil(what, boss, about):
    """Issue or set a key as a superuser, on the pages."""
    browser = client_of(boss)
    password = {"usable_password": "true", "password1": NEW, "password2": NEW}
    if what == "code":
        return issue(browser, about)
    if what == "password":
        return browser.post(reverse("admin:auth_user_password_change", args=[about.pk]), password)
    return browser.post(user_page(about), {"email": "mine@example.com"})


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("code", "“boss”于 {} 为你的账号签发了重置密码的验证码。"),
        ("password", "“boss”于 {} 为你的账号设置了新密码。"),
        ("email", "“boss”于 {} 设置了你账号的邮箱。"),
    ],
)
def test_the_owner_is_told_at_the_next_log_in_and_finds_it_for_a_month(boss, lilei, what, words):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        assert spoil(what, boss, lilei).status_code in (200, 302)
        words = words.format(timezone.localtime(now).strftime("%Y-%m-%d %H:%M"))
        lilei.refresh_from_db()
        browser = client_of(lilei, "zh-hans")
        [notice] = (
            Api(lilei, headers={"accept-language": "zh-hans"}).get("notices/").json()["notices"]
        )
        assert notice["text"] == words
        assert words in browser.get("/").content.decode()
        # Whoever used the key may be the first to confirm the notice.
        browser.post("/notices/confirm/", {"notice": [notice["id"]]})
        assert words not in browser.get("/").content.decode()
        assert words in browser.get(DEVICES).content.decode()
    with time_machine.travel(now + MONTH - timedelta(minutes=1), tick=False):
        assert words in client_of(lilei, "zh-hans").get(DEVICES).content.decode()
    with time_machine.travel(now + MONTH + timedelta(minutes=1), tick=False):
        assert words not in client_of(lilei, "zh-hans").get(DEVICES).content.decode()


def test_who_was_away_is_told_after_a_year(boss, lilei):
    spoil("password", boss, lilei)
    with time_machine.travel(timezone.now() + 12 * MONTH, tick=False):
        call_command("prune", stdout=io.StringIO())
        lilei.refresh_from_db()
        for path in ("/", DEVICES):
            assert "boss set a new password" in client_of(lilei).get(path).content.decode()
        confirm(notice=Notice.objects.get())
        call_command("prune", stdout=io.StringIO())
    assert not Notice.objects.exists()


def test_the_owner_is_told_what_staff_does_too(helper, lilei):
    issue(client_of(helper), lilei)
    assert "helper issued a code" in client_of(lilei).get(DEVICES).content.decode()


def test_who_must_change_the_password_is_told_after_it(boss, lilei):
    spoil("password", boss, lilei)
    User.objects.filter(pk=lilei.pk).update(must_change_password=True)
    browser = client_of(User.objects.get(pk=lilei.pk))
    new = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post("/password/change/", new | {"old_password": NEW}).status_code == 302
    assert "boss set a new password" in browser.get("/").content.decode()


def test_what_one_does_oneself_is_no_news(boss):
    client_of(boss).post(user_page(boss), {"email": "boss@example.com", "is_superuser": "on"})
    assert User.objects.get(pk=boss.pk).email == "boss@example.com"
    assert not Notice.objects.exists()


def test_the_devices_of_others_say_nothing(boss, lilei, alice):
    spoil("code", boss, lilei)
    assert "boss" not in client_of(alice).get(DEVICES).content.decode()


def test_the_list_of_devices_asks_as_much_for_ten_as_for_one(
    boss, lilei, django_assert_max_num_queries
):
    accounts.set_email_of(by=boss, about=lilei, email="")
    browser = client_of(lilei)
    browser.get(DEVICES)
    with django_assert_max_num_queries(50) as one:
        browser.get(DEVICES)
    for _number in range(9):
        accounts.set_email_of(by=boss, about=lilei, email="")
    with django_assert_max_num_queries(len(one)):
        assert browser.get(DEVICES).content.decode().count("boss set the email") >= 10


# Deletion


def verify(username):
    printed = io.StringIO()
    with translation.override("en"):
        call_command("verify_deletion", username, stdout=printed)
    return printed.getvalue()


def test_neither_the_owner_s_nor_the_issuer_s_deletion_leaves_a_name(boss, helper, lilei, alice):
    say_nothing = issue(client_of(helper), lilei)
    assert say_nothing.status_code == 200
    accounts.set_email_of(by=boss, about=alice, email="alice@example.com")
    accounts.delete_account(user=helper)
    assert "Nothing else is left of helper." in verify("helper")
    page = client_of(lilei).get(DEVICES).content.decode()
    assert "a deleted account issued a code" in page
    accounts.delete_account(user=lilei)
    assert "Nothing else is left of lilei." in verify("lilei")
    assert Notice.objects.get().user == alice


# Judging


@pytest.mark.parametrize("act", ["dismiss", "remove"])
@pytest.mark.parametrize("who", ["moderator", "colleague"])
def test_a_moderator_decides_no_report_about_the_staff_or_themselves(boss, alice, bob, act, who):
    moderator = make_staff("moderator")
    moderator.groups.add(Group.objects.get(name="管理员"))
    make_staff("colleague")
    about = User.objects.get(username=who)
    befriend(alice, about)
    message = say(about, alice, "böse")
    Api(alice).post(f"messages/{message.id}/report/", reason="beleidigend")
    report = Report.objects.get()
    page = reverse("admin:chat_report_change", args=[report.pk])
    path = reverse("admin:chat_report_decide", args=[report.pk, act])
    desk = client_of(moderator)
    assert f'action="{path}"' not in desk.get(page).content.decode()
    assert desk.post(path).status_code == 403
    assert Report.objects.get().is_open
    assert f'action="{path}"' in client_of(boss).get(page).content.decode()
    assert client_of(boss).post(path).status_code == 302
    assert not Report.objects.get().is_open
