"""Where people find this server: its addresses in the local network."""

from __future__ import annotations

import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface
VIRTUAL = ("lo", "docker", "br-", "veth", "virbr", "lxc", "cni")


def lan_addresses() -> list[str]:
    """The IPv4 addresses of this machine that others may reach, the likeliest first."""
    found = [_route_address(), *map(_interface_address, _interfaces())]
    return [address for address in dict.fromkeys(found) if address]


def _interfaces() -> list[str]:
    return [name for _index, name in socket.if_nameindex() if not name.startswith(VIRTUAL)]


def _route_address() -> str:
    """The address from which this machine speaks to the world; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return "" if address.startswith("127.") else address


def _interface_address(name: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("256s", name.encode()[:15])
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)
        except OSError:  # an interface without an IPv4 address
            return ""
    return socket.inet_ntoa(answer[20:24])
