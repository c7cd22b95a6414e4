"""What install.sh asks about its arguments and about this machine; needs nothing but Python."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sites import Configuration

from webchat.base.places import DEFAULT_PORTS, is_of_the_system, parse_site

LISTENING = "0A"  # proc_pid_net(5): TCP_LISTEN
TLS_PORTS = {"465": "smtp+ssl", "587": "smtp+tls"}


def site(value: str) -> list[str]:
    """Return the address as settings have it, then scheme, host, port and prefix."""
    found = parse_site(value)
    port = found.port or DEFAULT_PORTS[found.scheme]
    return [found.url.rstrip("/"), found.scheme, found.host, str(port), found.prefix]


def mail_url() -> list[str]:
    """Return EMAIL_URL for the variables SMTP_*, its parts quoted."""
    host, port = os.environ["SMTP_HOST"], os.environ["SMTP_PORT"]
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host) or not _is_port(port):
        raise ValueError
    who = quote(os.environ["SMTP_USER"], safe="")
    if who:
        who += f":{quote(os.environ['SMTP_PASSWORD'], safe='')}@"
    return [f"{TLS_PORTS.get(port, 'smtp')}://{who}{host}:{port}"]


def _is_port(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 5 and 0 < int(value) < 65536


class Listener(NamedTuple):
    port: int
    pid: int
    name: str
    unit: str  # of systemd, or "-"


def listeners() -> Iterator[Listener]:
    """Yield the programs that wait for connections by TCP; root sees those of everybody."""
    ports = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING:
                    ports[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
    seen = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for each in (process / "fd").iterdir():
                with suppress(OSError):
                    if port := ports.get(os.readlink(each)):
                        seen.add((port, process))
    for port, process in sorted(seen):
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            yield Listener(port, int(process.name), name, _unit(process))
    for port in set(ports.values()) - {port for port, _ in seen}:
        yield Listener(port, 0, "?", "-")


def _unit(process: Path) -> str:
    groups = (process / "cgroup").read_text()
    found = re.findall(r"/([^/\n]+\.(?:service|scope))(?:/|$)", groups, re.MULTILINE)
    return found[-1] if found else "-"


def answer(options: argparse.Namespace) -> list[str]:
    if options.what == "site":
        return site(options.value)
    if options.what == "mail-url":
        return mail_url()
    if options.what == "folder":
        return ["system"] if is_of_the_system(Path(options.value)) else []
    if options.what == "sites-before":
        return Configuration(Path(options.nginx)).addresses(int(options.value))
    if options.what == "is-proxied":
        return ["yes"] if Configuration(Path(options.nginx)).hands_over(int(options.value)) else []
    found = listeners()
    if options.what == "listener":
        found = (each for each in found if each.port == int(options.value))
        return [f"{each.pid} {each.unit} {each.name}" for each in found]
    return [str(each.port) for each in found if each.unit == options.value]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    questions = ["site", "mail-url", "folder", "listener", "ports-of", "sites-before", "is-proxied"]
    parser.add_argument("what", choices=questions)
    parser.add_argument("value", nargs="?", default="")
    parser.add_argument("--nginx", default="/etc/nginx", help="the folder of its configuration")
    try:
        lines = answer(parser.parse_args())
    except ValueError:
        return 1
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
