"""The line: networks that go with and without a word, clocks that step, tabs in the background."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.cable import cable_in_thread

from .test_hand import MESSAGES

pytestmark = pytest.mark.alone

NETWORK_UNAVAILABLE = "网络不可用"
STEP_BACK = """
const now = Date.now.bind(Date);
Date.now = () => now() - 10 * 60_000;
"""


@pytest.fixture
def on_a_cable(friends, server):
    """Make two friends; the second one's browser sees the server through a cable."""
    cables = []

    def make(first, second):
        one, other = friends(first, second)
        opened = cable_in_thread(server.port)
        cable = opened.__enter__()
        cables.append(opened)
        other.site = f"http://chat.test:{cable.port}"
        other.go("/login/")
        if other.page.locator(".form [name=username]").count():
            other.page.fill(".form [name=username]", second)
            other.log_in()
        return one, other, cable

    yield make
    for opened in cables:
        opened.__exit__(None, None, None)


def connection(person):
    return person.page.locator("#connection")


def states(person):
    return person.page.locator(f"{MESSAGES}.mine .state > span")


def test_the_browsers_word_that_there_is_no_network_is_said_at_once(friends):
    wang, li = friends("孙甲", "周甲")
    wang.go("/chat/周甲/")
    li.go("/")
    li.page.click("#chats .row-link")
    expect(li.page.locator("#composer-text")).to_be_visible()
    li.page.evaluate("window.stillHere = true")
    li.context.set_offline(True)
    expect(connection(li)).to_have_text(NETWORK_UNAVAILABLE, timeout=1_000)
    expect(connection(li)).to_be_visible(timeout=1_000)
    for words in ("一", "二"):
        li.say(words)
    expect(states(li)).to_have_text(["未发送"] * 2, timeout=5_000)
    # The list is on the page, so nobody is locked into the chat; the chat is not.
    li.page.click(".back")
    expect(li.page.locator("#chats .row-link")).to_be_visible()
    expect(li.page).to_have_title("聊天")
    for enter in (lambda: li.page.click("#chats .row-link"), li.page.go_forward):
        enter()
        expect(li.page.locator("#toast")).to_have_text(NETWORK_UNAVAILABLE)
        expect(li.page.locator("#chats .row-link")).to_be_visible()
        expect(li.page).to_have_url(f"{li.site}/")
        li.page.evaluate("document.getElementById('toast').textContent = ''")

    li.context.set_offline(False)
    expect(wang.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["一", "二"])
    expect(connection(li)).to_be_hidden()
    li.page.click("#chats .row-link")
    expect(li.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 2)
    li.page.click(".back")
    expect(li.page.locator("#conversation")).to_have_count(0)
    assert li.page.evaluate("window.stillHere") is True


def test_a_network_that_dies_silently_shows_what_was_not_sent_within_five_seconds(on_a_cable):
    wang, li, cable = on_a_cable("孙乙", "周乙")
    wang.go("/chat/周乙/")
    li.go("/chat/孙乙/")
    wang.say("听得到吗")
    expect(li.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["听得到吗"])
    cable.cut()
    li.say("听得到")
    li.say("你呢")
    expect(states(li)).to_have_text(["未发送"] * 2, timeout=5_000)
    expect(connection(li)).to_be_visible()
    li.page.click(".conversation-header a[href*='/contacts/']")
    expect(li.page.locator("#toast")).to_have_text(NETWORK_UNAVAILABLE, timeout=5_000)
    expect(li.page.locator(f"{MESSAGES}.mine .bubble")).to_have_text(["听得到", "你呢"])
    wang.say("怎么不说话")

    cable.mend()
    expect(wang.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(
        ["听得到", "你呢"], timeout=60_000
    )
    expect(li.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 2)
    expect(li.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["听得到吗", "怎么不说话"])
    expect(connection(li)).to_be_hidden(timeout=60_000)


def test_a_clock_that_steps_back_hides_neither_a_dead_network_nor_the_time(on_a_cable):
    wang, li, cable = on_a_cable("孙丙", "周丙")
    wang.go("/chat/周丙/")
    li.go("/chat/孙丙/")
    expect(li.page.locator("#composer-text")).to_be_visible()
    li.page.evaluate(STEP_BACK)
    wang.say("几点了")
    times = li.page.locator(f"{MESSAGES} time")
    expect(times).to_have_count(1)
    cable.cut()
    li.say("不知道")
    expect(times).to_have_count(2)
    sent, pending = (time.strptime(each, "%Y-%m-%d %H:%M") for each in times.all_text_contents())
    assert abs(time.mktime(pending) - time.mktime(sent)) <= 60
    expect(connection(li)).to_be_visible(timeout=50_000)
    cable.mend()
    expect(li.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓", timeout=60_000)
    expect(connection(li)).to_be_hidden(timeout=60_000)


def test_a_dead_network_is_noticed_though_nobody_writes(on_a_cable):
    _wang, li, cable = on_a_cable("孙丁", "周丁")
    li.go("/")
    expect(li.page.locator("#chats .row")).to_have_count(1)
    li.page.evaluate(STEP_BACK)
    cable.cut()
    expect(connection(li)).to_be_visible(timeout=60_000)
