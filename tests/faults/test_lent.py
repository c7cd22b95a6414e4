"""nginx sends the files of messages: to those who may have them, and it reads nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import nginx
from tests.live import settle
from tests.nginx import Nginx
from tests.server import ROOT, Server, free_port

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root may become others"
)
HOST = "127.0.0.1"
CONTENT = bytes(range(250)) * 4000
# As the processes of nginx are: another user, in the group of the service.
AS_NGINX = ("setpriv", "--reuid", "65534", "--regid", "0", "--clear-groups")
SEND = """
from chat.models import Attachment, Message
from chat.models.files import attachments_folder, previews_folder
for folder in (attachments_folder(), previews_folder()): folder.mkdir(exist_ok=True)
message = Message.objects.last()
file = Attachment.objects.create(
    message=message, conversation=message.conversation, file="secret", preview="small",
    name="海边.mp4", mimetype="video/mp4", kind="video", sha256="0" * 64)
file.path.write_bytes(bytes(range(250)) * 4000)
file.preview_path.write_bytes(b"small")
"""


class Site:
    """A server with a message that is a film, behind nginx."""

    def __init__(self, folder: Path, *, prefix: str) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        for name in ("attachments", "previews", "uploads"):
            (self.data / name).mkdir(mode=0o700)
        (folder / "static").symlink_to(ROOT / "staticfiles")
        self.port = free_port()
        self.url = f"http{'' if prefix else 's'}://{HOST}:{self.port}{prefix}"
        self.server = Server(
            self.data,
            SITE_URL=self.url,
            BEHIND_PROXY="on",
            NGINX_SENDS_FILES="on",
            SEND_RATE="off",
        )
        names = {
            "upstream": f"127.0.0.1:{self.server.port}",
            "static": folder / "static",
            "name": HOST,
            "port": self.port,
            "data": self.data,
        }
        config = (
            nginx.beside(folder, **names, prefix=prefix)
            if prefix
            else nginx.own_site(folder, **names)
        )
        self.nginx = Nginx(folder, config, self.port, user="nobody root")
        self.direct = self.server.url + prefix

    def __enter__(self) -> Site:
        self.server.__enter__()
        self.nginx.__enter__()
        self.people = settle(self.server, ["anna", "ben", "mallory"], [("anna", "ben")])
        pk = self.people["anna"].say("ben", "x").json()["message"]["id"]
        self.path = f"/attachments/{pk}/"
        self.server.manage("shell", "--verbosity", "0", "-c", SEND)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.nginx.__exit__()
        self.server.__exit__()

    def restart(self) -> None:
        self.server.stop()
        self.server.start()
        httpx.get(f"{self.server.url}/healthz", timeout=60)

    def get(self, path: str, name: str = "ben", base: str = "", **options) -> httpx.Response:
        headers = {"Cookie": self.people[name].cookie} if name else {}
        headers |= options.pop("headers", {})
        method = options.pop("method", "GET")
        url = (base or self.url) + path
        return httpx.request(method, url, headers=headers, timeout=60, verify=False)

    def is_lent(self, path: str = "") -> bool:
        """Ask as nginx does whether it is to send it."""
        found = self.get(path or self.path, base=self.direct, headers={"X-Sends-Files": "on"})
        return "x-accel-redirect" in found.headers


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that others may walk through, as they may not through pytest's own."""
    found = Path(tempfile.mkdtemp(prefix="lent-", dir="/tmp"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module", params=["", "/chat"])
def site(folder: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    with Site(folder / f"at{len(request.param)}", prefix=request.param) as site:
        yield site


QUESTIONS = [
    {},
    {"Range": "bytes=0-1"},
    {"Range": "bytes=1000-"},
    {"Range": "bytes=-500"},
    {"Range": "bytes=2000000-"},
    {"Range": "bytes=0-1,3-3"},
    {"Range": "nonsense"},
    {"Range": "bytes=5-9", "If-Range": '"another"'},
    {"Range": "bytes=5-9", "If-Range": "TAG"},
    {"If-None-Match": "TAG"},
    {"If-None-Match": '"another"'},
    {"If-Match": "TAG"},
    {"If-Match": '"another"'},
    {"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"If-Unmodified-Since": "Wed, 21 Oct 2099 07:28:00 GMT"},
    {"Accept-Encoding": "gzip"},
]
SAME = (
    "etag content-type content-disposition content-length content-range accept-ranges cache-control"
    " content-security-policy cross-origin-resource-policy x-content-type-options x-frame-options"
    " referrer-policy content-encoding last-modified"
).split()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("which", ["", "preview/"])
def test_nginx_answers_as_the_chat_would(site, method, which):
    path = site.path + which
    assert site.is_lent(path)
    tag = site.get(path, base=site.direct).headers["etag"]
    for question in QUESTIONS:
        headers = {name: tag if value == "TAG" else value for name, value in question.items()}
        ours = site.get(path, base=site.direct, headers=headers, method=method)
        theirs = site.get(path, headers=headers, method=method)
        assert theirs.status_code == ours.status_code, headers
        assert {name: theirs.headers.get(name) for name in SAME if _counts(name, ours)} == {
            name: ours.headers.get(name) for name in SAME if _counts(name, ours)
        }, headers
        # As the server block has it, which nobody but a site of its own knows.
        secure = "max-age=31536000" if site.url.startswith("https") else None
        assert theirs.headers.get("strict-transport-security") == secure
        if ours.status_code != 416:  # to which nginx adds a page
            assert theirs.content == ours.content


def _counts(name: str, answer: httpx.Response) -> bool:
    if name == "accept-ranges":  # which a 206 says by itself
        return answer.status_code == 200
    is_of_content = name in ("etag", "content-type", "content-length", "content-encoding")
    return answer.status_code != 416 or not is_of_content


def test_rights_are_asked_each_time(site):
    assert site.get(site.path, "anna").content == CONTENT
    for which in ("", "preview/"):
        for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}):
            path = site.path + which
            assert site.get(path, "mallory", headers=headers).status_code == 404
            assert site.get(path, "", headers=headers).status_code == 302


def test_nobody_gets_at_the_files_by_the_place_that_nginx_has_for_them(site):
    for name in ("anna", ""):
        for path in (
            "/~files/attachments/secret",
            "/~files/previews/small",
            "/%7Efiles/attachments/secret",
            "/~files/attachments/../db.sqlite3",
            "/~files/attachments/%2e%2e/db.sqlite3",
            "/~files/attachments../db.sqlite3",
            "/~files/",
            "/~files",
        ):
            answer = site.get(path, name)
            assert answer.status_code in (404, 301, 302), path
            assert CONTENT[:100] not in answer.content


def test_who_says_to_be_nginx_to_nginx_changes_nothing(site):
    assert site.get(site.path, headers={"X-Sends-Files": "off"}).content == CONTENT


def test_nginx_reads_these_files_and_nothing_else_of_the_data(site):
    (site.data / "uploads/half").write_bytes(b"half")
    (site.data / "uploads/half").chmod(0o600)
    site.get(site.path)
    site.get(f"{site.path}preview/")
    found = {path for path in site.data.rglob("*") if path.is_file()}
    assert site.data / "db.sqlite3" in found
    readable = {path for path in found if _as_nginx("cat", path)}
    assert readable == {site.data / "attachments/secret", site.data / "previews/small"}
    for closed in (site.data, site.data / "uploads"):
        assert not _as_nginx("ls", closed)
    assert not _as_nginx("touch", site.data / "attachments/new")
    assert not _as_nginx("rm", "-f", site.data / "attachments/secret")


def _as_nginx(*command: object) -> bool:
    done = subprocess.run([*AS_NGINX, *map(str, command)], capture_output=True)
    return done.returncode == 0


def test_a_body_of_just_a_megabyte_gets_through(site):
    for size, is_ours in ((1024 * 1024, True), (1024 * 1024 + 1, False)):
        answer = httpx.post(f"{site.url}/login/", content=bytes(size), timeout=60, verify=False)
        assert ("x-request-id" in answer.headers) == is_ours, size


@pytest.fixture
def own(folder: Path) -> Iterator[Site]:
    with Site(folder / "changing", prefix="/chat") as site:
        yield site


def test_what_is_not_lent_is_sent_by_the_chat_and_a_start_lends_it_again(own):
    file, folder = own.data / "attachments/secret", own.data / "attachments"
    file.chmod(0o600)  # as a new one is
    assert own.get(own.path).content == CONTENT
    assert file.stat().st_mode & 0o777 == 0o640
    for closed, mode in ((folder, 0o750), (own.data, 0o710)):
        closed.chmod(0o700)
        assert not own.is_lent()
        assert own.get(own.path).content == CONTENT
        own.restart()
        assert closed.stat().st_mode & 0o777 == mode
        assert own.is_lent()
    os.chown(file, -1, 65534)
    assert not own.is_lent()
    assert own.get(own.path).content == CONTENT
    os.chown(file, -1, 0)
    own.server.env["NGINX_SENDS_FILES"] = "off"
    own.restart()
    kept = [own.data, *own.data.rglob("*")]
    assert not any(path.stat().st_mode & 0o077 for path in kept if path.exists())
    assert own.get(own.path).content == CONTENT
    assert not own.is_lent()
