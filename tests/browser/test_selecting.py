"""Several messages are ticked, to be forwarded, copied or deleted together."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend
from .test_access import grave_faults
from .test_forward import MESSAGES, bubbles, choose, friend, open_menu, send, talk, toast
from .test_hand import FILL
from .test_older import OLDER

# What is copied; the browser itself gives its clipboard to nobody here.
HEAR = """document.execCommand = () => {
  window.copied = document.activeElement.value;
  return true;
}"""
TICK_99 = """{
  const ticks = [...document.querySelectorAll(".tick:not(:checked)")];
  for (const tick of ticks.slice(0, 99)) tick.click();
}"""
NO_DIALOGS = """for (const name of ["open", "close"]) {
  delete HTMLDialogElement.prototype[name];
}"""
SMALL = """within => [...document.querySelectorAll(within)].filter((each) => {
  const box = each.getBoundingClientRect();
  return each.checkVisibility() && (box.width < 44 || box.height < 44);
}).map((each) => each.outerHTML.slice(0, 80))"""


def select(person, *texts):
    """Tick messages, the first by its menu, the others anywhere in their rows."""
    open_menu(person, texts[0])
    choose(person, "多选")
    for words in texts[1:]:
        person.page.wait_for_timeout(50)
        row_of(person, words).click(position={"x": 60, "y": 8})


def row_of(person, words):
    return person.page.locator(MESSAGES).filter(
        has=person.page.locator(".bubble").get_by_text(words, exact=True)
    )


def act(person, name):
    return person.page.locator("#selection").get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_dialog_and_the_bar_are_for_everyone(people, locale, scheme):
    words = {"zh-CN": ("转发", "多选"), "en-US": ("Forward", "Select")}[locale]
    names = [f"{name}{'明' if scheme == 'light' else '暗'}{len(words[0])}" for name in ("众", "友")]
    device = PHONE if (scheme == "dark") == (locale == "zh-CN") else DESKTOP
    one = people(names[0], device, locale=locale, color_scheme=scheme)
    other = people(names[1], DESKTOP)
    befriend(one, other)
    talk(one, other, "你好", "再见")
    open_menu(one, "再见")
    choose(one, words[0])
    friend(one, other.name).click()
    faults = grave_faults(one.page)
    assert one.page.evaluate(SMALL, "#forward .row-link, #forward button") == []
    shown = one.page.locator("#forward").inner_text()
    one.page.click("#forward-cancel")
    open_menu(one, "再见")
    choose(one, words[1])
    faults += grave_faults(one.page)
    assert one.page.evaluate(SMALL, "#selection button") == []
    shown += one.page.locator("#selection").inner_text()
    assert faults == []
    assert bool(re.search("[A-Za-z]", shown)) == (locale == "en-US")
    assert bool(re.search("[转发选取消]", shown)) == (locale == "zh-CN")
    assert one.complaints == []


def test_both_work_in_a_browser_of_2021(people):
    one, bob, carol = (people(name, DESKTOP) for name in ("旧甲", "旧乙", "旧丙"))
    for other in (bob, carol):
        befriend(one, other)
    one.context.add_init_script(OLDER + NO_DIALOGS)
    talk(one, bob, "一", "二")
    carol.go(f"/chat/{one.name}/")
    select(one, "二", "一")
    act(one, "转发").click()
    friend(one, carol.name).click()
    send(one).click()
    expect(toast(one)).to_have_text("已转发")
    expect(bubbles(carol)).to_have_text(["一", "二"])
    expect(one.page.locator("#forward")).to_be_hidden()
    expect(one.page.locator("#selection")).to_be_hidden()
    expect(one.page.locator("#composer-text")).to_be_focused()
    assert one.complaints == []


def test_the_keyboard_alone_ticks_and_leaves(people):
    one, bob = people("键甲", DESKTOP), people("键乙", DESKTOP)
    befriend(one, bob)
    talk(one, bob, "一", "二")
    keys = one.page.keyboard
    keys.press("Shift+Tab")
    keys.press("ArrowUp")
    keys.press("Enter")
    keys.press("ArrowDown")
    while one.page.locator(":focus").text_content() != "多选":
        keys.press("ArrowDown")
    keys.press("Enter")
    ticks = one.page.locator(f"{MESSAGES} .tick")
    expect(ticks.first).to_be_checked()
    expect(ticks.first).to_be_focused()
    keys.press("ArrowRight")
    keys.press("ArrowDown")
    expect(ticks.last).to_be_focused()
    keys.press("Space")
    expect(ticks.last).to_be_checked()
    keys.press("Enter")
    expect(ticks.last).not_to_be_checked()
    keys.press("Enter")
    expect(one.page.locator("#selection-count")).to_have_text("已选 2 条")
    keys.type("x")  # there is no field for it
    keys.press("Tab")
    expect(act(one, "转发")).to_be_focused()
    keys.press("Escape")
    expect(one.page.locator("#selection")).to_be_hidden()
    expect(one.page.locator("#composer-text")).to_be_focused()
    expect(one.page.locator("#composer-text")).to_have_value("")
    expect(ticks).to_have_count(0)
    keys.press("Shift+Tab")
    expect(one.page.locator(":focus")).to_have_class("message-more")
    assert one.complaints == []


def test_forwarded_without_a_network_it_goes_once_the_network_is_back(people):
    one, bob, carol = (people(name, DESKTOP) for name in ("转戊", "转己", "转庚"))
    for other in (bob, carol):
        befriend(one, other)
    talk(one, bob, "一", "二", "三")
    carol.go(f"/chat/{one.name}/")
    select(one, "一", "三", "二")
    one.context.set_offline(True)
    act(one, "转发").click()
    friend(one, carol.name).click()
    one.page.wait_for_timeout(50)
    friend(one, bob.name).click()
    send(one).click()
    expect(toast(one)).to_have_text("网络不可用，恢复后会自动发送。")
    expect(one.page.locator(f"{MESSAGES}[data-state=failed]")).to_have_count(3)
    expect(bubbles(carol)).to_have_count(0)
    one.context.set_offline(False)
    expect(bubbles(carol)).to_have_text(["一", "二", "三"], timeout=20_000)
    expect(bubbles(one)).to_have_text(["一", "二", "三"] * 2)
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 6)
    expect(toast(one)).to_have_text("已转发")


def test_several_are_ticked_copied_and_deleted_with_a_finger(people):
    one, bob = people("选甲", DESKTOP), people("选乙", PHONE)
    befriend(one, bob)
    talk(one, bob, "一 https://example.com/", "二", "三", "四")
    page = bob.page
    bob.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bob.go("/")
    page.tap("#chats .row a")
    page.fill("#composer-text", "草稿")
    select(bob, "二")
    expect(page.locator("#composer")).to_be_hidden()
    expect(row_of(bob, "二").locator(".tick")).to_be_checked()
    # Links and avatars do nothing but tick.
    row_of(bob, "一 https://example.com/").locator("a >> nth=1").dispatch_event("click")
    expect(page.locator("#selection-count")).to_have_text("已选 2 条")
    page.wait_for_timeout(600)
    row_of(bob, "四").tap(position={"x": 340, "y": 10})
    expect(page.locator("#selection-count")).to_have_text("已选 3 条")
    expect(page.locator(".popup-menu")).to_have_count(0)
    open_menu(bob, "三")
    expect(page.locator(".popup-menu")).to_have_count(0)
    assert page.evaluate(SMALL, "#selection button") == []
    assert grave_faults(page) == []
    assert re.search("[A-Za-z]", page.locator("#selection").inner_text()) is None

    act(bob, "复制").tap()
    expect(toast(bob)).to_have_text("已复制")
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.locator("#composer-text")).to_have_value("草稿")

    # The first step back leads out of the mode.
    for back in (lambda: page.tap("#conversation .back"), page.go_back):
        page.wait_for_timeout(600)
        select(bob, "二")
        expect(page.locator("#composer")).to_be_hidden()
        back()
        expect(page.locator("#composer")).to_be_visible()
        expect(page).to_have_url(f"{bob.site}/chat/{quote(one.name)}/")

    page.wait_for_timeout(600)
    select(bob, "二", "三")
    act(bob, "删除").tap()
    question = page.locator(".question")
    expect(question).to_contain_text("删除这 2 条消息？")
    question.get_by_role("button", name="取消").tap()
    expect(page.locator("#selection-count")).to_have_text("已选 2 条")
    expect(bubbles(bob)).to_have_count(4)
    page.wait_for_timeout(600)
    act(bob, "删除").tap()
    page.wait_for_timeout(600)
    question.get_by_role("button", name="删除").tap()
    expect(toast(bob)).to_have_text("已删除 2 条消息")
    expect(bubbles(bob)).to_have_text(["一 https://example.com/", "四"])
    expect(page.locator("#selection")).to_be_hidden()
    expect(bubbles(one)).to_have_count(4)
    page.reload()
    expect(bubbles(bob)).to_have_text(["一 https://example.com/", "四"])
    assert one.complaints == bob.complaints == []


def test_what_several_copied_messages_look_like(people):
    one, bob = people("选丙", DESKTOP, permissions=[]), people("选丁", DESKTOP)
    befriend(one, bob)
    talk(one, bob, "一", "二")
    page = one.page
    select(one, "二", "一")
    page.evaluate(HEAR)
    act(one, "复制").click()
    expect(toast(one)).to_have_text("已复制")
    copied = page.evaluate("window.copied")
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"选丙 {time}\n一\n\n选丙 {time}\n二", copied)
    expect(page.locator("#composer-text")).to_be_focused()


def test_what_happens_meanwhile_keeps_the_selection_right(people, server):
    one, bob = people("选戊", DESKTOP), people("选己", DESKTOP)
    befriend(one, bob)
    talk(one, bob, "留着", "要撤回")
    bob.go(f"/chat/{one.name}/")
    bob.say("我的")
    select(bob, "要撤回", "留着", "我的")
    count = bob.page.locator("#selection-count")
    expect(count).to_have_text("已选 3 条")
    before = row_of(bob, "留着").bounding_box()
    one.say("新来的")
    expect(row_of(bob, "新来的").locator(".tick")).to_have_count(1)
    assert row_of(bob, "留着").bounding_box() == before
    open_menu(one, "要撤回")
    choose(one, "撤回")
    expect(count).to_have_text("已选 2 条")
    # Recalled, it can still be deleted, but goes to nobody.
    gone = bob.page.locator(f"{MESSAGES}[data-state=recalled]")
    expect(gone.locator(".tick")).not_to_be_checked()
    gone.click()
    expect(count).to_have_text("已选 3 条")
    act(bob, "转发").click()
    expect(bob.page.locator("#forward-words")).to_contain_text("（另有 1 条不能转发）")
    bob.page.keyboard.press("Escape")
    expect(bob.page.locator("#forward")).to_be_hidden()
    # Deleted in another tab.
    other = bob.open_tab()
    other.goto(f"{bob.site}/chat/{one.name}/")
    other.locator(f"{MESSAGES} .bubble").first.click(button="right")
    other.get_by_role("menuitem", name="删除", exact=True).click()
    other.wait_for_timeout(600)
    other.locator(".question").get_by_role("button", name="删除").click()
    expect(count).to_have_text("已选 2 条")
    # Another chat ends the mode.
    bob.page.keyboard.press("Escape")
    expect(bob.page.locator("#selection")).to_be_hidden()
    select(bob, "我的")
    bob.page.locator("#tabs [data-tab=contacts]").click()
    expect(bob.page.locator("#selection")).to_have_count(0)
    bob.page.go_back()
    expect(bob.page.locator("#composer")).to_be_visible()
    expect(bob.page.locator(".tick")).to_have_count(0)
    assert one.complaints == bob.complaints == []


def test_older_messages_can_be_ticked_and_a_hundred_is_the_most(people, server):
    one, bob = people("选庚", DESKTOP), people("选辛", DESKTOP)
    befriend(one, bob)
    server.manage("shell", "-c", FILL.format(sender=one.name, to=bob.name, count=200))
    bob.go(f"/chat/{one.name}/")
    select(bob, "第199条")
    ticks = bob.page.locator(f"{MESSAGES} .tick")
    for held in (50, 100):
        bob.page.locator("#thread").evaluate("thread => { thread.scrollTop = 0; }")
        expect(ticks.nth(held)).to_be_attached()
    bob.page.evaluate(TICK_99)
    expect(bob.page.locator("#selection-count")).to_have_text("已选 100 条")
    bob.page.locator(f"{MESSAGES} .tick:not(:checked)").first.click()
    expect(toast(bob)).to_have_text("一次最多选择 100 条消息。")
    expect(bob.page.locator("#selection-count")).to_have_text("已选 100 条")
    act(bob, "转发").click()
    expect(toast(bob)).to_have_text("一次最多转发 20 条消息。")
    act(bob, "删除").click()
    bob.page.wait_for_timeout(600)
    bob.page.locator(".question").get_by_role("button", name="删除").click()
    expect(toast(bob)).to_have_text("已删除 100 条消息")
    bob.page.wait_for_timeout(500)
    assert bob.complaints == []
