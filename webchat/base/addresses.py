"""Addresses: where people find this server in the local network, and where they come from."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from functools import lru_cache

SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface
VIRTUAL = ("lo", "docker", "br-", "veth", "virbr", "lxc", "cni")


def lan_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine that others may reach, the likeliest first."""
    found = [_route_address(), *map(_interface_address, _interfaces())]
    return [address for address in dict.fromkeys(found) if address]


def _interfaces() -> list[str]:
    return [name for _index, name in socket.if_nameindex() if not name.startswith(VIRTUAL)]


def _route_address() -> str:
    """Return this machine's own address towards the world; nothing is sent to find out."""
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


@lru_cache(maxsize=4096)
def networks(address: str) -> tuple[str, ...]:
    """Return the networks that count as one place, the nearest first; none if it may be anybody.

    A household or a class has an IPv4 address in common, or the /64 of an IPv6 one; whoever rents
    a line or a server has a /48, which is 65,536 of those.
    """
    ip = parse(address)
    if ip is None or ip.is_loopback:
        return ()
    if isinstance(ip, ipaddress.IPv4Address):
        return (network(address),)
    return (network(address), str(ipaddress.IPv6Network((int(ip), 48), strict=False)))


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Return what a household or a class shares: an IPv4 address, or the /64 of an IPv6 one.

    This machine's own stays as it is; "" for what is no address.
    """
    ip = parse(address)
    if isinstance(ip, ipaddress.IPv6Address) and not ip.is_loopback:
        return str(ipaddress.IPv6Network((int(ip), 64), strict=False))
    return str(ip or "")


def parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.strip().partition("%")[0])
    except ValueError:
        return None
    # A socket that listens on IPv6 shows IPv4 peers as ::ffff:192.0.2.1.
    return getattr(ip, "ipv4_mapped", None) or ip
