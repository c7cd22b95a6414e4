import ipaddress

import pytest

from webchat.middleware import is_trusted_proxy, proxied_address

FORWARDED = {"x-real-ip": "203.0.113.9", "x-forwarded-proto": "https"}


def whoami(client, peer, headers=FORWARDED):
    return client.get("/try/whoami/", headers=headers, REMOTE_ADDR=peer).json()


def test_without_a_proxy_nobody_speaks_for_others(client):
    assert whoami(client, "127.0.0.1") == {"address": "127.0.0.1", "secure": False}


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "", "10.0.0.2", "::ffff:10.0.0.2"])
def test_a_trusted_proxy_is_believed(client, settings, peer):
    settings.BEHIND_PROXY = True
    settings.TRUSTED_PROXY = [ipaddress.ip_network("10.0.0.2")]
    assert whoami(client, peer) == {"address": "203.0.113.9", "secure": True}


@pytest.mark.parametrize("peer", ["10.0.0.3", "192.168.1.7", "nonsense"])
def test_others_are_not_believed(client, settings, peer):
    settings.BEHIND_PROXY = True
    settings.TRUSTED_PROXY = [ipaddress.ip_network("10.0.0.2")]
    assert whoami(client, peer) == {"address": peer, "secure": False}


def test_nonsense_from_a_trusted_proxy_changes_nothing(client, settings):
    settings.BEHIND_PROXY = True
    headers = {"x-real-ip": "<script>", "x-forwarded-proto": "gopher"}
    assert whoami(client, "127.0.0.1", headers) == {"address": "127.0.0.1", "secure": False}


def test_a_unix_socket_is_this_machine():
    assert is_trusted_proxy("")


@pytest.mark.parametrize(
    ("peer", "given", "address"),
    [
        ("", [b"203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", [], ""),
        ("127.0.0.1", [b"nonsense"], ""),
        ("127.0.0.1", [b"203.0.113.9", b"203.0.113.10"], ""),
        ("192.168.1.7", [b"203.0.113.9"], None),
    ],
)
def test_a_connection_counts_for_whom_its_proxy_speaks(settings, peer, given, address):
    headers = [(b"x-real-ip", value) for value in given]
    assert proxied_address(peer, headers) is None
    settings.BEHIND_PROXY = True
    assert proxied_address(peer, headers) == address
