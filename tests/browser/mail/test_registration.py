"""Registering an account with an address of mail, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.mailbox import digits_of, link_of, text_of

from ..conftest import PASSWORD
from .conftest import EN_PHONE, ZH_DESKTOP, ZH_PHONE, age, both_ways, other_ways, wrong


@both_ways
def test_who_registers_types_the_digits_of_the_mail_and_is_in(guest, mailbox, way):
    anna = guest("anna", way)
    anna.go("/register/")
    with anna.page.expect_popup() as popup:
        anna.page.click("a[href$='/terms/']")
    expect(popup.value.locator("h1")).to_have_text(anna.words("使用须知", "Terms of use"))
    anna.go("/terms/")
    anna.register()
    code = anna.page.locator("[name=code]")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    expect(code).to_have_attribute("inputmode", "numeric")
    expect(anna.notice()).to_contain_text(anna.email)
    expect(anna.again()).to_be_disabled()
    expect(anna.again()).to_have_text(re.compile(r" \((60|5\d)\)$"))

    digits = digits_of(anna.read(mailbox))
    anna.fill(code=wrong(digits))
    anna.submit()
    anna.refused()
    expect(code).to_have_value(wrong(digits))
    expect(code).to_be_focused()
    anna.fill(code=f"{digits[:3]} {digits[3:]}")
    # The page moves on by itself; here it is held back, and its link is used.
    anna.page.route("**/login/**", lambda route: route.abort("aborted"))
    with anna.page.expect_request("**/login/?username=*"):
        anna.submit()
    expect(anna.page.locator("h1")).to_have_text(anna.words("注册成功", "You are registered"))
    anna.page.unroute("**/login/**")
    anna.follow(anna.words("登录", "Log in"))
    anna.arrive()


@other_ways
def test_the_link_of_the_mail_does_it_in_a_browser_that_knows_nothing_of_it(guest, mailbox, way):
    bela, other = guest("bela", way), guest("bela", way)
    bela.register()
    mail = bela.read(mailbox)
    other.page.goto(link_of(mail))
    other.look()
    expect(other.page.locator("[name=code]")).to_have_value(digits_of(mail))
    expect(other.page.locator("body")).not_to_contain_text(bela.email)
    other.submit()
    other.arrive()
    other.context.clear_cookies()
    other.page.goto(link_of(mail))
    other.look()
    expect(other.page).to_have_url(re.compile("/login/"))
    expect(other.page.locator("[name=username]")).to_have_value(bela.name)


@pytest.mark.parametrize("way", [EN_PHONE])
def test_who_has_not_proved_the_address_comes_from_the_log_in_to_the_code(guest, mailbox, way):
    guest("cleo", way).register()
    cleo = guest("cleo", way)
    cleo.go("/login/")
    cleo.fill(username=cleo.name, password=PASSWORD)
    cleo.submit()
    cleo.follow(cleo.words("输入验证码", "Type the code"))
    expect(cleo.notice()).to_contain_text(cleo.email)
    cleo.fill(code=digits_of(cleo.read(mailbox)))
    cleo.submit()
    cleo.arrive()


@pytest.mark.parametrize("way", [ZH_DESKTOP])
def test_an_address_that_is_somebodys_is_told_by_mail_and_not_by_the_page(
    member, guest, mailbox, way
):
    owner = member("dora", way)
    pages = []
    for person, email in ((guest("emil", way), None), (guest("fritz", way), owner.email)):
        person.email = email or person.email
        person.register()
        text = person.page.inner_text("body").replace(person.email, "")
        pages.append(re.sub(r"\(\d+\)", "", text))
    assert pages[0] == pages[1]
    told = owner.read(mailbox, 2)
    assert owner.words("已经有聊天账号", "have an account") in told["Subject"]
    assert not re.search(r"\d{6}", text_of(told))
    assert f"{owner.site}/password/forgot/" in text_of(told)


@pytest.mark.parametrize("way", [ZH_PHONE])
def test_a_wrong_an_old_and_anothers_code_are_refused_in_words(guest, mailbox, mailing, way):
    gina, hugo = guest("gina", way), guest("hugo", way)
    for person in (gina, hugo):
        person.register()
    right, anothers = (digits_of(person.read(mailbox)) for person in (gina, hugo))
    for typed in (anothers, *[wrong(right)] * 5, right):
        gina.fill(code=typed)
        gina.submit()
        gina.refused()
        expect(gina.page.locator("[name=code]")).to_have_value(typed)
    hugo.page.reload()
    age(mailing, hugo.name, minutes=11)
    hugo.fill(code=anothers)
    hugo.submit()
    hugo.refused()
    expect(hugo.page.locator("[name=code]")).to_have_value(anothers)
    hugo.press(hugo.again())
    new = digits_of(hugo.read(mailbox, 2))
    expect(hugo.again()).to_be_disabled()
    for typed, is_right in ((anothers, False), (new, True)):
        hugo.fill(code=typed)
        hugo.submit()
        assert is_right or hugo.refused() is None
    hugo.arrive()


@pytest.mark.parametrize("way", [EN_PHONE])
def test_the_button_counts_its_minute_down_and_the_server_has_a_clock_of_its_own(guest, way):
    ines = guest("ines", way)
    ines.page.clock.install()
    ines.register()
    expect(ines.again()).to_be_disabled()
    for _second in range(61):
        ines.page.clock.run_for(1_000)
    expect(ines.again()).to_be_enabled()
    expect(ines.again()).to_have_text(ines.words("重新发送验证码", "Send another code"))
    ines.press(ines.again())
    expect(ines.notice()).to_have_text(
        re.compile(ines.words(r"^请等 \d+ 秒", r"^Please wait \d+ seconds before"))
    )
    expect(ines.again()).to_be_disabled()
