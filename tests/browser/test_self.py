"""The pages for oneself, and what stands in a conversation beside words."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE

MESSAGES = "#messages .message"
CODE = "看这段：\n```python\ndef f(x):\n    return x + '" + "长" * 80 + "'\n```\n对吗"


def shoot(page, name):
    """Take a screenshot to look at, if SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_settings_are_saved_as_they_are_chosen(people):
    lan = people("兰一", DESKTOP, color_scheme="light")
    lan.go("/settings/")
    page = lan.page
    shoot(page, "settings-desktop")
    page.get_by_label("深色").check()
    expect(page.locator("#toast")).to_have_text("设置已保存。")
    expect(page.get_by_label("深色")).to_be_focused()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(17, 17, 17)"
    shoot(page, "settings-dark")
    page.get_by_label("特大").check()
    page.get_by_label("新消息提示音").uncheck()
    expect(page.locator("html")).to_have_attribute("data-text-size", "larger")
    expect(page.locator("body")).to_have_attribute("data-sound", "off")
    page.reload()
    expect(page.get_by_label("深色")).to_be_checked()
    expect(page.get_by_label("特大")).to_be_checked()
    expect(page.get_by_label("新消息提示音")).not_to_be_checked()
    assert lan.complaints == []


def test_a_choice_that_is_taken_back_on_the_same_page_is_saved_too(friends):
    lan, _li = friends("兰五", "李五")
    page = lan.page
    for address, name in (("/settings/", "新消息提示音"), ("/contacts/李五/", "置顶聊天")):
        lan.go(address)
        switch = page.get_by_label(name)
        before = switch.is_checked()
        for on in (not before, before, not before, before):
            with page.expect_response(lambda answer: answer.request.method == "POST"):
                switch.set_checked(on)
            expect(page.locator("#toast")).to_contain_text("已保存")
        page.reload()
        expect(page.get_by_label(name)).to_be_checked(checked=before)
    assert lan.complaints == []


def test_settings_that_cannot_be_saved_say_so_and_stay(people):
    lan = people("兰二", PHONE)
    lan.go("/settings/")
    shoot(lan.page, "settings-phone")
    lan.context.set_offline(True)
    lan.page.get_by_label("新消息提示音").uncheck()
    expect(lan.page.locator(".settings .form-status.bad")).to_have_text("没有保存，请重试")
    expect(lan.page.get_by_label("新消息提示音")).not_to_be_checked()
    lan.context.set_offline(False)
    lan.page.get_by_label("标题与图标显示未读数").uncheck()
    expect(lan.page.locator("#toast")).to_have_text("设置已保存。")
    expect(lan.page.locator(".settings .form-status")).to_be_hidden()
    lan.page.reload()
    expect(lan.page.get_by_label("新消息提示音")).not_to_be_checked()


def test_the_page_of_a_friend_pins_and_mutes_and_searches_the_chat(friends):
    mei, lin = friends("梅一", "林一")
    mei.go("/chat/林一/")
    lin.go("/chat/梅一/")
    mei.say("周末爬山吗")
    expect(lin.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text("周末爬山吗")
    lin.page.click(f"{MESSAGES}.theirs .avatar-link")
    expect(lin.page).to_have_url(re.compile("/contacts/"))
    lin.page.get_by_label("置顶聊天").check()
    expect(lin.page.locator("#toast")).to_have_text("已保存")
    lin.page.get_by_label("消息免打扰").check()
    expect(lin.page.locator("#contact")).to_be_visible()
    lin.page.wait_for_timeout(500)
    shoot(lin.page, "friend-phone")
    lin.page.click("a:has-text('查找聊天记录')")
    lin.page.fill("#search-words", "爬山")
    lin.page.press("#search-words", "Enter")
    expect(lin.page.locator(".search-line mark")).to_have_text("爬山")
    shoot(lin.page, "search-in-chat")
    lin.page.click(".search-line a")
    expect(lin.page.locator(f"{MESSAGES}.flash .bubble")).to_have_text("周末爬山吗")
    lin.go("/")
    row = lin.page.locator("#chats .row")
    expect(row).to_have_attribute("data-pinned", "")
    expect(row).to_have_attribute("data-muted", "")
    mei.page.click(f"{MESSAGES}.mine .avatar-link")
    expect(mei.page.locator(".card-of-mine svg")).to_be_visible()
    shoot(mei.page, "me-desktop")
    mei.go("/discover/")
    shoot(mei.page, "discover-desktop")
    lin.go("/discover/")
    shoot(lin.page, "discover-phone")
    lin.go("/connection/")
    shoot(lin.page, "connection-phone")
    lin.go("/account/sessions/")
    shoot(lin.page, "sessions-phone")
    assert mei.complaints == lin.complaints == []


def test_the_code_of_a_person_leads_to_the_form_with_the_name(people):
    people("求一", DESKTOP)
    lin = people("扫一", PHONE)
    lin.go("/contacts/requests/?username=求一")
    expect(lin.page.locator("#add-friend [name=username]")).to_have_value("求一")
    lin.page.click("#add-friend [type=submit]")
    expect(lin.page.locator("#requests-sent .row-name")).to_have_text("求一")


def test_code_scrolls_by_itself_and_is_copied_on_plain_http(friends):
    mei, lin = friends("码一", "读码一")
    mei.go("/chat/读码一/")
    lin.go("/chat/码一/")
    lin.page.evaluate("navigator.clipboard === undefined || (() => { throw 'secure' })()")
    mei.say(CODE)
    block = lin.page.locator(f"{MESSAGES}.theirs .code")
    expect(block.locator("pre")).to_contain_text("def f(x):\n    return")
    assert block.locator("pre").evaluate("e => e.scrollWidth > e.clientWidth")
    bubble = lin.page.locator(f"{MESSAGES}.theirs .bubble")
    assert bubble.bounding_box()["width"] < PHONE["viewport"]["width"]
    assert lin.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert bubble.evaluate("e => e.textContent") == CODE
    shoot(lin.page, "code-phone")
    shoot(mei.page, "code-desktop")
    lin.page.evaluate("addEventListener('copy', () => { window.taken = String(getSelection()) })")
    block.get_by_role("button", name="复制").click()
    expect(lin.page.locator("#toast")).to_have_text("已复制")
    lin.page.reload()
    expect(lin.page.locator(f"{MESSAGES}.theirs .code pre")).to_be_visible()
    lin.page.locator(f"{MESSAGES}.theirs .code-copy").click()
    lin.page.focus("#composer-text")
    lin.page.keyboard.press("Control+V")
    assert lin.page.input_value("#composer-text") == CODE.split("python\n")[1].split("\n```")[0]
    assert mei.complaints == lin.complaints == []


def test_on_a_wide_screen_a_conversation_stays_narrow(friends):
    mei, lin = friends("宽一", "读宽一")
    lin.go("/chat/宽一/")
    lin.say("一")
    mei.page.set_viewport_size({"width": 1920, "height": 1080})
    mei.go("/chat/读宽一/")
    mei.say("二 😀 ☎ ❤️ ✌")
    expect(mei.page.locator(f"{MESSAGES}.theirs")).to_have_count(1)
    for part in (MESSAGES, ".composer-row"):
        assert mei.page.locator(part).first.bounding_box()["width"] <= 900
    shoot(mei.page, "wide")


def test_times_in_the_list_read_alike_with_and_without_scripts(friends, server, chromium):
    mei, lin = friends("时一", "读时一")
    mei.go("/chat/读时一/")
    mei.say("几点了")
    expect(mei.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    listed = []
    for days in (0, 1, 3, 40, 400):
        server.manage("shell", "-c", MOVE.format(days=days))
        plain = chromium.new_context(java_script_enabled=False, locale="zh-CN")
        plain.add_cookies(mei.context.cookies())
        page = plain.new_page()
        page.goto(mei.site)
        shown = page.locator("#chats .row-time").text_content()
        plain.close()
        mei.go("/")
        expect(mei.page.locator("#chats .row-time")).to_have_text(shown)
        listed.append(shown)
    forms = [r"\d\d:\d\d", "昨天", "星期.", r"(\d{4}-)?\d\d-\d\d", r"\d{4}-\d\d-\d\d"]
    for shown, form in zip(listed, forms, strict=True):
        assert re.fullmatch(form, shown), listed


MOVE = """
from datetime import timedelta
from django.utils import timezone
from chat.models import Message
Message.objects.filter(text="几点了").update(sent_at=timezone.now() - timedelta(days={days}))
"""


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_short_messages_keep_their_time_beside_them(friends, device):
    mei, lin = friends(f"短一{device}", f"读短{device}")
    person = lin if device == "phone" else mei
    person.go(f"/chat/{(mei if device == 'phone' else lin).name}/")
    for words in ("好", "今天下午三点在图书馆门口集合，带上身份证和两支笔，不要迟到", "行"):
        person.say(words)
    expect(person.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 3)
    for time in person.page.locator(f"{MESSAGES} time").all_text_contents():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", time)
    assert person.page.locator(MESSAGES).first.bounding_box()["height"] < 56
    shoot(person.page, f"times-{device}")


# This is the last test: people who come later are shown the announcement.
def test_an_announcement_takes_no_focus_and_stands_once_on_a_page(friends, server):
    mei, lin = friends("告一", "读告一")
    mei.go("/chat/读告一/")
    mei.page.focus("#composer-text")
    mei.page.keyboard.type("正在")
    server.manage("shell", "-c", ANNOUNCE)
    expect(mei.page.locator("#pending")).to_be_visible()
    expect(mei.page.locator("#composer-text")).to_be_focused()
    mei.page.keyboard.type("打字")
    expect(mei.page.locator("#composer-text")).to_have_value("正在打字")
    link = mei.page.locator("#pending a")
    expect(link).to_have_attribute("href", "https://example.com/plan")
    shoot(mei.page, "announcement-desktop")
    lin.go("/")
    box = lin.page.locator("#pending").bounding_box()
    assert box["height"] <= lin.page.viewport_size["height"] / 3
    assert box["y"] + box["height"] <= lin.page.locator("#tabs").bounding_box()["y"]
    shoot(lin.page, "announcement-phone")
    lin.go("/announcements/")
    expect(lin.page.locator("article .announcement-text a")).to_have_text(
        "https://example.com/plan"
    )
    expect(lin.page.locator("#pending")).to_be_hidden()
    shoot(lin.page, "announcements-phone")
    lin.page.get_by_role("button", name="知道了").click()
    expect(lin.page.get_by_role("button", name="知道了")).to_be_hidden()
    lin.go("/")
    expect(lin.page.locator("#pending")).to_be_hidden()
    mei.page.locator("#pending").get_by_role("button", name="知道了").click()
    expect(mei.page.locator("#pending")).to_be_hidden()
    expect(mei.page.locator("#composer-text")).to_be_focused()
    assert mei.complaints == lin.complaints == []


ANNOUNCE = """
from accounts.models import User
from chat.models import Announcement
from chat.notices.services import announce
boss = User.objects.create_superuser("boss-of-all")
announce(by=boss, announcement=Announcement(text="周五维护，见 https://example.com/plan"))
"""
