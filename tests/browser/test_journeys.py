from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE

MESSAGES = "#messages .message"


def bubbles(person, page=None):
    return (page or person.page).locator(f"{MESSAGES} .bubble").all_inner_texts()


def unread(person, name):
    return person.page.locator(f"#chats .row[data-username='{name}'] [data-unread-badge]")


def test_two_people_meet_talk_and_find_what_they_missed(people):
    wang = people("王伟", DESKTOP)
    li = people("李雷", PHONE)
    become_friends(wang, li)
    talk(wang, li)
    lose_the_line_for_a_while(wang, li)
    assert wang.complaints == []
    assert [c for c in li.complaints if "ERR_INTERNET_DISCONNECTED" not in c] == []


def become_friends(wang, li):
    wang.ask("李雷", "我是隔壁班的王伟")
    expect(wang.page.locator("#requests-sent .request")).to_contain_text("李雷")
    # Li sees the request live, on whatever page is open.
    expect(li.page.locator("#tabs [data-badge=contacts]")).to_have_text("1")
    li.page.click("#tabs [data-tab=contacts]")
    li.page.click("#list .menu a")
    expect(li.page.locator("#requests-received .request")).to_contain_text("我是隔壁班的王伟")
    li.page.click("#requests-received .button >> nth=0")
    expect(li.page.locator("#thread-empty")).to_have_text("你已添加了王伟，现在可以开始聊天了")
    expect(wang.page.locator("#friends .row")).to_contain_text("李雷")
    li.page.click(".back")


def talk(wang, li):
    wang.go("/")
    wang.page.click("#chats .row a")
    wang.say("下午开会")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    li.page.click("#tabs [data-tab=chats]")
    expect(unread(li, "王伟")).to_have_text("1")
    expect(li.page).to_have_title("(1) 聊天")

    li.page.click("#chats .row a")
    expect(li.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text("下午开会")
    expect(li.page).to_have_title("王伟")
    li.say("好的，带上电脑 https://example.com/a?b=1。")
    expect(wang.page.locator(f"{MESSAGES}.theirs .bubble a")).to_have_text(
        "https://example.com/a?b=1"
    )


def lose_the_line_for_a_while(wang, li):
    li.context.set_offline(True)
    for number in range(3):
        wang.say(f"离线第{number}条")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 4)
    assert "离线第0条" not in bubbles(li)
    li.say("离线时写的")
    li.context.set_offline(False)
    expect(wang.page.locator(f"{MESSAGES}.theirs .bubble").last).to_have_text(
        "离线时写的", timeout=60_000
    )
    expect(li.page.locator(MESSAGES)).to_have_count(6)
    assert bubbles(li) == bubbles(wang)
    expect(li.page).to_have_title("王伟")


@pytest.mark.alone
def test_only_reading_on_a_visible_page_clears_the_badge_and_it_does_in_every_tab(friends):
    alice, bob = friends("alice", "bob")
    bob.go("/")
    second = bob.open_tab()
    second.goto(bob.site + "/")
    alice.go("/chat/bob/")
    alice.say("读到了吗")
    expect(unread(bob, "alice")).to_have_text("1")
    expect(second.locator("#tabs [data-badge=chats]")).to_have_text("1")

    bob.page.bring_to_front()
    bob.page.click("#chats .row a")
    expect(second.locator("#tabs [data-badge=chats]")).to_be_hidden(timeout=2_000)
    expect(second).to_have_title("聊天")
    # Bob's read mark says nothing about alice's.
    alice.go("/")
    bob.say("读到了")
    expect(unread(alice, "bob")).to_have_text("1")
    assert alice.complaints == bob.complaints == []


def test_a_reader_of_old_messages_is_not_moved_by_new_ones(friends, server):
    anna, ben = friends("anna", "ben")
    code = """
import uuid
from accounts.models import User
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages
anna = User.objects.get(username="anna")
draft = lambda i: Draft.parse(anna.pk, to="ben", text=f"第{i}条", client_id=str(uuid.uuid4()))
for i in range(120):
    post_messages([draft(i)])
"""
    server.manage("shell", "-c", code)
    ben.go("/chat/anna/")
    expect(ben.page.locator(MESSAGES).last).to_contain_text("第119条")
    thread = ben.page.locator("#thread")
    thread.evaluate("element => { element.scrollTop = 10; }")
    expect(ben.page.locator(MESSAGES)).to_have_count(100)
    # The message at the top before is still where it was.
    assert thread.evaluate("element => element.scrollTop") > 1000
    thread.evaluate("element => { element.scrollTop -= 600; }")
    place = thread.evaluate("element => element.scrollTop")

    anna.go("/chat/ben/")
    anna.say("新的一条")
    pill = ben.page.locator("#new-pill")
    expect(pill).to_be_visible()
    assert thread.evaluate("element => element.scrollTop") == place
    pill.click()
    expect(pill).to_be_hidden()
    expect(ben.page.locator(MESSAGES).last).to_be_in_viewport()
    assert anna.complaints == ben.complaints == []


def test_a_deleted_person_vanishes_live_and_the_composer_is_locked(friends):
    carl, dora = friends("carl", "dora")
    carl.go("/chat/dora/")
    dora.go("/account/delete/")
    dora.page.fill("[name=password]", "blaue-Wolke-7")
    dora.page.click(".form [type=submit]")
    dora.page.wait_for_url("**/login/")
    expect(carl.page.locator("#composer-locked")).to_have_text("对方已注销账号")
    expect(carl.page.locator("#chats .row")).to_have_count(0)
    expect(carl.page.locator("#composer .send")).to_be_disabled()
    assert carl.complaints == []


def test_back_and_forward_work_and_the_tabs_do_not_reload_the_world(friends):
    erik, fina = friends("erik", "fina")
    erik.go("/")
    erik.page.evaluate("window.stillHere = true")
    erik.page.click("#chats .row a")
    expect(erik.page.locator("#conversation")).to_be_visible()
    erik.page.click("#tabs [data-tab=contacts]")
    expect(erik.page.locator("#friends .row")).to_have_count(1)
    erik.page.go_back()
    expect(erik.page.locator("#conversation")).to_be_visible()
    assert erik.page.url.endswith("/chat/fina/")
    erik.page.go_back()
    expect(erik.page.locator("#conversation")).to_have_count(0)
    erik.page.go_forward()
    expect(erik.page.locator("#conversation")).to_be_visible()
    assert erik.page.evaluate("window.stillHere") is True
    assert erik.complaints == []


def test_the_form_to_add_a_friend_shows_what_the_server_says(people):
    gina = people("gina", PHONE)
    gina.ask("nobody_there")
    expect(gina.page.locator("#add-friend .field-error")).to_have_text("用户不存在。")
    assert gina.page.input_value("#add-friend [name=username]") == "nobody_there"
    gina.ask("GINA")
    expect(gina.page.locator("#add-friend .field-error")).to_have_text("不能添加自己为好友。")


def test_a_name_is_checked_while_it_is_typed(people, chromium, server):
    people("hans", DESKTOP)
    page = chromium.new_page(locale="zh-CN")
    page.goto(server.site + "/register/")
    page.type("[name=username]", "ＨＡＮＳ")
    expect(page.locator(".field-hint.bad")).to_have_text("该用户名已被注册，请换一个。")
    page.fill("[name=username]", "hans_2")
    expect(page.locator(".field-hint.good")).to_have_text("该用户名可以使用")
    page.close()


def test_everything_works_without_javascript(chromium, friends, server):
    ida, jan = friends("ida", "jan")
    plain = chromium.new_context(
        locale="zh-CN",
        java_script_enabled=False,
        storage_state=ida.context.storage_state(),
        **PHONE,
    )
    page = plain.new_page()
    page.goto(server.site + "/chat/jan/")
    page.fill("[name=text]", "没有脚本也能聊")
    page.click("#composer .send")
    expect(page.locator(f"{MESSAGES}.mine .bubble")).to_have_text("没有脚本也能聊")
    jan.go("/chat/ida/")
    expect(jan.page.locator(f"{MESSAGES} .bubble")).to_have_text("没有脚本也能聊")
    page.goto(server.site + "/discover/")
    page.click("button[value=en]")
    expect(page.locator("h1").first).to_have_text("Discover")
    plain.close()


DEAD = "button[type=button], form:not([method=post]):not(:has([name]))"


def test_without_javascript_nothing_is_offered_that_does_nothing(chromium, friends, server):
    ida, jan = friends("ida2", "jan2")
    jan.go("/chat/ida2/")
    jan.say("long " * 500)
    expect(jan.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    state = ida.context.storage_state()
    for size in (PHONE, DESKTOP):
        plain = chromium.new_context(java_script_enabled=False, storage_state=state, **size)
        page = plain.new_page()
        for path in ("/", "/chat/jan2/", "/contacts/", "/contacts/jan2/", "/search/", "/discover/"):
            page.goto(server.site + path)
            dead = page.locator(DEAD)
            assert [each.is_visible() for each in dead.all()].count(True) == 0, (path, size)
            assert dead.count() > 0
        plain.close()


def test_where_sockets_are_blocked_the_page_asks_instead(friends):
    karl, lena = friends("karl", "lena")
    for person in (karl, lena):
        person.context.route_web_socket("**/live/**", lambda socket: socket.close())
        person.go("/")
    karl.page.click("#chats .row a")
    karl.say("ohne Socket")
    expect(karl.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    expect(unread(lena, "karl")).to_have_text("1", timeout=15_000)
    lena.page.click("#chats .row a")
    lena.say("geht auch")
    expect(karl.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text(
        "geht auch", timeout=15_000
    )
    assert len(bubbles(karl)) == len(bubbles(lena)) == 2


def test_a_restart_of_the_server_loses_and_doubles_nothing(friends, server):
    mona, nils = friends("mona", "nils")
    mona.go("/chat/nils/")
    nils.go("/chat/mona/")
    mona.say("davor")
    expect(nils.page.locator(f"{MESSAGES} .bubble")).to_have_text(["davor"])
    server.stop()
    mona.say("währenddessen")
    nils.say("auch")
    expect(mona.page.locator(f"{MESSAGES}.mine").last).to_have_attribute("data-state", "failed")
    # Waiting messages survive a reload of the page, even one that gets no answer.
    server.start()
    for person in (mona, nils):
        expect(person.page.locator(MESSAGES)).to_have_count(3, timeout=45_000)
        expect(person.page.locator(f"{MESSAGES}.mine .state").last).to_have_text(
            "✓", timeout=45_000
        )
    assert bubbles(mona) == bubbles(nils)
    assert sorted(bubbles(mona)) == ["auch", "davor", "währenddessen"]


def test_what_could_not_be_sent_outlives_a_reload_of_the_page(friends, server):
    otto, paul = friends("otto", "paul")
    otto.go("/chat/paul/")
    otto.page.route("**/api/**", lambda route: route.abort())
    otto.context.route_web_socket("**/live/**", lambda socket: socket.close())
    otto.page.reload()
    otto.say("noch unterwegs")
    expect(otto.page.locator(f"{MESSAGES}.mine .retry")).to_be_visible()
    otto.page.unroute("**/api/**")
    otto.page.reload()
    expect(otto.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    paul.go("/chat/otto/")
    expect(paul.page.locator(f"{MESSAGES} .bubble")).to_have_text(["noch unterwegs"])


def test_a_page_left_open_never_speaks_for_who_logs_in_after(friends, people, server):
    """On a shared computer, cora's page is open in one tab while emil logs in in another."""
    cora, dirk = friends("cora", "dirk")
    emil = people("emil", DESKTOP)
    emil.ask("dirk")
    dirk.go("/contacts/requests/")
    dirk.page.click("#requests-received .button >> nth=0")
    cora.go("/chat/dirk/")
    cora.context.set_offline(True)
    server.manage(
        "shell",
        "-c",
        "from accounts.models import UserSession as S;"
        "S.objects.filter(user__username='cora').end()",
    )
    cora.context.clear_cookies()
    cora.context.add_cookies(emil.context.cookies())
    cora.say("von cora")
    expect(cora.page.locator(f"{MESSAGES}.mine .retry")).to_be_visible(timeout=30_000)
    cora.context.set_offline(False)
    # Her page leaves; the one in its place is emil's, without a trace of her.
    expect(cora.page.locator("#messages .bubble")).to_have_count(0, timeout=60_000)
    expect(cora.page.locator("body")).to_have_attribute("data-user-id", user_id(emil))
    assert "von cora" not in cora.page.evaluate("JSON.stringify(sessionStorage)")
    emil.go("/chat/dirk/")
    expect(emil.page.locator("#composer-text")).to_be_visible()
    assert bubbles(emil) == []


def user_id(person):
    return person.page.locator("body").get_attribute("data-user-id")
