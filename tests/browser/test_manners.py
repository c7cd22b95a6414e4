"""The manners of other chats, each tried by two people, on a desktop and on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

MESSAGES = "#messages .message"


def open_chats(first, second):
    first.go(f"/chat/{second.name}/")
    second.go(f"/chat/{first.name}/")


def say_and_wait(speaker, listener, words):
    speaker.say(words)
    expect(listener.page.locator(f"{MESSAGES}.theirs .bubble").last).to_have_text(words)


def menu_of(person, bubble, item):
    person.page.locator(bubble).last.click(button="right")
    person.page.click(f".popup-menu [role=menuitem]:has-text('{item}')")


def test_a_message_is_recalled_for_both_and_written_anew(friends):
    wang, li = friends("王一", "李一")
    open_chats(wang, li)
    say_and_wait(wang, li, "发错了")
    menu_of(wang, f"{MESSAGES}.mine .bubble", "撤回")
    expect(wang.page.locator(f"{MESSAGES} .bubble").last).to_have_text("你撤回了一条消息")
    expect(li.page.locator(f"{MESSAGES} .bubble").last).to_have_text("“王一”撤回了一条消息")
    expect(wang.page.locator("#chats .row-preview")).to_have_text("你撤回了一条消息")
    li.post("friends/王一/remark/", remark="小明")
    expect(li.page.locator(f"{MESSAGES} .bubble").last).to_have_text("“小明”撤回了一条消息")
    li.page.click(".conversation-header .back")
    expect(li.page.locator("#chats .row-preview")).to_have_text("“小明”撤回了一条消息")
    wang.page.reload()
    wang.page.click(".edit-again")
    expect(wang.page.locator("#composer-text")).to_have_value("发错了")
    assert wang.complaints == li.complaints == []


def test_a_quote_leads_to_what_it_answers_and_says_when_that_is_gone(friends):
    wang, li = friends("王二", "李二")
    open_chats(wang, li)
    say_and_wait(wang, li, "下午开会吗？")
    for number in range(30):
        wang.say(f"还有一件事 {number}")
    expect(li.page.locator(f"{MESSAGES}")).to_have_count(31)
    li.page.locator(f"{MESSAGES} .bubble").first.scroll_into_view_if_needed()
    li.page.locator(f"{MESSAGES} .bubble").first.click(button="right")
    li.page.click(".popup-menu [role=menuitem]:has-text('引用')")
    expect(li.page.locator("#quote-bar")).to_contain_text("王二：下午开会吗？")
    li.say("开")
    quote = wang.page.locator(f"{MESSAGES}.theirs .quote").last
    expect(quote).to_have_text("王二：下午开会吗？")
    li.post("friends/王二/remark/", remark="小明")
    expect(li.page.locator(f"{MESSAGES}.mine .quote").last).to_have_text("小明：下午开会吗？")
    quote.click()
    expect(wang.page.locator(f"{MESSAGES}.flash .bubble")).to_have_text("下午开会吗？")
    wang.page.locator(f"{MESSAGES}.mine .bubble").first.click(button="right")
    wang.page.click(".popup-menu [role=menuitem]:has-text('撤回')")
    expect(li.page.locator(f"{MESSAGES}.mine .quote").last).to_have_text("引用的消息已不存在")
    assert wang.complaints == li.complaints == []


def test_a_message_deleted_for_oneself_leaves_all_own_tabs(friends):
    wang, li = friends("王三", "李三")
    open_chats(wang, li)
    second = li.open_tab()
    second.goto(li.page.url)
    say_and_wait(wang, li, "给你看")
    expect(second.locator(f"{MESSAGES} .bubble")).to_have_text("给你看")
    menu_of(li, f"{MESSAGES}.theirs .bubble", "删除")
    li.page.click(".question .danger")
    for page in (li.page, second):
        expect(page.locator(MESSAGES)).to_have_count(0)
    expect(wang.page.locator(f"{MESSAGES} .bubble")).to_have_text("给你看")


def test_a_copied_message_can_be_pasted_on_plain_http(friends):
    wang, li = friends("王四", "李四")
    open_chats(wang, li)
    say_and_wait(wang, li, "复制我 https://example.com/")
    menu_of(wang, f"{MESSAGES}.mine .bubble", "复制")
    expect(wang.page.locator("#toast")).to_have_text("已复制")
    wang.page.focus("#composer-text")
    wang.page.keyboard.press("Control+V")
    expect(wang.page.locator("#composer-text")).to_have_value("复制我 https://example.com/")


def test_a_chat_is_pinned_muted_marked_and_put_away(friends):
    wang, li = friends("王五", "李五")
    wang.go("/")
    li.go("/chat/王五/")
    row = wang.page.locator("#chats .row[data-username='李五']")
    row.click(button="right")
    wang.page.click(".popup-menu :text('置顶')")
    expect(row).to_have_attribute("data-pinned", "")
    row.click(button="right")
    wang.page.click(".popup-menu :text('消息免打扰')")
    expect(row).to_have_attribute("data-muted", "")
    li.say("很安静")
    badge = row.locator("[data-unread-badge]")
    expect(badge).to_have_class("badge dot")
    expect(wang.page).to_have_title("聊天")
    row.click(button="right")
    wang.page.click(".popup-menu :text('标为已读')")
    expect(badge).to_be_hidden()
    row.click(button="right")
    wang.page.click(".popup-menu :text('标为未读')")
    expect(badge).to_have_class("badge dot")
    row.click(button="right")
    wang.page.click(".popup-menu :text('删除聊天')")
    wang.page.click(".question .danger")
    expect(row).to_have_count(0)
    li.say("我又来了")
    expect(row.locator(".row-preview")).to_have_text("我又来了")
    row.locator("a").click()
    expect(wang.page.locator(f"{MESSAGES} .bubble")).to_have_text(["我又来了"])
    assert wang.complaints == li.complaints == []


def test_typing_is_seen_and_a_draft_stands_in_the_list(friends):
    wang, li = friends("王六", "李六")
    open_chats(wang, li)
    expect(li.page.locator("#connection")).to_be_hidden()
    wang.page.wait_for_timeout(500)
    wang.page.type("#composer-text", "我在想", delay=50)
    expect(li.page.locator(".conversation-typing")).to_have_text("对方正在输入…")
    wang.page.click("#tabs [data-tab=contacts]")
    wang.page.click("#tabs [data-tab=chats]")
    expect(wang.page.locator("#chats .row-preview")).to_have_text("[草稿] 我在想")


def test_what_is_new_has_a_line_above_it_and_a_way_there(friends):
    wang, li = friends("王七", "李七")
    wang.go("/chat/李七/")
    li.go("/contacts/")
    wang.say("第一条")
    li.go("/chat/王七/")
    expect(li.page.locator(MESSAGES)).to_have_count(1)
    li.go("/contacts/")
    for number in range(30):
        wang.say(f"新消息 {number}")
    expect(wang.page.locator(f"{MESSAGES}[data-state=sent]")).to_have_count(31)
    li.page.click("#tabs [data-tab=chats]")
    li.page.click("#chats .row a")
    pill = li.page.locator("#unread-pill")
    expect(pill).to_have_text("30 条新消息")
    pill.click()
    line = li.page.locator(".unread-line")
    expect(line).to_have_text("以下为新消息")
    expect(line).to_be_in_viewport()
    expect(li.page.locator(".day")).to_have_count(1)


def test_long_messages_fold_and_lone_emoji_are_large(friends):
    wang, li = friends("王八", "李八")
    open_chats(wang, li)
    say_and_wait(wang, li, "👍")
    expect(li.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_class("bubble large")
    wang.say("很长的话。" * 300)
    bubble = li.page.locator(f"{MESSAGES}.theirs .bubble").last
    expect(bubble).to_have_class("bubble folded")
    li.page.click(".unfold")
    expect(bubble).to_have_class("bubble")
    say_and_wait(wang, li, "\n".join(f"第{n}行" for n in range(60)))
    li.page.click("#new-pill")
    top = bubble.bounding_box()["y"]
    li.page.locator(".unfold").last.click()
    expect(bubble).to_have_class("bubble")
    li.page.wait_for_timeout(100)  # for what follows the size of the thread
    assert bubble.bounding_box()["y"] == top
    # The button is no wider than the short lines, beside one's avatar.
    own = wang.page.locator(f"{MESSAGES}.mine").last
    bubble, avatar = own.locator(".bubble").bounding_box(), own.locator(".avatar").bounding_box()
    assert avatar["x"] - bubble["x"] - bubble["width"] == 12


def test_the_menus_work_by_the_keyboard_alone(friends):
    wang, li = friends("王九", "李九")
    open_chats(wang, li)
    say_and_wait(wang, li, "只用键盘")
    wang.page.focus("#composer-text")
    wang.page.keyboard.press("Shift+Tab")
    for _step in range(6):
        if wang.page.evaluate("document.activeElement.className") == "message-more":
            break
        wang.page.keyboard.press("Shift+Tab")
    wang.page.keyboard.press("Enter")
    expect(wang.page.locator(".popup-menu")).to_be_visible()
    wang.page.keyboard.press("ArrowDown")
    wang.page.keyboard.press("Escape")
    expect(wang.page.locator(".popup-menu")).to_have_count(0)
    assert wang.page.evaluate("document.activeElement.className") == "message-more"
