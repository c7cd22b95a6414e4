"""An administrator's week: a class from a list, who waits, forgotten passwords, a lost phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PASSWORD, PHONE

PROMOTE = """
from accounts.models import User
User.objects.filter(username={name!r}).update(is_staff=True, is_superuser=True)
"""
NEWCOMERS = """
from django.utils import timezone
from accounts.models import User
for name in {names!r}:
    user = User(username=name, unverified_since=timezone.now())
    user.set_password({password!r})
    user.save()
"""
USERS = "/admin/accounts/user/"
NEW = "gruene-Wiese-8"
ROWS = ".people-table tbody tr"
WIDER = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
def office(people, server):
    """A superuser's browser."""

    def make(name, device=DESKTOP, **options):
        person = people(name, device, **options)
        server.manage("shell", "--verbosity", "0", "-c", PROMOTE.format(name=name))
        return person

    return make


def complaints_of(person):
    """Return what the browser complained about, but for the forms that were refused."""
    return [words for words in person.complaints if "422" not in words]


def log_in(person, username, password):
    person.page.context.clear_cookies()
    person.go("/login/")
    person.page.fill("[name=username]", username)
    person.page.fill("[name=password]", password)
    person.page.click(".form [type=submit]")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_pasted_list_becomes_a_class_whose_slips_open_it(office, people, device):
    tag = "d" if device is DESKTOP else "p"
    boss = office(f"boss{tag}", device)
    boss.go(USERS)
    boss.page.click("text=导入名单")
    page = boss.page
    pasted = f"用户名\t姓名\nwang{tag}\t王伟\nx\t短名\nlilei{tag}\t李雷"
    page.fill("[name=text]", pasted)
    page.click("[name=look]")
    expect(page.locator("tr.is-wrong")).to_have_count(1)
    expect(page.locator("[name=enrol]")).to_have_count(0)
    expect(page.locator("[name=text]")).to_have_value(pasted)
    page.fill("[name=text]", pasted.replace("x\t短名", f"hanmm{tag}\t韩梅梅"))
    page.click("[name=look]")
    expect(page.locator("tr.is-wrong")).to_have_count(0)
    assert not page.evaluate(WIDER)
    # A second click before the answer sends the form again.
    page.locator("[name=enrol]").dblclick()
    expect(page.locator("li h2")).to_have_text(["王伟", "韩梅梅", "李雷"])
    first = page.locator("code").all_text_contents()
    page.reload()
    expect(page.locator("li h2")).to_have_count(3)
    assert page.locator("code").all_text_contents() == first
    pupil = people(f"guest{tag}", PHONE)
    log_in(pupil, first[0], first[1])
    expect(pupil.page.locator("[name=new_password1]")).to_be_visible()
    assert complaints_of(boss) == []


def test_a_file_of_excel_is_read_and_shown(office, tmp_path):
    boss = office("bossf")
    file = tmp_path / "class.csv"
    file.write_bytes("用户名,姓名\r\nzhaof,赵云\r\n".encode("gbk"))
    boss.go(f"{USERS}roster/")
    boss.page.set_input_files("[name=file]", file)
    boss.page.click("[name=look]")
    expect(boss.page.locator("[name=text]")).to_have_value("用户名,姓名\nzhaof,赵云\n")
    expect(boss.page.locator("[name=enrol]")).to_be_visible()


def test_those_who_wait_are_let_in_and_get_in(office, people, server):
    boss = office("bossw", PHONE)
    names = ["wait1", "wait2", "wait3"]
    code = NEWCOMERS.format(names=names, password=PASSWORD)
    server.manage("shell", "--verbosity", "0", "-c", code)
    boss.go(f"{USERS}waiting/")
    expect(boss.page.locator(ROWS)).to_have_count(3)
    assert not boss.page.evaluate(WIDER)
    boss.page.click("tr:has-text('wait1') button")
    expect(boss.page.locator(ROWS)).to_have_count(2)
    boss.page.check("tr:has-text('wait3') input")
    boss.page.click("[name=confirm_chosen]")
    expect(boss.page.locator(ROWS)).to_have_text([re.compile("wait2")])
    boss.page.check("tr:has-text('wait2') input")
    boss.page.click(".act summary")
    boss.page.click("[name=refuse_chosen]")
    expect(boss.page.locator("#content-main")).to_contain_text("没有人在等。")
    assert not boss.page.evaluate(WIDER)
    newcomer = people("guestw", PHONE)
    log_in(newcomer, "wait3", PASSWORD)
    newcomer.page.wait_for_url(f"{newcomer.site}/")
    assert complaints_of(boss) == []


def test_all_who_wait_are_ticked_by_one_box_and_left_out_one_by_one(office, server):
    boss = office("bossall")
    code = NEWCOMERS.format(names=["all1", "all2", "all3"], password=PASSWORD)
    server.manage("shell", "--verbosity", "0", "-c", code)
    boss.go("/admin/")
    boss.page.click(".wait.is-urgent:has-text('等待确认')")
    every = boss.page.get_by_label("全选")
    every.check()
    boss.page.uncheck("tr:has-text('all2') input")
    expect(every).not_to_be_checked()
    boss.page.click("[name=confirm_chosen]")
    expect(boss.page.locator(ROWS)).to_have_text([re.compile("all2")])
    every.check()
    boss.page.click("[name=confirm_chosen]")
    expect(boss.page.locator("#content-main")).to_contain_text("没有人在等。")
    boss.page.click(".breadcrumbs a >> visible=true")
    boss.page.wait_for_url(f"**{USERS}")
    assert complaints_of(boss) == []


def test_codes_for_several_open_the_way_to_new_passwords(office, people):
    one, other = people("codeone", PHONE), people("codetwo", PHONE)
    boss = office("bossc")
    boss.go(f"{USERS}codes/")
    boss.page.fill("[name=names]", "codeone\nnobody1\ncodetwo")
    boss.page.click("#content-main [type=submit]")
    expect(boss.page.locator(".errorlist")).to_contain_text("nobody1")
    expect(boss.page.locator("[name=names]")).to_have_value("codeone\nnobody1\ncodetwo")
    boss.page.fill("[name=names]", "codeone\ncodetwo")
    boss.page.click("#content-main [type=submit]")
    expect(boss.page.locator("li h2")).to_have_text(["codeone", "codetwo"])
    codes = boss.page.locator("code").all_text_contents()[1::2]
    address = boss.page.locator("dd").first.text_content()
    for person, code in zip([one, other], codes, strict=True):
        person.context.clear_cookies()
        person.page.goto(address)
        person.page.fill("[name=username]", person.name)
        person.page.fill("[name=code]", code)
        person.page.fill("[name=new_password1]", NEW)
        person.page.fill("[name=new_password2]", NEW)
        person.page.click(".form [type=submit]")
        person.page.wait_for_url("**/login/**")
    log_in(one, "codeone", NEW)
    one.page.wait_for_url(f"{one.site}/")
    assert complaints_of(boss) == []


def test_a_lost_device_is_signed_out_from_the_page_of_a_person(office, people):
    lost = people("lostone", PHONE)
    boss = office("bossl")
    boss.go(f"{USERS}?q=lostone")
    boss.page.click("th a:has-text('lostone')")
    expect(boss.page.locator(".person-list form")).to_have_count(1)
    boss.page.click(".person-list form button")
    expect(boss.page.locator(".messagelist")).to_contain_text("已让这台设备退出登录。")
    lost.page.wait_for_url("**/login/**", timeout=10_000)
    assert not re.search("argon2|LDAP|Can add", boss.page.content())
