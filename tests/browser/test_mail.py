"""What takes a mail, by people with browsers: on phones and desktops, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.mailbox import Mailbox, digits_of, link_of, text_of
from tests.server import Server

from .conftest import DESKTOP, PASSWORD, PHONE, Person
from .test_moderation import open_user, press

NEW = "gruene-Wiese-8"
OUT_MS = 5_000  # the promise: how soon a page is left whose session has ended
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
# In both languages and at both sizes, without going all four ways every time.
both_ways = pytest.mark.parametrize("way", [ZH_PHONE, EN_DESKTOP], ids=["zh-phone", "en-desktop"])
other_ways = pytest.mark.parametrize("way", [ZH_DESKTOP, EN_PHONE], ids=["zh-desktop", "en-phone"])


class Guest(Person):
    """A person who reads one language, and looks at every page that they come to."""

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
        """Press the first button of the page's form, and look at what comes."""
        self.press(self.page.locator("main .form [type=submit]").first)

    def press(self, button: Locator) -> None:
        with self.page.expect_navigation():
            button.click()
        self.look()

    def answer_ms(self) -> float:
        """How long the page that is shown was waited for, with what redirected to it."""
        return self.page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).click()
        self.look()

    def again(self) -> Locator:
        words = self.words("重新发送验证码", "Send another code")
        return self.page.get_by_role("button", name=words)

    def refused(self) -> None:
        """What is said of a code that is not (any more) the right one."""
        words = self.words("验证码错误或已失效。", "The code is wrong or no longer valid.")
        expect(self.error()).to_have_text(words)

    def go(self, path: str) -> None:
        super().go(path)
        self.look()

    def fill_registration(self) -> None:
        self.go("/register/")
        self.fill(username=self.name, email=self.email, password1=PASSWORD, password2=PASSWORD)

    def register(self) -> None:
        """As far as the page that waits for the code."""
        self.fill_registration()
        self.submit()
        expect(self.page).to_have_url(f"{self.site}/register/verify/")

    def arrive(self) -> None:
        """From the page that says 注册成功 to the chats."""
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
        """One language, nothing beside the screen, and no complaint of the browser."""
        # At once: the page that says 注册成功 moves on by itself.
        language, width, text = self.page.evaluate(READ)
        assert language[:2] == self.language
        assert width <= self.page.viewport_size["width"], self.page.url
        assert self._foreign(text) == [], self.page.url
        # The browser says so of every form that comes back with its errors.
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
        context.close()


@pytest.fixture
def member(guest, mailbox: Mailbox) -> Callable[..., Guest]:
    """Make people who have proved their address; they are on the page of the log-in."""

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


# Registration


@both_ways
def test_who_registers_types_the_digits_of_the_mail_and_is_in(guest, mailbox, way):
    anna = guest("anna", way)
    anna.go("/register/")
    with anna.page.expect_popup() as popup:
        anna.page.click("a[href$='/terms/']")
    expect(popup.value.locator("h1")).to_have_text(anna.words("使用须知", "Terms of use"))
    anna.go("/terms/")
    anna.register()
    code = anna.page.locator("[name=code]")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    expect(code).to_have_attribute("inputmode", "numeric")
    expect(anna.notice()).to_contain_text(anna.email)
    expect(anna.again()).to_be_disabled()
    expect(anna.again()).to_have_text(re.compile(r" \((60|5\d)\)$"))

    digits = digits_of(anna.read(mailbox))
    anna.fill(code=wrong(digits))
    anna.submit()
    anna.refused()
    expect(code).to_have_value(wrong(digits))
    expect(code).to_be_focused()
    anna.fill(code=f"{digits[:3]} {digits[3:]}")
    # The page moves on by itself; here it is kept back, and its link used.
    anna.page.route("**/login/**", lambda route: route.abort("aborted"))
    with anna.page.expect_request("**/login/?username=*"):
        anna.submit()
    expect(anna.page.locator("h1")).to_have_text(anna.words("注册成功", "You are registered"))
    anna.page.unroute("**/login/**")
    anna.follow(anna.words("登录", "Log in"))
    anna.arrive()


@other_ways
def test_the_link_of_the_mail_does_it_in_a_browser_that_knows_nothing_of_it(guest, mailbox, way):
    bela, other = guest("bela", way), guest("bela", way)
    bela.register()
    mail = bela.read(mailbox)
    other.page.goto(link_of(mail))
    other.look()
    expect(other.page.locator("[name=code]")).to_have_value(digits_of(mail))
    expect(other.page.locator("body")).not_to_contain_text(bela.email)
    other.submit()
    other.arrive()
    other.context.clear_cookies()
    other.page.goto(link_of(mail))
    other.look()
    expect(other.page).to_have_url(re.compile("/login/"))
    expect(other.page.locator("[name=username]")).to_have_value(bela.name)


@pytest.mark.parametrize("way", [EN_PHONE])
def test_who_has_not_proved_the_address_comes_from_the_log_in_to_the_code(guest, mailbox, way):
    guest("cleo", way).register()
    cleo = guest("cleo", way)
    cleo.go("/login/")
    cleo.fill(username=cleo.name, password=PASSWORD)
    cleo.submit()
    cleo.follow(cleo.words("输入验证码", "Type the code"))
    expect(cleo.notice()).to_contain_text(cleo.email)
    cleo.fill(code=digits_of(cleo.read(mailbox)))
    cleo.submit()
    cleo.arrive()


@pytest.mark.parametrize("way", [ZH_DESKTOP])
def test_an_address_that_is_somebodys_is_told_by_mail_and_not_by_the_page(
    member, guest, mailbox, way
):
    owner = member("dora", way)
    pages = []
    for person, email in ((guest("emil", way), None), (guest("fritz", way), owner.email)):
        person.email = email or person.email
        person.register()
        text = person.page.inner_text("body").replace(person.email, "")
        pages.append(re.sub(r"\(\d+\)", "", text))
    assert pages[0] == pages[1]
    told = owner.read(mailbox, 2)
    assert owner.words("已经有聊天账号", "have an account") in told["Subject"]
    assert not re.search(r"\d{6}", text_of(told))
    assert f"{owner.site}/password/forgot/" in text_of(told)


@pytest.mark.parametrize("way", [ZH_PHONE])
def test_a_wrong_an_old_and_anothers_code_are_refused_in_words(guest, mailbox, mailing, way):
    gina, hugo = guest("gina", way), guest("hugo", way)
    for person in (gina, hugo):
        person.register()
    right, anothers = (digits_of(person.read(mailbox)) for person in (gina, hugo))
    for typed in (anothers, *[wrong(right)] * 5, right):
        gina.fill(code=typed)
        gina.submit()
        gina.refused()
        expect(gina.page.locator("[name=code]")).to_have_value(typed)
    hugo.page.reload()
    age(mailing, hugo.name, minutes=11)
    hugo.fill(code=anothers)
    hugo.submit()
    hugo.refused()
    expect(hugo.page.locator("[name=code]")).to_have_value(anothers)
    hugo.press(hugo.again())
    new = digits_of(hugo.read(mailbox, 2))
    expect(hugo.again()).to_be_disabled()
    for typed, is_right in ((anothers, False), (new, True)):
        hugo.fill(code=typed)
        hugo.submit()
        assert is_right or hugo.refused() is None
    hugo.arrive()


@pytest.mark.parametrize("way", [EN_PHONE])
def test_the_button_counts_its_minute_down_and_the_server_has_a_clock_of_its_own(guest, way):
    ines = guest("ines", way)
    ines.page.clock.install()
    ines.register()
    expect(ines.again()).to_be_disabled()
    for _second in range(61):
        ines.page.clock.run_for(1_000)
    expect(ines.again()).to_be_enabled()
    expect(ines.again()).to_have_text(ines.words("重新发送验证码", "Send another code"))
    ines.press(ines.again())
    expect(ines.notice()).to_have_text(
        re.compile(ines.words(r"^请等 \d+ 秒", r"^Please wait \d+ seconds before"))
    )
    expect(ines.again()).to_be_disabled()


# Forgotten password


@both_ways
def test_a_forgotten_password_comes_back_by_the_digits_of_a_mail(member, guest, mailbox, way):
    jana, elsewhere = guest("jana", way), member("jana", way)
    elsewhere.log_in()
    jana.go("/login/")
    jana.follow(jana.words("忘记密码", "Forgotten password"))
    expect(jana.page.locator("[name=username]")).to_be_focused()
    jana.fill(username=jana.name)
    jana.submit()
    expect(jana.page).to_have_url(f"{jana.site}/password/reset/")
    expect(jana.page.locator("[name=username]")).to_have_value(jana.name)
    expect(jana.page.locator("[name=code]")).to_be_focused()

    digits = digits_of(jana.read(mailbox, 2))
    jana.fill(code=wrong(digits), new_password1=NEW, new_password2=NEW)
    jana.submit()
    jana.refused()
    expect(jana.page.locator("[name=code]")).to_have_value(wrong(digits))
    jana.fill(code=digits, new_password1=NEW, new_password2=PASSWORD)
    jana.submit()
    expect(jana.page.locator("[name=code]")).to_have_value(digits)
    expect(jana.error()).to_have_text(
        jana.words("输入的两个密码不一致。", "The two password fields didn’t match.")
    )
    expect(jana.page.locator("[name=new_password2]")).to_be_focused()
    jana.fill(new_password1=NEW, new_password2=NEW)
    jana.submit()
    expect(jana.page).to_have_url(f"{jana.site}/login/")
    expect(jana.notice()).to_be_visible()
    expect(elsewhere.page).to_have_url(re.compile("/login/"), timeout=OUT_MS)
    told = jana.read(mailbox, 3)
    assert jana.words("密码已修改", "has been changed") in told["Subject"]
    jana.log_in_as(jana.name, NEW)

    # Used up.
    jana.context.clear_cookies()
    jana.go("/password/reset/")
    jana.fill(username=jana.name, code=digits, new_password1=PASSWORD, new_password2=PASSWORD)
    jana.submit()
    jana.refused()


@pytest.mark.parametrize("way", [EN_PHONE])
def test_the_link_of_the_mail_does_it_too_and_once(member, guest, mailbox, way):
    member("karl", way)
    karl = guest("karl", way)
    karl.go("/password/forgot/")
    karl.fill(username=karl.email.upper())
    karl.submit()
    link = link_of(karl.read(mailbox, 2))
    for is_first in (True, False):
        karl.page.goto(link)
        karl.look()
        expect(karl.page.locator("[name=username]")).to_have_value(karl.name)
        expect(karl.page.locator("[name=code]")).to_have_count(0)
        expect(karl.page.locator("[name=new_password1]")).to_be_focused()
        karl.fill(new_password1=NEW, new_password2=NEW)
        karl.submit()
        words = karl.words("链接已用过或已过期", "The link is used up or too old.")
        assert is_first or expect(karl.error()).to_contain_text(words) is None
    expect(karl.page.locator("[name=code]")).to_be_focused()
    karl.read(mailbox, 3)
    karl.log_in_as(karl.name, NEW)


@pytest.mark.parametrize("way", [EN_DESKTOP])
def test_who_is_known_and_who_is_not_get_the_same_page(member, guest, mailbox, way):
    known = member("lena", way)
    pages = []
    for typed in (known.name, "nobody@example.com"):
        person = guest("visitor", way)
        person.go("/password/forgot/")
        person.fill(username=typed)
        person.email = typed
        person.submit()
        expect(person.page.locator("[name=username]")).to_have_value(typed)
        pages.append(person.page.inner_text("body"))
    assert len(set(pages)) == 1
    known.read(mailbox, 2)
    assert len(mailbox.to(known.email)) == 2


# The address of an account


@other_ways
def test_an_address_is_changed_and_the_old_one_told_and_serves_for_the_log_in(member, mailbox, way):
    mona = member("mona", way)
    mona.log_in()
    old, new = mona.email, f"new.{mona.email}"
    mona.go("/discover/")
    mona.page.click("a[href$='/account/email/']")
    email = mona.page.locator("[name=email]")
    expect(email).to_have_value(old)
    mona.fill(email=new, password="falsch")
    mona.submit()
    expect(mona.error()).to_have_text(mona.words("密码错误。", "The password is wrong."))
    expect(email).to_have_value(new)
    mona.email = new
    mona.fill(password=PASSWORD)
    mona.submit()
    expect(mona.notice()).to_contain_text(new)
    expect(mona.page.locator("[name=code]")).to_be_focused()
    digits = digits_of(mona.read(mailbox))
    mona.fill(code=wrong(digits))
    mona.submit()
    mona.refused()
    mona.fill(code=digits)
    mona.submit()
    expect(mona.notice()).to_have_text(mona.words("邮箱已修改。", "Your email address is changed."))
    mona.email = old
    assert new not in text_of(mona.read(mailbox, 2))
    mona.email = new

    mona.go("/account/username/")
    mona.name += "2"
    mona.fill(username=mona.name, password=PASSWORD)
    mona.submit()
    mona.context.clear_cookies()
    mona.log_in_as(new)
    mona.go("/discover/")
    expect(mona.page.locator("main, #list").get_by_text(mona.name, exact=True)).to_be_visible()


@pytest.mark.parametrize("way", [EN_DESKTOP])
def test_an_account_without_an_address_gets_one(guest, mailbox, mailing, way):
    nils = guest("nils", way)
    mailing.manage("shell", "--verbosity", "0", "-c", MAKE.format(name=nils.name))
    nils.log_in_as(nils.name)
    nils.go("/account/email/")
    nils.fill(email=nils.email, password=PASSWORD)
    nils.submit()
    nils.fill(code=digits_of(nils.read(mailbox)))
    nils.submit()
    nils.context.clear_cookies()
    nils.log_in_as(nils.email)
    assert len(mailbox.to(nils.email)) == 1


# Without mail


CROWN = """
from accounts.models import User
User.objects.filter(username={name!r}).update(is_staff=True, is_superuser=True)
"""


@pytest.mark.parametrize("way", [ZH_PHONE])
def test_without_mail_the_administrator_has_a_code_to_read_out(guest, people, server, way):
    locale, device = way
    olga = guest("olga", way, server.site)
    people(olga.name, device)
    boss = people(olga.words("校长", "boss"), DESKTOP, locale=locale)
    server.manage("shell", "--verbosity", "0", "-c", CROWN.format(name=boss.name))
    olga.go("/login/")
    olga.follow(olga.words("忘记密码", "Forgotten password"))
    expect(olga.page.locator("main")).to_contain_text(olga.words("联系管理员", "administrator"))

    open_user(boss, olga.name)
    press(boss, olga.words("签发重置验证码", "Issue a reset code"))
    said = boss.page.inner_text(".messagelist .success")
    spoken = re.search(r"[A-Z2-9]{5}-[A-Z2-9]{5}", said)[0]
    boss.page.reload()
    expect(boss.page.locator("body")).not_to_contain_text(spoken)

    olga.follow(olga.words("我有验证码", "I have a code"))
    olga.fill(username=olga.name, code=spoken.lower(), new_password1=NEW, new_password2=NEW)
    olga.submit()
    olga.log_in_as(olga.name, NEW)


# A mail server that is ill


@contextmanager
def ill(mailbox: Mailbox, illness: str) -> Iterator[None]:
    password = mailbox.password
    if illness == "dead":
        mailbox.stop()
    mailbox.is_slow = illness == "slow"
    mailbox.password = "another" if illness == "535" else password
    mailbox.answer = "550 no such user" if illness == "550" else "250 OK"
    try:
        yield
    finally:
        mailbox.is_slow, mailbox.password, mailbox.answer = False, password, "250 OK"
        if illness == "dead":
            mailbox.start()


@pytest.mark.parametrize(
    ("illness", "way"),
    [("dead", ZH_PHONE), ("dead", EN_DESKTOP), ("535", ZH_DESKTOP), ("550", EN_PHONE)],
)
def test_a_mail_that_cannot_go_out_is_said_and_tried_again_at_once(guest, mailbox, way, illness):
    petra = guest(f"petra{illness}", way)
    with ill(mailbox, illness):
        petra.fill_registration()
        petra.submit()
        assert petra.answer_ms() < ANSWER_MS
        for _again in range(2):
            expect(petra.error()).to_contain_text(petra.words("没有发出去", "could not be sent"))
            expect(petra.error()).to_contain_text(petra.email)
            expect(petra.again()).to_be_enabled()
            petra.press(petra.again())
    petra.press(petra.again())
    expect(petra.error()).to_have_count(0)
    petra.fill(code=digits_of(petra.read(mailbox)))
    petra.submit()
    petra.arrive()


@pytest.mark.parametrize("way", [ZH_PHONE])
def test_a_slow_mail_server_is_said_and_keeps_nobody_waiting(guest, mailbox, mailing, way):
    rosa = guest("rosa", way)
    with ill(mailbox, "slow"):
        rosa.fill_registration()
        rosa.submit()
        assert rosa.answer_ms() < ANSWER_MS
        expect(rosa.notice()).to_contain_text(rosa.words("可能要等一会儿", "can take a while"))
        expect(rosa.again()).to_be_disabled()
    rosa.read(mailbox)
    age(mailing, rosa.name, minutes=2)
    rosa.page.reload()
    rosa.press(rosa.again())
    rosa.fill(code=digits_of(rosa.read(mailbox, 2)))
    rosa.submit()
    rosa.arrive()


def test_a_code_for_a_new_password_that_could_not_go_out_is_asked_for_again(member, guest, mailbox):
    way = ("zh-CN", PHONE)
    member("sven", way)
    sven = guest("sven", way)
    with ill(mailbox, "dead"):
        sven.go("/password/forgot/")
        sven.fill(username=sven.name)
        sven.submit()
        assert sven.answer_ms() < ANSWER_MS
    sven.follow("重新发送验证码")
    sven.fill(username=sven.name)
    sven.submit()
    sven.read(mailbox, 2)


# Behind a prefix


def test_every_link_leads_to_the_address_and_the_prefix_of_the_site(guest, mailbox, tmp_path):
    with make_server(tmp_path, mailbox, "/chat") as server:
        tina = guest("tina", ZH_PHONE, server.site)
        tina.register()
        tina.page.goto(link_of(tina.read(mailbox)))
        tina.submit()
        tina.arrive()
        tina.context.clear_cookies()
        tina.go("/password/forgot/")
        tina.fill(username=tina.name)
        tina.submit()
        tina.page.goto(link_of(tina.read(mailbox, 2)))
        tina.fill(new_password1=NEW, new_password2=NEW)
        tina.submit()
        tina.read(mailbox, 3)
        tina.log_in_as(tina.email, NEW)
