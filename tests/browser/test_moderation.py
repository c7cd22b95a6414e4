"""Each act of a moderator, with the open pages of the two people concerned."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP

PROMOTE = """
from django.contrib.auth.models import Group
from accounts.models import User
user = User.objects.get(username={name!r})
user.is_staff = True
user.save()
user.groups.add(Group.objects.get(name="管理员"))
"""
BUBBLES = "#messages .message .bubble"
REMOVED = "该消息已被管理员移除"
UNAVAILABLE = "对方账号暂不可用。"
OUT_MS = 5_000  # the promise: how soon a page logs out when its session has ended


@pytest.fixture
def moderator(people, server):
    def make(name):
        person = people(name, DESKTOP)
        server.manage("shell", "--verbosity", "0", "-c", PROMOTE.format(name=name))
        return person

    return make


@pytest.fixture
def scene(friends, moderator):
    """Alice and bob talk, each with the conversation open; the third is the moderator."""

    def make(alice_name, bob_name, moderator_name):
        alice, bob = friends(alice_name, bob_name)
        alice.go(f"/chat/{bob_name}/")
        bob.go(f"/chat/{alice_name}/")
        return alice, bob, moderator(moderator_name)

    return make


def report(alice, bob, words, reason):
    """Report a friend on the page, from the friend's own page."""
    alice.page.click(".conversation-header a[href*='/contacts/']")
    alice.page.click("#contact a.action")
    alice.page.click(f".choice:has-text('{words}')")
    alice.page.fill("[name=reason]", reason)
    alice.page.click("#detail button[type=submit]")
    expect(alice.page.locator("#detail .notice")).to_have_text("举报已提交，管理员会尽快处理。")
    alice.page.click("#detail a.button")
    expect(alice.page.locator("#composer-text")).to_be_visible()


def open_report(boss):
    boss.go("/admin/")
    boss.page.click("a.wait.is-urgent")
    boss.page.click("#result_list tbody th a")


def open_user(boss, name):
    boss.go(f"/admin/accounts/user/?q={name}")
    boss.page.locator("#result_list").get_by_role("link", name=name, exact=True).click()


def press(boss, summary, button=None):
    """Open an act and confirm it."""
    act = boss.page.locator("details.act", has=boss.page.get_by_text(summary, exact=True).first)
    act.locator("summary").click()
    act.get_by_role("button", name=button or summary, exact=True).click()
    expect(boss.page.locator(".messagelist .success")).to_be_visible()


def confirm(person, words, page=None):
    page = page or person.page
    dialog = page.locator("#pending")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(words)
    dialog.get_by_role("button", name="知道了").click()
    expect(dialog).to_be_hidden()


def test_a_message_is_reported_removed_and_its_reporter_told(scene):
    alice, bob, boss = scene("anna", "ben", "boss1")
    bob.say("你真笨")
    expect(alice.page.locator(BUBBLES)).to_have_text(["你真笨"])
    report(alice, bob, "你真笨", "骂人")

    open_report(boss)
    expect(boss.page.locator(".line.is-reported .line-text")).to_have_text("你真笨")
    expect(boss.page.locator(".report-reason")).to_have_text("骂人")
    press(boss, "移除消息")
    for person in (alice, bob):
        expect(person.page.locator(BUBBLES)).to_have_text([REMOVED])
    confirm(alice, "你对“ben”的举报已处理")
    expect(bob.page.locator("#pending")).to_be_hidden()
    expect(boss.page.locator(".line.is-reported .line-text")).to_have_text("你真笨")
    bob.page.reload()
    expect(bob.page.locator(BUBBLES)).to_have_text([REMOVED])
    assert [p.complaints for p in (alice, bob, boss)] == [[], [], []]


def test_a_report_is_dismissed_and_nothing_changes(scene):
    alice, bob, boss = scene("cleo", "dirk", "boss2")
    bob.say("下雨了")
    expect(alice.page.locator(BUBBLES)).to_have_text(["下雨了"])
    report(alice, bob, "下雨了", "不喜欢")
    open_report(boss)
    press(boss, "驳回")
    confirm(alice, "未发现违规")
    for person in (alice, bob):
        expect(person.page.locator(BUBBLES)).to_have_text(["下雨了"])
    expect(bob.page.locator("#pending")).to_be_hidden()


def test_a_warning_stands_over_every_page_until_it_is_confirmed(scene):
    alice, bob, boss = scene("emma", "finn", "boss3")
    second = bob.open_tab()
    second.goto(f"{bob.site}/discover/")
    open_user(boss, "finn")
    boss.page.locator("details.act summary").first.click()
    boss.page.fill("details.act[open] textarea", "请文明用语 <b>!</b>")
    boss.page.click("details.act[open] button")
    expect(boss.page.locator(".messagelist .success")).to_be_visible()

    for page in (bob.page, second):
        expect(page.locator("#pending")).to_contain_text("请文明用语 <b>!</b>")
    for _twice in range(2):
        bob.page.keyboard.press("Escape")
    expect(bob.page.locator("#pending")).to_be_visible()
    bob.page.reload()
    confirm(bob, "管理员警告")
    expect(second.locator("#pending")).to_be_hidden()
    bob.page.reload()
    expect(bob.page.locator("#pending")).to_be_hidden()
    expect(alice.page.locator("#pending")).to_be_hidden()
    bob.say("好的")
    expect(alice.page.locator(BUBBLES)).to_have_text(["好的"])


def test_a_muted_person_reads_is_told_until_when_and_can_send_again(scene):
    alice, bob, boss = scene("gina", "hugo", "boss4")
    open_user(boss, "hugo")
    press(boss, "禁言", "1 小时")
    confirm(bob, "你已被管理员禁言至 20")
    bob.say("我想说")
    expect(bob.page.locator("#messages .message.mine .state")).to_contain_text("你已被禁言至 20")
    alice.say("听得到吗")
    expect(bob.page.locator(f"{BUBBLES} >> text=听得到吗")).to_be_visible()
    expect(alice.page.locator(BUBBLES)).to_have_text(["听得到吗"])
    other = bob.open_tab()
    other.goto(f"{bob.site}/chat/gina/")
    expect(other.locator("#composer-locked")).to_contain_text("你已被禁言至 20")
    other.close()

    press(boss, "解除禁言")
    confirm(bob, "你的禁言已解除")
    bob.page.click("#messages .retry")
    expect(alice.page.locator(BUBBLES)).to_have_text(["听得到吗", "我想说"])


@pytest.mark.alone
def test_who_is_signed_out_is_out_within_seconds_and_comes_back(scene):
    alice, bob, boss = scene("ida", "jan", "boss5")
    open_user(boss, "jan")
    press(boss, "强制下线")
    bob.page.wait_for_url("**/login/", timeout=OUT_MS, wait_until="commit")
    bob.page.fill("[name=username]", "jan")
    bob.page.fill("[name=password]", "blaue-Wolke-7")
    bob.page.click(".form [type=submit]")
    expect(bob.page.locator("#composer-text")).to_be_visible()
    alice.say("还在吗")
    expect(bob.page.locator(BUBBLES)).to_have_text(["还在吗"])


@pytest.mark.alone
def test_who_is_banned_is_out_within_seconds_and_the_friend_sees_it(scene):
    alice, bob, boss = scene("kim", "leo", "boss6")
    open_user(boss, "leo")
    press(boss, "封禁")
    bob.page.wait_for_url("**/login/", timeout=OUT_MS, wait_until="commit")
    bob.page.fill("[name=username]", "leo")
    bob.page.fill("[name=password]", "blaue-Wolke-7")
    bob.page.click(".form [type=submit]")
    expect(bob.page.locator(".field-error")).to_have_text(
        "该账号已被封禁。如有疑问，请联系管理员。"
    )

    expect(alice.page.locator("#composer-locked")).to_have_text(UNAVAILABLE)
    alice.say("你在哪")
    expect(alice.page.locator("#messages .mine .state")).to_contain_text(UNAVAILABLE)
    alice.page.reload()
    expect(alice.page.locator("#composer-locked")).to_have_text(UNAVAILABLE)

    press(boss, "解封")
    expect(alice.page.locator("#composer-locked")).to_be_hidden()
    bob.page.fill("[name=password]", "blaue-Wolke-7")
    bob.page.click(".form [type=submit]")
    expect(bob.page.locator("#composer-text")).to_be_visible()
    alice.page.click("#messages .retry")
    expect(bob.page.locator(BUBBLES)).to_have_text(["你在哪"])


def test_what_waits_is_confirmed_without_scripts_too(scene, chromium, server):
    _alice, bob, boss = scene("ole", "pia", "boss8")
    open_user(boss, "pia")
    press(boss, "警告")
    state = bob.context.storage_state()
    context = chromium.new_context(
        locale="zh-CN", java_script_enabled=False, storage_state=state, **DESKTOP
    )
    page = context.new_page()
    page.goto(f"{server.site}/contacts/")
    page.get_by_role("button", name="知道了").click()
    expect(page.locator("#pending")).to_be_hidden()
    expect(page).to_have_url(f"{server.site}/contacts/")
    context.close()


# This is the last test: people who come later are shown the announcement.
def test_an_announcement_comes_to_open_pages_once_and_again_when_it_is_changed(scene):
    alice, bob, boss = scene("mia", "nils", "boss7")
    boss.go("/admin/chat/announcement/add/")
    boss.page.fill("[name=text]", "周五 22:00 维护")
    boss.page.click("[name=_continue]")
    for person in (alice, bob):
        confirm(person, "周五 22:00 维护")
        person.page.reload()
        expect(person.page.locator("#pending")).to_be_hidden()
    boss.page.fill("[name=text]", "周六 22:00 维护")
    boss.page.click("[name=_continue]")
    confirm(alice, "周六 22:00 维护")
    bob.page.reload()
    confirm(bob, "周六 22:00 维护")
    alice.go("/discover/")
    alice.page.click("a[href='/announcements/']")
    expect(alice.page.locator(".announcement-text")).to_have_text(["周六 22:00 维护"])
    boss.go("/")
    confirm(boss, "周六 22:00 维护")
    assert [p.complaints for p in (alice, bob, boss)] == [[], [], []]
