"""Forwarding on a server that takes only so many messages at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.server import Server

from .conftest import DESKTOP, befriend
from .test_forward import MESSAGES, bubbles, choose, friend, open_menu, send, talk, toast
from .test_selecting import act

SLOWLY = "6/4s"
TICK_ALL = 'for (const tick of document.querySelectorAll(".tick:not(:checked)")) tick.click()'
IN_TIME = 60_000  # ms; the rate itself asks for 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), SEND_RATE=SLOWLY)
    server.site = server.env["SITE_URL"] = f"http://chat.test:{server.port}"
    with server:
        yield server


def test_what_comes_too_fast_arrives_later_in_order(people):
    one, bob, carol = (people(name, DESKTOP) for name in ("快甲", "快乙", "快丙"))
    for other in (bob, carol):
        befriend(one, other)
    said = [f"第 {number} 句" for number in range(6)]
    talk(one, bob, *said)
    carol.go(f"/chat/{one.name}/")
    open_menu(one, said[0])
    choose(one, "多选")
    one.page.evaluate(TICK_ALL)
    act(one, "转发").click()
    for name in (carol.name, bob.name):
        friend(one, name).click()
        one.page.wait_for_timeout(50)
    send(one).click()
    expect(toast(one)).to_have_text("已转发", timeout=IN_TIME)
    expect(bubbles(carol)).to_have_text(said)
    expect(bubbles(one)).to_have_text(said * 2)
    expect(one.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 12)
