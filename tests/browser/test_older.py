"""Browsers of 2021: what they lack is removed by a script, and everything works."""

from __future__ import annotations

from playwright.sync_api import expect

from .test_hand import MESSAGES

# With the forms of dates that ICU 72 gave to Canadian English.
OLDER = """
for (const name of ["at", "findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced"]) {
  delete Array.prototype[name];
}
for (const name of ["at", "isWellFormed", "toWellFormed"]) delete String.prototype[name];
delete URL.canParse;
delete URL.parse;
delete AbortSignal.timeout;
delete AbortSignal.any;
delete Object.hasOwn;
delete Object.groupBy;
delete Promise.withResolvers;
delete Element.prototype.checkVisibility;
delete SubmitEvent.prototype.submitter;
for (const name of ["open", "returnValue", "showModal", "close"]) {
  delete HTMLDialogElement.prototype[name];
}
delete Crypto.prototype.randomUUID;
delete Intl.Segmenter;
for (const name of ["BroadcastChannel", "structuredClone", "reportError", "requestIdleCallback",
                    "navigation", "scheduler"]) {
  delete window[name];
}
const { format } = Object.getOwnPropertyDescriptors(Intl.DateTimeFormat.prototype);
Object.defineProperty(Intl.DateTimeFormat.prototype, "format", {
  get() {
    const inner = format.get.call(this);
    if (this.resolvedOptions().locale !== "en-CA") return inner;
    return (moment) => inner(moment).replace(/(\\d+)-(\\d+)-(\\d+)/, "$2/$3/$1");
  },
});
window.RegExp = new Proxy(RegExp, {
  construct(target, [pattern, flags = ""]) {
    if (flags.includes("v")) throw new SyntaxError("Invalid flags");
    return new target(pattern, flags);
  },
});
window.isOlder = true;
"""
BROKEN = """
Object.defineProperty(HTMLAnchorElement.prototype, "rel", {
  set() {
    throw new Error("no links here");
  },
});
"""
AGE = """
from datetime import timedelta
from chat.models import Message
for message in Message.objects.filter(sender__username="{sender}"):
    message.sent_at -= timedelta(days=40)
    message.save(update_fields=["sent_at"])
"""


def test_everything_works_in_a_browser_of_2021(friends, server):
    wang, li = friends("吴甲", "郑甲")
    for person in (wang, li):
        person.context.add_init_script(OLDER)
    wang.go("/chat/郑甲/")
    assert wang.page.evaluate("window.isOlder && !URL.canParse && ![].at.name.includes('native')")
    wang.say("旧的一条 https://example.com/a谢谢 http://[坏的")
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text("✓")
    server.manage("shell", "-c", AGE.format(sender="吴甲"))
    li.go("/")
    expect(li.page.locator("#chats .row-time")).not_to_have_text("")
    li.page.click("#chats .row a")
    expect(li.page.locator(f"{MESSAGES}.theirs .bubble a")).to_have_text("https://example.com/a")
    li.say("👍")
    expect(wang.page.locator(f"{MESSAGES}.theirs .bubble")).to_have_text("👍")
    wang.page.locator(f"{MESSAGES}.theirs .bubble").click(button="right")
    wang.page.click(".popup-menu [role=menuitem]:has-text('引用')")
    wang.say("看到了")
    expect(li.page.locator(f"{MESSAGES}.theirs .quote:not([hidden])")).to_have_text("郑甲：👍")
    delete(wang.page, "看到了")
    wang.page.keyboard.press("Control+/")
    expect(wang.page.locator("#keys")).to_be_visible()
    wang.page.click("#keys [type=submit]")
    expect(wang.page.locator("#keys")).to_be_hidden()
    assert "?" not in wang.page.url  # its form was sent nowhere
    li.page.click(".back")
    li.page.fill("#chat-filter", "看到")
    expect(li.page.locator(".search-words").first).to_contain_text("看到了")
    assert wang.complaints == li.complaints == []


def delete(page, words):
    """Delete a message, after a second thought."""
    question = page.locator(".question")
    for answer in ("Escape", "删除"):
        page.locator(f"{MESSAGES} .bubble:text-is('{words}')").click(button="right")
        page.click(".popup-menu .danger")
        expect(question).to_be_visible()
        box = question.bounding_box()
        assert abs(box["x"] + box["width"] / 2 - 640) < 2  # in the middle of a desktop
        assert 0 < box["y"] < 800 - box["height"]
        if answer == "Escape":
            page.keyboard.press(answer)
        else:
            question.locator(f"button:text-is('{answer}')").click()
        expect(question).to_have_count(0)
    expect(page.locator(f"{MESSAGES} .bubble:text-is('{words}')")).to_have_count(0)


def test_a_bubble_that_cannot_be_shown_stops_no_other(friends):
    wang, li = friends("吴乙", "郑乙")
    wang.go("/chat/郑乙/")
    for words in ("前", "坏 https://example.com/", "后"):
        wang.say(words)
    expect(wang.page.locator(f"{MESSAGES}.mine .state")).to_have_text(["✓"] * 3)
    li.context.add_init_script(BROKEN)
    li.go("/chat/吴乙/")
    expect(li.page.locator(f"{MESSAGES} .bubble")).to_have_text(
        ["前", "坏 https://example.com/", "后"]
    )
