"""Long texts in the composer: nothing is cut, and nothing too long is sent."""

from __future__ import annotations

from playwright.sync_api import expect

from .test_hand import MESSAGES

FIELD = "#composer-text"


def paste(page, words):
    page.focus(FIELD)
    page.keyboard.insert_text(words)


def test_a_text_that_is_too_long_stays_and_says_how_long_it_is(friends):
    wang, li = friends("赵甲", "钱甲")
    wang.go("/chat/钱甲/")
    counter, error = wang.page.locator("#composer-count"), wang.page.locator("#composer-error")
    paste(wang.page, "字" * 3_000)
    expect(counter).to_be_hidden()
    paste(wang.page, "字" * 2_000)
    expect(counter).to_have_text("5000/4000")
    wang.page.click("#composer .send")
    expect(error).to_have_text("消息最多 4000 个字，现在有 5000 个字。")
    expect(wang.page.locator(FIELD)).to_have_value("字" * 5_000)
    expect(wang.page.locator(MESSAGES)).to_have_count(0)
    wang.page.reload()
    expect(wang.page.locator(FIELD)).to_have_value("字" * 5_000)
    expect(counter).to_have_text("5000/4000")
    wang.page.keyboard.press("Enter")
    expect(error).to_be_visible()
    wang.page.fill(FIELD, "字" * 4_000)
    expect(error).to_be_hidden()
    expect(counter).to_have_text("4000/4000")
    wang.page.keyboard.press("Enter")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    expect(counter).to_be_hidden()
    li.go("/chat/赵甲/")
    expect(li.page.locator(f"{MESSAGES} .bubble")).to_have_text(["字" * 4_000])
    assert wang.complaints == li.complaints == []


def test_emoji_count_once_and_arrive_all(friends):
    wang, li = friends("赵乙", "钱乙")
    wang.go("/chat/钱乙/")
    words = "中" * 1_500 + "😀" * 1_500
    paste(wang.page, words)
    expect(wang.page.locator(FIELD)).to_have_value(words)
    wang.page.click("#composer .send")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    li.go("/chat/赵乙/")
    expect(li.page.locator(f"{MESSAGES} .bubble")).to_have_text([words])
