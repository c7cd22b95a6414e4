"""One box for friends and messages: by letters and by words, on a desktop and on a phone."""

from __future__ import annotations

import os
import re

from playwright.sync_api import expect

ROWS = "#chats .row:visible"
HITS = "#found-messages .search-hit"
LINES = ".detail-body .search-line"


def shoot(page, name):
    """Take a screenshot to look at, if SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def look_for(person, typed):
    person.page.fill("#chat-filter", "")
    person.page.type("#chat-filter", typed)


def test_friends_by_pinyin_and_messages_by_their_words(friends):
    zhang, li = friends("张三", "李四")
    zhang.go("/chat/李四/")
    li.go("/")
    expect(zhang.page.locator("#connection")).to_be_hidden()
    for words in ("明天下午三点开会，记得带上电脑", "好的", "Meeting 取消了", "<b>下午</b>再说"):
        zhang.say(words)
    for number in range(40):
        zhang.say(f"别的事情 {number}")
    expect(zhang.page.locator("#messages .message[data-state=sent]")).to_have_count(44)

    for person, name, letters in ((zhang, "李四", "ls"), (li, "张三", "zhangsan")):
        look_for(person, letters)
        expect(person.page.locator(f"{ROWS} .row-name")).to_have_text(name)
        expect(person.page.locator("#found-friends")).to_be_visible()
        look_for(person, "下午")
        expect(person.page.locator(ROWS)).to_have_count(0)
        expect(person.page.locator(HITS)).to_have_count(1)
        expect(person.page.locator(HITS)).to_contain_text("相关记录 2 条")
        look_for(person, "meet")
        expect(person.page.locator(f"{HITS} mark")).to_have_text("Meet")
    shoot(zhang.page, "desktop-hits")
    jump_in_the_open_chat(zhang)
    open_the_last_hit_and_come_back(li)
    recall_a_hit(zhang, li)

    look_for(li, "没有这句话")
    expect(li.page.locator("#found-none")).to_have_text("没有找到相关结果")
    shoot(li.page, "phone-none")
    assert zhang.complaints == li.complaints == []


def jump_in_the_open_chat(zhang):
    """From the hits of the chat that is open, too, a hit leads to its place."""
    look_for(zhang, "下午")
    zhang.page.click(f"{HITS} a")
    zhang.page.locator(f"{LINES} a").last.click()
    expect(zhang.page.locator("#messages .message.flash")).to_be_in_viewport()
    expect(zhang.page).to_have_url(re.compile(r"/\?at=\d+#m\d+$"))


def open_the_last_hit_and_come_back(li):
    """The row of a chat opens its hits, and a hit its place; going back leads to the results."""
    look_for(li, "下午")
    expect(li.page.locator(HITS)).to_have_count(1)
    shoot(li.page, "phone-hits")
    li.page.locator(f"{HITS} a").click()
    expect(li.page.locator(f"{LINES} mark")).to_have_text(["下午", "下午"])
    expect(li.page.locator(LINES).first).to_contain_text("<b>下午</b>再说")
    shoot(li.page, "phone-lines")
    for line in li.page.locator(LINES).all():
        time, words = line.locator("time").bounding_box(), line.locator("bdi").bounding_box()
        assert words["height"] < 24
        assert abs(time["y"] - words["y"]) < 8
    li.page.locator(f"{LINES} a").last.click()
    expect(li.page.locator("#messages .message.flash .bubble")).to_have_text(
        "明天下午三点开会，记得带上电脑"
    )
    expect(li.page.locator("#messages .message.flash")).to_be_in_viewport()
    li.page.click("#conversation .back")
    expect(li.page.locator(LINES)).to_have_count(2)
    li.page.click("#detail .back")
    expect(li.page.locator(HITS)).to_be_visible()


def recall_a_hit(zhang, li):
    """A hit that is recalled while it is shown disappears."""
    zhang.go("/chat/李四/")
    zhang.say("下午见")
    bubble = zhang.page.locator("#messages .mine .bubble").last
    expect(bubble).to_have_text("下午见")
    look_for(li, "下午")
    expect(li.page.locator(HITS)).to_contain_text("相关记录 3 条")
    bubble.click(button="right")
    zhang.page.click(".popup-menu [role=menuitem]:has-text('撤回')")
    expect(li.page.locator(HITS)).to_contain_text("相关记录 2 条")


def test_the_search_by_the_keyboard_alone(friends):
    zhang, li = friends("张小五", "李小五")
    # Its row has just come, and is found by pinyin before the server has answered.
    expect(zhang.page.locator(ROWS)).to_have_count(1)
    zhang.page.route("**/api/search/**", lambda _route: None)
    look_for(zhang, "lxw")
    expect(zhang.page.locator(ROWS)).to_have_count(1)
    expect(zhang.page.locator(f"{ROWS} .row-name")).to_have_text("李小五")
    zhang.page.unroute("**/api/search/**")
    zhang.go("/chat/李小五/")
    zhang.say("键盘真好")
    expect(zhang.page.locator("#messages .message[data-state=sent]")).to_have_count(1)
    zhang.page.focus("#chat-filter")
    zhang.page.keyboard.type("键盘")
    expect(zhang.page.locator(HITS)).to_have_count(1)
    zhang.page.keyboard.press("ArrowDown")
    expect(zhang.page.locator(f"{HITS} a").last).to_be_focused()
    zhang.page.keyboard.press("ArrowUp")
    expect(zhang.page.locator("#chat-filter")).to_be_focused()
    zhang.page.keyboard.press("Enter")
    expect(zhang.page.locator("#messages .message.flash .bubble")).to_have_text("键盘真好")
    # What was found is there, so the list is whole again.
    expect(zhang.page.locator("#chat-filter")).to_have_value("")
    expect(zhang.page.locator(HITS)).to_have_count(0)
    expect(zhang.page.locator(ROWS)).to_have_count(1)
    look_for(zhang, "没有这句话")
    expect(zhang.page.locator(ROWS)).to_have_count(0)
    zhang.page.click("#tabs [data-tab=chats]")
    expect(zhang.page.locator(ROWS)).to_have_count(1)
    look_for(zhang, "键盘")
    expect(zhang.page.locator(HITS)).to_have_count(1)
    zhang.page.keyboard.press("Escape")
    expect(zhang.page.locator("#chat-filter")).to_have_value("")
    expect(zhang.page.locator(HITS)).to_have_count(0)
    expect(zhang.page.locator(ROWS)).to_have_count(1)

    # A hidden chat has no row, but its friend is found all the same.
    zhang.page.locator(ROWS).click(button="right")
    zhang.page.click(".popup-menu :text('删除聊天')")
    zhang.page.click(".question .danger")
    expect(zhang.page.locator(ROWS)).to_have_count(0)
    look_for(zhang, "lxw")
    expect(zhang.page.locator("#found-others .row-name")).to_have_text("李小五")
    expect(zhang.page.locator(HITS)).to_have_count(0)
    assert zhang.complaints == []


def test_the_search_without_scripts(friends, chromium):
    zhang, li = friends("张小六", "李小六")
    zhang.go("/chat/李小六/")
    zhang.say("没有脚本也能找到")
    expect(zhang.page.locator("#messages .message[data-state=sent]")).to_have_count(1)
    plain = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    plain.add_cookies(zhang.context.cookies())
    page = plain.new_page()
    page.goto(zhang.site)
    page.fill("#chat-filter", "脚本")
    page.press("#chat-filter", "Enter")
    expect(page.locator(".search-section mark")).to_have_text("脚本")
    shoot(page, "plain")
    page.click(".search-section a")
    expect(page.locator("#messages .bubble")).to_have_text("没有脚本也能找到")
    plain.close()
