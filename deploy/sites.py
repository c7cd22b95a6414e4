"""Where nginx hands requests over to a port of this machine, by its files alone."""

from __future__ import annotations

import glob
import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from pathlib import Path

from webchat.base.places import DEFAULT_PORTS

# Where Debian's nginx looks.
NGINX = ("nginx.conf", "conf.d/*.conf", "sites-enabled/*")
FILE_BYTES = 1024 * 1024  # of one file of nginx: more was written by no person
FILES = 1000  # of them all, each time that it is included: the same for a circle
DEPTH = 8  # of includes within includes
_PIECE = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|[^\s{};"']+""")
_TARGET = re.compile(r"(?:https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})(?:/.*)?")
_NAME = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\]")


@dataclass(frozen=True)
class Directive:
    """One of nginx: `location /chat { … }` has children, `listen 80;` has none."""

    words: tuple[str, ...]
    children: tuple[Directive, ...] = ()

    def all(self, name: str, *, outside: str = "") -> Iterator[Directive]:
        """Yield those of a name at any depth, but not below directives named `outside`."""
        for child in self.children:
            if child.words[:1] == (name,):
                yield child
            if child.words[:1] != (outside,):
                yield from child.all(name, outside=outside)


def parse_nginx(text: str) -> tuple[Directive, ...]:
    pieces = (piece for piece in _PIECE.findall(text) if not piece.startswith("#"))
    return tuple(_directives(pieces))


def _directives(pieces: Iterator[str]) -> Iterator[Directive]:
    words: list[str] = []
    for piece in pieces:
        if piece == "}":
            return
        if piece in ("{", ";"):
            children = tuple(_directives(pieces)) if piece == "{" else ()
            yield Directive(tuple(words), children)
            words = []
        else:
            words.append(piece.strip("\"'"))


class Configuration:
    """The files of nginx in a folder, with what they include."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files_left = FILES
        self.whole = Directive((), tuple(each for name in NGINX for each in self._read(name)))

    def _read(self, pattern: str, depth: int = DEPTH) -> Iterator[Directive]:
        for name in sorted(glob.glob(os.path.join(self._folder, pattern))):
            self._files_left -= 1
            with suppress(OSError):
                path = Path(name)
                if self._files_left >= 0 and path.stat().st_size <= FILE_BYTES:
                    text = path.read_text(errors="replace")
                    yield from self._included(parse_nginx(text), depth)

    def _included(self, directives: Iterable[Directive], depth: int) -> Iterator[Directive]:
        for each in directives:
            if each.words[:1] == ("include",) and len(each.words) == 2 and depth:
                yield from self._read(each.words[1], depth - 1)
            else:
                yield replace(each, children=tuple(self._included(each.children, depth)))

    def hands_over(self, port: int) -> bool:
        """Return whether requests get to a port of this machine, at whatever address."""
        found = (each for name in ("proxy_pass", "server", "set") for each in self.whole.all(name))
        return any(_leads_here(word, port) for each in found for word in each.words[1:])

    def addresses(self, port: int) -> list[str]:
        """Return the addresses of a port that can be told from the files, https first."""
        targets = set(self._names(port))
        found = [
            f"{origin}{prefix}"
            for server in self.whole.all("server")
            for prefix in _prefixes(server, port, targets)
            for origin in _origins(server)
        ]
        found.sort(key=lambda url: not url.startswith("https:"))
        # By http and by https it is one site.
        return list({_without_scheme(url): url for url in reversed(found)}.values())[::-1]

    def _names(self, port: int) -> Iterator[str]:
        """Yield the upstreams and variables that stand for a port of this machine."""
        for each in self.whole.all("upstream"):
            words = (word for server in each.all("server") for word in server.words)
            if any(_leads_here(word, port) for word in words):
                yield each.words[1]
        for each in self.whole.all("set"):
            if _leads_here(each.words[-1], port):
                yield each.words[1]


def _leads_here(word: str, port: int) -> bool:
    found = _TARGET.fullmatch(word)
    return found is not None and int(found[2]) == port and _is_this_machine(found[1])


@cache
def _is_this_machine(host: str) -> bool:
    if host in ("localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family) as probe:
        probe.bind((str(address), 0))
        return True
    return False


def _origins(server: Directive) -> Iterator[str]:
    names = (name for each in server.all("server_name") for name in each.words[1:])
    names = (name.lstrip(".") for name in names if _NAME.fullmatch(name))
    name = next((name for name in names if name not in ("localhost", "127.0.0.1")), "")
    listens = [each.words[1:] for each in server.children if each.words[:1] == ("listen",)]
    for where, *flags in listens or [("80",)]:
        port = where.rpartition(":")[2].rpartition("]")[2] or "80"
        port = port if port.isdigit() else "80"
        scheme = "https" if "ssl" in flags or port == "443" else "http"
        if name:
            default = port == str(DEFAULT_PORTS[scheme])
            yield f"{scheme}://{name}" + ("" if default else f":{port}")


def _prefixes(server: Directive, port: int, targets: set[str]) -> list[str]:
    """Return where requests are handed over, without what is below another such place."""
    found = set()
    for location in server.all("location"):
        path = location.words[-1]
        is_plain = location.words[1] in (path, "^~", "=") and path.startswith("/")
        passes = location.all("proxy_pass", outside="location")
        if is_plain and any(_is_target(each.words[-1], port, targets) for each in passes):
            found.add(path.rstrip("/"))
    return sorted(
        path for path in found if not any(path.startswith(f"{other}/") for other in found)
    )


def _is_target(word: str, port: int, targets: set[str]) -> bool:
    name = re.sub(r"^https?://", "", word)
    name = "".join(takewhile(lambda letter: letter.isalnum() or letter in "$_.-", name))
    return _leads_here(word, port) or name in targets


def _without_scheme(url: str) -> str:
    host, slash, path = url.partition("://")[2].partition("/")
    return re.sub(r":[0-9]+$", "", host) + slash + path
