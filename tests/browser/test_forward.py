"""A message is forwarded to one or several friends."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend

MESSAGES = "#messages .message"
BLOCK = """
from accounts.models import User
from friends.services import block
block(owner=User.objects.get(username="{by}"), target=User.objects.get(username="{of}"))
"""


def talk(speaker, listener, *said):
    speaker.go(f"/chat/{listener.name}/")
    for words in said:
        speaker.say(words)
    expect(speaker.page.locator(f"{MESSAGES}.mine .state").last).to_have_text("✓")


@pytest.fixture
def three(people):
    """Make somebody at a desk, and two friends of theirs: one with a phone, one at a desk."""

    def make(first, second, third, **options):
        one = people(first, DESKTOP, **options)
        others = [people(second, PHONE, **options), people(third, DESKTOP, **options)]
        for other in others:
            befriend(one, other)
        return one, *others

    return make


def open_menu(person, words):
    bubble = person.page.locator(f"{MESSAGES} .bubble").get_by_text(words, exact=True).last
    box = bubble.bounding_box()
    point = {"clientX": box["x"] + 9, "clientY": box["y"] + 9, "bubbles": True, "cancelable": True}
    bubble.dispatch_event("contextmenu", point)


def choose(person, entry):
    person.page.get_by_role("menuitem", name=entry, exact=True).click()


def friend(person, name):
    return person.page.locator(f"#forward .row[data-username='{name}']")


def send(person):
    return person.page.locator("#forward [type=submit]")


def bubbles(person):
    return person.page.locator(f"{MESSAGES} .bubble")


def toast(person):
    return person.page.locator("#toast")


def test_a_message_goes_to_several_friends_and_one_types_on(three):
    one, bob, carol = three("转甲", "转乙", "转丙")
    talk(one, bob, "大家看 https://example.com/")
    carol.go(f"/chat/{one.name}/")
    one.page.keyboard.type("没写完")
    open_menu(one, "大家看 https://example.com/")
    choose(one, "转发")
    expect(one.page.locator("#forward")).to_be_visible()
    expect(one.page.locator("#forward-words")).to_have_text("大家看 https://example.com/")
    expect(one.page.locator("#forward-recent .row-name")).to_have_text([bob.name])
    expect(one.page.locator("#forward-others .row-name")).to_have_text([carol.name])
    expect(send(one)).to_be_disabled()
    friend(one, carol.name).click()
    one.page.wait_for_timeout(50)
    friend(one, bob.name).click()
    expect(one.page.locator("#forward-status")).to_have_text(f"发给：{carol.name}、{bob.name}")
    send(one).click()
    expect(toast(one)).to_have_text("已转发")
    # At once in the open chat, where one types on.
    expect(bubbles(one)).to_have_text(["大家看 https://example.com/"] * 2)
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 2)
    expect(bubbles(carol)).to_have_text(["大家看 https://example.com/"])
    expect(one.page.locator("#composer-text")).to_be_focused()
    expect(one.page.locator("#composer-text")).to_have_value("没写完")
    bob.go(f"/chat/{one.name}/")
    expect(bubbles(bob)).to_have_count(2)
    # To think better of it sends nothing.
    open_menu(one, "大家看 https://example.com/")
    choose(one, "转发")
    friend(one, carol.name).click()
    one.page.keyboard.press("Escape")
    expect(one.page.locator("#forward")).to_be_hidden()
    expect(one.page.locator("#composer-text")).to_be_focused()
    expect(bubbles(carol)).to_have_count(1)
    assert one.complaints == bob.complaints == carol.complaints == []


def test_the_keyboard_alone_finds_friends_by_pinyin_and_forwards(three):
    one, bob, carol = three("转丁", "王小明", "李雷雷")
    talk(one, bob, "一", "二")
    carol.go(f"/chat/{one.name}/")
    keys = one.page.keyboard
    keys.press("Shift+Tab")
    keys.press("ArrowUp")
    keys.press("Enter")
    entries = one.page.get_by_role("menuitem")
    keys.press("ArrowDown")
    expect(entries.nth(1)).to_be_focused()
    expect(entries.nth(1)).to_have_text("转发")
    keys.press("Enter")
    filter_ = one.page.locator("#forward-filter")
    expect(filter_).to_be_focused()
    keys.type("lll")
    expect(one.page.locator("#forward .row:visible")).to_have_count(1)
    keys.press("Enter")
    expect(friend(one, carol.name).locator("input")).to_be_checked()
    keys.type("没有这个人")
    expect(one.page.locator("#forward-none")).to_be_visible()
    keys.press("Escape")  # takes the search back, and only that
    expect(filter_).to_have_value("")
    expect(one.page.locator("#forward .row:visible")).to_have_count(2)
    keys.press("ArrowDown")
    expect(friend(one, bob.name).locator("input")).to_be_focused()
    keys.press("ArrowDown")
    expect(friend(one, carol.name).locator("input")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    expect(send(one)).to_be_focused()
    keys.press("Enter")
    expect(toast(one)).to_have_text("已转发")
    expect(bubbles(carol)).to_have_text(["一"])
    expect(one.page.locator("#composer-text")).to_be_focused()
    assert one.complaints == []


def test_friends_who_cannot_be_reached_are_named(three, server):
    one, bob, carol = three("转辛", "转壬", "转癸")
    talk(one, bob, "给大家")
    open_menu(one, "给大家")
    choose(one, "转发")
    friend(one, carol.name).click()
    one.page.wait_for_timeout(50)
    friend(one, bob.name).click()
    server.manage("shell", "-c", BLOCK.format(by=carol.name, of=one.name))
    send(one).click()
    expect(toast(one)).to_have_text(f"有 1 位好友没有收到：{carol.name}")
    expect(bubbles(one)).to_have_text(["给大家"] * 2)
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 2)
    one.go(f"/chat/{carol.name}/")
    expect(one.page.locator(f"{MESSAGES}[data-state=failed]")).to_have_count(1)
