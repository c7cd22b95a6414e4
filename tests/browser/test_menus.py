"""Menus, and the entries that destroy something: nobody does by a slip what cannot be undone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend

MESSAGES = "#messages .message"
IS_MENU = "([x, y]) => document.elementFromPoint(x, y).closest('.popup-menu') !== null"
ANSWER_EVERYWHERE = """document.styleSheets[0].insertRule(
  ".question .danger { position: fixed; inset: 0; width: auto; }"
)"""
WORDS = {
    "zh-CN": {
        "delete": "删除",
        "cancel": "取消",
        "message": "删除这条消息？只在你这里删除，对方仍能看到。",
        "gone": "已删除",
        "delete chat": "删除聊天",
        "chat": "删除与“{name}”的聊天？聊天记录只在你这里删除，对方仍能看到。",
        "chat gone": "已删除与“{name}”的聊天",
    },
    "en-US": {
        "delete": "Delete",
        "cancel": "Cancel",
        "message": "Delete this message? Only you lose it; the other person keeps it.",
        "gone": "Message deleted",
        "delete chat": "Delete chat",
        "chat": "Delete the chat with “{name}”? Only you lose its messages; {name} keeps them.",
        "chat gone": "The chat with “{name}” is deleted",
    },
}


@pytest.fixture(params=WORDS)
def pair(request, people):
    """Make two friends who read one language, one at a desk and one with a phone."""

    def make(first, second):
        sign = request.param[:2]
        one = people(f"{first}_{sign}", DESKTOP, locale=request.param)
        other = people(f"{second}_{sign}", PHONE, locale=request.param)
        befriend(one, other)
        return one, other, WORDS[request.param]

    return make


def talk(speaker, listener, *said):
    speaker.go(f"/chat/{listener.name}/")
    for words in said:
        speaker.say(words)
    expect(speaker.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * len(said))
    listener.go(f"/chat/{speaker.name}/")
    expect(listener.page.locator(MESSAGES)).to_have_count(len(said))


def entry(person, words):
    return person.page.locator(".popup-menu").get_by_role("menuitem", name=words, exact=True)


def answer(person, words):
    return person.page.locator(".question").get_by_role("button", name=words, exact=True)


def press_twice(page, x, y):
    """Click twice without moving, as a hand does that has not seen what the first click opened."""
    page.mouse.move(x, y)
    for _click in range(2):
        page.mouse.down()
        page.mouse.up()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_second_click_on_the_opener_of_a_menu_does_nothing(friends, place):
    one, other = friends(f"丁{place}", f"戊{place}")
    talk(one, other, *[f"第 {number} 句" for number in range(12)])
    page = one.page
    message = getattr(page.locator(MESSAGES), place)
    message.hover()
    page.wait_for_timeout(200)  # until it has scrolled: a menu closes when its place moves
    button = message.locator(".message-more")
    x, y = middle(button)
    press_twice(page, x, y)
    menu = page.locator(".popup-menu")
    expect(menu).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert page.evaluate(
        "([x, y]) => !document.elementFromPoint(x, y).closest('.popup-menu')", [x, y]
    )
    button.dblclick()
    page.wait_for_timeout(600)
    expect(page.locator(MESSAGES)).to_have_count(12)
    expect(page.locator(".question")).to_have_count(0)
    # A slow click on the opener closes.
    if not menu.is_visible():
        button.click()
        page.wait_for_timeout(600)
    button.click()
    expect(menu).to_have_count(0)
    expect(button).not_to_have_attribute("aria-expanded", "true")


def test_no_entry_is_under_the_pointer_wherever_it_opens_a_menu(friends):
    one, other = friends("丁三", "戊三")
    talk(one, other, *[f"第 {number} 句" for number in range(30)])
    page = one.page
    for bubble in page.locator(f"{MESSAGES} .bubble").all()[-6:]:
        x, y = middle(bubble)
        page.mouse.click(x, y, button="right")
        expect(page.locator(".popup-menu")).to_be_visible()
        page.mouse.click(x, y)
        expect(page.locator(".popup-menu")).to_have_count(0)
    page.locator("#chats .row").click(button="right")
    x, y = middle(page.locator("#chats .row"))
    assert page.evaluate(
        "([x, y]) => !document.elementFromPoint(x, y).closest('.popup-menu')", [x, y]
    )
    expect(page.locator(MESSAGES)).to_have_count(30)


def test_the_deletion_of_a_message_asks_and_says_what_happened(pair):
    one, other, words = pair("己一", "庚一")
    talk(one, other, "留着", "不要了")
    for person in (one, other):
        last = person.page.locator(f"{MESSAGES} .bubble").last
        last.click(button="right")
        entry(person, words["delete"]).click()
        expect(person.page.locator(".question p")).to_have_text(words["message"])
        # The entry that was under the hand does nothing, and the key at hand does no harm.
        press_twice(person.page, *middle(answer(person, words["cancel"])))
        expect(person.page.locator(".question")).to_have_count(0)
        expect(person.page.locator(MESSAGES)).to_have_count(2)
        last.click(button="right")
        entry(person, words["delete"]).click()
        person.page.keyboard.press("Enter")
        expect(person.page.locator(".question")).to_have_count(0)
        expect(person.page.locator(MESSAGES)).to_have_count(2)
    last = one.page.locator(f"{MESSAGES} .bubble").last
    last.click(button="right")
    entry(one, words["delete"]).click()
    answer(one, words["delete"]).click()
    expect(one.page.locator(f"{MESSAGES} .bubble")).to_have_text(["留着"])
    expect(one.page.locator("#toast")).to_have_text(words["gone"])
    expect(one.page.locator("#composer-text")).to_be_focused()
    expect(other.page.locator(MESSAGES)).to_have_count(2)
    assert one.complaints == other.complaints == []


def test_an_answer_under_a_double_click_is_not_taken(friends):
    one, other = friends("己二", "庚二")
    talk(one, other, "不能丢")
    page = one.page
    page.locator(f"{MESSAGES} .bubble").click(button="right")
    # The worst case: the answer comes up where the entry was.
    page.evaluate(ANSWER_EVERYWHERE)
    press_twice(page, *middle(entry(one, "删除")))
    expect(page.locator(".question")).to_be_visible()
    page.wait_for_timeout(600)
    expect(page.locator(MESSAGES)).to_have_count(1)


def test_the_deletion_of_a_chat_asks_and_says_what_happened(pair):
    one, other, words = pair("己三", "庚三")
    talk(one, other, "一句话")
    row = one.page.locator("#chats .row")
    row.click(button="right")
    entry(one, words["delete chat"]).click()
    expect(one.page.locator(".question p")).to_have_text(words["chat"].format(name=other.name))
    one.page.keyboard.press("Escape")
    expect(one.page.locator(".question")).to_have_count(0)
    expect(row).to_have_count(1)
    row.click(button="right")
    entry(one, words["delete chat"]).click()
    answer(one, words["delete"]).click()
    expect(row).to_have_count(0)
    expect(one.page.locator("#toast")).to_have_text(words["chat gone"].format(name=other.name))
    # Its page is gone, too, and no step back leads there.
    expect(one.page.locator("#conversation")).to_have_count(0)
    assert one.page.url == f"{one.site}/"
    expect(other.page.locator(MESSAGES)).to_have_count(1)


def test_a_long_press_leaves_the_keyboard_up(friends):
    _one, other = friends("己四", "庚四")
    talk(_one, other, "按住我")
    page = other.page
    page.locator("#composer-text").tap()
    page.locator(f"{MESSAGES} .bubble").dispatch_event(
        "contextmenu", {"clientX": 100, "clientY": 300, "bubbles": True, "cancelable": True}
    )
    expect(page.locator(".popup-menu")).to_be_visible()
    expect(page.locator("#composer-text")).to_be_focused()
    entry(other, "复制").tap()
    expect(page.locator("#toast")).to_have_text("已复制")
    expect(page.locator("#composer-text")).to_be_focused()


def test_a_letter_that_was_not_sent_is_not_thrown_away_by_a_slip(friends):
    one, other = friends("己五", "庚五")
    one.go(f"/chat/{other.name}/")
    one.page.route("**/api/**", lambda route: route.abort())
    one.context.route_web_socket("**/live/**", lambda socket: socket.close())
    one.page.reload()
    one.say("写了很久")
    discard = one.page.locator(".discard")
    discard.click()
    answer(one, "取消").click()
    expect(one.page.locator(MESSAGES)).to_have_count(1)
    discard.click()
    expect(one.page.locator(".question p")).to_have_text("删除这条未发送的消息？对方没有收到。")
    answer(one, "删除").click()
    expect(one.page.locator(MESSAGES)).to_have_count(0)
    expect(one.page.locator("#composer-text")).to_be_focused()


def test_what_lies_over_a_chat_goes_when_its_reader_does(friends):
    one, other = friends("己六", "庚六")
    talk(other, one, "还在")
    page = other.page
    other.go("/")
    page.locator("#chats .row").tap()
    bubble = page.locator(f"{MESSAGES} .bubble")
    menu = page.locator(".popup-menu")
    held = []
    page.route(f"{other.site}/", lambda route: held.append(route))
    press = ("contextmenu", {"clientX": 100, "clientY": 300, "bubbles": True, "cancelable": True})

    def leave():
        """Go back while no page comes, then to the list that this page has, and in again."""
        page.evaluate("history.back()")
        expect(page).to_have_url(f"{other.site}/")
        expect(menu).to_have_count(0)
        expect(page.locator("dialog[open]")).to_have_count(0)
        held.pop().abort()
        page.locator("#chats .row").tap()
        expect(page).to_have_url(re.compile("/chat/"))
        expect(bubble).to_be_visible()

    bubble.dispatch_event(*press)
    expect(menu).to_be_visible()
    leave()
    for words in ("删除", "转发"):
        bubble.dispatch_event(*press)
        entry(other, words).tap()
        expect(page.locator(".question, #forward[open]")).to_be_visible()
        leave()
    bubble.dispatch_event(*press)
    entry(other, "多选").tap()
    page.locator("#selection [data-act=delete]").tap()
    expect(page.locator(".question")).to_be_visible()
    page.evaluate("history.back()")  # which ends the mode, with its question
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page).to_have_url(re.compile("/chat/"))
    assert held == []
    expect(page.locator("#composer")).to_be_visible()
    expect(page.locator(MESSAGES)).to_have_count(1)
