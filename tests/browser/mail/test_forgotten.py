"""Resetting a forgotten password by mail, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.mailbox import digits_of, link_of

from ..conftest import PASSWORD
from .conftest import EN_DESKTOP, EN_PHONE, NEW, OUT_MS, both_ways, wrong


@pytest.mark.alone
@both_ways
def test_a_forgotten_password_comes_back_by_the_digits_of_a_mail(member, guest, mailbox, way):
    jana, elsewhere = guest("jana", way), member("jana", way)
    elsewhere.log_in()
    jana.go("/login/")
    jana.follow(jana.words("忘记密码", "Forgotten password"))
    expect(jana.page.locator("[name=username]")).to_be_focused()
    jana.fill(username=jana.name)
    jana.submit()
    expect(jana.page).to_have_url(f"{jana.site}/password/reset/")
    expect(jana.page.locator("[name=username]")).to_have_value(jana.name)
    expect(jana.page.locator("[name=code]")).to_be_focused()

    digits = digits_of(jana.read(mailbox, 2))
    jana.fill(code=wrong(digits), new_password1=NEW, new_password2=NEW)
    jana.submit()
    jana.refused()
    expect(jana.page.locator("[name=code]")).to_have_value(wrong(digits))
    jana.fill(code=digits, new_password1=NEW, new_password2=PASSWORD)
    jana.submit()
    expect(jana.page.locator("[name=code]")).to_have_value(digits)
    expect(jana.error()).to_have_text(
        jana.words("输入的两个密码不一致。", "The two password fields didn’t match.")
    )
    expect(jana.page.locator("[name=new_password2]")).to_be_focused()
    jana.fill(new_password1=NEW, new_password2=NEW)
    jana.submit()
    expect(jana.page).to_have_url(f"{jana.site}/login/")
    expect(jana.notice()).to_be_visible()
    expect(elsewhere.page).to_have_url(re.compile("/login/"), timeout=OUT_MS)
    told = jana.read(mailbox, 3)
    assert jana.words("密码已修改", "has been changed") in told["Subject"]
    jana.log_in_as(jana.name, NEW)

    # The code is used up.
    jana.context.clear_cookies()
    jana.go("/password/reset/")
    jana.fill(username=jana.name, code=digits, new_password1=PASSWORD, new_password2=PASSWORD)
    jana.submit()
    jana.refused()


@pytest.mark.parametrize("way", [EN_PHONE])
def test_the_link_of_the_mail_does_it_too_and_once(member, guest, mailbox, way):
    member("karl", way)
    karl = guest("karl", way)
    karl.go("/password/forgot/")
    karl.fill(username=karl.email.upper())
    karl.submit()
    link = link_of(karl.read(mailbox, 2))
    for is_first in (True, False):
        karl.page.goto(link)
        karl.look()
        expect(karl.page.locator("[name=username]")).to_have_value(karl.name)
        expect(karl.page.locator("[name=code]")).to_have_count(0)
        expect(karl.page.locator("[name=new_password1]")).to_be_focused()
        karl.fill(new_password1=NEW, new_password2=NEW)
        karl.submit()
        words = karl.words("链接已用过或已过期", "The link is used up or too old.")
        assert is_first or expect(karl.error()).to_contain_text(words) is None
    expect(karl.page.locator("[name=code]")).to_be_focused()
    karl.read(mailbox, 3)
    karl.log_in_as(karl.name, NEW)


@pytest.mark.parametrize("way", [EN_DESKTOP])
def test_who_is_known_and_who_is_not_get_the_same_page(member, guest, mailbox, way):
    known = member("lena", way)
    pages = []
    for typed in (known.name, "nobody@example.com"):
        person = guest("visitor", way)
        person.go("/password/forgot/")
        person.fill(username=typed)
        person.email = typed
        person.submit()
        expect(person.page.locator("[name=username]")).to_have_value(typed)
        pages.append(person.page.inner_text("body"))
    assert len(set(pages)) == 1
    known.read(mailbox, 2)
    assert len(mailbox.to(known.email)) == 2
