"""Icons are drawn once in a page, and used from there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cast import Api, say

ROOT = Path(__file__).resolve().parent.parent / "templates"
PAGES = ["/", "/chat/bob/", "/chat/bob/report/", "/contacts/", "/contacts/requests/"]
PAGES += ["/contacts/bob/", "/discover/", "/settings/", "/announcements/", "/search/", "/terms/"]


@pytest.mark.parametrize("path", PAGES)
def test_each_icon_of_a_page_is_drawn_in_it_once(alice, bob, path):
    say(bob, alice, "Hi")
    page = Api(alice).client.get(path).content.decode()
    used = set(re.findall('<use href="#([^"]+)"', page))
    drawn = re.findall('<symbol id="([^"]+)"', page)
    assert used
    assert used <= set(drawn)
    assert len(set(drawn)) == len(drawn)


def test_each_icon_that_is_drawn_is_used():
    texts = [path.read_text(encoding="utf-8") for path in ROOT.rglob("*.html")]
    drawn = {name for text in texts for name in re.findall('<symbol id="icon-([^"]+)"', text)}
    used = {name for text in texts for name in re.findall(r'(?:icon| name)="([\w-]+)"', text)}
    assert drawn
    assert drawn <= used
