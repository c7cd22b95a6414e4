"""Two people with pictures in Chromium, as media_bench.py measures them."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from client import named_for
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from processes import Server

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
LATER = 2.5  # seconds until the second script is there
QUIET = 3.0  # seconds in which nothing more is loaded
PATIENCE = 60.0
PICTURES = "#messages .message.theirs .attachment.picture img"
SEEN = """() => [...document.querySelectorAll("#messages .message.theirs .attachment.picture img")]
  .filter((image) => image.complete && image.naturalWidth).length"""


@dataclass
class Opening:
    """What a page has loaded."""

    bytes: float = 0.0  # on the wire, heads included
    sizes: list[float] = field(default_factory=list)  # of previews
    at: float = field(default_factory=time.monotonic)  # when the last of it came

    @property
    def pictures(self) -> int:
        return len(self.sizes)


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


async def _enter(
    browser: Browser, server: Server, person: dict[str, str], **shape: Any
) -> BrowserContext:
    context = await browser.new_context(locale="zh-CN", **shape)
    name, value = named_for(server.address, person["cookie"]).split("=", 1)
    await context.add_cookies([{"name": name, "value": value, "url": _site(server)}])
    return context


def _site(server: Server) -> str:
    return f"http://{server.address.host}:{server.address.port}"


async def send_photo(
    server: Server, pair: list[dict[str, str]], content: bytes, rounds: int
) -> list[float]:
    """Return the seconds from the choice of a photo to its preview at the friend's."""
    one, other = pair
    async with _browser() as browser:
        pages = []
        for person, friend in ((one, other), (other, one)):
            context = await _enter(browser, server, person, **DESKTOP)
            pages.append(await context.new_page())
            await pages[-1].goto(f"{_site(server)}/chat/{friend['username']}/")
        await asyncio.sleep(LATER)
        await _send(*pages, content, already=0)  # the first loads what is needed later
        return [await _send(*pages, content, already=number) for number in range(1, rounds + 1)]


async def _send(sender: Page, reader: Page, content: bytes, already: int) -> float:
    await sender.click("#attach-button")
    async with sender.expect_file_chooser() as chooser:
        await sender.click(".popup-menu >> text=图片和视频")
    chosen = {"name": f"照片{already}.jpg", "mimeType": "image/jpeg", "buffer": content}
    began = time.monotonic()
    await (await chooser.value).set_files([chosen])
    await sender.click("#files [type=submit]")
    while await reader.evaluate(SEEN) <= already:
        if time.monotonic() > began + PATIENCE:
            raise SystemExit("the photo does not arrive")
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def open_history(
    server: Server, reader: dict[str, str], friend: dict[str, str]
) -> dict[str, Opening]:
    """Open a chat with an empty cache, on a desktop and on a phone."""
    async with _browser() as browser:
        return {
            name: await _open(browser, server, reader, friend, shape)
            for name, shape in (("desktop", DESKTOP), ("phone", PHONE))
        }


async def _open(
    browser: Browser,
    server: Server,
    reader: dict[str, str],
    friend: dict[str, str],
    shape: dict[str, Any],
) -> Opening:
    context = await _enter(browser, server, reader, **shape)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    opening, previews = Opening(), set()

    def note_answer(event: dict[str, Any]) -> None:
        if event["response"]["url"].endswith("/preview/"):
            previews.add(event["requestId"])

    def note_end(event: dict[str, Any]) -> None:
        opening.bytes += event["encodedDataLength"]
        opening.at = time.monotonic()
        if event["requestId"] in previews:
            opening.sizes.append(event["encodedDataLength"])

    session.on("Network.responseReceived", note_answer)
    session.on("Network.loadingFinished", note_end)
    await session.send("Network.enable")
    await page.goto(f"{_site(server)}/chat/{friend['username']}/")
    while time.monotonic() < opening.at + QUIET:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await context.close()
    return opening
