"""Importing the data of the old program while people have pages open."""

from __future__ import annotations

import struct
import zlib

from playwright.sync_api import expect

from chat.tests.legacy import OldTree, file, v3

from .conftest import DESKTOP

PICTURES = "#messages .attachment.picture img"


def png() -> bytes:
    """One green pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\x07\xc1\x60"))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def write_old_tree(folder):
    old = OldTree(folder)
    old.users("anna", "ben")
    old.write("friends/anna.json", ["ben"])
    old.write("friends/ben.json", ["anna"])
    picture = file(old.upload("3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png", png()))
    paper = file(old.upload("paper.pdf", b"%PDF"), "application/pdf", original_name="报告.pdf")
    talk = [picture, paper, *(str(number) for number in range(60)), paper, picture]
    entries = [
        v3("ben", text, f"2025-10-17T04:{number // 60:02}:{number % 60:02}.000000Z")
        for number, text in enumerate(talk)
    ]
    old.write("messages/anna_ben.json", entries)
    old.write("messages/ben_anna.json", entries)
    return old


def test_old_chats_appear_with_their_pictures_and_files(people, server, tmp_path):
    old = write_old_tree(tmp_path)
    otto = people("otto", DESKTOP)
    page = otto.page
    page.wait_for_timeout(1000)  # until the socket has caught up
    with page.expect_navigation():
        server.manage("import_legacy", str(old.root))

    otto.context.clear_cookies()
    otto.go("/login/")
    page.fill("[name=username]", "anna")
    page.fill("[name=password]", "anna-pw")
    page.click(".form [type=submit]")
    page.wait_for_url(f"{otto.site}/")
    expect(page.locator("#chats .row-preview")).to_have_text("[图片]")

    otto.go("/chat/ben/")
    shown = page.locator(PICTURES)
    expect(shown).to_have_count(1)
    expect(shown).to_have_js_property("naturalWidth", 1)
    with page.expect_download() as download:
        page.click("#messages .attachment.file")
    assert download.value.suggested_filename == "报告.pdf"

    page.locator("#thread").evaluate("thread => thread.scrollTo(0, 0)")
    expect(shown).to_have_count(2)  # the script builds the older page
    shown.first.scroll_into_view_if_needed()
    expect(shown.first).to_have_js_property("naturalWidth", 1)
    heights = page.locator("#messages .bubble:has(img)").evaluate_all(
        "bubbles => bubbles.map((bubble) => bubble.offsetHeight)"
    )
    assert heights[0] == heights[1]
    assert otto.complaints == []
