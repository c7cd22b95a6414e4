"""People behind a real nginx: a site of its own, a prefix beside a blog, and the plain block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from tests import nginx
from tests.nginx import Nginx
from tests.server import ROOT, Server, free_port

from .conftest import DESKTOP, PHONE, Person

NAME = "chat.test"
# In one question for a page: one for each link takes longer than to load them all.
ADDRESSES = """elements => elements.flatMap((each) =>
  ["href", "src", "action"]
    .map((name) => each.getAttribute(name))
    .filter(Boolean)
    .map((value) => new URL(value, document.baseURI).href)
)"""
PREFIXES = {"own": "", "beside": "/chat", "deep": "/a/b", "plain": ""}


@pytest.fixture(scope="module", params=PREFIXES)
def server(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Server]:
    nginx.require_nginx()
    kind, prefix = request.param, PREFIXES[request.param]
    folder = tmp_path_factory.mktemp(kind)
    port = free_port()
    scheme = "https" if kind == "own" else "http"
    site = f"{scheme}://{NAME}:{port}{prefix}"
    server = Server(folder / "data", SEND_RATE="off", SITE_URL=site, BEHIND_PROXY="on")
    server.site, server.kind = site, kind
    (folder / "static").symlink_to(ROOT / "staticfiles")
    names = {"name": NAME, "port": port}
    if kind == "plain":
        config = nginx.plain(**names, server_port=server.port)
    else:
        names |= {"upstream": f"127.0.0.1:{server.port}", "static": folder / "static"}
        if kind == "own":
            config = nginx.own_site(folder, **names)
        else:
            config = nginx.beside(folder, **names, prefix=prefix)
    server.config = config
    with server, Nginx(folder, config, port):
        yield server


def come(people, name: str, device: dict) -> Person:
    return people(name, device, by_pages=True, ignore_https_errors=True)


def befriend(server: Server, *names: str) -> None:
    code = (
        "from accounts.models import User; from friends import services as s;"
        f"a, b = [User.objects.named(n).get() for n in {names!r}];"
        "s.accept(request=s.ask(sender=a, username=b.username))"
    )
    server.manage("shell", "-c", code)


def test_two_people_talk(people, server):
    wang, li = come(people, "王伟", DESKTOP), come(people, "李雷", PHONE)
    befriend(server, "王伟", "李雷")
    sockets: list[str] = []
    wang.page.on("websocket", lambda socket: sockets.append(socket.url))
    wang.go("/chat/李雷/")
    li.go("/chat/王伟/")
    wang.say("隔着 nginx 你好")
    theirs = "#messages .message.theirs .bubble"
    # The page finds out by trying whether upgrades get through.
    expect(li.page.locator(theirs)).to_have_text("隔着 nginx 你好", timeout=30_000)
    li.say("收到")
    expect(wang.page.locator(theirs)).to_have_text("收到", timeout=30_000)
    expect(wang.page.locator("#messages .message.mine .state")).to_have_text("✓")
    scheme = "wss" if server.kind == "own" else "ws"
    assert sockets[0].startswith(server.site.replace(server.site.split(":")[0], scheme, 1))
    complaints = wang.complaints + li.complaints
    if server.kind == "plain":
        complaints = [each for each in complaints if "WebSocket" not in each]
    assert complaints == []


def test_every_page_and_what_it_loads_stays_below_the_address(people, server):
    eva = come(people, "eva", DESKTOP)
    come(people, "fritz", DESKTOP)
    befriend(server, "eva", "fritz")
    server.manage(
        "shell",
        "-c",
        "from accounts.models import User;"
        "User.objects.filter(username='eva').update(is_staff=True, is_superuser=True)",
    )
    asked: list[tuple[int, str]] = []
    eva.page.on("response", lambda response: asked.append((response.status, response.url)))
    visited: set[str] = set()
    waiting = ["/", "/chat/fritz/", "/contacts/", "/discover/", "/admin/"]
    waiting = [server.site + path for path in waiting]
    while waiting:
        url = waiting.pop()
        if url in visited or len(visited) > 80:
            continue
        visited.add(url)
        eva.page.goto(url)
        for target in eva.page.locator("a[href]").evaluate_all(ADDRESSES):
            target = target.split("#")[0].split("?")[0]
            outside = urlsplit(target).netloc != urlsplit(server.site).netloc
            if target not in visited and not outside:
                waiting.append(target)
    assert len(visited) > 15
    base = server.site + "/"
    assert [url for _status, url in asked if not url.startswith(base)] == []
    assert [(status, url) for status, url in asked if status >= 400] == []
    path = urlsplit(server.site).path or "/"
    assert {cookie["path"] for cookie in eva.context.cookies()} == {path}
    named = eva.page.locator("[href], [src], [action]").evaluate_all(ADDRESSES)
    assert [url for url in named if not url.startswith(base)] == []


def test_what_nginx_answers_itself(server):
    if server.kind == "plain":
        pytest.skip("the plain block serves nothing itself")
    port = urlsplit(server.site).port
    prefix = urlsplit(server.site).path
    client = httpx.Client(
        base_url=server.site.replace(NAME, "127.0.0.1"),
        headers={"Host": f"{NAME}:{port}"},
        verify=False,
    )
    page = client.get("/login/")
    assert page.status_code == 200
    headers = [name for name, _value in page.headers.multi_items()]
    assert len(headers) == len(set(headers) | {"set-cookie"}) - ("set-cookie" not in headers)
    assert ("strict-transport-security" in headers) == (server.kind == "own")
    style = next(part for part in page.text.split('"') if part.endswith(".css"))
    file = client.get(style.removeprefix(prefix))
    assert file.status_code == 200
    forever = "max-age=31536000, public, immutable" if server.kind == "own" else "max-age=31536000"
    assert file.headers["cache-control"] == forever
    assert file.headers["server"].startswith("nginx")
    assert file.headers["content-encoding"] == "gzip"
    # The chat itself refuses, in its own words.
    assert client.post("/api/friends/requests/", content=b"x" * 40_000).json()["error"]["code"]
    if prefix:
        blog = client.get(f"https://{NAME}/".replace(f"https://{NAME}", f"http://127.0.0.1:{port}"))
        assert blog.text == "the blog"
        bare = client.get(f"http://127.0.0.1:{port}{prefix}")
        assert bare.headers.get("location", server.site).startswith((server.site, prefix))
        login = client.get(f"http://127.0.0.1:{port}{prefix}/login")
        assert login.headers["location"] == f"{prefix}/login/"


def test_what_the_server_block_says_is_said_with_every_answer(server):
    if server.kind == "plain":
        pytest.skip("the plain block serves nothing itself")
    address = server.site.replace(NAME, "127.0.0.1")
    client = httpx.Client(headers={"Host": urlsplit(server.site).netloc}, verify=False, timeout=30)
    style = next(part for part in client.get(f"{address}/login/").text.split('"') if ".css" in part)
    file = urljoin(address, style)
    hidden = [f"{address}/static/{name}" for name in ("staticfiles.json", ".stamp", "css/.x")]
    # From the chat, the folder, and nginx alone: a page, files, 404, 413 and, at the end, 502.
    answers = [client.get(url) for url in (f"{address}/login/", file, f"{file}.none", *hidden)]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404, 404]
    answers.append(client.head(file))
    answers.append(client.post(f"{address}/login/", content=b"x" * 2_000_000))
    assert answers[-1].status_code == 413
    if server.kind == "own":
        [port] = re.findall(r"listen 127.0.0.1:(\d+);", server.config)
        redirect = client.get(f"http://127.0.0.1:{port}/login/")
        assert redirect.status_code == 308
        assert "strict-transport-security" not in redirect.headers  # RFC 6797, 7.2
    server.stop()
    try:
        answers.append(client.get(f"{address}/login/"))
    finally:
        server.start()
    assert answers[-1].status_code == 502
    if server.kind != "own":
        assert {answer.headers.get("x-blog") for answer in answers} == {"everywhere"}
        return
    for answer in [*answers, redirect]:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for answer in answers:
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
