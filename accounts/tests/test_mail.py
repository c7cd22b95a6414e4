"""Codes that come by mail: to register, to come back, to change the address."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix
from django.utils import timezone

from accounts.mail import codes, sending, services
from accounts.models import OneTimeCode, User

PASSWORD = "blaue-Wolke-7"
NEW = "grüne-Wiese-8"
WANTED = {
    "username": "王伟",
    "email": "Wang@Example.com",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture(autouse=True)
def mail_at_once(settings, monkeypatch, db):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", lambda job, *args: job(*args))


@pytest.fixture
def other(django_user_model):
    return django_user_model.objects.create_user("other", "other@example.com", PASSWORD)


def digits(message=None):
    return re.search(r"\b\d{6}\b", (message or mail.outbox[-1]).body)[0]


def wrong(right):
    return f"{(int(right) + 1) % 10**6:06}"


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def log_in(client, name, password=PASSWORD):
    return client.post("/login/", {"username": name, "password": password}).status_code


# Registration


def test_who_registers_gets_digits_types_them_and_may_log_in(client):
    answer = client.post("/register/", WANTED)
    assert (answer.status_code, answer["Location"]) == (302, "/register/verify/")
    [message] = mail.outbox
    assert message.to == ["Wang@Example.com"]
    assert log_in(client, "王伟") == 422
    assert "wang@example.com" in client.get("/register/verify/").content.decode()
    answer = client.post("/register/verify/", {"code": digits()})
    assert (answer.status_code, answer["Location"]) == (302, "/register/done/")
    assert "注册成功" in client.get("/register/done/").content.decode()
    user = User.objects.get()
    assert (user.email, user.unverified_since) == ("wang@example.com", None)
    assert not OneTimeCode.objects.exists()
    assert log_in(client, "WANG@example.com") == 302


def test_the_mail_is_in_the_readers_language_with_both_parts_and_our_own_link(client, settings):
    from webchat.environment import Site

    settings.SITE = Site("https", "chat.example.com", None, "")
    settings.ALLOWED_HOSTS = ["*"]
    client.post("/register/", WANTED, headers={"Accept-Language": "en", "Host": "evil.example"})
    [message] = mail.outbox
    assert "is your code for the chat" in message.subject
    assert "Hello 王伟" in message.body
    [(html, kind)] = [(part.content, part.mimetype) for part in message.alternatives]
    assert kind == "text/html"
    link = re.search(r"https://chat\.example\.com/register/verify/\?\S+", message.body)[0]
    assert link.replace("&", "&amp;") in html
    assert "evil" not in message.body + html
    page = client.get(link.removeprefix("https://chat.example.com")).content.decode()
    assert digits() in page


def test_without_a_known_address_of_ours_there_is_no_link(client):
    client.post("/register/", WANTED)
    assert "http" not in mail.outbox[0].body


def test_the_links_of_a_mail_made_in_a_thread_of_its_own_have_the_prefix(settings):
    from webchat.environment import Site

    settings.SITE = Site("https", "example.com", None, "/chat")
    set_script_prefix("/chat/")
    try:
        with ThreadPoolExecutor(1) as other_thread:
            links = [
                services._link("accounts:password_reset", name="a"),
                other_thread.submit(services._link, "accounts:password_reset", name="a").result(),
            ]
    finally:
        clear_script_prefix()
    assert links == ["https://example.com/chat/password/reset/?name=a"] * 2


def test_who_knows_only_the_name_does_not_learn_the_address_from_the_page(client):
    client.post("/register/", WANTED)
    for browser, is_told in ((client, True), (Client(), False)):
        page = browser.get("/register/verify/?name=王伟").content.decode()
        assert ("wang@example.com" in page) == is_told


def test_the_link_of_a_finished_registration_leads_to_the_log_in(client):
    client.post("/register/", WANTED)
    client.post("/register/verify/", {"code": digits()})
    for name in ("王伟", "nobody"):
        answer = Client().get("/register/verify/", {"name": name, "code": "123456"})
        assert answer["Location"].startswith("/login/?username=")
    assert Client().get("/register/verify/")["Location"] == "/register/"


def test_a_right_password_leads_who_is_unverified_to_the_code_and_a_wrong_one_does_not(client):
    client.post("/register/", WANTED)
    for password, status in (("falsch", 302), (PASSWORD, 200)):
        browser = Client()
        assert log_in(browser, "王伟", password) == 422
        assert browser.get("/register/verify/").status_code == status


def test_a_wrong_code_costs_a_try_and_the_sixth_time_even_the_right_one_is_refused(client):
    client.post("/register/", WANTED)
    right = digits()
    for _try in range(5):
        answer = client.post("/register/verify/", {"code": wrong(right)})
        assert answer.status_code == 422
        assert "验证码错误或已失效" in answer.content.decode()
    assert client.post("/register/verify/", {"code": right}).status_code == 422
    assert User.objects.get().unverified_since is not None


def stranger(address="203.0.113.7"):
    """Who knows the name of somebody that registers just now."""
    return Client(REMOTE_ADDR=address, headers={"accept-language": "en"})


def try_out(browser, code, **more):
    return browser.post("/register/verify/", {"name": "王伟", "code": code} | more)


def test_a_stranger_cannot_use_up_the_tries_of_a_newcomer(client):
    client.post("/register/", WANTED)
    right = digits()
    for number in range(40):
        try_out(stranger(f"203.0.113.{number}"), wrong(right))
    assert OneTimeCode.objects.get().tries_left == codes.TRIES
    assert client.post("/register/verify/", {"code": right}).status_code == 302


def test_a_stranger_has_five_tries_and_all_of_them_twenty(client):
    client.post("/register/", WANTED)
    right = digits()
    assert [try_out(stranger(), wrong(right)).status_code for _try in range(7)] == [422] * 5 + [
        429
    ] * 2
    assert try_out(stranger(), right).status_code == 429
    for number in range(15):
        assert try_out(stranger(f"198.51.100.{number}"), wrong(right)).status_code == 422
    answer = try_out(stranger("192.0.2.1"), right)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 600


def test_the_code_works_on_another_device_and_after_mistakes_there(client):
    client.post("/register/", WANTED)
    right = digits()
    phone = stranger()
    assert [try_out(phone, wrong(right)).status_code for _try in range(4)] == [422] * 4
    assert try_out(phone, right)["Location"] == "/register/done/"


def test_a_stranger_does_not_replace_the_code_of_a_newcomer(client):
    client.post("/register/", WANTED)
    right = digits()
    with later(seconds=61):
        answer = stranger().post("/register/verify/", {"name": "王伟", "action": "resend"})
        assert answer["Location"].startswith("/login/?username=")
        assert len(mail.outbox) == 1
        page = stranger().get("/register/verify/?name=王伟").content.decode()
        assert "resend" not in page
        assert "Log in to get another code" in page
        assert client.post("/register/verify/", {"code": right}).status_code == 302


def test_who_has_typed_the_right_password_elsewhere_gets_another_code(client):
    client.post("/register/", WANTED)
    phone = stranger()
    assert log_in(phone, "王伟") == 422
    with later(seconds=61):
        answer = phone.post("/register/verify/", {"name": "王伟", "action": "resend"})
        assert answer["Location"] == "/register/verify/"
        assert len(mail.outbox) == 2


def test_codes_of_many_newcomers_cannot_be_tried_out_from_one_address(client):
    client.post("/register/", WANTED)
    user = User.objects.get()
    for number in range(100):
        with pytest.raises(ValidationError) as refusal:
            other = User.objects.create(username=f"neu{number}", unverified_since=timezone.now())
            address = "203.0.113.7"
            services.verify_registration(user=other, typed="0", is_own=True, address=address)
        assert refusal.value.code == "invalid"
    with pytest.raises(ValidationError) as refusal:
        services.verify_registration(user=user, typed=digits(), address="203.0.113.7")
    assert refusal.value.code == "rate_limited"


def test_an_old_a_used_and_anothers_code_are_refused(client, other):
    client.post("/register/", WANTED)
    user, right = User.objects.get(username="王伟"), digits()
    with later(minutes=11):
        assert client.post("/register/verify/", {"code": right}).status_code == 422
    with pytest.raises(ValidationError):
        codes.redeem(user=other, purpose=codes.Purpose.REGISTRATION, typed=right)
    with pytest.raises(ValidationError):
        codes.redeem(user=user, purpose=codes.Purpose.RESET, typed=right)
    spaced = f" {right[:3]} {right[3:]}".translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    assert client.post("/register/verify/", {"code": spaced}).status_code == 302
    with pytest.raises(ValidationError):
        codes.redeem(user=user, purpose=codes.Purpose.REGISTRATION, typed=right)


def test_another_code_after_a_minute_takes_the_place_of_the_first(client):
    client.post("/register/", WANTED)
    first = digits()
    assert client.post("/register/verify/", {"action": "resend"}).status_code == 429
    assert len(mail.outbox) == 1
    with later(seconds=61):
        assert client.post("/register/verify/", {"action": "resend"}).status_code == 302
        second = digits()
        if first != second:
            assert client.post("/register/verify/", {"code": first}).status_code == 422
        assert client.post("/register/verify/", {"code": second}).status_code == 302


def test_an_address_that_is_somebodys_is_told_so_by_mail_and_not_on_the_page(client, other):
    free = client.post("/register/", WANTED)
    taken = client.post("/register/", WANTED | {"username": "neu", "email": "OTHER@example.com"})
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    page = client.get("/register/verify/").content.decode()
    assert "other@example.com" in page
    told = mail.outbox[-1]
    assert told.to == ["OTHER@example.com"]
    assert "已经有聊天账号" in told.subject
    assert not re.search(r"\d{6}", told.body)
    other.refresh_from_db()
    assert other.email == "other@example.com"


def test_the_first_to_prove_an_address_gets_it(client):
    client.post("/register/", WANTED)
    first = digits()
    client.post("/register/", WANTED | {"username": "李雷"})
    second = digits()
    assert client.post("/register/verify/", {"code": second}).status_code == 302
    answer = client.post("/register/verify/", {"name": "王伟", "code": first})
    assert answer.status_code == 422
    assert User.objects.get(email="wang@example.com").username == "李雷"


def test_an_unverified_account_holds_its_name_for_a_day_and_is_nobodys_friend(client, other):
    client.post("/register/", WANTED)
    client.force_login(other)
    answer = client.post("/contacts/requests/", {"username": "王伟", "note": ""})
    assert "用户不存在" in answer.content.decode()
    client.logout()
    again = WANTED | {"email": "second@example.com"}
    assert client.post("/register/", again).status_code == 422
    with later(hours=25):
        assert client.get("/api/username-available/?username=王伟").json()["available"]
        assert client.post("/register/", again).status_code == 302
    [user] = User.objects.filter(username="王伟")
    assert user.codes.get().email == "second@example.com"


def test_codes_are_kept_as_hashes_only(client):
    client.post("/register/", WANTED)
    right = digits()
    assert all(right not in str(value) for value in OneTimeCode.objects.values().get().values())


# Forgotten password


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


# Changing the address


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


# What goes wrong on the way


def test_a_mail_that_cannot_go_out_is_said_on_the_page_and_in_one_line_of_the_log(
    client, monkeypatch, caplog
):
    def refuse(self, *args, **kwargs):
        raise ConnectionRefusedError(111, "wang@example.com refused")

    monkeypatch.setattr(sending.EmailMultiAlternatives, "send", refuse)
    assert client.post("/register/", WANTED).status_code == 302
    assert "没有发出去" in client.get("/register/verify/").content.decode()
    [line] = [record for record in caplog.records if record.name == sending.__name__]
    assert "wang" not in line.getMessage()


def test_a_mail_that_did_not_go_out_is_sent_again_without_waiting_for_the_minute(
    client, monkeypatch
):
    def refuse(self, *args, **kwargs):
        raise ConnectionRefusedError

    with monkeypatch.context() as dead:
        dead.setattr(sending.EmailMultiAlternatives, "send", refuse)
        client.post("/register/", WANTED)
        assert client.post("/register/verify/", {"action": "resend"}).status_code == 302
    assert client.post("/register/verify/", {"action": "resend"}).status_code == 302
    assert client.post("/register/verify/", {"action": "resend"}).status_code == 429
    assert client.post("/register/verify/", {"code": digits()}).status_code == 302


def test_what_was_typed_is_on_the_next_page_once_whoever_it_is(client, other):
    for name in ("other", "nobody"):
        client.post("/password/forgot/", {"username": name})
        assert f'value="{name}"' in client.get("/password/reset/").content.decode()
        assert f'value="{name}"' not in client.get("/password/reset/").content.decode()


def focused(response):
    return re.findall(r'name="(\w+)"[^>]* autofocus', response.content.decode())


def test_the_next_key_goes_to_what_is_wrong_or_empty(client, other):
    assert focused(client.get("/login/")) == ["username"]
    assert focused(client.get("/login/?username=other")) == ["password"]
    assert focused(client.post("/login/", {"username": "other", "password": "x"})) == ["password"]
    assert focused(client.post("/register/", WANTED | {"email": "x"})) == ["email"]
    assert focused(client.get("/password/reset/?name=other")) == ["code"]
    assert focused(client.get("/password/reset/?name=other&token=x")) == ["new_password1"]
    form = {"username": "other", "code": "123456", "new_password1": NEW, "new_password2": NEW}
    assert focused(client.post("/password/reset/", form)) == ["code"]
    client.force_login(other)
    assert focused(client.get("/account/email/")) == []


def test_the_terms_are_there_for_everybody(client):
    page = client.get("/terms/").content.decode()
    assert "不得用于商业用途" in page
    assert services.is_on()
