"""People of the old program whose name is not possible here, at their first log-in."""

from __future__ import annotations

from playwright.sync_api import expect

from chat.tests.legacy import OldTree, v3

from .conftest import PHONE


def test_the_old_name_logs_in_and_a_notice_tells_the_new_one(people, server, tmp_path):
    old = OldTree(tmp_path)
    old.users("Li Lei", "h")
    old.write("friends/Li Lei.json", ["h"])
    old.write("friends/h.json", ["Li Lei"])
    old.write("messages/Li Lei_h.json", [v3("h", "还记得我吗", "2025-10-17T04:00:00Z")])
    server.manage("import_legacy", str(old.root))

    visitor = people("uma", PHONE)
    page = visitor.page
    visitor.context.clear_cookies()
    visitor.go("/login/")
    page.fill("[name=username]", "Li Lei")
    page.fill("[name=password]", "Li Lei-pw")
    page.click(".form [type=submit]")
    page.wait_for_url(f"{visitor.site}/")
    expect(page.locator("#pending")).to_contain_text("你现在叫 Li_Lei")
    page.click("#pending [type=submit]")
    expect(page.locator("#chats .row-preview")).to_have_text("还记得我吗")
    page.locator("#chats a").first.click()
    page.wait_for_url(f"{visitor.site}/chat/h/")
    expect(page.locator("#messages")).to_contain_text("还记得我吗")
    assert visitor.complaints == []
