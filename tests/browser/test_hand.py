"""In the hand: pages that freeze, tabs in the background, long histories."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MESSAGES = "#messages .message"
FILL = """
import uuid
from accounts.models import User
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages
sender = User.objects.get(username="{sender}")
for start in range(0, {count}, 100):
    post_messages([
        Draft.parse(sender.pk, to="{to}", text=f"第{{n}}条", client_id=str(uuid.uuid4()))
        for n in range(start, start + 100)
    ])
"""
# The messages in the thread, and the place of the one in the middle of the screen.
HELD = "list => [...list.querySelectorAll('.message')].map(each => Number(each.dataset.id))"
PLACE = "(element) => element.getBoundingClientRect().top"


def bubbles(page):
    return page.locator(f"{MESSAGES} .bubble").all_text_contents()


def badge(page):
    return page.locator("#tabs [data-badge=chats]")


def freeze(page, state):
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": state})


def test_a_page_that_was_frozen_has_lost_and_doubled_nothing(friends):
    anna, ben = friends("艾一", "贝一")
    anna.go("/chat/贝一/")
    ben.go("/chat/艾一/")
    anna.say("盖上之前")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["盖上之前"])
    freeze(ben.page, "frozen")
    said = [f"盖上之后 {number}" for number in range(5)]
    for words in said:
        anna.say(words)
    expect(anna.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 6)
    freeze(ben.page, "active")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["盖上之前", *said])
    ben.say("醒了")
    expect(anna.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["醒了"])
    expect(ben.page.locator("#connection")).to_be_hidden()
    assert bubbles(ben.page) == bubbles(anna.page)
    assert anna.complaints == ben.complaints == []


def test_a_page_that_was_frozen_while_the_server_went_comes_back_by_itself(friends, server):
    anna, ben = friends("艾二", "贝二")
    anna.go("/chat/贝二/")
    ben.go("/chat/艾二/")
    anna.say("之前")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["之前"])
    freeze(ben.page, "frozen")
    server.stop()
    server.start()
    anna.say("之后")
    expect(anna.page.locator(f"{MESSAGES} .state")).to_have_text(["✓"] * 2, timeout=45_000)
    freeze(ben.page, "active")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["之前", "之后"], timeout=20_000)
    expect(ben.page.locator("#connection")).to_be_hidden(timeout=20_000)
    assert bubbles(anna.page) == ["之前", "之后"]


def test_a_tab_in_the_background_and_one_that_reconnects_are_both_right(friends):
    anna, ben = friends("艾三", "贝三")
    anna.go("/chat/贝三/")
    ben.go("/")
    sockets = []

    def through(socket):
        sockets.append(socket)
        socket.connect_to_server()

    second = ben.context.new_page()
    second.route_web_socket("**/live/**", through)
    second.goto(ben.site + "/chat/艾三/")
    expect(second.locator("#composer-text")).to_be_visible()
    ben.page.bring_to_front()
    hide(second, "hidden")
    anna.say("一")
    expect(badge(ben.page)).to_have_text("1")
    expect(second.locator(f"{MESSAGES} .bubble")).to_have_text(["一"])
    # The chat is open in a background tab, but nobody has read it.
    expect(badge(second)).to_have_text("1")
    sockets[-1].close()
    anna.say("二")
    expect(badge(ben.page)).to_have_text("2")
    expect(badge(second)).to_have_text("2", timeout=15_000)
    expect(second.locator(f"{MESSAGES} .bubble")).to_have_text(["一", "二"])
    assert len(sockets) > 1
    # Seen in one tab, read in both.
    hide(second, "visible")
    expect(badge(second)).to_be_hidden()
    expect(badge(ben.page)).to_be_hidden()
    second.locator("#composer-text").fill("看到了")
    second.click("#composer .send")
    expect(anna.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["看到了"])
    assert bubbles(second) == bubbles(anna.page) == ["一", "二", "看到了"]
    assert anna.complaints == ben.complaints == []


def hide(page, state):
    """Hide a page as a browser does; headless pages all count as visible."""
    page.evaluate(
        """state => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_where_sockets_work_again_the_page_goes_back_to_them(friends):
    anna, ben = friends("艾四", "贝四")
    blocked = True

    def proxy(socket):
        if blocked:
            socket.close()
        else:
            socket.connect_to_server()

    ben.context.route_web_socket("**/live/**", proxy)
    asked = []
    ben.page.on("request", lambda request: "/events/" in request.url and asked.append(request))
    ben.go("/chat/艾四/")
    anna.go("/chat/贝四/")
    anna.say("走轮询")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["走轮询"], timeout=15_000)
    assert asked
    blocked = False
    hide(ben.page, "visible")  # visible again: the socket is tried at once
    ben.page.wait_for_timeout(1_000)
    asked.clear()
    ben.page.wait_for_timeout(4_500)
    assert asked == []  # polling every two seconds would have made two
    anna.say("又是即时的")
    expect(ben.page.locator(f"{MESSAGES} .bubble")).to_have_text(["走轮询", "又是即时的"])
    ben.say("收到")
    expect(anna.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(["收到"])


@pytest.fixture
def long_chat(friends, server):
    def make(first, second):
        anna, ben = friends(first, second)
        server.manage("shell", "-c", FILL.format(sender=first, to=second, count=600))
        ben.go(f"/chat/{first}/")
        expect(ben.page.locator(MESSAGES).last).to_contain_text("第599条")
        return anna, ben

    return make


def test_a_long_history_is_held_in_part_and_moves_under_nobodys_eyes(long_chat):
    anna, ben = long_chat("艾五", "贝五")
    page, thread = ben.page, ben.page.locator("#thread")
    for _ in range(30):
        ids = page.locator("#messages").evaluate(HELD)
        assert len(ids) <= 450
        assert ids == sorted(set(ids))
        if page.locator("#older").is_hidden():
            break
        first = ids[0]
        top = page.locator(f"{MESSAGES}[data-id='{first}']")
        thread.evaluate("element => { element.scrollTop = 300; }")
        page.wait_for_timeout(30)
        place = top.evaluate(PLACE)
        expect(page.locator(MESSAGES).first).not_to_have_attribute("data-id", str(first))
        assert abs(top.evaluate(PLACE) - place) < 2
    expect(page.locator(f"{MESSAGES} .bubble").first).to_have_text("第0条")
    assert "第599条" not in bubbles(page)

    # A message that comes meanwhile belongs at the end, and a reader elsewhere has not read it.
    anna.go("/chat/贝五/")
    anna.say("新的一条")
    expect(page.locator("#new-pill")).to_have_text("1 条新消息")
    assert "新的一条" not in bubbles(page)

    for _ in range(60):
        last = page.locator(MESSAGES).last
        if last.locator(".bubble").text_content() == "新的一条":
            break
        before = last.get_attribute("data-id")
        thread.evaluate("element => { element.scrollTop = element.scrollHeight; }")
        expect(page.locator(MESSAGES).last).not_to_have_attribute("data-id", before)
    ids = page.locator("#messages").evaluate(HELD)
    assert ids == sorted(set(ids))
    assert len(ids) <= 450
    assert [int(words[1:-1]) for words in bubbles(page)[:-1]] == list(range(601 - len(ids), 600))
    assert anna.complaints == ben.complaints == []


def test_from_far_above_a_button_leads_to_the_last_message(long_chat):
    _anna, ben = long_chat("艾六", "贝六")
    thread, pill = ben.page.locator("#thread"), ben.page.locator("#new-pill")
    expect(pill).to_be_hidden()
    for _ in range(3):
        count = ben.page.locator(MESSAGES).count()
        thread.evaluate("element => { element.scrollTop = 0; }")
        expect(ben.page.locator(MESSAGES)).to_have_count(count + 50)
    expect(pill).to_have_text("回到最新")
    pill.click()
    expect(pill).to_be_hidden()
    expect(ben.page.locator(MESSAGES).last).to_be_in_viewport()
