"""The focus is where one types, and nothing typed is lost to a change of it."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import expect

from .conftest import DESKTOP, befriend
from .test_unread import SAY

MESSAGES = "#messages .message"
FIELD = "#composer-text"
STOPS = """thread => [thread, ...thread.querySelectorAll("*")].filter(
  (each) => each.tabIndex >= 0 && each.checkVisibility()
).length"""
NOTICE = """
from django.db import transaction
from accounts.models import User
from chat.models import Notice
from chat.notices.services import give_notice
with transaction.atomic():
    give_notice(User.objects.get(username="{name}"), Notice.Kind.WARNING)
"""


def talk(one, other, count=3):
    one.go(f"/chat/{other.name}/")
    for number in range(count):
        one.say(f"第 {number} 句")
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * count)


def field(person):
    return person.page.locator(FIELD)


def test_a_click_on_a_chat_leads_into_the_field(friends):
    one, other = friends("甲一", "乙一")
    talk(one, other)
    one.go("/")
    one.page.click("#chats .row a")
    expect(field(one)).to_be_focused()
    one.page.keyboard.type("马上就写")
    expect(field(one)).to_have_value("马上就写")
    # On a phone the keyboard stays down until it is asked for.
    other.go("/")
    other.page.tap("#chats .row a")
    expect(other.page.locator("#conversation")).to_be_visible()
    expect(field(other)).not_to_be_focused()


def test_what_is_typed_while_a_chat_is_on_its_way_arrives_in_that_chat(friends, people):
    one, other = friends("甲二", "乙二")
    third = people("丙二", DESKTOP)
    befriend(one, third)
    talk(one, other)
    one.go(f"/chat/{third.name}/")
    expect(field(one)).to_be_focused()
    one.page.keyboard.type("蓝色")
    one.page.keyboard.press("Control+a")
    one.page.keyboard.press("Control+x")
    one.page.keyboard.type("给丙的")
    row = one.page.locator(f"#chats .row[data-username='{other.name}'] a")
    pause = "document.getElementById('detail').getAttribute('aria-busy') === 'true'"
    held = []
    one.page.route("**/chat/*/", lambda route: held.append(route))
    row.click()
    one.page.wait_for_function(pause)
    one.page.keyboard.type("for you, X")
    one.page.keyboard.press("Backspace")
    one.page.keyboard.press("Enter")
    write_into_the_chat_that_is_left(one)
    one.page.wait_for_timeout(100)
    for route in held:
        route.continue_()
    expect(one.page.locator("#conversation")).to_have_attribute("data-with", other.name)
    expect(field(one)).to_have_value("for you, 蓝色")
    one.page.keyboard.type("乙!")
    expect(field(one)).to_have_value("for you, 蓝色乙!")
    one.page.unroute("**/chat/*/")
    one.page.keyboard.press("Alt+ArrowDown")
    one.page.keyboard.press("Alt+ArrowUp")
    one.page.locator(f"#chats .row[data-username='{third.name}'] a").click()
    expect(one.page.locator("#conversation")).to_have_attribute("data-with", third.name)
    expect(field(one)).to_have_value("给丙的")
    # Without a network one types on where one is, however one wanted to leave.
    one.page.route("**/chat/*/", lambda route: route.abort())
    for leave in (row.click, lambda: one.page.keyboard.press("Alt+ArrowUp")):
        leave()
        expect(one.page.locator("#toast")).to_have_text("网络不可用")
        expect(field(one)).to_be_focused()
        expect(field(one)).to_be_editable()
        one.page.evaluate("document.getElementById('toast').textContent = ''")


def write_into_the_chat_that_is_left(one):
    """Paste, which is kept for the chat on its way; what an input method writes goes nowhere."""
    one.page.keyboard.press("Control+v")
    field(one).click()
    session = one.context.new_cdp_session(one.page)
    composed = {"text": "乙", "selectionStart": 1, "selectionEnd": 1}
    session.send("Input.imeSetComposition", composed)
    session.send("Input.insertText", {"text": "乙"})
    one.page.keyboard.press("Enter")
    expect(field(one)).to_have_value("给丙的")
    expect(one.page.locator(MESSAGES)).to_have_count(0)


def test_letters_find_the_field_from_everywhere_on_the_page(friends):
    one, other = friends("甲三", "乙三")
    talk(one, other)
    page = one.page
    typed = ""
    for aim in ("#thread", f"{MESSAGES} .bubble", ".conversation-name", "#tabs"):
        page.locator(aim).last.click(position={"x": 3, "y": 3})
        page.keyboard.type("x")
        typed += "x"
        expect(field(one)).to_have_value(typed)
        expect(field(one)).to_be_focused()
    # Commands of the browser, and the keys that buttons use, keep their meaning.
    page.focus("#emoji-button")
    page.keyboard.press("Control+c")
    page.keyboard.press("Space")
    expect(page.locator("#emoji-panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#emoji-panel")).to_be_hidden()
    expect(field(one)).to_have_value(typed)
    expect(field(one)).to_be_focused()


def test_emoji_go_where_the_cursor_is_and_writing_goes_on(friends):
    one, other = friends("甲四", "乙四")
    talk(one, other)
    other.go(f"/chat/{one.name}/")
    one.page.keyboard.type("前后")
    one.page.keyboard.press("ArrowLeft")
    one.page.click("#emoji-button")
    one.page.locator("#emoji-panel button", has_text="😀").click()
    expect(field(one)).to_be_focused()
    one.page.keyboard.type("中")
    expect(field(one)).to_have_value("前😀中后")
    one.page.keyboard.press("Escape")
    expect(one.page.locator("#emoji-panel")).to_be_hidden()
    # By the keyboard alone.
    one.page.focus("#emoji-button")
    one.page.keyboard.press("Enter")
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("Enter")
    expect(field(one)).to_be_focused()
    # On a phone the panel is in the keyboard's place.
    other.page.tap("#emoji-button")
    other.page.locator("#emoji-panel button", has_text="😀").tap()
    expect(field(other)).to_be_focused()
    expect(field(other)).to_have_attribute("inputmode", "none")
    expect(field(other)).to_have_value("😀")
    other.page.tap("#composer .send")
    expect(other.page.locator(f"{MESSAGES}.mine .bubble").last).to_have_text("😀")
    field(other).tap()
    expect(other.page.locator("#emoji-panel")).to_be_hidden()
    expect(field(other)).not_to_have_attribute("inputmode", "none")
    expect(field(other)).to_be_focused()


def test_after_menus_quotes_and_dialogs_one_types_on(friends, server):
    one, other = friends("甲五", "乙五")
    talk(one, other)
    page = one.page
    bubble = page.locator(f"{MESSAGES} .bubble").first
    bubble.click(button="right")
    page.keyboard.press("Escape")
    expect(field(one)).to_be_focused()
    bubble.click(button="right")
    page.keyboard.type("a")  # closes the menu, and is written
    expect(page.locator(".popup-menu")).to_have_count(0)
    expect(field(one)).to_have_value("a")
    bubble.click(button="right")
    page.click(".popup-menu :text('引用')")
    expect(field(one)).to_be_focused()
    page.keyboard.type("b")
    page.keyboard.press("Escape")
    expect(page.locator("#quote-bar")).to_be_hidden()
    expect(field(one)).to_have_value("ab")
    bubble.click(button="right")
    page.click(".popup-menu :text('复制')")
    expect(field(one)).to_be_focused()
    page.locator("#chats .row").click(button="right")
    page.click(".popup-menu :text('置顶')")
    expect(field(one)).to_be_focused()
    page.click("#keys-button")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field(one)).to_be_focused()


def test_after_a_notice_one_types_on(friends, server):
    one, other = friends("甲六", "乙六")
    one.go(f"/chat/{other.name}/")
    server.manage("shell", "-c", NOTICE.format(name=one.name))
    expect(one.page.locator("#pending")).to_be_visible()
    one.page.reload()
    expect(one.page.locator("#pending")).to_be_visible()
    one.page.click("#pending [type=submit]")
    expect(one.page.locator("#pending")).to_be_hidden()
    expect(field(one)).to_be_focused()


def test_without_an_open_chat_the_focus_stays_in_the_list(friends, people, server):
    one, other = friends("甲八", "乙八")
    third = people("丙八", DESKTOP)
    befriend(one, third)
    for sender, count in ((third, 2), (other, 25)):
        say = SAY.format(sender=sender.name, to=one.name, first=0, last=count)
        server.manage("shell", "-c", say)
    server.manage("shell", "-c", NOTICE.format(name=one.name))
    one.go("/")
    page = one.page
    links = page.locator("#chats .row-link")
    page.click("#pending [type=submit]")
    expect(links.first).to_be_focused()
    links.last.click(button="right")
    page.click(".popup-menu :text('置顶')")
    expect(page.locator("#chats .row").first).to_have_attribute("data-username", third.name)
    expect(links.first).to_be_focused()
    page.focus("#chat-filter")
    page.keyboard.type("第")
    expect(page.locator("#found-more")).to_be_visible()
    page.focus("#found-more")
    page.keyboard.press("Enter")
    found = page.locator("#found-messages .search-hit a")
    expect(found).to_have_count(2)
    expect(found.last).to_be_focused()
    page.keyboard.press("Escape")
    links.first.click(button="right")
    page.click(".popup-menu :text('删除聊天')")
    page.click(".question .danger")
    expect(links).to_have_count(1)
    expect(links).to_be_focused()


def test_the_keyboard_reaches_everything_with_few_stops(people):
    one = people("甲七", DESKTOP)
    others = [people(f"乙{number}七", DESKTOP) for number in range(3)]
    for other in others:
        befriend(one, other)
        talk(one, other, 4)
    page = one.page
    newest = others[-1]
    one.say("看 https://example.com/ 和 https://example.org/")
    expect(page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 5)
    expect(page.locator("#connection")).to_be_hidden()

    # One stop into the messages, arrows inside.
    stops = page.locator("#thread").evaluate(STOPS)
    assert stops == 1
    page.keyboard.press("Shift+Tab")
    active = page.locator(":focus")
    expect(active).to_have_class("message-more")
    expect(page.locator(f"{MESSAGES}:has(:focus) .bubble")).to_contain_text("example.com")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("href", "https://example.com/")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("href", "https://example.org/")
    page.keyboard.press("ArrowUp")
    expect(page.locator(f"{MESSAGES}:has(:focus) .bubble")).to_have_text("第 3 句")
    page.keyboard.press("Home")
    expect(page.locator(f"{MESSAGES}:has(:focus) .bubble")).to_have_text("第 0 句")
    page.keyboard.press("Enter")
    expect(page.locator(".popup-menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(active).to_have_class("message-more")
    page.keyboard.press("Tab")
    expect(field(one)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.locator(f"{MESSAGES}:has(:focus) .bubble")).to_have_text("第 0 句")
    page.keyboard.press("Escape")
    expect(field(one)).to_be_focused()

    # One stop into the list, at the open chat.
    assert page.locator("#list .row-link:not([tabindex='-1'])").count() == 1
    page.locator("#list .row-link[aria-current]").focus()
    page.keyboard.press("ArrowDown")
    expect(active).to_have_attribute("href", f"/chat/{quote(others[1].name)}/")
    page.keyboard.press("Enter")
    expect(page.locator("#conversation")).to_have_attribute("data-with", others[1].name)
    expect(field(one)).to_be_focused()

    # To the chats above and below; typing at once goes to the new one.
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#conversation")).to_have_attribute("data-with", newest.name)
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.type("hi")
    expect(page.locator("#conversation")).to_have_attribute("data-with", others[0].name)
    expect(field(one)).to_have_value("hi")

    # To the search, from here and from a page that has none.
    page.keyboard.press("Control+k")
    expect(page.locator("#chat-filter")).to_be_focused()
    page.keyboard.type("乙1")
    expect(page.locator("#chats .row:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#chat-filter")).to_have_value("")
    page.keyboard.press("Escape")
    expect(field(one)).to_be_focused()
    one.go("/discover/")
    page.keyboard.press("Control+k")
    expect(page.locator("#chat-filter")).to_be_focused()

    # The help, by `?` where that is no letter, and by Ctrl+/ anywhere.
    one.go("/")
    page.keyboard.press("?")
    expect(page.locator("#keys h2")).to_have_text("键盘快捷键")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    one.go(f"/chat/{newest.name}/")
    page.keyboard.type("怎么办?")
    expect(field(one)).to_have_value("怎么办?")
    page.keyboard.press("Control+/")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field(one)).to_be_focused()
    # A chat that comes before the first click on a page cannot be heard.
    assert [each for each in one.complaints if "AudioContext" not in each] == []
