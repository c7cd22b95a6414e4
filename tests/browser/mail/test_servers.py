"""No mail server, a broken mail server, and a site behind a prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.mailbox import Mailbox, digits_of, link_of

from ..conftest import DESKTOP, PHONE
from ..test_moderation import open_user, press
from .conftest import ANSWER_MS, EN_DESKTOP, EN_PHONE, NEW, ZH_DESKTOP, ZH_PHONE, age, make_server

HANGS_MS = 30_000  # ten seconds until the server gives up, and three between two looks

# Without mail


CROWN = """
from accounts.models import User
User.objects.filter(username={name!r}).update(is_staff=True, is_superuser=True)
"""


@pytest.mark.parametrize("way", [ZH_PHONE])
def test_without_mail_the_administrator_has_a_code_to_read_out(guest, people, server, way):
    locale, device = way
    olga = guest("olga", way, server.site)
    people(olga.name, device)
    boss = people(olga.words("校长", "boss"), DESKTOP, locale=locale)
    server.manage("shell", "--verbosity", "0", "-c", CROWN.format(name=boss.name))
    olga.go("/login/")
    olga.follow(olga.words("忘记密码", "Forgotten password"))
    expect(olga.page.locator("main")).to_contain_text(olga.words("联系管理员", "administrator"))

    open_user(boss, olga.name)
    press(boss, olga.words("签发重置验证码", "Issue a reset code"))
    said = boss.page.inner_text(".messagelist .success")
    spoken = re.search(r"[A-Z2-9]{5}-[A-Z2-9]{5}", said)[0]
    boss.page.reload()
    expect(boss.page.locator("body")).not_to_contain_text(spoken)

    olga.follow(olga.words("我有验证码", "I have a code"))
    olga.fill(username=olga.name, code=spoken.lower(), new_password1=NEW, new_password2=NEW)
    olga.submit()
    olga.log_in_as(olga.name, NEW)


# A broken mail server


@contextmanager
def ill(mailbox: Mailbox, illness: str) -> Iterator[None]:
    password = mailbox.password
    if illness == "dead":
        mailbox.stop()
    mailbox.is_slow = illness == "slow"
    mailbox.password = "another" if illness == "535" else password
    mailbox.answer = "550 no such user" if illness == "550" else "250 OK"
    try:
        yield
    finally:
        mailbox.is_slow, mailbox.password, mailbox.answer = False, password, "250 OK"
        if illness == "dead":
            mailbox.start()


@pytest.mark.alone
@pytest.mark.parametrize(
    ("illness", "way"),
    [("dead", ZH_PHONE), ("dead", EN_DESKTOP), ("535", ZH_DESKTOP), ("550", EN_PHONE)],
)
def test_a_mail_that_cannot_go_out_is_said_and_tried_again_at_once(guest, mailbox, way, illness):
    petra = guest(f"petra{illness}", way)
    with ill(mailbox, illness):
        petra.fill_registration()
        petra.submit()
        assert petra.answer_ms() < ANSWER_MS
        for _again in range(2):
            expect(petra.error()).to_contain_text(petra.words("没有发出去", "could not be sent"))
            expect(petra.error()).to_contain_text(petra.email)
            expect(petra.again()).to_be_enabled()
            petra.press(petra.again())
    petra.press(petra.again())
    expect(petra.error()).to_have_count(0)
    petra.fill(code=digits_of(petra.read(mailbox)))
    petra.submit()
    petra.arrive()


@pytest.mark.alone
@pytest.mark.parametrize("way", [ZH_PHONE])
def test_a_slow_mail_server_is_said_and_keeps_nobody_waiting(guest, mailbox, mailing, way):
    rosa = guest("rosa", way)
    with ill(mailbox, "slow"):
        rosa.fill_registration()
        rosa.submit()
        assert rosa.answer_ms() < ANSWER_MS
        expect(rosa.notice()).to_contain_text(rosa.words("可能要等一会儿", "can take a while"))
        expect(rosa.again()).to_be_disabled()
    rosa.read(mailbox)
    age(mailing, rosa.name, minutes=2)
    rosa.page.reload()
    rosa.press(rosa.again())
    rosa.fill(code=digits_of(rosa.read(mailbox, 2)))
    rosa.submit()
    rosa.arrive()


@pytest.mark.alone
@pytest.mark.parametrize("way", [ZH_PHONE])
def test_a_mail_server_that_hangs_is_said_on_the_open_page(guest, mailbox, way):
    ruth = guest("ruth", way)
    with ill(mailbox, "slow"):
        ruth.fill_registration()
        ruth.submit()
        assert ruth.answer_ms() < ANSWER_MS
        expect(ruth.notice()).to_contain_text("可能要等一会儿")
        expect(ruth.error()).to_contain_text("没有发出去", timeout=HANGS_MS)
        expect(ruth.page.locator("main")).to_contain_text("用户名会为你保留到")
    ruth.press(ruth.again())
    ruth.fill(code=digits_of(ruth.read(mailbox)))
    ruth.submit()
    ruth.arrive()


@pytest.mark.alone
def test_a_code_for_a_new_password_that_could_not_go_out_is_asked_for_again(member, guest, mailbox):
    way = ("zh-CN", PHONE)
    member("sven", way)
    sven = guest("sven", way)
    with ill(mailbox, "dead"):
        sven.go("/password/forgot/")
        sven.fill(username=sven.name)
        sven.submit()
        assert sven.answer_ms() < ANSWER_MS
    sven.follow("重新发送验证码")
    sven.fill(username=sven.name)
    sven.submit()
    sven.read(mailbox, 2)


# Behind a prefix


def test_every_link_leads_to_the_address_and_the_prefix_of_the_site(guest, mailbox, tmp_path):
    with make_server(tmp_path, mailbox, "/chat") as server:
        tina = guest("tina", ZH_PHONE, server.site)
        tina.register()
        tina.page.goto(link_of(tina.read(mailbox)))
        tina.submit()
        tina.arrive()
        tina.context.clear_cookies()
        tina.go("/password/forgot/")
        tina.fill(username=tina.name)
        tina.submit()
        tina.page.goto(link_of(tina.read(mailbox, 2)))
        tina.fill(new_password1=NEW, new_password2=NEW)
        tina.submit()
        tina.read(mailbox, 3)
        tina.log_in_as(tina.email, NEW)
