"""The bare peer as a process: peer.js with its two packages, which npm brings once."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

from client import Address
from processes import BENCH, Program, free_port

PACKAGES = ("socket.io@4.8.4", "better-sqlite3@12.10.0")
OLDEST_NODE = 20
INSTALL_SECONDS = 900  # better-sqlite3 is compiled: two minutes of a core
HEADERS = Path("/usr/include/node")  # of Debian's libnode-dev: nothing to download to compile
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "webchat-bench"

MESSAGE = """
INSERT INTO message (conversation, sender, text, client_id, sent_at)
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
SELECT :conversation, iif(n % 4 < 2, :one, :other), 'message number ' || n,
       lower(hex(randomblob(16))), datetime('2026-01-01', n || ' seconds')
FROM number
"""


class MissingError(Exception):
    """What the peer needs and this machine does not have."""


class Peer(Program):
    """peer.js with a database of its own; `commit` is one of its ways to commit."""

    def __init__(self, modules: Path, database: Path, commit: str, cores: list[int]) -> None:
        address = Address("127.0.0.1", free_port())
        command = ["node", str(BENCH / "peer.js"), str(address.port), str(database), commit]
        environment = os.environ | {"NODE_PATH": str(modules), "NODE_ENV": "production"}
        super().__init__(address, command, environment, cores)


def page_path(one: str, other: str) -> str:
    return f"/messages?me={one}&with={other}"


def fill(database: Path, one: str, other: str, count: int) -> None:
    """Put messages between two into the peer's database, which it has made."""
    conversation = " ".join(sorted((one, other)))
    with sqlite3.connect(database) as connection:
        connection.execute(
            MESSAGE, {"count": count, "conversation": conversation, "one": one, "other": other}
        )


def modules() -> Path:
    """Return the folder of the packages; install them first, or raise MissingError."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not installed")
    version = _output("node", "--version")
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise MissingError(f"node {version} is too old: {OLDEST_NODE} or newer is needed")
    # A compiled package fits one version of node.
    folder = CACHE / re.sub(r"[^\w.@-]", "_", "-".join((*PACKAGES, version)))
    if not folder.exists():
        _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    environment = dict(os.environ)
    if HEADERS.is_dir():
        environment.setdefault("npm_config_nodedir", str(HEADERS.parent.parent))
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(unfinished), *PACKAGES]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            raise MissingError(
                f"npm cannot install {' and '.join(PACKAGES)}: {_reason(done.stderr)}"
            )
        unfinished.rename(folder)
    except subprocess.TimeoutExpired:
        raise MissingError(f"npm has installed nothing in {INSTALL_SECONDS} s") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _reason(errors: str) -> str:
    if re.search(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|E40[34]", errors):
        return "the registry of npm is out of reach"
    if not (shutil.which("g++") or shutil.which("clang++") or shutil.which("c++")):
        return "there is no prebuilt better-sqlite3 within reach, and no C++ compiler"
    lines = [line for line in errors.splitlines() if line.strip()]
    return lines[-1] if lines else "it gives no reason"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
