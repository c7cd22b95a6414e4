"""The code from a mail sets a new password."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.mail import codes
from accounts.models import User

from .conftest import NEW, PASSWORD, digits, later, log_in


def test_digits_of_the_mail_set_a_new_password_and_end_all_sessions(client, other):
    old_device = Client()
    log_in(old_device, "other")
    assert old_device.get("/api/me/").status_code == 200
    answer = client.post("/password/forgot/", {"username": "OTHER@example.com"})
    assert (answer.status_code, answer["Location"]) == (302, "/password/reset/")
    form = {"username": "other", "code": digits(), "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/reset/", form | {"new_password2": "x"}).status_code == 422
    assert client.post("/password/reset/", form).status_code == 302
    assert old_device.get("/api/me/").status_code == 401
    assert log_in(client, "other", PASSWORD) == 422
    assert log_in(client, "other", NEW) == 302
    assert "密码已修改" in mail.outbox[-1].subject
    form |= {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/password/reset/", form).status_code == 422, "a code is used once"


def test_the_link_of_the_mail_does_it_too_and_only_once(client, other, settings):
    from webchat.environment import Site

    settings.SITE = Site("http", "testserver", None, "")
    client.post("/password/forgot/", {"username": "other"})
    link = re.search(r"http://testserver(/password/reset/\?\S+)", mail.outbox[-1].body)[1]
    page = client.get(link).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    form = {"username": "other", "token": token, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/reset/", form | {"token": token[:-1]}).status_code == 422
    assert client.post("/password/reset/", form).status_code == 302
    assert client.post("/password/reset/", form).status_code == 422


@pytest.mark.parametrize("name", ["nobody", "nobody@example.com", "nomail", "waiting"])
def test_who_is_not_known_gets_the_same_answer_and_no_mail(client, other, name):
    User.objects.create_user("nomail", password=PASSWORD)
    User.objects.create_user("waiting", password=PASSWORD, unverified_since=timezone.now())
    known = client.post("/password/forgot/", {"username": "other"})
    sent = len(mail.outbox)
    unknown = client.post("/password/forgot/", {"username": name})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == sent
    form = {"username": name, "code": "123456", "new_password1": NEW, "new_password2": NEW}
    answers = [client.post("/password/reset/", form | {"username": n}) for n in (name, "other")]
    for answer in answers:
        assert answer.status_code == 422
        assert "验证码错误或已失效" in answer.content.decode()


def test_without_mail_an_administrator_reads_out_a_code(client, settings, other):
    settings.MAIL_MODE = "off"
    page = client.get("/password/forgot/").content.decode()
    assert "管理员" in page
    assert client.post("/password/forgot/", {"username": "other"}).status_code == 422
    spoken = codes.issue_spoken(user=other)
    form = {"username": "other", "code": spoken.lower(), "new_password1": NEW, "new_password2": NEW}
    with later(hours=25):
        assert client.post("/password/reset/", form).status_code == 422
    with later(hours=23):
        assert client.post("/password/reset/", form).status_code == 302
    assert log_in(client, "other", NEW) == 302
