"""Changing the address of an account in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.mailbox import digits_of, text_of

from ..conftest import PASSWORD
from .conftest import EN_DESKTOP, MAKE, other_ways, wrong


@other_ways
def test_an_address_is_changed_and_the_old_one_told_and_serves_for_the_log_in(member, mailbox, way):
    mona = member("mona", way)
    mona.log_in()
    old, new = mona.email, f"new.{mona.email}"
    mona.go("/discover/")
    mona.page.click("a[href$='/account/email/']")
    email = mona.page.locator("[name=email]")
    expect(email).to_have_value(old)
    mona.fill(email=new, password="falsch")
    mona.submit()
    expect(mona.error()).to_have_text(mona.words("密码错误。", "The password is wrong."))
    expect(email).to_have_value(new)
    mona.email = new
    mona.fill(password=PASSWORD)
    mona.submit()
    expect(mona.notice()).to_contain_text(new)
    expect(mona.page.locator("[name=code]")).to_be_focused()
    digits = digits_of(mona.read(mailbox))
    mona.fill(code=wrong(digits))
    mona.submit()
    mona.refused()
    mona.fill(code=digits)
    mona.submit()
    expect(mona.notice()).to_have_text(mona.words("邮箱已修改。", "Your email address is changed."))
    mona.email = old
    assert new not in text_of(mona.read(mailbox, 2))
    mona.email = new

    mona.go("/account/username/")
    mona.name += "2"
    mona.fill(username=mona.name, password=PASSWORD)
    mona.submit()
    mona.context.clear_cookies()
    mona.log_in_as(new)
    mona.go("/discover/")
    expect(mona.page.locator("main, #list").get_by_text(mona.name, exact=True)).to_be_visible()


@pytest.mark.parametrize("way", [EN_DESKTOP])
def test_an_account_without_an_address_gets_one(guest, mailbox, mailing, way):
    nils = guest("nils", way)
    mailing.manage("shell", "--verbosity", "0", "-c", MAKE.format(name=nils.name))
    nils.log_in_as(nils.name)
    nils.go("/account/email/")
    nils.fill(email=nils.email, password=PASSWORD)
    nils.submit()
    nils.fill(code=digits_of(nils.read(mailbox)))
    nils.submit()
    nils.context.clear_cookies()
    nils.log_in_as(nils.email)
    assert len(mailbox.to(nils.email)) == 1
