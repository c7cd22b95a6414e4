"""The queue of reports as a moderator works through it, on a computer and on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import PHONE
from .test_moderation import (  # noqa: F401 (fixtures)
    BUBBLES,
    moderator,
    open_report,
    press,
    report,
    scene,
)

ROWS = "#result_list tbody tr"


def show(alice, bob, *texts):
    """Let bob say some words, of which alice reports each."""
    for number, text in enumerate(texts, 1):
        bob.say(text)
        expect(alice.page.locator(BUBBLES)).to_have_count(number)
    for text in texts:
        report(alice, bob, text[:10], f"理由 {text}")


def test_a_moderator_goes_from_one_report_to_the_next(scene):  # noqa: F811
    alice, bob, boss = scene("uma", "veit", "boss9")
    show(alice, bob, "你真笨", "滚开")
    boss.go("/admin/chat/report/")
    rows = boss.page.locator(ROWS)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("“你真笨”")
    expect(rows.first).to_contain_text("理由 你真笨")

    open_report(boss)
    press(boss, "驳回")
    boss.page.get_by_role("link", name="下一条举报").first.click()
    expect(boss.page.locator(".report-reason")).to_have_text("理由 滚开")
    press(boss, "禁言", "1 小时")
    expect(boss.page.locator("#content-main")).to_contain_text("没有其他待处理的举报")
    # Muted for an hour, so for longer only, or not at all.
    expect(boss.page.get_by_text("解除禁言", exact=True).first).to_be_visible()
    expect(boss.page.get_by_text("延长禁言", exact=True)).to_be_visible()
    boss.page.reload()
    boss.go("/admin/chat/auditentry/")
    acts = boss.page.locator(f"{ROWS} .field-act")
    expect(acts).to_have_text(["已禁言", "查看举报", "驳回举报", "查看举报", "查看举报列表"])


def test_the_queue_is_worked_through_on_a_phone(scene):  # noqa: F811
    alice, bob, boss = scene("wim", "xaver", "boss10")
    show(alice, bob, "很长的一句话" * 20)
    boss.page.set_viewport_size(PHONE["viewport"])
    open_report(boss)
    expect(boss.page.locator(".line.is-reported")).to_be_visible()
    width = boss.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]
    press(boss, "警告")
    expect(boss.page.locator("#content-main")).to_contain_text("没有其他待处理的举报")
