"""Pages show a conversation as the scripts will, so that nothing moves when they take over."""

from __future__ import annotations

import re

import pytest

from chat.bubbles import bubble_look
from tests.cast import Api, say


def page_of(user, path="/chat/bob/"):
    return Api(user).client.get(path).content.decode()


@pytest.mark.parametrize(
    ("text", "look"),
    [
        (None, ""),
        ("", ""),
        ("你好", ""),
        ("字" * 700, ""),
        ("字" * 701, "folded"),
        ("😀" * 351, "folded"),
        ("a\n" * 15 + "a", ""),
        ("a\n" * 16 + "a", "folded"),
        ("👍", "large"),
        ("👍🏽❤️🎉", "large"),
        ("👨‍👩‍👧‍👦", "large"),
        ("🇨🇳", "large"),
        ("1️⃣", "large"),
        ("✅", "large"),
        ("👍👍👍👍", ""),
        ("👍 好", ""),
        ("❤", ""),  # as text, says the browser, too
        ("123", ""),
        ("#", ""),
    ],
)
def test_a_bubble_is_as_large_as_it_deserves(text, look):
    assert bubble_look(text) == look


def test_a_long_text_comes_folded_and_whole_with_a_button(alice, bob):
    say(alice, bob, "长" * 800)
    say(alice, bob, "短")
    page = page_of(alice)
    assert "长" * 800 in page
    assert page.count('<div class="bubble folded"') == page.count('class="unfold"') == 1
    assert re.search(r"<noscript><link[^>]+plain[^>]*css[^>]*></noscript>", page)


def test_the_line_above_the_new_messages_is_there_from_the_start(alice, bob):
    said = [say(bob, alice, f"{n}").id for n in range(4)]
    Api(alice).post("conversations/bob/read/", up_to=said[1])
    page = page_of(alice)
    line = page.index('class="unread-line"')
    assert page.index(f'id="m{said[1]}"') < line < page.index(f'id="m{said[2]}"')
    Api(alice).post("conversations/bob/read/", up_to=said[3])
    assert "unread-line" not in page_of(alice)


def test_there_is_no_such_line_where_newer_messages_follow(alice, bob, settings):
    settings.SEND_RATE = None
    said = [say(bob, alice, f"{n}").id for n in range(60)]
    assert "unread-line" not in page_of(alice, f"/chat/bob/?at={said[2]}")
