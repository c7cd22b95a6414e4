"""Mail that does not go out, and what the page says then."""

from __future__ import annotations

import re

from accounts.mail import sending

from .conftest import NEW, WANTED, digits


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
