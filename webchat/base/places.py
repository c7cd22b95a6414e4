"""Places that a setting may name: the address of the site, and folders.

Without Django and other packages, so that `deploy/install.sh` asks the same code before any is
installed (`deploy/facts.py`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
URL_LENGTH = 4096  # characters, as any setting may have
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# urlsplit leaves them out in silence.
_UNSEEN = re.compile(r"[\x00-\x20\x7f]")
# Folders of the system: data in one of them would close it for everybody else.
SYSTEM = (
    *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt"),
    *("root", "run", "sbin", "srv", "tmp", "usr", "usr/lib", "usr/local", "usr/share"),
    *("var", "var/cache", "var/lib", "var/log", "var/run", "var/spool", "var/tmp", "var/www"),
    "dev/shm",
)


@dataclass(frozen=True)
class Site:
    """The parts of SITE_URL: `https://www.example.com:8443/chat`."""

    scheme: str
    host: str  # without port; an IPv6 address in brackets
    port: int | None
    prefix: str  # "" or "/chat", never with a slash at the end

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def url(self) -> str:
        return f"{self.origin}{self.prefix}/"


def parse_site(value: str) -> Site:
    """Take an address apart; raises ValueError if it is none that a site can have."""
    if len(value) > URL_LENGTH or _UNSEEN.search(value):
        raise ValueError
    parts = urlsplit(value)
    port = parts.port
    host = (parts.hostname or "").encode("idna").decode("ascii")
    if ":" in host:
        host = f"[{host}]"
    prefix = parts.path.rstrip("/")
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(host)
        or not _PREFIX.fullmatch(prefix)
        or {".", ".."} & set(prefix.split("/"))
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or port == 0
    ):
        raise ValueError
    if port == DEFAULT_PORTS[parts.scheme]:
        port = None
    return Site(parts.scheme, host, port, prefix)


def is_of_the_system(folder: Path) -> bool:
    """Whether others need a folder, so that it cannot be closed; links are followed."""
    return Path(os.path.realpath(folder)) in {Path("/", name) for name in ("", *SYSTEM)}
