"""A tab in the background whose timers the browser really lets sleep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .conftest import ARGUMENTS, CHROMIUM, Person

# A minute between two wake-ups, as after five minutes in the background, but at once.
THROTTLED = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"
# By which Playwright keeps tabs awake.
AWAKE = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
TICKS = "window.ticks = []; setInterval(() => window.ticks.push(performance.now()), 1_000);"
SECOND = 1_000  # ms
MINUTES = 2  # 45 s of silence would close a socket in each of them


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, THROTTLED], ignore_default_args=AWAKE
        )
        yield browser
        browser.close()


def put_into_the_background(person: Person) -> Page:
    """Open another tab before the person's; headless pages count as visible until told."""
    session = person.context.new_cdp_session(person.page)
    session.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = person.context.new_page()
    other.bring_to_front()
    return other


def test_a_tab_in_the_background_stays_connected_and_hears_at_once(friends):
    wang, li = friends("冯甲", "陈甲")
    wang.go("/chat/陈甲/")
    sockets = []
    li.page.on("websocket", lambda socket: sockets.append(socket))
    li.go("/")
    expect(li.page.locator("#chats .row")).to_have_count(1)
    li.page.evaluate(TICKS)
    other = put_into_the_background(li)
    other.wait_for_timeout(SECOND)
    assert li.page.evaluate("document.visibilityState") == "hidden"  # else all else is in vain
    other.wait_for_timeout(MINUTES * 60 * SECOND)
    assert li.page.evaluate("window.ticks.length") < 60 * MINUTES / 2  # it was throttled
    assert [socket.is_closed() for socket in sockets] == [False]
    wang.say("你在吗")
    expect(li.page).to_have_title("(1) 聊天", timeout=5_000)
    assert len(sockets) == 1
    assert wang.complaints == li.complaints == []
