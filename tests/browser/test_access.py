"""The findings of axe on every page, at both sizes, in both themes; and text twice as large."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend

TOO_WIDE = """[...document.querySelectorAll("html, .list-pane, .detail-pane, .tab")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.className)"""
FONT_SIZE = "each => parseFloat(getComputedStyle(each).fontSize)"
GRAVE = {"serious", "critical"}
PAGES = [
    "/",
    "/chat/{friend}/",
    "/chat/{friend}/files/",
    "/chat/{friend}/report/",
    "/contacts/",
    "/contacts/{friend}/",
    "/contacts/requests/",
    "/discover/",
    "/me/",
    "/announcements/",
    "/settings/",
    "/export/",
    "/connection/",
    "/account/username/",
    "/account/sessions/",
    "/account/delete/",
    "/password/change/",
]
OPEN_PAGES = ["/login/", "/register/", "/password/forgot/", "/password/reset/", "/terms/"]


def grave_faults(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['html'][:120]}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]


def test_axe_would_find_something(chromium):
    page = chromium.new_page()
    page.set_content("<button></button><p style='color:#999;background:#aaa'>hardly to be read")
    assert len(grave_faults(page)) >= 2
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(people, server, scheme):
    device = DESKTOP if scheme == "light" else PHONE
    wang = people(f"王{scheme}", device, color_scheme=scheme)
    li = people(f"李{scheme}", device)
    wang.ask(li.name, "你好")
    li.go("/contacts/requests/")
    li.page.click("#requests-received .button >> nth=0")
    expect(li.page.locator("#requests-received .request")).to_have_count(0)
    li.go(f"/chat/{wang.name}/")
    for words in ("你好 https://example.com/", "很长的话。" * 300, "👍", "```\nx = 1\n```"):
        li.say(words)
    expect(li.page.locator("#messages .message .state")).to_have_text(["✓"] * 4)
    faults = {}
    for path in PAGES:
        wang.go(path.format(friend=li.name))
        wang.page.wait_for_timeout(100)
        faults[path] = grave_faults(wang.page)
    wang.go(f"/chat/{li.name}/")
    wang.page.locator("#messages .bubble").first.click(button="right")
    faults["the menu"] = grave_faults(wang.page)
    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_axe_finds_nothing_grave_before_the_login(chromium, server, path):
    for device in (DESKTOP, PHONE):
        context = chromium.new_context(locale="zh-CN", **device)
        page = context.new_page()
        page.goto(server.site + path)
        assert grave_faults(page) == []
        context.close()


def test_large_text_long_names_and_right_to_left_break_no_layout(people):
    name = "很长很长很长的名字十六个字啊啊啊"[:16]
    long, short = people(name, PHONE), people("שלום-עולם".replace("-", "_"), PHONE)
    befriend(long, short)
    long.go("/settings/")
    long.page.check("[name=text_size][value=larger]")
    expect(long.page.locator("#toast")).to_have_text("设置已保存。")
    short.go(f"/chat/{long.name}/")
    short.say("שלום עולם, 你好 https://example.com/" + "a" * 300)
    expect(short.page.locator("#messages .message .state")).to_have_text("✓")
    for path in (
        "/",
        f"/chat/{short.name}/",
        "/contacts/",
        f"/contacts/{short.name}/",
        f"/chat/{short.name}/report/",
        "/contacts/requests/",
        "/discover/",
        "/settings/",
    ):
        long.go(path)
        assert long.page.evaluate(TOO_WIDE) == [], path
    long.go("/")
    for text in (".row-preview", ".row-time", "#tabs .tab"):
        size = long.page.locator(text).first.evaluate(FONT_SIZE)
        assert size > 15, text
