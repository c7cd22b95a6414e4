"""Registering and logging in: twice by mistake, in two tabs, after somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.server import Server

from .conftest import DESKTOP, PASSWORD, PHONE

SLOW = {"offline": False, "latency": 900, "downloadThroughput": -1, "uploadThroughput": -1}
WITHIN_5_SECONDS, WITHIN_10_SECONDS = 5_000, 10_000
MAKE = "from accounts.models import User; User.objects.create_user({!r}, password={!r})"
END = "from accounts.models import UserSession as S; S.objects.filter(user__username={!r}).end()"


@pytest.fixture
def tab(chromium, server) -> Iterator[Page]:
    """A page of a newcomer, far away from the server: each answer takes a second."""
    context = chromium.new_context(locale="zh-CN", **PHONE)
    yield slow(context.new_page())
    context.close()


@pytest.fixture
def plain(chromium, server) -> Iterator[Page]:
    """The same without scripts."""
    context = chromium.new_context(locale="zh-CN", java_script_enabled=False, **DESKTOP)
    yield slow(context.new_page())
    context.close()


def slow(page: Page) -> Page:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    page.posts = []
    page.on("request", lambda sent: sent.method == "POST" and page.posts.append(sent.url))
    return page


def fill_in(page: Page, **typed: str) -> None:
    for name, value in typed.items():
        page.fill(f"[name={name}]", value)


def click_twice(page: Page, form: str, pause: int) -> None:
    """Click as an impatient hand does: where the button is, whatever the page is doing."""
    button = page.locator(f"{form} > [type=submit]")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(pause)
    page.mouse.click(x, y)


@pytest.mark.alone
@pytest.mark.parametrize("pause", [50, 300, 700])
def test_a_second_click_is_not_sent(tab, server, pause):
    name = f"eva{pause}"
    tab.goto(f"{server.site}/register/")
    fill_in(tab, username=name, password1=PASSWORD, password2=PASSWORD)
    click_twice(tab, "#register", pause)
    tab.wait_for_url(f"**/login/?username={name}")
    assert len(tab.posts) == 1
    expect(tab.locator("[name=username]")).to_have_value(name)
    expect(tab.locator("[name=password]")).to_be_focused()
    fill_in(tab, password=PASSWORD)
    click_twice(tab, ".card .form", pause)
    tab.wait_for_url(f"{server.site}/")
    expect(tab.locator("#chats")).to_be_attached()
    assert len(tab.posts) == 2


@pytest.mark.alone
@pytest.mark.parametrize("pause", [50, 300, 1_100])
def test_a_second_click_ends_well_without_scripts(plain, server, pause):
    name = f"ada{pause}"
    plain.goto(f"{server.site}/register/")
    fill_in(plain, username=name, password1=PASSWORD, password2=PASSWORD)
    click_twice(plain, "#register", pause)
    # The first answer is on its way when the second click gives it up.
    expect(plain).to_have_url(re.compile("/register/done/$"), timeout=WITHIN_10_SECONDS)
    expect(plain.locator("h1")).to_have_text("注册成功")
    plain.click(".card a.button")
    fill_in(plain, password=PASSWORD)
    click_twice(plain, ".card .form", pause)
    expect(plain).to_have_url(f"{server.site}/", timeout=WITHIN_10_SECONDS)
    expect(plain.locator("#chats")).to_be_attached()


def test_a_log_in_in_a_second_tab_leads_to_the_chats(people):
    ida = people("ida", DESKTOP)
    ida.page.context.clear_cookies()
    tabs = [ida.page, ida.open_tab()]
    for tab in tabs:
        tab.goto(f"{ida.site}/login/?username=ida")
    for tab in tabs:
        tab.fill("[name=password]", PASSWORD)
        tab.click(".form [type=submit]")
        tab.wait_for_url(f"{ida.site}/")
    assert [each for each in ida.complaints if "403" not in each] == []


@pytest.mark.alone
def test_the_next_person_at_a_computer_learns_nothing_of_the_one_before(friends, server):
    alba, _bodo = friends("alba", "bodo")
    server.manage("shell", "-c", MAKE.format("carl", PASSWORD))
    left = alba.open_tab()
    left.goto(f"{alba.site}/chat/bodo/")
    seen: list[str] = []
    left.on("framenavigated", lambda frame: seen.append(frame.url))
    alba.go("/discover/")
    alba.page.click("#list [data-logout] button")
    expect(left).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
    fill_in(left, username="carl", password=PASSWORD)
    left.click(".form [type=submit]")
    left.wait_for_url(f"{alba.site}/")
    expect(left.locator("#chats-empty")).to_be_visible()
    assert [url for url in seen if "bodo" in url] == []


@pytest.mark.alone
def test_a_person_signed_out_elsewhere_reads_why_and_comes_back(friends, server):
    dora, emil = friends("dora", "emil")
    dora.go("/chat/emil/")
    server.manage("shell", "-c", END.format("dora"))
    expect(dora.page).to_have_url(re.compile("/login/$"), timeout=WITHIN_5_SECONDS)
    expect(dora.page.locator(".card .notice")).to_contain_text("其他设备")
    fill_in(dora.page, username="dora", password=PASSWORD)
    dora.page.click(".form [type=submit]")
    expect(dora.page).to_have_url(re.compile("/chat/emil/$"))
    expect(dora.page.locator("#composer-text")).to_be_visible()


def test_two_chats_on_one_host_leave_each_other_alone(people, server, tmp_path):
    finn = people("finn", DESKTOP)
    other = Server(tmp_path)
    site = other.env["SITE_URL"] = f"http://chat.test:{other.port}"
    with other:
        other.manage("shell", "-c", MAKE.format("finn", PASSWORD))
        tab = finn.open_tab()
        tab.goto(f"{site}/login/")
        fill_in(tab, username="finn", password=PASSWORD)
        tab.click(".form [type=submit]")
        tab.wait_for_url(f"{site}/")
        finn.page.reload()
        expect(finn.page.locator("#chats")).to_be_attached()
        tab.reload()
        expect(tab.locator("#chats")).to_be_attached()
        tab.close()
