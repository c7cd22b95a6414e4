"""The unread messages: their number in the title, the line above them, and the ways to them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .test_hand import MESSAGES

SAY = """
import uuid
from accounts.models import User
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages
sender = User.objects.get(username="{sender}")
numbers = list(range({first}, {last}))
for start in range(0, len(numbers), 100):
    post_messages([
        Draft.parse(sender.pk, to="{to}", text=f"第{{n}}条", client_id=str(uuid.uuid4()))
        for n in numbers[start:start + 100]
    ])
"""


def test_the_title_holds_the_count_once_and_loses_it_when_all_is_read_elsewhere(friends):
    wang, li = friends("王甲", "李甲")
    wang.go("/chat/李甲/")
    for number in range(3):
        wang.say(f"第{number}条")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 3)
    li.go("/contacts/")
    expect(li.page).to_have_title("(3) 联系人")
    li.go("/")
    expect(li.page).to_have_title("(3) 聊天")
    elsewhere = li.open_tab()
    elsewhere.goto(f"{li.site}/chat/王甲/")
    expect(li.page).to_have_title("聊天")
    assert wang.complaints == li.complaints == []


@pytest.mark.parametrize(("names", "unread"), [(("王乙", "李乙"), 80), (("王丙", "李丙"), 700)])
def test_the_line_stands_above_the_first_unread_message_however_far_away(
    friends, server, names, unread
):
    wang, li = friends(*names)
    say = {"sender": wang.name, "to": li.name}
    server.manage("shell", "-c", SAY.format(first=-5, last=0, **say))
    li.go(f"/chat/{wang.name}/")
    expect(li.page.locator(MESSAGES)).to_have_count(5)
    li.go("/contacts/")
    server.manage("shell", "-c", SAY.format(first=0, last=unread, **say))
    li.go(f"/chat/{wang.name}/")
    pill, line = li.page.locator("#unread-pill"), li.page.locator(".unread-line")
    expect(pill).to_have_text("80 条新消息" if unread == 80 else "99+ 条新消息")
    expect(line).to_have_count(0)
    pill.click()
    expect(line).to_be_in_viewport()
    expect(pill).to_be_hidden()
    expect(li.page.locator(".unread-line + .message .bubble")).to_have_text("第0条")
    expect(li.page.locator(f"{MESSAGES} .bubble").first).to_have_text("第-5条")
    read_on_to_the_end(li.page, unread)
    assert li.complaints == []


def read_on_to_the_end(page, count):
    """Scroll down: nothing is missing and nothing twice, and the line stands where it stood."""
    thread = page.locator("#thread")
    for _ in range(40):
        if page.locator(f"{MESSAGES} .bubble").last.text_content() == f"第{count - 1}条":
            break
        before = page.locator(MESSAGES).last.get_attribute("data-id")
        thread.evaluate("element => { element.scrollTop = element.scrollHeight; }")
        expect(page.locator(MESSAGES).last).not_to_have_attribute("data-id", before)
    numbers = [
        int(words[1:-1]) for words in page.locator(f"{MESSAGES} .bubble").all_text_contents()
    ]
    assert numbers == list(range(count - len(numbers), count))


def test_a_reader_who_scrolls_up_instead_finds_the_line(friends, server):
    wang, li = friends("王丁", "李丁")
    server.manage("shell", "-c", SAY.format(sender="王丁", to="李丁", first=0, last=80))
    li.go("/chat/王丁/")
    thread = li.page.locator("#thread")
    expect(li.page.locator("#unread-pill")).to_have_text("80 条新消息")
    thread.evaluate("element => { element.scrollTop = 10; }")
    expect(li.page.locator(MESSAGES)).to_have_count(80)
    expect(li.page.locator(".day + .unread-line + .message .bubble")).to_have_text("第0条")
    expect(li.page.locator(".day")).to_have_count(1)
    thread.evaluate("element => { element.scrollTop = 0; }")
    expect(li.page.locator("#unread-pill")).to_be_hidden()


def test_what_comes_below_the_view_is_counted(friends, server):
    wang, li = friends("王戊", "李戊")
    server.manage("shell", "-c", SAY.format(sender="王戊", to="李戊", first=0, last=100))
    wang.go("/chat/李戊/")
    li.go("/chat/王戊/")
    thread, pill = li.page.locator("#thread"), li.page.locator("#new-pill")
    expect(li.page.locator(MESSAGES).last).to_be_in_viewport()
    thread.evaluate("element => { element.scrollTop -= 300; }")
    for number in (1, 2, 3):
        wang.say(f"新{number}")
        expect(pill).to_have_text(f"{number} 条新消息")
    pill.click()
    expect(pill).to_be_hidden()
    expect(li.page.locator(f"{MESSAGES} .bubble").last).to_have_text("新3")
    expect(li.page.locator(MESSAGES).last).to_be_in_viewport()
