"""A new mail address is proved by its code."""

from __future__ import annotations

from django.core import mail

from .conftest import PASSWORD, digits, wrong


def test_a_new_address_takes_the_password_and_its_code_and_the_old_one_is_told(client, other):
    client.force_login(other)
    wanted = {"email": "neu@example.com", "password": PASSWORD}
    assert client.post("/account/email/", wanted | {"password": "falsch"}).status_code == 422
    assert mail.outbox == []
    assert client.post("/account/email/", wanted).status_code == 302
    other.refresh_from_db()
    assert other.email == "other@example.com"
    right = digits()
    assert client.post("/account/email/", {"code": wrong(right)}).status_code == 422
    assert client.post("/account/email/", {"code": right}).status_code == 302
    other.refresh_from_db()
    assert other.email == "neu@example.com"
    assert mail.outbox[-1].to == ["other@example.com"]
    assert "neu@" not in mail.outbox[-1].body


def test_an_address_of_somebody_else_is_no_way_to_learn_of_them(client, other, django_user_model):
    django_user_model.objects.create_user("owner", "owner@example.com", PASSWORD)
    client.force_login(other)
    wanted = {"email": "owner@example.com", "password": PASSWORD}
    assert client.post("/account/email/", wanted).status_code == 302
    assert "已经有聊天账号" in mail.outbox[-1].subject
    assert client.post("/account/email/", {"code": "123456"}).status_code == 422
    other.refresh_from_db()
    assert other.email == "other@example.com"


def test_without_mail_there_is_no_page_of_the_address(client, settings, other):
    settings.MAIL_MODE = "off"
    client.force_login(other)
    assert client.get("/account/email/").status_code == 404
