"""A phone in the hand: back, the swipe from the edge, the keyboard on the screen."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from .conftest import PHONE, befriend

MESSAGES = "#messages .message"
# A keyboard of 300 px over the page, as iOS has it: only the visual viewport tells of it.
OVERLAID = """
const viewport = Object.assign(new EventTarget(), { height: innerHeight, scale: 1, offsetTop: 0 });
Object.defineProperty(globalThis, "visualViewport", { value: viewport });
globalThis.raise = (height) => {
  viewport.height = innerHeight - height;
  viewport.dispatchEvent(new Event("resize"));
};
"""


@pytest.fixture
def phones(people):
    """Make two friends with phones; the first has the other's chat in the list."""

    def make(first, second):
        one, other = people(first, PHONE), people(second, PHONE)
        befriend(one, other)
        one.go("/")
        one.page.evaluate("window.stillHere = true")
        return one, other

    return make


def open_chat(person, name):
    person.page.tap(f"#chats .row[data-username='{name}'] a")
    expect(person.page.locator("#conversation")).to_have_attribute("data-with", name)


def expect_list(person):
    expect(person.page.locator("#conversation")).to_have_count(0)
    expect(person.page.locator("#list")).to_have_attribute("data-view", "chats")
    expect(person.page.locator("#list")).to_be_visible()
    expect(person.page).to_have_url(f"{person.site}/")


def swipe(page, start, end):
    """Draw one finger over the screen."""
    session = page.context.new_cdp_session(page)
    (x0, y0), (x1, y1) = start, end

    def touch(kind, *points):
        places = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (x0, y0))
    for step in range(1, 6):
        touch("touchMove", (x0 + (x1 - x0) * step / 5, y0 + (y1 - y0) * step / 5))
    touch("touchEnd")
    session.detach()


def test_back_from_a_chat_never_leads_into_it_again(phones):
    one, other = phones("手一", "机一")
    for _twice in range(2):
        open_chat(one, other.name)
        one.page.tap("#detail .back")
        expect_list(one)
    # The last tap wins, while the page of an earlier one is on its way.
    held = []
    one.page.route("**/contacts/", lambda route: held.append(route))
    one.page.tap("#tabs [data-tab=contacts]")
    one.page.wait_for_function("document.querySelector('#detail[aria-busy]')")
    one.page.tap("#tabs [data-tab=chats]")
    held.pop().continue_()
    one.page.unroute("**/contacts/")
    one.page.wait_for_timeout(200)
    expect_list(one)
    one.page.tap("#tabs [data-tab=contacts]")
    expect(one.page.locator("#friends .row")).to_have_count(1)
    one.page.go_back()
    expect_list(one)
    one.page.go_back()
    one.page.wait_for_timeout(300)
    expect(one.page.locator("#conversation")).to_have_count(0)
    # By the system's own back, and in again.
    one.go("/")
    open_chat(one, other.name)
    one.page.go_back()
    expect_list(one)


def test_back_from_a_chat_that_was_opened_directly_leads_to_the_list(phones):
    one, other = phones("手二", "机二")
    one.go("/contacts/")
    one.go(f"/chat/{other.name}/")
    one.page.tap("#detail .back")
    expect_list(one)
    one.page.go_back()
    expect(one.page.locator("#friends .row")).to_have_count(1)
    expect(one.page.locator("#conversation")).to_have_count(0)


def test_back_leads_through_a_friends_page_to_the_chat_and_then_out(phones):
    one, other = phones("手三", "机三")
    open_chat(one, other.name)
    one.say("一杯茶")
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text("✓")
    one.page.tap(".conversation-header a[href*='/contacts/']")
    expect(one.page.locator("#contact")).to_be_visible()
    # Through the search of its history, and all the way back.
    one.page.tap("#contact a[href*='/search/']")
    one.page.fill("#search-words", "茶")
    one.page.press("#search-words", "Enter")
    one.page.tap(".search-line a")
    expect(one.page.locator(".message.flash .bubble")).to_have_text("一杯茶")
    for place in ("#search-words", "#contact", "#conversation"):
        one.page.tap("#detail .back")
        expect(one.page.locator(place)).to_be_visible()
    one.page.tap(".conversation-header a[href*='/contacts/']")
    # To the chat by its button is the same step back.
    one.page.tap("#detail .button.wide")
    expect(one.page.locator("#conversation")).to_be_visible()
    one.page.tap("#detail .back")
    expect_list(one)
    assert one.page.evaluate("window.stillHere") is True
    one.page.go_back()
    one.page.wait_for_timeout(300)
    expect(one.page.locator("#conversation")).to_have_count(0)


def test_jumps_within_a_chat_are_no_steps(phones):
    one, other = phones("手四", "机四")
    open_chat(one, other.name)
    one.say("一")
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text("✓")
    one.page.locator(f"{MESSAGES} .bubble").dispatch_event("contextmenu")
    one.page.tap(".popup-menu :text('引用')")
    one.say("二")
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓", "✓"])
    # As if the quoted message were not loaded.
    one.page.locator(f"{MESSAGES} .quote:not([hidden])").evaluate(
        "quote => { quote.dataset.quote = '0'; }"
    )
    one.page.locator(f"{MESSAGES} .quote:not([hidden])").tap()
    expect(one.page).to_have_url(f"{one.site}/chat/{quote(other.name)}/?at=0")
    one.page.go_back()
    expect_list(one)


def test_a_form_that_has_done_its_work_is_no_page_to_come_back_to(phones):
    one, other = phones("手五", "机五")
    one.page.tap("#tabs [data-tab=contacts]")
    one.page.tap("#friends .row a")
    one.page.tap("#contact summary.danger")
    one.page.tap("#contact details[open] .button.danger")
    expect(one.page.locator("#friends .row")).to_have_count(0)
    expect(one.page).to_have_url(f"{one.site}/contacts/")
    one.page.go_back()
    expect_list(one)
    assert one.complaints == other.complaints == []


def test_a_swipe_from_the_left_edge_goes_back(phones):
    one, other = phones("手六", "机六")
    open_chat(one, other.name)
    page = one.page
    # All shorter than the quarter of the screen at which Chromium on a desktop goes back by itself.
    for start, end in (
        ((5, 400), (50, 400)),  # too short
        ((120, 400), (210, 400)),  # from the middle
        ((5, 300), (90, 420)),  # down
        ((300, 400), (215, 400)),  # to the left
    ):
        swipe(page, start, end)
        page.wait_for_timeout(150)
        expect(page.locator("#conversation")).to_be_visible()
    swipe(page, (5, 400), (95, 420))
    expect_list(one)
    page.go_back()
    page.wait_for_timeout(300)
    expect(page.locator("#conversation")).to_have_count(0)


@pytest.mark.parametrize("kind", ["resizes", "overlays"])
def test_the_field_and_the_last_message_stay_above_the_keyboard(phones, kind):
    one, other = phones(f"手{kind[0]}", f"机{kind[0]}")
    page = one.page
    if kind == "overlays":
        page.add_init_script(OVERLAID)
    open_chat(one, other.name)
    page.reload()
    for number in range(20):
        one.say(f"第 {number} 句")
    expect(page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 20)
    if kind == "overlays":
        page.evaluate("raise(300)")
    else:
        page.set_viewport_size({"width": 390, "height": 544})
    page.wait_for_timeout(200)
    field, last = page.locator("#composer"), page.locator(f"{MESSAGES} .bubble").last
    for element in (field, last):
        box = element.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 544
    assert page.evaluate("scrollY") == 0
    if kind == "overlays":
        page.evaluate("raise(0)")
        page.wait_for_timeout(100)
        assert field.bounding_box()["y"] + field.bounding_box()["height"] == 844
