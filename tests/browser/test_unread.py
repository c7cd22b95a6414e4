"""What is unread: its number in the title, the line above it, and the ways to it."""

from __future__ import annotations

from playwright.sync_api import expect

from .test_hand import FILL, MESSAGES


def test_the_title_holds_the_count_once_and_loses_it_when_all_is_read_elsewhere(friends):
    wang, li = friends("王甲", "李甲")
    wang.go("/chat/李甲/")
    for number in range(3):
        wang.say(f"第{number}条")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 3)
    li.go("/contacts/")
    expect(li.page).to_have_title("(3) 通讯录")
    li.go("/")
    expect(li.page).to_have_title("(3) 聊天")
    elsewhere = li.open_tab()
    elsewhere.goto(f"{li.site}/chat/王甲/")
    expect(li.page).to_have_title("聊天")
    assert wang.complaints == li.complaints == []
