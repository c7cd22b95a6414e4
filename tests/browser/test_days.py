"""The date that floats over a conversation."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .test_hand import FILL

MESSAGES = "#messages .message"
# An older day for the first half of a conversation.
AGE = """
from datetime import timedelta
from django.db.models import F
from chat.models import Message
half = Message.objects.filter(sender__username="{sender}").order_by("pk")[60].pk
Message.objects.filter(sender__username="{sender}", pk__lt=half).update(
    sent_at=F("sent_at") - timedelta(days=1)
)
"""


@pytest.fixture
def long_chat(friends, server):
    def make(first, second):
        one, other = friends(first, second)
        server.manage("shell", "-c", FILL.format(sender=first, to=second, count=100))
        server.manage("shell", "-c", AGE.format(sender=first))
        return one, other

    return make


def test_the_date_floats_only_while_one_scrolls_and_beside_the_text(long_chat):
    one, other = long_chat("日一", "月一")
    for person, friend in ((one, other), (other, one)):
        page = person.page
        person.go(f"/chat/{friend.name}/")
        expect(page.locator(MESSAGES).last).to_contain_text("第99条")
        line = page.locator(".floating-day")
        page.wait_for_timeout(200)
        expect(line).to_be_hidden()  # the page has scrolled to its end by itself
        page.locator("#thread").evaluate("thread => { thread.scrollTop -= 400; }")
        expect(line).to_be_visible()
        day = page.locator(f"{MESSAGES} time").last.text_content()[:10]
        expect(line).to_have_text(day)
        top = page.locator("#thread").bounding_box()["y"]
        box = line.bounding_box()
        assert box["y"] < top
        assert box["y"] + box["height"] - top <= 12  # the padding above the first line
        expect(line).to_be_hidden(timeout=5_000)
        expect(line).to_have_css("pointer-events", "none")
        # The lines of the days are above their messages, and never over others.
        for shown in page.locator(".day").all():
            expect(shown).to_have_css("position", "static")


def test_the_floating_date_is_that_of_what_is_in_view(long_chat):
    one, other = long_chat("日二", "月二")
    page = one.page
    one.go(f"/chat/{other.name}/")
    expect(page.locator(MESSAGES).last).to_contain_text("第99条")
    newest = page.locator(f"{MESSAGES} time").last.text_content()[:10]
    thread = page.locator("#thread")
    for _step in range(60):
        if page.locator(".day").count() > 1:
            break
        thread.evaluate("thread => { thread.scrollTop = 200; }")
        page.wait_for_timeout(100)
    second = page.locator(".day", has_text=newest)
    second.evaluate("day => day.scrollIntoView({ block: 'center' })")
    line = page.locator(".floating-day")
    expect(line).to_be_visible()
    expect(line).not_to_have_text(newest)
    # The day's own line at the top makes another needless.
    second.evaluate("day => day.scrollIntoView({ block: 'start' })")
    expect(line).to_be_hidden()
