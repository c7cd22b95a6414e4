"""The feel of the pages in the hand: Chromium four times slower, behind a network like 3G.

hand_bench.py [--messages N] [--cpu FACTOR] [--only visit open type scroll]

On a server of its own, which is deleted afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from client import named_for, open_live
from load import percentile
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright
from processes import CORES, Server, new_settings, prepare, run
from stage import fill_chats

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NETWORK = {
    "offline": False,
    "latency": 300,  # ms before each answer
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
FRIENDS = 40
OPENINGS = 5  # whose median counts
SETTLING = 1_500  # ms in which what comes late may still move the page
LIVE_SETTLING = 500  # ms for answers under way, before the second script comes
TYPING_SECONDS = 15
KEYS_A_SECOND = 8
MESSAGES_A_SECOND = 5  # incoming meanwhile
SCROLL_SECONDS = 240  # at most, each way
MB = 1024 * 1024

# The times of the first readable chat and of the browser's first paint.
WATCH_PAINT = """
window.seen = {};
const look = (now) => {
  if (document.querySelector("#chats .row")?.offsetHeight) {
    setTimeout(() => { window.seen.rows = performance.now(); });
  } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries()) window.seen[name] = startTime;
}).observe({ type: "paint", buffered: true });
document.addEventListener("feed:working", () => { window.seen.live ??= performance.now(); });
"""
# How far things have moved that nobody moved: as browsers count it, without scrolls; and the
# newest message in px since it was first painted.
WATCH_SHIFTS = """
window.shifts = 0;
window.jump = 0;
let first;
const follow = () => {
  const newest = document.querySelector("#messages > .message:last-child");
  if (newest) {
    const { bottom } = newest.getBoundingClientRect();
    first ??= bottom;
    window.jump = Math.max(window.jump, Math.abs(bottom - first));
  }
  requestAnimationFrame(follow);
};
requestAnimationFrame(follow);
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) {
    if (!hadRecentInput) window.shifts += value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""
WATCH_TYPING = """() => {
  window.keys = [];
  window.long = [];
  addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.keys.push(performance.now() - timeStamp);
    channel.port2.postMessage(null);
  }), true);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.long.push(duration);
  }).observe({ type: "longtask" });
}"""
# Scroll like a thumb that never rests: a good part of the screen every frame or two.
SCROLL = """([step, seconds, edge]) => new Promise((resolve) => {
  const thread = document.getElementById("thread");
  const frames = [];
  const start = performance.now();
  let last = start, resting = start, most = 0;
  const turn = (now) => {
    frames.push(now - last);
    last = now;
    const before = thread.scrollTop;
    thread.scrollTop += step;
    most = Math.max(most, thread.querySelectorAll(".message").length);
    if (thread.scrollTop !== before) resting = now;
    const oldest = Number(thread.querySelector(".message[data-id]").dataset.id);
    const newest = Number([...thread.querySelectorAll(".message")].at(-1).dataset.id);
    const isThere = step < 0 ? oldest <= edge : newest >= edge;
    if ((isThere && now - resting > 500) || now - start > seconds * 1000) {
      resolve({ frames, seconds: (now - start) / 1000, isThere, most });
    } else requestAnimationFrame(turn);
  };
  requestAnimationFrame(turn);
})"""
ENDS = """() => {
  const ids = [...document.querySelectorAll(".message[data-id]")].map((each) => +each.dataset.id);
  return [Math.min(...ids), Math.max(...ids)];
}"""


class Hand:
    """A phone with a page of its own, in a slowed-down browser."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page = page
        self.session = session

    async def slow_down(self, factor: float) -> None:
        await self.session.send("Network.enable")
        await self.session.send("Network.emulateNetworkConditions", NETWORK)
        await self.session.send("Emulation.setCPUThrottlingRate", {"rate": factor})

    async def heap(self) -> float:
        """Return the MB of JavaScript, after a garbage collection."""
        await self.session.send("HeapProfiler.collectGarbage")
        return await self._metric("JSHeapUsedSize") / MB

    async def busy_seconds(self) -> float:
        """Return the processor time of the page's thread, which others' noise does not affect."""
        return await self._metric("TaskDuration")

    async def _metric(self, name: str) -> float:
        answer = await self.session.send("Performance.getMetrics")
        return next(each["value"] for each in answer["metrics"] if each["name"] == name)

    async def nodes(self) -> int:
        return (await self.session.send("Memory.getDOMCounters"))["nodes"]


class Wire:
    """The requests of a page, and their bytes as they come, heads included."""

    def __init__(self, session: CDPSession) -> None:
        self.session = session
        self.requests = 0
        self.bytes = 0.0

    async def start(self) -> None:
        self.session.on("Network.requestWillBeSent", self._count)
        self.session.on("Network.loadingFinished", self._weigh)
        await self.session.send("Network.enable")

    def told(self) -> str:
        return f"{self.requests} requests, {self.bytes / 1000:.0f} kB"

    def _count(self, event: dict[str, Any]) -> None:
        self.requests += not event["request"]["url"].startswith("data:")

    def _weigh(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]


class Bench:
    def __init__(
        self, browser: Browser, server: Server, people: list[dict[str, str]], cpu: float
    ) -> None:
        self.browser = browser
        self.cpu = cpu
        self.server = server
        self.site = f"http://{server.address.host}:{server.address.port}"
        self.star, self.friend = people[0], people[1]

    def add(self, name: str, value: str, target: str = "") -> None:
        print(f"| {name} | {value} | {target} |", flush=True)

    @asynccontextmanager
    async def hand(self) -> AsyncIterator[Hand]:
        context = await self.browser.new_context(locale="zh-CN", **PHONE)
        await self._log_in(context)
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield Hand(page, session)
        await context.close()

    async def _log_in(self, context: BrowserContext) -> None:
        name, value = named_for(self.server.address, self.star["cookie"]).split("=", 1)
        await context.add_cookies([{"name": name, "value": value, "url": self.site}])

    async def visits(self) -> None:
        """Count what a first visit costs, from the log-in page to a chat in which one can write."""
        context = await self.browser.new_context(locale="zh-CN", **PHONE)
        page = await context.new_page()
        wire = Wire(await context.new_cdp_session(page))
        await wire.start()
        await page.goto(f"{self.site}/login/", wait_until="networkidle")
        self.add("first visit: the log-in page", wire.told())
        await self._log_in(context)
        await page.add_init_script(WATCH_PAINT)
        await page.goto(f"{self.site}/chat/{self.friend['username']}/")
        await page.wait_for_function("() => window.seen.live")
        await page.wait_for_timeout(LIVE_SETTLING)
        self.add("first visit: and a chat that is live", wire.told(), "≤ 25, ≤ 70 kB")
        await page.wait_for_timeout(SETTLING)
        self.add("… and what comes later", wire.told())
        await context.close()

    async def direct_openings(self) -> None:
        """Open a chat directly, as from a bookmark, with an empty cache, on a slow line."""
        shifts, jumps, usable = [], [], []
        for _ in range(OPENINGS):
            async with self.hand() as hand:
                await hand.page.add_init_script(WATCH_SHIFTS)
                await hand.page.add_init_script(WATCH_PAINT)
                await hand.slow_down(self.cpu)
                await hand.page.goto(f"{self.site}/chat/{self.friend['username']}/")
                await hand.page.wait_for_function("() => window.seen.live")
                usable.append(await hand.page.evaluate("() => window.seen"))
                await hand.page.wait_for_timeout(SETTLING)
                shifts.append(await hand.page.evaluate("() => window.shifts"))
                jumps.append(await hand.page.evaluate("() => window.jump"))
        self.add("a chat opened directly, cold: first paint", _median(usable, "first-paint"))
        self.add("… live", _median(usable, "live"))
        self.add("… shifts of its layout, the worst", f"{max(shifts):.3f}", "≤ 0.02")
        self.add("… jump of its newest message, the worst", f"{max(jumps):.0f} px", "0")

    async def openings(self) -> None:
        seen: dict[str, list[dict[str, float]]] = {"cold": [], "warm": [], "back": []}
        for _ in range(OPENINGS):
            async with self.hand() as hand:
                await hand.page.add_init_script(WATCH_PAINT)
                await hand.slow_down(self.cpu)
                for kind in ("cold", "warm"):
                    await hand.page.goto(f"{self.site}/")
                    await hand.page.wait_for_function("() => window.seen.rows && window.seen.live")
                    seen[kind].append(await hand.page.evaluate("() => window.seen"))
                seen["back"].append({"rows": await self._back(hand.page)})
        for kind, target in (("cold", "≤ 2 s"), ("warm", "≤ 0.5 s")):
            self.add(f"chat list, {kind}: a chat can be read", _median(seen[kind], "rows"), target)
            self.add(f"chat list, {kind}: live", _median(seen[kind], "live"))
        self.add("back from a chat to the list", _median(seen["back"], "rows"), "≤ 0.5 s")

    async def _back(self, page: Page) -> float:
        await page.click("#chats .row a")
        await page.wait_for_selector("#composer-text")
        return await page.evaluate("""async () => {
          const began = performance.now();
          document.querySelector(".conversation-header .back").click();
          const isSeen = (row) => row?.checkVisibility({ visibilityProperty: true });
          while (!isSeen(document.querySelector("#chats .row")))
            await new Promise(requestAnimationFrame);
          return performance.now() - began;
        }""")

    async def typing(self) -> None:
        async with self.hand() as hand:
            await hand.page.goto(f"{self.site}/chat/{self.friend['username']}/")
            await hand.page.wait_for_selector(".message")
            await hand.slow_down(self.cpu)
            await hand.page.focus("#composer-text")
            await hand.page.evaluate(WATCH_TYPING)
            busy = await hand.busy_seconds()
            talking = asyncio.create_task(self._talk())
            deadline = time.monotonic() + TYPING_SECONDS
            while time.monotonic() < deadline:
                await hand.page.keyboard.press("a")
                await asyncio.sleep(1 / KEYS_A_SECOND)
            sent = await talking
            busy = await hand.busy_seconds() - busy
            keys, long = await hand.page.evaluate("() => [window.keys, window.long]")
        self.add(
            "typing while messages come: key to the frame, median",
            f"{percentile(keys, 0.5):.0f} ms",
        )
        self.add(f"… 95 % of {len(keys)} keys", f"{percentile(keys, 0.95):.0f} ms", "≤ 100 ms")
        each = busy / (len(keys) + sent) * 1000
        self.add("… processor of the page for each key and message", f"{each:.0f} ms")
        longest = max(long, default=0)
        value = f"{len(long)}, the longest {longest:.0f} ms"
        self.add(f"… tasks above 50 ms in {TYPING_SECONDS} s with {sent} messages", value)

    async def _talk(self) -> int:
        """Let the friend send messages again and again."""
        socket = await open_live(self.server.address, self.friend["cookie"])
        count = TYPING_SECONDS * MESSAGES_A_SECOND
        for number in range(count):
            frame = {"type": "send", "client_id": str(uuid4()), "to": self.star["username"]}
            socket.send(json.dumps(frame | {"text": f"下午开会 {number}"}).encode())
            await asyncio.sleep(1 / MESSAGES_A_SECOND)
        socket.cut()
        return count

    async def history(self, newest_first: int) -> None:
        async with self.hand() as hand:
            await hand.page.goto("about:blank")
            blank = await self._private_memory()
            await hand.page.goto(f"{self.site}/chat/{self.friend['username']}/")
            await hand.page.wait_for_selector(".message")
            heap = [await hand.heap()]
            [_, last] = await hand.page.evaluate(ENDS)
            await hand.slow_down(self.cpu)
            ways = {}
            for way, step, edge in (("up", -400, newest_first), ("down", 400, last)):
                ways[way] = await hand.page.evaluate(SCROLL, [step, SCROLL_SECONDS, edge])
                heap.append(await hand.heap())
            nodes, memory = await hand.nodes(), await self._private_memory() - blank
        for way, told in ways.items():
            frames = told["frames"]
            late = sum(1 for frame in frames if frame > 50)
            there = "" if told["isThere"] else " (not at the end)"
            self.add(f"history {way}", f"{told['seconds']:.0f} s{there}")
            self.add(
                f"… frames above 50 ms, of {len(frames)}",
                f"{late}, the longest {max(frames):.0f} ms",
            )
            self.add("… 95 % of the frames", f"{percentile(frames, 0.95):.0f} ms", "≤ 50 ms")
            self.add("… messages in the page at once", str(told["most"]))
        self.add(
            "page memory: JavaScript at first, above, below",
            " / ".join(f"{mb:.1f}" for mb in heap) + " MB",
            "< 60 MB",
        )
        self.add("page memory: process, beyond an empty page", f"{memory:.0f} MB", "< 60 MB")
        self.add("nodes at the end", str(nodes))

    async def _private_memory(self) -> float:
        """Return the unshared MB of the largest page process."""
        session = await self.browser.new_browser_cdp_session()
        answer = await session.send("SystemInfo.getProcessInfo")
        pids = [each["id"] for each in answer["processInfo"] if each["type"] == "renderer"]
        return max(_private(pid) for pid in pids)


def _private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(kilobytes) / 1024


def _median(seen: list[dict[str, float]], key: str) -> str:
    return f"{percentile([each[key] for each in seen], 0.5) / 1000:.2f} s"


async def measure(server: Server, people: list[dict[str, str]], options: Any) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        bench = Bench(browser, server, people, options.cpu)
        if "visit" in options.only:
            await bench.visits()
            await bench.direct_openings()
        if "open" in options.only:
            await bench.openings()
        if "type" in options.only:
            await bench.typing()
        if "scroll" in options.only:
            await bench.history(newest_first=1)
        await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="in the long chat")
    parser.add_argument("--cpu", type=float, default=4, help="how many times slower")
    parser.add_argument("--only", nargs="+", default=["visit", "open", "type", "scroll"])
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    print("| What | Measured | Target |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="webchat-hand-") as folder:
        settings = new_settings(Path(folder), workers=1)
        prepare(settings)
        people = run("seed.py", "people", 0, FRIENDS, settings=settings, cores=CORES)
        fill_chats(people[0]["username"], 2 * options.messages, settings)
        with Server(settings, CORES) as server:
            asyncio.run(measure(server, people, options))


if __name__ == "__main__":
    main()
