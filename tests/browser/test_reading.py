"""A conversation opens where one reads on: at its end, or where a reload left it."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE

MESSAGES = "#messages .message"
FILL = """
import uuid
from accounts.models import User
from chat.models import Attachment, Message
from chat.attachments import attachments_folder
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages
sender = User.objects.get(username="{sender}")
texts = ["短", "中等长度的一句话，大概要占两行才放得下吧", "很长的话。" * 200, "👍", "http://192.168.1.5/a"]
for start in range(0, {count}, 50):
    post_messages([
        Draft.parse(
            sender.pk, to="{to}", text=f"第{{n}}条 " * (n % 5 != 3) + texts[n % 5],
            client_id=str(uuid.uuid4()),
        )
        for n in range(start, min(start + 50, {count}))
    ])
attachments_folder().mkdir(exist_ok=True)
for message in Message.objects.filter(sender=sender).order_by("-id")[3:40:6] if {pictures} else ():
    Message.objects.filter(pk=message.pk).update(text="")
    picture = Attachment.objects.create(
        message=message, conversation=message.conversation, file=f"{{uuid.uuid4()}}.bin",
        name="图.png", mimetype="image/png", kind="picture",
    )
    picture.path.write_bytes(bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
        "53de0000000c4944415408d763f8cfc0000003010100"
        "18dd8db00000000049454e44ae426082"
    ))
"""
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
SHIFTED = "() => window.shifts.reduce((sum, each) => sum + each, 0)"
# The first message of which the top is in view, and how far below the top of the thread it is.
PLACE = """() => {
  const top = document.getElementById("thread").getBoundingClientRect().top;
  const places = [...document.querySelectorAll("#messages .message")].map(
    (each) => [each.dataset.id, Math.round(each.getBoundingClientRect().top - top)]);
  return places.find(([, y]) => y >= 0);
}"""


def shoot(page, name):
    """Take a screenshot to look at, if SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture
def talk(friends, server):
    """Two friends, and a long talk of the first that the second has not read."""

    def make(first, second, count=60, pictures=False):
        one, other = friends(first, second)
        fill = FILL.format(sender=first, to=second, count=count, pictures=pictures)
        server.manage("shell", "-c", fill)
        return one, other

    return make


def slow(page, pattern, seconds):
    def later(route):
        page.wait_for_timeout(1_000 * seconds)
        route.continue_()

    page.route(pattern, later)


def open_slowly(reader, path, pattern):
    """Open a page whose scripts or pictures come after a second, and return before they do."""
    slow(reader.page, pattern, 1)
    reader.page.add_init_script(WATCH)
    reader.page.goto(reader.site + path, wait_until="commit")


def expect_end(page):
    expect(page.locator(MESSAGES).last).to_be_in_viewport()
    below = "e => e.classList.contains('settled') ? e.scrollHeight - e.scrollTop - e.clientHeight"
    assert page.locator("#thread").evaluate(f"{below} : -e.scrollTop") < 2


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_end_is_there_before_the_scripts_and_nothing_moves_when_they_come(talk, device):
    writer, reader = talk(f"写一{device}", f"读一{device}")
    if device == "desktop":
        reader.page.set_viewport_size(DESKTOP["viewport"])
    reader.page.add_init_script("addEventListener('DOMContentLoaded', () => window.early = true)")
    open_slowly(reader, f"/chat/{writer.name}/", "**/*.js")
    reader.page.wait_for_selector(f"{MESSAGES} >> nth=49")
    expect_end(reader.page)
    assert "settled" not in reader.page.locator("#thread").get_attribute("class")
    shoot(reader.page, f"early-{device}")
    reader.page.wait_for_selector("#thread.settled")
    reader.page.wait_for_timeout(500)
    expect_end(reader.page)
    shoot(reader.page, f"settled-{device}")
    assert reader.page.evaluate(SHIFTED) <= 0.02
    assert reader.complaints == []


def test_pictures_that_come_late_move_nothing(talk):
    writer, reader = talk("写二", "读二", pictures=True)
    open_slowly(reader, f"/chat/{writer.name}/", "**/attachments/**")
    reader.page.wait_for_selector("#thread.settled")
    expect(reader.page.locator(f"{MESSAGES} img").last).to_be_visible()
    reader.page.wait_for_timeout(2_500)
    expect_end(reader.page)
    shoot(reader.page, "pictures")
    assert reader.page.evaluate(SHIFTED) <= 0.02


def test_a_reader_who_scrolls_before_the_scripts_come_stays_there(talk):
    writer, reader = talk("写三", "读三")
    open_slowly(reader, f"/chat/{writer.name}/", "**/*.js")
    reader.page.wait_for_selector(f"{MESSAGES} >> nth=49")
    reader.page.evaluate("document.getElementById('thread').scrollTop = -900")
    place = reader.page.evaluate(PLACE)
    reader.page.wait_for_selector("#thread.settled")
    reader.page.wait_for_timeout(300)
    assert reader.page.evaluate(PLACE) == place


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_reload_comes_back_to_where_one_read(talk, device):
    writer, reader = talk(f"写四{device}", f"读四{device}", count=300)
    page = reader.page
    if device == "desktop":
        page.set_viewport_size(DESKTOP["viewport"])
    reader.go(f"/chat/{writer.name}/")
    page.wait_for_selector("#thread.settled")
    for _screen in range(12):
        page.evaluate("document.getElementById('thread').scrollTop -= 900")
        page.wait_for_timeout(150)
    page.wait_for_timeout(600)
    place = page.evaluate(PLACE)
    assert "?at=" in page.url
    page.add_init_script(WATCH)
    page.reload()
    page.wait_for_selector("#thread.settled")
    page.wait_for_timeout(600)
    back = page.evaluate(PLACE)
    assert back[0] == place[0]
    assert abs(back[1] - place[1]) < 3
    assert page.evaluate(SHIFTED) <= 0.02
    shoot(page, f"reloaded-{device}")
    expect(page.locator(f"{MESSAGES}.flash")).to_have_count(0)
    # At the end again, the address is that of the chat, and a reload shows the end.
    for _pages in range(20):
        page.evaluate("e = document.getElementById('thread'); e.scrollTop = e.scrollHeight")
        page.wait_for_timeout(200)
    page.wait_for_timeout(400)
    assert "?at=" not in page.url
    page.reload()
    page.wait_for_selector("#thread.settled")
    expect_end(page)
    assert reader.complaints == []


def test_a_long_text_unfolds_and_is_whole_without_scripts(talk, chromium):
    writer, reader = talk("写五", "读五", count=5)
    reader.go(f"/chat/{writer.name}/")
    long = reader.page.locator(f"{MESSAGES} .bubble.folded")
    expect(long).to_have_count(1)
    expect(reader.page.locator(".unfold")).to_have_count(1)
    reader.page.locator(".unfold").click()
    expect(reader.page.locator(f"{MESSAGES} .bubble.folded")).to_have_count(0)
    plain = chromium.new_context(java_script_enabled=False, locale="zh-CN", **PHONE)
    plain.add_cookies(reader.context.cookies())
    page = plain.new_page()
    page.goto(f"{reader.site}/chat/{writer.name}/")
    assert page.locator(".bubble.folded").evaluate("e => e.scrollHeight - e.clientHeight") <= 0
    expect(page.locator(".unfold")).to_be_hidden()
    plain.close()
