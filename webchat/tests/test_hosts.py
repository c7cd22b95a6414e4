import socket

import pytest

from webchat.environment import Site
from webchat.middleware import is_lan_name, machine_names


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000",
        "127.0.0.1:8000",
        "192.168.1.10",
        "8.8.8.8:81",
        "[::1]:8000",
        "[fe80::1]",
        "box.local:8000",
        socket.gethostname(),
        "LOCALHOST",
    ],
)
def test_in_lan_mode_addresses_and_own_names_are_good_hosts(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "192.168.1.10.evil.example", "2130706433", "0x7f.1", "local", "a b"]
)
def test_in_lan_mode_other_names_are_refused_with_a_page(client, host):
    response = client.get("/healthz", headers={"host": host})
    assert response.status_code == 400
    assert "text/html" in response["Content-Type"]


def test_a_foreign_host_gets_no_static_file_either(client):
    response = client.get("/static/admin/css/base.css", headers={"host": "evil.example"})
    assert response.status_code == 400


def test_with_a_site_only_its_host_and_loopback_are_good(client, settings):
    settings.SITE = Site("https", "www.example.com", None, "")
    settings.ALLOWED_HOSTS = ["www.example.com", "localhost", "127.0.0.1", "[::1]"]
    answers = {
        host: client.get("/healthz", headers={"host": host}).status_code
        for host in ("www.example.com", "127.0.0.1:8000", "192.168.1.10", "example.com")
    }
    assert list(answers.values()) == [200, 200, 400, 400]


def test_the_names_of_this_machine_come_from_its_hosts_file(tmp_path, monkeypatch):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.1.1 lab7.example lab7 # us\n10.0.0.9 other\n::1 ip6-localhost\n\n#\n")
    monkeypatch.setattr("webchat.middleware.Path", lambda _path: hosts)
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab7")
    names = machine_names.__wrapped__()
    assert {"lab7", "lab7.example", "ip6-localhost"} <= names
    assert "other" not in names


def test_a_name_that_only_looks_like_an_address_is_none():
    assert is_lan_name("10.0.0.1")
    for name in ("10.0.0.256", "10.0.1", "١٠.0.0.1", ""):
        assert not is_lan_name(name)
