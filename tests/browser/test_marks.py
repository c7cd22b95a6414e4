"""The marks in the list and on the rail, and a page on which nothing moves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend

MESSAGES = "#messages .message"
COLOUR = "element => getComputedStyle(element).backgroundColor"
SHOW = "(badge, words) => { badge.textContent = words; badge.hidden = false; }"


def overlap(one, other):
    """px² that two boxes have in common."""
    width = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return max(0, width) * max(0, height)


def test_an_open_chat_is_marked_also_when_it_is_pinned_and_a_muted_one_has_a_bell(friends):
    one, other = friends("日三", "月三")
    one.go("/")
    row = one.page.locator("#chats .row")
    for item in ("置顶", "消息免打扰"):
        row.click(button="right")
        one.page.click(f".popup-menu :text('{item}')")
    expect(row).to_have_attribute("data-muted", "")
    one.page.mouse.move(900, 400)
    link = row.locator("a")
    pinned = link.evaluate(COLOUR)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")
    one.page.mouse.move(900, 400)
    assert link.evaluate(COLOUR) != pinned
    for _reload in range(2):
        expect(row.locator(".row-muted")).to_be_visible()
        assert "消息免打扰" in row.locator(".row-muted").text_content()
        one.page.reload()
    row.click(button="right")
    one.page.click(".popup-menu :text('取消免打扰')")
    expect(row.locator(".row-muted")).to_be_hidden()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_badges_cover_no_icon(people, device):
    one = people(f"日四{device['viewport']['width']}", device)
    one.go("/")
    for tab in one.page.locator("#tabs .tab[data-tab]").all():
        badge = tab.locator(".badge")
        if badge.count() == 0:
            continue
        for words in ("1", "99+"):
            badge.evaluate(SHOW, words)
            assert overlap(badge.bounding_box(), tab.locator(".icon").bounding_box()) == 0
            assert overlap(badge.bounding_box(), tab.locator(".tab-name").bounding_box()) == 0
            box, rail = badge.bounding_box(), one.page.locator("#tabs").bounding_box()
            assert box["x"] + box["width"] <= rail["x"] + rail["width"]


def test_the_rail_marks_discover_on_its_pages(people):
    one = people("日五", DESKTOP)
    one.go("/discover/")
    for path in ("/announcements/", "/export/", "/connection/", "/settings/"):
        one.page.click(f"#list .menu a[href='{path}']")
        expect(one.page.locator("#detail .pane-title")).to_be_visible()
        expect(one.page.locator("#tabs [aria-current]")).to_have_attribute("data-tab", "discover")
        one.go(path)
        expect(one.page.locator("#tabs [aria-current]")).to_have_attribute("data-tab", "discover")


def test_the_note_of_typing_moves_nothing(friends):
    one, other = friends("日六", "月六")
    one.go(f"/chat/{other.name}/")
    other.go(f"/chat/{one.name}/")
    for person in (one, other):
        page = person.page
        places = [page.locator(each) for each in (".conversation-name", "#thread", ".pane-header")]
        before = [place.last.bounding_box() for place in places]
        note = page.locator(".conversation-typing")
        note.evaluate("note => { note.hidden = false; }")
        expect(note).to_be_visible()
        assert [place.last.bounding_box() for place in places] == before
        box, header = note.bounding_box(), page.locator(".conversation-header").bounding_box()
        name = page.locator(".conversation-name").bounding_box()
        assert overlap(box, name) == 0
        assert box["y"] + box["height"] <= header["y"] + header["height"]


def test_a_notice_pushes_nothing_down_and_leaves(people):
    one, other = (people(f"{name}七", PHONE) for name in "日月")
    befriend(one, other)
    one.go(f"/chat/{other.name}/report/")
    one.page.fill("[name=reason]", "…")
    one.page.click("#detail .button.danger")
    notice = one.page.locator("#detail .notice")
    expect(notice).to_be_visible()
    box, header = notice.bounding_box(), one.page.locator("#detail .pane-header").bounding_box()
    assert box["y"] + box["height"] <= header["y"] + header["height"]
    for button in one.page.locator("#detail .pane-header .icon-button").all():
        assert overlap(box, button.bounding_box()) == 0
    body = one.page.locator("#detail .detail-body, #detail .thread-area")
    place = body.bounding_box()
    expect(notice).to_have_count(0, timeout=15_000)
    assert body.bounding_box() == place
    assert one.complaints == []
