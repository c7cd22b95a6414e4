"""A tab in the background whose timers the browser really lets sleep."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from .conftest import ARGUMENTS, CHROMIUM, Person

# A minute between two wake-ups, as after five minutes in the background, but at once.
THROTTLED = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"
# By which Playwright keeps tabs awake.
AWAKE = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
WATCH = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    window.sockets.push(this);
  }
};
window.ticks = 0;
setInterval(() => (window.ticks += 1), 1_000);
"""
SECOND = 1_000  # ms
MINUTES = 2  # 45 s of silence would close a socket in each of them
SOON = 5 * SECOND


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, THROTTLED], ignore_default_args=AWAKE
        )
        yield browser
        browser.close()


class Tab:
    """A tab of somebody whom Playwright does not watch, since whatever it watches stays visible."""

    def __init__(self, browser: Browser, person: Person) -> None:
        self._person = person
        self._browser = browser.new_browser_cdp_session()
        self._context = self._browser.send("Target.createBrowserContext")["browserContextId"]
        cookies = person.context.cookies()
        for cookie in cookies:
            del cookie["expires"]
        self._browser.send(
            "Storage.setCookies", {"cookies": cookies, "browserContextId": self._context}
        )
        opened = {"targetId": self._open(), "flatten": False}
        self._session = self._browser.send("Target.attachToTarget", opened)["sessionId"]
        self._answers: dict[int, Any] = {}
        self._browser.on("Target.receivedMessageFromTarget", self._take)
        self._asked = 0
        self._send("Page.enable")
        self._send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def go(self, path: str) -> None:
        self._send("Page.navigate", url=self._person.site + path)

    def put_into_the_background(self) -> None:
        """Open another tab before this one, in the same window."""
        self._browser.send("Target.activateTarget", {"targetId": self._open()})

    def read(self, expression: str) -> Any:
        return self._send("Runtime.evaluate", expression=expression)["result"].get("value")

    def wait(self, expression: str) -> None:
        self._until(lambda: self.read(expression))

    def _open(self) -> str:
        target = {"url": "about:blank", "browserContextId": self._context}
        return self._browser.send("Target.createTarget", target)["targetId"]

    def _take(self, event: dict[str, str]) -> None:
        message = json.loads(event["message"])
        self._answers[message.get("id")] = message.get("result")

    def _send(self, method: str, **params: Any) -> Any:
        self._asked += 1
        number = self._asked
        message = json.dumps({"id": number, "method": method, "params": params})
        envelope = {"sessionId": self._session, "message": message}
        self._browser.send("Target.sendMessageToTarget", envelope)
        self._until(lambda: number in self._answers)
        return self._answers.pop(number)

    def _until(self, is_so: Callable[[], Any]) -> None:
        for _look in range(0, SOON, 50):
            if is_so():
                return
            self._person.page.wait_for_timeout(50)
        raise AssertionError("It has not happened.")


def test_a_tab_in_the_background_stays_connected_and_hears_at_once(friends, chromium):
    wang, li = friends("冯甲", "陈甲")
    wang.go("/chat/陈甲/")
    li.page.goto("about:blank")  # its own socket would count as a sign of life of the server
    tab = Tab(chromium, li)
    tab.go("/")
    tab.wait(
        "document.querySelectorAll('#chats .row').length === 1 && sockets[0]?.readyState === 1"
    )
    tab.put_into_the_background()
    tab.wait("document.visibilityState === 'hidden'")  # else all that follows is in vain
    wang.page.wait_for_timeout(MINUTES * 60 * SECOND)
    assert tab.read("window.ticks") < 60 * MINUTES / 2  # it was throttled
    assert tab.read("sockets.map(({ readyState }) => readyState).join()") == "1"
    wang.say("你在吗")
    tab.wait("document.title.startsWith('(1) ')")
    assert tab.read("sockets.length") == 1
    expect(wang.page.locator("#messages .mine .state")).to_have_text("✓")
    assert wang.complaints == li.complaints == []
