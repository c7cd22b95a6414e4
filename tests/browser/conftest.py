"""People with browsers before a real server, on a host that is not localhost."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.server import READY_SECONDS, Server

# On a busy machine. A journey that promises a time gives it, and is marked `alone`.
PATIENCE = 15_000  # ms
expect.set_options(timeout=PATIENCE)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP chat.test 127.0.0.1",
]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PASSWORD = "blaue-Wolke-7"
POST = """([path, data]) => fetch(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-CSRFToken": document.body.dataset.csrf },
  body: JSON.stringify(data),
}).then(({ status }) => status)"""
TOKEN = 'name="csrfmiddlewaretoken" value="([^"]+)"'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")  # its event loop must not go on under other tests
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "Chromium is missing: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), SEND_RATE="off")
    server.site = server.env["SITE_URL"] = f"http://chat.test:{server.port}"
    with server:
        yield server


class Person:
    """Somebody with a browser of their own, whose complaints are kept."""

    def __init__(self, context: BrowserContext, site: str, name: str) -> None:
        self.context = context
        self.site = site
        self.name = name
        self.complaints: list[str] = []
        self.page = self.open_tab()

    def open_tab(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.site + path)

    def enter(self, server: Server, language: str) -> None:
        """Register and log in by the same forms, in a tenth of the time that a browser takes."""
        host = self.site.removeprefix("http://")
        headers = {"Host": host, "Referer": f"{self.site}/", "Accept-Language": language}
        with httpx.Client(base_url=server.url, headers=headers, timeout=READY_SECONDS) as client:
            for path, fields in (
                ("/register/", {"password1": PASSWORD, "password2": PASSWORD}),
                ("/login/", {"password": PASSWORD, "shared": "on"}),
            ):
                token = re.search(TOKEN, client.get(path).text)
                assert token
                data = {"username": self.name, "csrfmiddlewaretoken": token[1], **fields}
                answer = client.post(path, data=data)
                assert answer.is_redirect, answer.text
            cookies = client.cookies.jar
        self.context.add_cookies(
            [{"name": each.name, "value": each.value, "url": self.site} for each in cookies]
        )
        self.go("/")

    def post(self, path: str, **data: object) -> None:
        """Act by the API, where the pages' own way is not what a journey is about."""
        answer = self.page.evaluate(POST, [f"{self.site}/api/{path}", data])
        assert answer < 400, answer

    def register(self) -> None:
        self.go("/register/")
        self.page.fill("[name=username]", self.name)
        self.page.fill("[name=password1]", PASSWORD)
        self.page.fill("[name=password2]", PASSWORD)
        self.page.click("#register [type=submit]")
        self.page.wait_for_url("**/login/?username=*")

    def log_in(self) -> None:
        self.page.fill("[name=password]", PASSWORD)
        self.page.click(".form [type=submit]")
        self.page.wait_for_url(f"{self.site}/")

    def ask(self, name: str, note: str = "") -> None:
        self.go("/contacts/requests/")
        self.page.fill("#add-friend [name=username]", name)
        self.page.fill("#add-friend [name=note]", note)
        self.page.click("#add-friend [type=submit]")

    def say(self, words: str, page: Page | None = None) -> None:
        page = page or self.page
        page.fill("#composer-text", words)
        page.click("#composer .send")


def befriend(one: Person, other: Person) -> None:
    """Make two friends: both ask each other."""
    one.post("friends/requests/", username=other.name)
    other.post("friends/requests/", username=one.name)


def leave(context: BrowserContext) -> None:
    """Close all tabs. A request still held back by a journey must not fail the next journey."""
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
    context.close()


@pytest.fixture
def people(chromium: Browser, server: Server) -> Iterator[Callable[..., Person]]:
    """Make registered people, and log them in: `people("alice", PHONE)`."""
    known: list[Person] = []

    def make(name: str, device: dict, *, by_pages: bool = False, **options: object) -> Person:
        context = chromium.new_context(**{"locale": "zh-CN"} | device | options)
        person = Person(context, server.site, name)
        if by_pages:
            person.register()
            person.log_in()
        else:
            person.enter(server, str(options.get("locale", "zh-CN")))
        known.append(person)
        return person

    yield make
    for person in known:
        leave(person.context)


@pytest.fixture
def friends(people: Callable[..., Person]) -> Callable[[str, str], tuple[Person, Person]]:
    """Make two friends: the first on a desktop, the second with a phone."""

    def make(first: str, second: str) -> tuple[Person, Person]:
        one, other = people(first, DESKTOP), people(second, PHONE)
        befriend(one, other)
        return one, other

    return make
