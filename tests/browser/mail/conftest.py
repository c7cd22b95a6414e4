"""People with browsers, and a mail server: phones and desktops, Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.mailbox import Mailbox, digits_of, text_of
from tests.server import Server

from ..conftest import DESKTOP, PASSWORD, PHONE, Person, leave

NEW = "gruene-Wiese-8"
OUT_MS = 5_000  # the promise: how soon a page logs out when its session has ended
ANSWER_MS = 3_000  # the promise: how long a mail server may hold up a page
AGE = """
from datetime import timedelta
from django.db.models import F
from accounts.models import OneTimeCode
age = timedelta(minutes={minutes})
OneTimeCode.objects.filter(user__username={name!r}).update(
    created_at=F("created_at") - age, expires_at=F("expires_at") - age
)
"""
MAKE = f"""
from accounts.models import User
User.objects.create_user({{name!r}}, password={PASSWORD!r})
"""
# The language of a page, its width, and its text without names.
READ = """() => {
    const own = ".languages, .brand, bdi, .me-name, .avatar";
    const names = [...document.querySelectorAll(own)].filter((each) => !each.hidden);
    names.forEach((each) => (each.hidden = true));
    const text = document.body.innerText;
    names.forEach((each) => (each.hidden = false));
    return [document.documentElement.lang, document.documentElement.scrollWidth, text];
}"""
ZH_PHONE, ZH_DESKTOP = ("zh-CN", PHONE), ("zh-CN", DESKTOP)
EN_PHONE, EN_DESKTOP = ("en-US", PHONE), ("en-US", DESKTOP)
# Both languages and both sizes, without all four combinations every time.
both_ways = pytest.mark.parametrize("way", [ZH_PHONE, EN_DESKTOP], ids=["zh-phone", "en-desktop"])
other_ways = pytest.mark.parametrize("way", [ZH_DESKTOP, EN_PHONE], ids=["zh-desktop", "en-phone"])


class Guest(Person):
    """A person who reads one language, and looks at every page on their way."""

    def __init__(self, context: BrowserContext, site: str, name: str, locale: str) -> None:
        self.language = locale[:2]
        super().__init__(context, site, self.words(f"小{name}", name))
        self.email = f"{name}@{self.language}.example.com"

    def words(self, chinese: str, english: str) -> str:
        return chinese if self.language == "zh" else english

    def fill(self, **fields: str) -> None:
        for field, value in fields.items():
            self.page.fill(f"[name={field}]", value)

    def submit(self) -> None:
        """Press the first button of the page's form, and look at the next page."""
        self.press(self.page.locator("main .form [type=submit]").first)

    def press(self, button: Locator) -> None:
        with self.page.expect_navigation():
            button.click()
        self.look()

    def answer_ms(self) -> float:
        """Return how long the present page took, with its redirects."""
        return self.page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).click()
        self.look()

    def again(self) -> Locator:
        words = self.words("重新发送验证码", "Send another code")
        return self.page.get_by_role("button", name=words)

    def refused(self) -> None:
        """Expect the error for a code that is wrong or no longer valid."""
        words = self.words("验证码错误或已失效。", "The code is wrong or no longer valid.")
        expect(self.error()).to_have_text(words)

    def go(self, path: str) -> None:
        super().go(path)
        self.look()

    def fill_registration(self) -> None:
        self.go("/register/")
        self.fill(username=self.name, email=self.email, password1=PASSWORD, password2=PASSWORD)

    def register(self) -> None:
        """Register as far as the page that waits for the code."""
        self.fill_registration()
        self.submit()
        expect(self.page).to_have_url(f"{self.site}/register/verify/")

    def arrive(self) -> None:
        """Go from the page that says 注册成功 to the chats."""
        self.page.wait_for_url("**/login/?username=*")
        self.look()
        expect(self.page.locator("[name=username]")).to_have_value(self.name)
        expect(self.page.locator("[name=password]")).to_be_focused()
        self.log_in()
        self.look()

    def log_in_as(self, name: str, password: str = PASSWORD) -> None:
        self.go("/login/")
        self.fill(username=name, password=password)
        self.submit()
        expect(self.page).to_have_url(f"{self.site}/")

    def notice(self) -> Locator:
        return self.page.locator(".notice, .card > .quiet-text, .sheet > .quiet-text").first

    def error(self) -> Locator:
        return self.page.locator(".field-error")

    def read(self, mailbox: Mailbox, number: int = 1) -> EmailMessage:
        """Open a mail: both parts in one language, all links to our site, nothing too wide."""
        mail = mailbox.wait_for(self.email, number)
        text, html = text_of(mail), text_of(mail, "html")
        links = re.findall(r"https?://[^\s<]+", text) + re.findall(r'href="([^"]+)"', html)
        assert [link for link in links if not link.startswith(f"{self.site}/")] == []
        page = self.context.new_page()
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for words in (mail["Subject"], text, page.inner_text("body")):
            assert self._foreign(re.sub(r"http\S+", "", words)) == []
        page.close()
        return mail

    def look(self) -> None:
        """Check the page: one language, nothing off the screen, and no complaint of the browser."""
        # At once: the page that says 注册成功 moves on by itself.
        language, width, text = self.page.evaluate(READ)
        assert language[:2] == self.language
        assert width <= self.page.viewport_size["width"], self.page.url
        assert self._foreign(text) == [], self.page.url
        # The browser complains about every form that comes back with errors.
        assert [each for each in self.complaints if not re.search("status of 4(22|29)", each)] == []

    def _foreign(self, text: str) -> list[str]:
        text = text.replace(self.email, "").replace(self.name, "")
        return re.findall("[A-Za-z]{2,}" if self.language == "zh" else "[\u4e00-\u9fff]", text)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


def make_server(folder, mailbox: Mailbox, prefix: str = "") -> Server:
    server = Server(
        folder,
        MAIL_MODE="smtp",
        EMAIL_URL=f"smtp://chat%40example.com:{mailbox.password}@127.0.0.1:{mailbox.port}",
    )
    server.site = server.env["SITE_URL"] = f"http://chat.test:{server.port}{prefix}"
    return server


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Server]:
    with make_server(tmp_path_factory.mktemp("data"), mailbox) as server:
        yield server


@pytest.fixture
def guest(chromium: Browser, mailing: Server) -> Iterator[Callable[..., Guest]]:
    """Make people with a browser: `guest("anna", way)`, who is 小anna in Chinese."""
    contexts = []

    def make(name: str, way: tuple[str, dict], site: str = "") -> Guest:
        locale, device = way
        context = chromium.new_context(locale=locale, **device)
        contexts.append(context)
        return Guest(context, site or mailing.site, name, locale)

    yield make
    for context in contexts:
        leave(context)


@pytest.fixture
def member(guest, mailbox: Mailbox) -> Callable[..., Guest]:
    """Make people with a verified address; they are on the log-in page."""

    def make(name: str, way: tuple[str, dict]) -> Guest:
        person = guest(name, way)
        person.register()
        person.fill(code=digits_of(mailbox.wait_for(person.email)))
        person.submit()
        person.page.wait_for_url("**/login/?username=*")
        return person

    return make


def age(server: Server, name: str, minutes: int) -> None:
    server.manage("shell", "--verbosity", "0", "-c", AGE.format(name=name, minutes=minutes))


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"
