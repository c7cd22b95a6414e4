"""Speaking, where a page may record: on localhost, to a microphone that the browser plays."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.server import Server

from .conftest import ARGUMENTS, CHROMIUM
from .test_access import grave_faults

THEIRS = "#messages .message.theirs .attachment.voice"
PLAYING = "all => all.map((each) => each.classList.contains('playing'))"


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None or not shutil.which(CHROMIUM):
        pytest.skip("Chromium is missing: apt-get install chromium")
    arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("data"), SEND_RATE="off")
    server.site = server.env["SITE_URL"] = f"http://localhost:{server.port}"
    with server:
        yield server


class Finger:
    """A finger on the button for speaking."""

    def __init__(self, page):
        self.page, self.session = page, page.context.new_cdp_session(page)
        self.box = page.locator("#voice-button").bounding_box()

    def _touch(self, what, *points):
        self.session.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points})

    def hold(self, milliseconds):
        self._touch("touchStart", {"x": self.box["x"] + 9, "y": self.box["y"] + 9})
        self.page.wait_for_timeout(milliseconds)

    def slide_up(self):
        self._touch("touchMove", {"x": self.box["x"] + 9, "y": self.box["y"] - 150})

    def let_go(self):
        self._touch("touchEnd")


def test_speaking_by_finger_and_by_keys_and_hearing_one_after_the_other(friends):
    one, other = friends("说一", "说二")  # the second has a phone
    one.go(f"/chat/{other.name}/")
    other.go(f"/chat/{one.name}/")
    for each in (one, other):
        expect(each.page.locator("#voice-button")).to_be_visible()
    finger, bar = Finger(other.page), other.page.locator("#voice-bar")
    for count in (1, 2):
        finger.hold(1500)
        finger.let_go()
        expect(one.page.locator(THEIRS)).to_have_count(count)
    finger.hold(1000)
    finger.slide_up()
    expect(bar).to_contain_text("松开取消")
    assert grave_faults(other.page) == []
    finger.let_go()
    expect(bar).to_be_hidden()
    finger.hold(300)
    finger.let_go()
    expect(other.page.locator("#toast")).to_have_text("说话时间太短。")

    page = one.page
    for each in page.locator(f"{THEIRS} .length").all_inner_texts():
        assert 1 <= int(each.rstrip("″")) <= 9
    page.locator(THEIRS).first.press("Enter")
    expect(page.locator(f"{THEIRS}.playing")).to_have_count(1)
    assert page.locator(THEIRS).evaluate_all(PLAYING) == [True, False]
    expect(page.locator(f"{THEIRS} >> nth=1")).to_have_class(
        "attachment voice voice-0 playing", timeout=30_000
    )
    assert page.locator(THEIRS).evaluate_all(PLAYING) == [False, True]

    # By keys: Escape gives it up, Enter sends it; the focus is where one types again.
    for key, count in (("Escape", 0), ("Enter", 1)):
        page.locator("#voice-button").press("Enter")
        expect(page.locator(".voice-send")).to_be_focused()
        page.wait_for_timeout(1000)
        page.keyboard.press(key)
        expect(page.locator("#voice-bar")).to_be_hidden()
        expect(page.locator("#composer-text")).to_be_focused()
        expect(other.page.locator(THEIRS)).to_have_count(count)
    assert one.complaints == other.complaints == []
