"""Names, passwords and accounts change while others have their pages open."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PASSWORD
from .test_journeys import MESSAGES, bubbles

WITHIN_5_SECONDS = 5_000


def kept(person):
    return person.page.evaluate("JSON.stringify(sessionStorage)")


def stored(page):
    """Count what the page has stored, once its scripts have run."""
    page.wait_for_load_state()
    return page.evaluate("sessionStorage.length + localStorage.length")


def test_a_friends_new_name_arrives_in_every_open_page(friends):
    rosa, sven = friends("rosa", "sven")
    rosa.go("/chat/sven/")
    rosa.say("hallo")
    sven.go("/chat/rosa/")
    sven.page.fill("#composer-text", "halb geschrieben")
    list_tab, contact_tab = sven.open_tab(), sven.open_tab()
    list_tab.goto(sven.site + "/")
    contact_tab.goto(sven.site + "/contacts/rosa/")
    own_tab = rosa.open_tab()
    own_tab.goto(rosa.site + "/discover/")

    rosa.go("/account/username/")
    rosa.page.fill("[name=username]", "罗莎")
    rosa.page.fill("[name=password]", PASSWORD)
    rosa.page.click(".form [type=submit]")
    expect(rosa.page.locator(".notice")).to_be_visible()
    expect(rosa.page.locator(".me-name")).to_have_text("罗莎")
    expect(own_tab.locator(".me-name")).to_have_text("罗莎")

    expect(sven.page.locator(".conversation-name")).to_have_text("罗莎")
    expect(sven.page).to_have_title("罗莎")
    expect(sven.page).to_have_url(re.compile("/chat/%E7%BD%97%E8%8E%8E/$"))
    expect(sven.page.locator(f"{MESSAGES}.theirs .avatar")).to_have_text("罗")
    expect(list_tab.locator("#chats .row-name")).to_have_text("罗莎")
    expect(contact_tab.locator(".profile-name")).to_have_text("罗莎")

    # The draft moves along, and arrives.
    assert '"webchat:' in kept(sven)
    assert "draft:rosa" not in kept(sven)
    sven.page.reload()
    expect(sven.page.locator("#composer-text")).to_have_value("halb geschrieben")
    sven.page.click("#composer .send")
    expect(sven.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    rosa.go("/chat/sven/")
    assert bubbles(rosa) == ["hallo", "halb geschrieben"]
    rosa.say("angekommen")
    expect(list_tab.locator("#chats .row-preview")).to_have_text("angekommen")
    assert rosa.complaints == sven.complaints == []


def test_what_came_under_a_new_name_while_away_is_there_and_what_waits_is_sent(friends):
    tina, uwe = friends("tina", "uwe")
    uwe.go("/chat/tina/")
    list_tab = uwe.open_tab()
    list_tab.goto(uwe.site + "/")
    uwe.context.set_offline(True)
    uwe.say("unterwegs")
    tina.go("/chat/uwe/")
    tina.say("vor der Umbenennung")
    expect(tina.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    tina.go("/account/username/")
    tina.page.fill("[name=username]", "tini")
    tina.page.fill("[name=password]", PASSWORD)
    tina.page.click(".form [type=submit]")
    tina.go("/chat/uwe/")
    tina.say("danach")
    expect(tina.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 2)

    uwe.context.set_offline(False)
    expect(uwe.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓", timeout=60_000)
    expect(uwe.page.locator(".conversation-name")).to_have_text("tini")
    expect(uwe.page.locator(f"{MESSAGES}.theirs")).to_have_count(2)
    assert bubbles(uwe) == bubbles(tina) == ["vor der Umbenennung", "danach", "unterwegs"]
    expect(list_tab.locator("#chats .row")).to_have_count(1, timeout=60_000)
    expect(list_tab.locator("#chats .row-name")).to_have_text("tini")


@pytest.mark.alone
def test_a_new_password_throws_the_other_browser_out_and_no_tab_of_this_one(friends, people):
    vera, will = friends("vera", "will")
    vera.go("/chat/will/")
    own_tab = vera.open_tab()
    own_tab.goto(vera.site + "/chat/will/")
    elsewhere = vera.context.browser.new_context(**DESKTOP).new_page()
    elsewhere.goto(vera.site + "/login/")
    elsewhere.fill("[name=username]", "vera")
    elsewhere.fill("[name=password]", PASSWORD)
    elsewhere.click(".form [type=submit]")
    elsewhere.goto(vera.site + "/chat/will/")
    elsewhere.fill("#composer-text", "geheim")
    cookies = elsewhere.context.cookies()

    vera.go("/password/change/")
    vera.page.fill("[name=old_password]", PASSWORD)
    for field in ("new_password1", "new_password2"):
        vera.page.fill(f"[name={field}]", "gruene-Wiese-8")
    vera.page.click(".form [type=submit]")
    expect(elsewhere).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
    assert stored(elsewhere) == 0
    elsewhere.context.add_cookies(cookies)
    elsewhere.goto(vera.site + "/chat/will/")
    expect(elsewhere).to_have_url(re.compile("/login/"))
    elsewhere.context.close()

    expect(vera.page.locator(".notice")).to_be_visible()
    vera.go("/chat/will/")
    for page in (vera.page, own_tab):
        vera.say("noch da", page)
        expect(page.locator(f"{MESSAGES}.mine .state").last).to_have_text("✓")
    own_tab.wait_for_timeout(3_000)  # longer than the sweep that ends sockets
    vera.say("immer noch", own_tab)
    expect(vera.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 3)
    assert vera.complaints == []


@pytest.mark.alone
def test_a_page_without_a_socket_is_out_as_soon(people):
    olga = people("olga", DESKTOP)
    elsewhere = olga.context.browser.new_context(**DESKTOP).new_page()
    elsewhere.context.route_web_socket("**/live/**", lambda socket: socket.close())
    elsewhere.goto(olga.site + "/login/")
    elsewhere.fill("[name=username]", "olga")
    elsewhere.fill("[name=password]", PASSWORD)
    with elsewhere.expect_request("**/api/events/**", timeout=30_000):
        elsewhere.click(".form [type=submit]")
    olga.go("/account/sessions/")
    olga.page.click("button.danger")
    expect(olga.page.locator(".device")).to_have_count(1)
    expect(elsewhere).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
    elsewhere.context.close()


@pytest.mark.alone
def test_a_device_is_signed_out_from_another_one(friends):
    xara, yann = friends("xara", "yann")
    phone = yann.context.browser.new_context(**DESKTOP).new_page()
    phone.goto(xara.site + "/login/")
    phone.fill("[name=username]", "xara")
    phone.fill("[name=password]", PASSWORD)
    phone.click(".form [type=submit]")
    phone.wait_for_url(f"{xara.site}/")
    xara.go("/account/sessions/")
    expect(xara.page.locator(".device")).to_have_count(2)
    xara.page.click(".device button")
    expect(xara.page.locator(".device")).to_have_count(1)
    expect(phone).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
    phone.context.close()
    assert xara.complaints == []


@pytest.mark.alone
def test_a_friend_deletes_the_account_while_the_chat_is_open(friends):
    zora, adam = friends("zora", "adam")
    zora.go("/chat/adam/")
    zora.say("leb wohl")
    adam.go("/chat/zora/")
    list_tab, contact_tab = adam.open_tab(), adam.open_tab()
    list_tab.goto(adam.site + "/")
    expect(list_tab.locator("#tabs [data-badge=chats]")).to_be_hidden()
    contact_tab.goto(adam.site + "/contacts/zora/")
    adam.page.fill("#composer-text", "warte")

    zora.page.click("#tabs [data-tab=discover]")
    zora.page.click("#list .danger")
    expect(zora.page.locator(".counts li")).to_have_text(["1 位好友", re.compile("^1 条消息")])
    zora.page.fill("[name=password]", PASSWORD)
    zora.page.click(".form [type=submit]")
    expect(zora.page).to_have_url(re.compile("/login/"))
    assert stored(zora.page) == 0

    locked = adam.page.locator("#composer-locked")
    expect(locked).to_have_text("对方已注销账号", timeout=1_000)
    expect(adam.page.locator("#composer .send")).to_be_disabled()
    expect(adam.page.locator("#composer-text")).to_have_value("warte")
    expect(list_tab.locator("#chats .row")).to_have_count(0)
    expect(contact_tab).to_have_url(re.compile("/contacts/$"))
    expect(contact_tab.locator("#friends .row")).to_have_count(0)
    assert zora.complaints == adam.complaints == []


@pytest.mark.alone
def test_a_public_computer_keeps_nothing_after_the_logout(friends):
    bela, cleo = friends("bela", "cleo")
    assert cookie(bela, "sessionid")["expires"] == -1  # until the browser is closed
    bela.go("/chat/cleo/")
    other_tab = bela.open_tab()
    other_tab.goto(bela.site + "/chat/cleo/")
    other_tab.fill("#composer-text", "ein Entwurf")
    bela.page.route("**/api/**", lambda route: route.abort())
    bela.context.route_web_socket("**/live/**", lambda socket: socket.close())
    bela.page.reload()
    bela.say("nie angekommen")
    expect(bela.page.locator(f"{MESSAGES}.mine .retry")).to_be_visible()
    assert "nie angekommen" in kept(bela)

    bela.page.click("#tabs [data-tab=discover]")
    bela.page.click("#list [data-logout] button")
    expect(bela.page).to_have_url(re.compile("/login/"))
    expect(other_tab).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
    for page in (bela.page, other_tab):
        assert stored(page) == 0
        page.go_back()
        expect(page).to_have_url(re.compile("/login/"), timeout=WITHIN_5_SECONDS)
        expect(page.locator("#messages")).to_have_count(0)
    assert stored(bela.page) == 0


def test_a_session_elsewhere_outlives_the_browser(people):
    dina = people("dina", DESKTOP)
    dina.go("/discover/")
    dina.page.click("#list [data-logout] button")
    dina.page.fill("[name=username]", "dina")
    dina.page.uncheck("[name=shared]")
    dina.log_in()
    days = (cookie(dina, "sessionid")["expires"] - time.time()) / 86_400
    assert 29 < days < 31


def cookie(person, name):
    [found] = [each for each in person.context.cookies() if each["name"].endswith(name)]
    return found


@pytest.mark.alone
def test_an_open_page_leads_to_the_new_password_when_it_is_asked_for(friends, server):
    elly, finn = friends("elly", "finn")
    elly.go("/chat/finn/")
    server.manage(
        "shell", "-c",
        "from accounts.models import User;"
        "User.objects.filter(username='elly').update(must_change_password=True)",
    )  # fmt: skip
    expect(elly.page).to_have_url(re.compile("/password/change/"), timeout=WITHIN_5_SECONDS)
    elly.go("/")
    expect(elly.page).to_have_url(re.compile("/password/change/"))
    elly.page.fill("[name=old_password]", PASSWORD)
    for field in ("new_password1", "new_password2"):
        elly.page.fill(f"[name={field}]", "gruene-Wiese-8")
    elly.page.click(".form [type=submit]")
    elly.page.click("#tabs [data-tab=chats]")
    elly.page.click("#chats .row a")
    elly.say("da bin ich")
    expect(elly.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    assert [c for c in elly.complaints if "403" not in c] == []


def test_a_letter_to_an_old_name_finds_its_way_after_a_reload(friends, server):
    """A phone suspends a tab, which wakes as a new page, after the event of the new name."""
    gerd, hilde = friends("gerd", "hilde")
    gerd.go("/chat/hilde/")
    gerd.page.route("**/api/**", lambda route: route.abort())
    gerd.context.route_web_socket("**/live/**", lambda socket: socket.close())
    gerd.page.reload()
    gerd.say("für Hilde")
    expect(gerd.page.locator(f"{MESSAGES}.mine .retry")).to_be_visible()
    server.manage(
        "shell", "-c",
        "from accounts.models import User; from accounts.services import rename;"
        "rename(user=User.objects.get(username='hilde'), username='hildegard')",
    )  # fmt: skip
    gerd.page.unroute("**/api/**")
    gerd.page.reload()
    expect(gerd.page).to_have_url(re.compile("/chat/hildegard/"))
    expect(gerd.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓", timeout=30_000)
    hilde.go("/chat/gerd/")
    assert bubbles(hilde) == ["für Hilde"]
