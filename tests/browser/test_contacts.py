"""The contacts: by pinyin, with a field and an index; and the way from a request to the chat."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE
from .test_journeys import MESSAGES

NAMES = ["张三", "阿明", "bob", "单长乐", "韩梅梅", "王小明", "孙悟空", "周杰", "9527", "陈一"]
FILL = """
from accounts.models import User
from accounts.services import read_unread_names
from friends.models import Friendship
owner = User.objects.get(username={owner!r})
for name in {names!r}:
    friend = User.objects.create_user(name, password=None)
    for one, other in ((owner, friend), (friend, owner)):
        Friendship.objects.create(owner=one, friend=other)
read_unread_names()
"""
TOP = "(element) => Math.round(element.getBoundingClientRect().top)"


def settle(server, owner, names):
    server.manage("shell", "-c", FILL.format(owner=owner, names=names))


def shown(page):
    return page.locator("#friends .row:visible .row-name").all_text_contents()


def test_contacts_are_found_by_letter_and_by_typing(people, server):
    lena = people("lena", PHONE)
    settle(server, "lena", NAMES + [f"mia{number}" for number in range(20)])
    lena.go("/contacts/")
    page = lena.page
    letters = page.locator("#friends .letter-name").all_text_contents()
    assert letters == sorted(letters, key=lambda each: (each == "#", each))
    assert shown(page)[0] == "阿明"
    assert shown(page)[-1] == "9527"

    slide(page, "A", "M")
    heading = page.locator("#letter-M")
    assert abs(heading.evaluate(TOP) - page.locator("#list .pane-body").evaluate(TOP)) <= 1
    assert page.url.endswith("/contacts/")  # no step back in the history
    expect(page.locator("#letters .held")).to_have_count(0)

    page.fill("#contacts-filter", "zs")
    assert shown(page) == ["张三"]
    expect(page.locator("#letters")).to_be_hidden()
    page.fill("#contacts-filter", "nobody at all")
    expect(page.locator("#contacts-none")).to_have_text("没有找到相关结果")
    page.press("#contacts-filter", "Escape")
    assert len(shown(page)) == 30
    page.fill("#contacts-filter", "孙")
    page.press("#contacts-filter", "Enter")
    expect(page.locator("#contact")).to_have_attribute("data-with", "孙悟空")
    assert lena.complaints == []


def slide(page, first, last):
    """Slide along the index from one letter to another."""
    boxes = [page.locator(f"#letters a:text-is('{each}')").bounding_box() for each in (first, last)]
    (x, y), (_x, to) = [(box["x"] + box["width"] / 2, box["y"] + 5) for box in boxes]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 4, to, steps=6)
    page.mouse.up()


def test_what_was_typed_stays_beside_the_friend_on_a_desktop(people, server):
    olga = people("olga", DESKTOP)
    settle(server, "olga", ["钱一", "钱二", "赵一"])
    olga.go("/contacts/")
    olga.page.fill("#contacts-filter", "qian")
    olga.page.click("#friends .row:visible a >> nth=0")
    expect(olga.page.locator("#contact")).to_be_visible()
    expect(olga.page.locator("#contacts-filter")).to_have_value("qian")
    assert shown(olga.page) == ["钱二", "钱一"]
    expect(olga.page.locator("#letters")).to_be_hidden()


@pytest.mark.parametrize(("one", "two"), [("pia", "quin")])
def test_accepting_leads_to_the_chat_and_the_asker_is_told(people, one, two):
    pia, quin = people(one, DESKTOP), people(two, PHONE)
    pia.ask(two)
    asked = pia.page.locator("#detail .notice")
    expect(asked).to_contain_text(two)
    quin.go("/contacts/requests/")
    quin.page.click("#requests-received .button >> nth=0")
    expect(quin.page.locator("#thread-empty")).to_have_text(f"你已添加了{one}，现在可以开始聊天了")
    expect(quin.page).to_have_url(f"{quin.site}/chat/{one}/")
    expect(quin.page.locator("#befriended")).to_be_hidden()

    told = pia.page.locator("#befriended")
    expect(told).to_contain_text(f"你已添加了{two}，现在可以开始聊天了")
    expect(pia.page.locator("#detail .notices")).to_have_count(0)  # nobody is waited for any more
    told.locator("a").click()
    expect(pia.page.locator("#conversation")).to_have_attribute("data-with", two)
    expect(told).to_be_hidden()
    pia.say("你好")
    expect(quin.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text("你好")
    expect(quin.page.locator("#thread-empty")).to_be_hidden()
    assert pia.complaints == quin.complaints == []


def test_the_page_of_a_friend_who_is_none_any_more_is_left(friends):
    rita, sam = friends("rita", "sam")
    rita.go("/contacts/sam/")
    sam.go("/contacts/rita/")
    sam.page.click("summary.danger")
    sam.page.click(".action[open] .button.danger")
    expect(sam.page.locator(".notices")).to_contain_text("rita")
    expect(rita.page).to_have_url(f"{rita.site}/contacts/")
