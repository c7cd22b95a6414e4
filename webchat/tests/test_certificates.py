"""Sites with the certificates that people have: the doctor tells what is wrong with each."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.utils.translation import override

from tests.server import free_port
from webchat.doctor import remedies, site
from webchat.doctor.finding import Finding, Level
from webchat.doctor.unreached import explain
from webchat.environment import Site


class Authority:
    """An authority of our own, that issues certificates by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ca.pem"
        self._run("req -x509 -days 2 -subj /CN=authority -keyout ca.key -out ca.pem")

    def _run(self, command: str) -> None:
        what, *rest = command.split()
        keys = ["-newkey", "rsa:2048", "-nodes"] if what == "req" else []
        subprocess.run(
            ["openssl", what, *keys, *rest], cwd=self.folder, check=True, capture_output=True
        )

    def issue(self, name: str, *, days: int = 2) -> None:
        self._run(f"req -subj /CN={name} -addext subjectAltName=DNS:{name} -keyout key -out asked")
        sign = "x509 -req -in asked -CA ca.pem -CAkey ca.key -copy_extensions copy -out issued.pem"
        try:
            self._run(f"{sign} -days {days}")
        except subprocess.CalledProcessError:  # OpenSSL 3.4 takes no negative days, but dates
            self._run(f"{sign} -not_before 20200101000000Z -not_after 20200102000000Z")

    def sign_itself(self, name: str) -> None:
        self._run(
            f"req -x509 -days 2 -subj /CN={name} -addext subjectAltName=DNS:{name}"
            " -keyout key -out issued.pem"
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def look(listening: socket.socket, settings, monkeypatch, authority: Authority) -> Finding:
    """Let the doctor look at a site on this socket with the certificate that was issued last."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "issued.pem", authority.folder / "key")

    def serve() -> None:
        plain, _address = listening.accept()
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    settings.SITE = Site("https", "localhost", listening.getsockname()[1], "")
    with override("en"):
        finding = site.check_site_url()
    serving.join(10)
    return finding


def test_one_that_is_good_is_not_what_is_wrong(listening, settings, monkeypatch, authority):
    authority.issue("localhost")
    finding = look(listening, settings, monkeypatch, authority)
    assert "Something else answers" in finding.message


def test_one_signed_by_itself_works_and_should_be_replaced(
    listening, settings, monkeypatch, authority
):
    authority.sign_itself("localhost")
    finding = look(listening, settings, monkeypatch, authority)
    assert finding.level == Level.ADVICE
    assert "signed by itself" in finding.message
    assert "certbot" in finding.fix
    assert "-d localhost" in finding.fix


def test_one_that_has_expired(listening, settings, monkeypatch, authority):
    authority.issue("localhost", days=-1)
    finding = look(listening, settings, monkeypatch, authority)
    assert finding.level == Level.WRONG
    assert "expired" in finding.message
    assert "certbot renew" in finding.fix
    assert "reload nginx" in finding.fix


def test_one_for_another_name(listening, settings, monkeypatch, authority):
    authority.issue("elsewhere.example")
    finding = look(listening, settings, monkeypatch, authority)
    assert finding.level == Level.WRONG
    assert "another name than localhost" in finding.message
    assert "-d localhost" in finding.fix


def test_one_of_an_authority_that_nobody_knows(
    listening, settings, monkeypatch, authority, tmp_path
):
    stranger = Authority(tmp_path)
    stranger.issue("localhost")
    with monkeypatch.context() as patch:
        patch.setattr(stranger, "file", authority.file)
        finding = look(listening, settings, monkeypatch, stranger)
    assert finding.level == Level.WRONG
    assert "fullchain.pem" in finding.fix


def test_a_site_that_speaks_no_https(listening, settings):
    def serve() -> None:
        plain, _address = listening.accept()
        plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        plain.close()

    threading.Thread(target=serve, daemon=True).start()
    settings.SITE = Site("https", "127.0.0.1", listening.getsockname()[1], "")
    with override("en"):
        assert "does not speak https" in site.check_site_url().message


@pytest.mark.parametrize(
    ("host", "error", "word"),
    [
        ("chat.invalid", socket.gaierror(-2, "Name or service not known"), "not known here"),
        ("chat.example", ConnectionRefusedError(), "Nothing listens"),
        ("chat.example", TimeoutError(), "ufw allow 443/tcp"),
        ("chat.example", OSError("no route"), "no route"),
        ("chat.example", OSError(113, "No route to host"), "no way leads there"),
        ("chat.example", http.client.RemoteDisconnected("Remote end"), "connection was cut"),
        ("chat.example", http.client.BadStatusLine("SSH-2.0"), "does not speak http (SSH-2.0)"),
    ],
)
def test_the_ways_in_which_a_site_is_not_reached(host, error, word):
    with override("en"):
        finding = explain(Site("https", host, None, ""), error)
    assert finding.level == Level.ADVICE
    assert word in finding.message + finding.fix


def test_nothing_is_there_for_real(settings):
    settings.SITE = Site("http", "127.0.0.1", free_port(), "")
    with override("en"):
        assert "Nothing listens" in site.check_site_url().message


def test_a_number_gets_no_certificate_and_another_way():
    with override("en"):
        assert "certbot" not in remedies.certificate("192.168.1.10")
        assert "SITE_URL" in remedies.certificate("[fd00::1]")
