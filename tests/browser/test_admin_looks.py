"""The admin on a phone and on a desktop: nothing too wide, too small or in another colour."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE
from .test_class import PROMOTE

PAGES = [
    "",
    "accounts/user/",
    "chat/report/?state=all",
    "chat/auditentry/",
    "chat/announcement/add/",
    "accounts/user/waiting/",
    "accounts/user/roster/",
    "accounts/user/pictures/",
    "accounts/user/codes/",
]
TOO_WIDE = "() => document.documentElement.scrollWidth - innerWidth"
# Of what can be tapped: a box to tick counts with the words beside it, which tick it as well.
TOO_SMALL = """() => [...document.querySelectorAll("a[href], button, select, summary, input")]
  .filter((each) => each.checkVisibility() && !["checkbox", "hidden"].includes(each.type))
  .filter((each) => each.getBoundingClientRect().right > 0)
  .filter((each) => each.getBoundingClientRect().height < 43.5)
  .map((each) => each.outerHTML.slice(0, 120))"""
GROUND = "() => getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(237, 237, 237)", "rgb(17, 17, 17)"


@pytest.fixture
def boss(people, server):
    def make(name, device, **options):
        person = people(name, device, **options)
        server.manage("shell", "--verbosity", "0", "-c", PROMOTE.format(name=name))
        return person

    return make


def test_a_phone_shows_every_page_without_scrolling_aside(boss):
    phone = boss("looks-phone", PHONE)
    phone.go("/admin/accounts/user/?q=looks-phone")
    link = phone.page.locator("#result_list tbody th a").get_attribute("href")
    for path in [*PAGES, link.removeprefix("/admin/")]:
        phone.go(f"/admin/{path}")
        expect(phone.page.locator("#content h1").first).to_be_visible()
        assert phone.page.evaluate(TOO_WIDE) <= 0, path
        assert phone.page.evaluate(TOO_SMALL) == [], path
    assert phone.complaints == []


def test_a_row_is_a_card_that_names_its_columns_and_leads_on(boss):
    phone = boss("looks-card", PHONE)
    phone.go("/admin/accounts/user/?q=looks-card")
    card = phone.page.locator("#result_list tbody tr")
    label = "cell => getComputedStyle(cell, '::before').content"
    joined = card.locator(".field-joined")
    assert joined.evaluate(label) == f'"{joined.get_attribute("data-label")}"'
    card.get_by_role("link").tap()
    expect(phone.page.locator("#content h2").first).to_have_text("looks-card")


def test_a_row_that_is_ticked_stands_out_from_the_page(boss):
    phone = boss("looks-tick", PHONE)
    phone.go("/admin/accounts/user/?q=looks-tick")
    row = phone.page.locator("#result_list tbody tr")
    ground = "row => getComputedStyle(row).backgroundColor"
    before = row.evaluate(ground)
    acts = phone.page.locator("#changelist .actions")
    expect(acts).to_have_css("position", "static")
    row.locator("input").tap()
    expect(acts).to_have_css("position", "sticky")
    assert row.evaluate(ground) not in (before, LIGHT)


def test_filters_are_folded_and_filter(boss):
    phone = boss("looks-filter", PHONE)
    phone.go("/admin/chat/report/")
    chosen = phone.page.locator(".filter").first
    expect(chosen.get_by_role("link")).to_have_count(0)
    chosen.locator("summary").tap()
    chosen.get_by_role("link", name="全部").tap()
    expect(phone.page).to_have_url(f"{phone.site}/admin/chat/report/?state=all")
    expect(phone.page.locator(".filter .is-chosen")).to_have_text("全部")


def test_the_button_that_saves_is_in_reach_of_a_thumb(boss):
    phone = boss("looks-save", PHONE)
    phone.page.set_viewport_size({"width": 390, "height": 400})
    phone.go("/admin/chat/announcement/add/")
    expect(phone.page.locator("[name=_save]")).to_be_in_viewport(ratio=1)


def test_what_can_be_done_stands_beside_the_facts_or_below_them(boss, people):
    people("looks-beside", PHONE)
    for device in (PHONE, DESKTOP):
        person = boss(f"looks-{device['viewport']['width']}", device)
        person.go("/admin/accounts/user/?q=looks-beside")
        person.page.click("#result_list tbody th a")
        facts = person.page.locator(".report-facts").bounding_box()
        acts = person.page.locator(".beside-acts").bounding_box()
        if device is PHONE:
            assert acts["y"] >= facts["y"] + facts["height"]
        else:
            assert acts["x"] >= facts["x"] + facts["width"]
            assert acts["y"] == facts["y"]


@pytest.mark.parametrize(("device", "ground"), [("light", LIGHT), ("dark", DARK)])
def test_the_colours_are_the_devices_until_the_switch_chooses(boss, device, ground):
    other = LIGHT if ground == DARK else DARK
    person = boss(f"looks-{device}", DESKTOP, color_scheme=device)
    person.go("/admin/")
    assert person.page.evaluate(GROUND) == ground
    person.page.click("#user-tools summary")
    person.page.click(".theme-toggle")
    assert person.page.evaluate(GROUND) == other
    person.go("/admin/accounts/user/")
    assert person.page.evaluate(GROUND) == other
    assert person.complaints == []
