"""Mail through a real server: working, refusing, hanging, and none at all."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.mailbox import Mailbox, digits_of
from tests.server import Server, free_port

PASSWORD = "blaue-Wolke-7"


@pytest.fixture(scope="module")
def mailbox():
    with Mailbox() as mailbox:
        yield mailbox


def start(folder, port: int) -> Server:
    return Server(
        folder,
        MAIL_MODE="smtp",
        EMAIL_URL=f"smtp://127.0.0.1:{port}",
        SITE_URL="http://localhost:8000",
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory, mailbox):
    with start(tmp_path_factory.mktemp("data"), mailbox.port) as server:
        yield server


class Browser:
    def __init__(self, server: Server) -> None:
        headers = {"Accept-Language": "zh-CN"}
        self.client = httpx.Client(
            base_url=server.url.replace("127.0.0.1", "localhost"), headers=headers, timeout=30
        )

    def post(self, path: str, **fields: str) -> httpx.Response:
        page = self.client.get(path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        return self.client.post(path, data=fields | {"csrfmiddlewaretoken": token})

    def register(self, name: str) -> httpx.Response:
        return self.post(
            "/register/",
            username=name,
            email=f"{name}@example.com",
            password1=PASSWORD,
            password2=PASSWORD,
        )


def test_a_registration_and_a_forgotten_password_as_a_person_goes_through_them(server, mailbox):
    browser = Browser(server)
    assert browser.register("anna").headers["Location"] == "/register/verify/"
    mail = mailbox.wait_for("anna@example.com")
    assert mail.get_body(("plain",)).get_content().startswith("anna，你好")
    assert "http://localhost:8000/register/verify/?" in mail.get_body(("html",)).get_content()
    digits = digits_of(mail)
    server.stop()  # the code survives a restart
    server.start()
    answer = browser.post("/register/verify/", code=digits)
    assert answer.headers["Location"] == "/register/done/"

    browser.post("/password/forgot/", username="anna")
    digits = digits_of(mailbox.wait_for("anna@example.com", 2))
    new = "grüne-Wiese-8"
    fields = {"username": "anna", "code": digits, "new_password1": new, "new_password2": new}
    assert browser.post("/password/reset/", **fields).headers["Location"] == "/login/"
    assert "密码已修改" in mailbox.wait_for("anna@example.com", 3)["Subject"]
    answer = browser.post("/login/", username="anna@example.com", password=new)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("refusal", ["550 no such user", "535 authentication failed"])
def test_a_refusal_is_said_on_the_page_and_can_be_tried_again(server, mailbox, refusal):
    mailbox.answer = refusal
    browser = Browser(server)
    name = f"ben{refusal[:3]}"
    try:
        assert browser.register(name).status_code == 302
        assert "没有发出去" in browser.client.get("/register/verify/").text
    finally:
        mailbox.answer = "250 OK"


def test_known_and_unknown_get_one_page_in_one_time(server, mailbox):
    browser = Browser(server)

    def ask(name: str) -> tuple[float, httpx.Response]:
        began = time.perf_counter()
        answer = browser.post("/password/forgot/", username=name)
        return time.perf_counter() - began, answer

    pages, times = {}, {"anna": [], "nobody": []}
    for _time in range(20):
        for name in times:
            seconds, answer = ask(name)
            times[name].append(seconds)
            page = browser.client.get(answer.headers["Location"]).text
            own = rf'value="({name}|\w{{64}})"|data-csrf="\w+"|data-now="[^"]+"'
            pages[name] = re.sub(own, "", page)
    assert pages["anna"] == pages["nobody"]
    known, unknown = (sorted(times[name])[10] for name in ("anna", "nobody"))
    assert known < unknown * 3 + 0.01
    assert unknown < known * 3 + 0.01


@pytest.fixture
def deaf_port():
    """Listen on the port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as deaf:
        yield deaf.getsockname()[1]


def test_a_server_that_hangs_holds_up_nobody(tmp_path, deaf_port):
    with start(tmp_path, deaf_port) as server, ThreadPoolExecutor(10) as people:
        waiting = [people.submit(Browser(server).register, f"carl{n}") for n in range(10)]
        time.sleep(1.0)
        began = time.monotonic()
        assert Browser(server).client.get("/login/").status_code == 200
        assert time.monotonic() - began < 3
        assert {each.result().status_code for each in waiting} == {302}
        assert server.stop() < 9


def test_a_dead_server_is_said_at_once(tmp_path):
    with start(tmp_path, free_port()) as server:
        browser = Browser(server)
        assert browser.register("dora").status_code == 302
        assert "没有发出去" in browser.client.get("/register/verify/").text
