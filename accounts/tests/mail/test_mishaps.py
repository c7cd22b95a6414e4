"""Mail that does not go out, and what the page says then."""

from __future__ import annotations

import re
import smtplib
from contextlib import contextmanager

import pytest
from django.core import mail

from accounts.limits import CODE_TRIED
from accounts.mail import sending
from accounts.models import OneTimeCode, User
from tests.cast import at_once
from webchat.mail_failures import last_failure

from .conftest import NEW, WANTED, digits, later, log_in

AGAIN = {"action": "resend"}


@pytest.fixture
def broken(monkeypatch):
    """A mail server that fails with an error, inside `with broken(error):`."""

    @contextmanager
    def fail(error):
        def refuse(self, *args, **kwargs):
            raise error

        with monkeypatch.context() as server:
            server.setattr(sending.EmailMultiAlternatives, "send", refuse)
            yield

    return fail


DOWN = [
    ConnectionRefusedError(111, "Connection refused"),
    TimeoutError("timed out"),
    smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
    smtplib.SMTPAuthenticationError(535, b"Login fail"),
    smtplib.SMTPSenderRefused(553, b"not yours", "me@example.com"),
]
UNKNOWN = smtplib.SMTPRecipientsRefused({"wang@example.com": (550, b"no such user")})


@pytest.mark.parametrize("error", DOWN)
def test_tries_while_the_mail_server_is_down_do_not_count(client, broken, error):
    with broken(error):
        client.post("/register/", WANTED)
        for _try in range(12):
            assert client.post("/register/verify/", AGAIN).status_code == 302
            page = client.get("/register/verify/").content.decode()
            assert "没有发出去" in page
            assert "用户名会为你保留到" in page
        assert last_failure().number == 13
    for _code in range(5):
        assert client.post("/register/verify/", AGAIN).status_code == 302
        client.get("/register/verify/")
        OneTimeCode.objects.update(mail_state="failed")  # no minute to wait
    assert last_failure() is None
    assert len(mail.outbox) == 5
    assert client.post("/register/verify/", AGAIN).status_code == 429
    assert client.post("/register/verify/", {"code": digits()}).status_code == 302


def test_an_address_that_the_mail_server_refuses_counts(client, broken):
    with broken(UNKNOWN):
        client.post("/register/", WANTED)
        answers = [client.post("/register/verify/", AGAIN).status_code for _try in range(5)]
    assert answers == [302] * 4 + [429]
    assert last_failure().is_about_address


@pytest.mark.parametrize("code", [451, 554])
def test_newcomers_do_not_use_up_their_codes_while_no_address_is_taken(client, broken, code):
    """A server that puts off every first try, and one that relays nothing."""

    def refusal(address):
        return smtplib.SMTPRecipientsRefused({address: (code, b"not here")})

    with broken(refusal("li@example.com")):
        client.__class__().post(
            "/register/", WANTED | {"username": "li", "email": "li@example.com"}
        )
    with broken(refusal(WANTED["email"])):
        client.post("/register/", WANTED)
        answers = [client.post("/register/verify/", AGAIN).status_code for _try in range(9)]
    assert answers == [302] * 9
    assert not last_failure().is_about_address


def test_a_mail_of_a_command_is_noted_as_well(broken):
    with broken(DOWN[0]), pytest.raises(ConnectionRefusedError):
        sending.send_now("nightly", to="boss@example.com", user=User(username="boss"), failures=[])
    assert last_failure().words == "Connection refused"
    sending.send_now("nightly", to="boss@example.com", user=User(username="boss"), failures=[])
    assert last_failure() is None


def test_tries_are_bounded_while_the_mail_server_is_down_and_the_bound_passes(client, broken):
    with broken(DOWN[0]):
        client.post("/register/", WANTED)
        tries = [client.post("/register/verify/", AGAIN) for _try in range(CODE_TRIED.most + 1)]
        assert [answer.status_code for answer in tries] == [302] * CODE_TRIED.most + [429]
    with later(minutes=11):
        assert client.post("/register/verify/", AGAIN).status_code == 302
        assert client.post("/register/verify/", {"code": digits()}).status_code == 302


def test_a_forgotten_password_does_not_wait_an_hour_after_the_mail_server_is_back(
    client, other, broken
):
    with broken(DOWN[1]):
        for _try in range(8):
            client.post("/password/forgot/", {"username": "other"})
    assert mail.outbox == []
    client.post("/password/forgot/", {"username": "other"})
    form = {"username": "other", "code": digits(), "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/reset/", form).status_code == 302


def test_a_newcomer_keeps_the_name_for_a_day_while_the_mail_server_is_down(client, broken):
    with broken(DOWN[0]):
        client.post("/register/", WANTED)
    with later(hours=23):
        elsewhere = client.__class__()
        assert log_in(elsewhere, "王伟") == 422
        assert elsewhere.post("/register/verify/", AGAIN).status_code == 302
        assert elsewhere.post("/register/verify/", {"code": digits()}).status_code == 302


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_was_confirmed_by_an_administrator_is_led_to_the_log_in(client, broken, method):
    with broken(DOWN[0]):
        client.post("/register/", WANTED)
    User.objects.update(unverified_since=None)
    data = AGAIN | {"name": "王伟"} if method == "post" else {}
    answer = getattr(client, method)("/register/verify/", data, follow=True)
    assert answer.redirect_chain == [("/register/done/", 302)]
    assert "注册成功" in answer.content.decode()
    assert log_in(client, "王伟") == 302


def test_a_used_link_of_somebody_else_does_not_lead_to_one_s_own_account(client, other, broken):
    with broken(DOWN[0]):
        client.post("/register/", WANTED)
    User.objects.update(unverified_since=None)
    for method in (client.get, client.post):
        answer = method("/register/verify/?name=other")
        assert answer["Location"] == "/login/?username=other"
    assert client.get("/register/verify/?name=王伟")["Location"] == "/register/done/"


def test_a_mail_for_which_there_is_no_room_has_failed(client, monkeypatch):
    monkeypatch.setattr(sending, "in_background", lambda job, *args: None)
    client.post("/register/", WANTED)
    assert "没有发出去" in client.get("/register/verify/").content.decode()
    assert last_failure().words == "too many mails wait"


def test_mails_that_waited_while_the_server_did_not_answer_are_not_tried_one_by_one(
    client, other, broken, monkeypatch
):
    waiting = []

    def wait(job, *args):
        waiting.append((job, args))
        return sending.Future()

    monkeypatch.setattr(sending, "in_background", wait)
    monkeypatch.setattr(sending, "VISITOR_SECONDS", 0)
    for number in range(3):
        newcomer = {"username": f"neu{number}", "email": f"neu{number}@example.com"}
        client.post("/register/", WANTED | newcomer)
    sending.send("password_changed", to=other.email, user=other)
    with broken(TimeoutError("timed out")):
        job, args = waiting.pop(0)
        job(*args)
    *newcomers, notice = waiting
    for job, args in newcomers:
        job(*args)
    told = last_failure()
    job, args = notice
    job(*args)
    assert [message.to for message in mail.outbox] == [["other@example.com"]]
    assert told.words == "timed out"
    assert set(OneTimeCode.objects.values_list("mail_state", flat=True)) == {"failed"}
    monkeypatch.setattr(sending, "in_background", at_once)
    client.post("/register/verify/", AGAIN)
    assert mail.outbox[-1].to == ["neu2@example.com"]


def test_a_server_that_refuses_one_mail_gets_the_others(client, broken, monkeypatch):
    before = sending._silence
    for error in (UNKNOWN, DOWN[3], smtplib.SMTPDataError(554, b"spam")):
        with broken(error):
            client.post("/register/", WANTED | {"username": f"neu{error.__class__.__name__[4]}"})
    assert sending._silence is before


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
