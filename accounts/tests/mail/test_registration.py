"""A new account is proved by the code from a mail."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix
from django.utils import timezone

from accounts.mail import codes, services
from accounts.models import OneTimeCode, User

from .conftest import NEW, PASSWORD, WANTED, digits, later, log_in, wrong

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
    """Return the browser of somebody who only knows a newcomer's name."""
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


def test_who_mistyped_the_address_registers_again_with_the_right_one(client):
    client.post("/register/", WANTED | {"email": "wrong@example.com"})
    first = digits()
    again = client.post("/register/", WANTED | {"email": "Right@example.com"})
    assert (again.status_code, again["Location"]) == (302, "/register/verify/")
    assert mail.outbox[-1].to == ["Right@example.com"]
    assert "right@example.com" in client.get("/register/verify/").content.decode()
    if first != digits():
        assert client.post("/register/verify/", {"code": first}).status_code == 422
    assert client.post("/register/verify/", {"code": digits()}).status_code == 302
    assert User.objects.get(username="王伟").email == "right@example.com"


def test_the_same_form_twice_sends_one_mail(client):
    for email in ("wang@example.com", "WANG@example.com"):
        answer = client.post("/register/", WANTED | {"email": email})
        assert answer["Location"] == "/register/verify/"
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "other_than",
    [
        {"email": "right@example"},
        {"email": ""},
        {"email": "right@example.com", "password2": "typed-amiss-7"},
        {"email": "right@example.com", "password1": NEW, "password2": NEW},
    ],
)
def test_a_second_form_that_is_not_valid_or_another_changes_nothing(client, other_than):
    client.post("/register/", WANTED)
    answer = client.post("/register/", WANTED | other_than)
    assert answer.status_code == 422
    assert answer.context["form"]["email"].value() == other_than["email"]
    assert len(mail.outbox) == 1
    assert OneTimeCode.objects.get().email == "wang@example.com"


def test_a_proved_address_is_not_corrected_by_registering_again(client):
    client.post("/register/", WANTED)
    client.post("/register/verify/", {"code": digits()})
    assert client.post("/register/", WANTED).status_code == 302
    other = client.post("/register/", WANTED | {"email": "second@example.com"})
    assert other.status_code == 422
    assert len(mail.outbox) == 1
    assert User.objects.get(username="王伟").email == "wang@example.com"


def test_corrections_are_limited_like_any_code(client):
    addresses = ["a@example.com", "b@example.com"]
    answers = [client.post("/register/", WANTED | {"email": addresses[n % 2]}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert set(answers[-1].context["form"].errors) == {"email"}  # the name is their own
    assert len(mail.outbox) == 10


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


def test_the_terms_are_there_for_everybody(client):
    page = client.get("/terms/").content.decode()
    assert "不得用于商业用途" in page
    assert services.is_on()
