import ipaddress
import socket
import sys

import pytest

from webchat.base import addresses


def test_the_addresses_are_ours_and_reachable_by_others():
    for address in addresses.lan_addresses():
        assert not ipaddress.ip_address(address).is_loopback
        with socket.socket() as probe:
            probe.bind((address, 0))  # only an address of this machine can be bound


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_an_interface_tells_its_address():
    assert addresses._interface_address("lo") == "127.0.0.1"
    assert addresses._interface_address("no-such-thing") == ""


def test_each_address_is_named_once_and_bridges_are_left_out(monkeypatch):
    names = [(1, "lo"), (2, "eth0"), (3, "docker0"), (4, "wlan0"), (5, "br-12"), (6, "tun0")]
    known = {"eth0": "192.168.1.5", "wlan0": "10.0.0.7", "tun0": ""}
    monkeypatch.setattr(socket, "if_nameindex", lambda: names)
    monkeypatch.setattr(addresses, "_route_address", lambda: "10.0.0.7")
    monkeypatch.setattr(addresses, "_interface_address", known.__getitem__)
    assert addresses.lan_addresses() == ["10.0.0.7", "192.168.1.5"]
