"""Whether a server answers: one that runs, or one started to try a release.

Of one that runs, the process is enough: it is asked where it really listens, whatever the
settings say by now.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LISTENING = "0A"  # the state of a socket in /proc/net/tcp
ACCEPTING = 0x10000  # the flag of a listening socket in /proc/net/unix
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connection_to(where: str) -> http.client.HTTPConnection:
    """Return a connection to a unix socket, or to HOST:PORT, where IPv6 has brackets."""
    if "/" in where:
        return UnixConnection(where)
    return http.client.HTTPConnection(where, timeout=5)


def answer(where: str, path: str) -> str:
    """Return what a server says at a path, or why it cannot be asked; "" when all is well."""
    connection = connection_to(where)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{where}: {error}"
    finally:
        connection.close()
    return "" if response.status == 200 else f"{where}: {response.status} {body}"


def listens_at(pid: int) -> str:
    """Return the first address at which a process listens, "" if it does not: see proc(5)."""
    process = Path(f"/proc/{pid}")
    ours = set()
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                ours.add(os.readlink(link))
        for line in (process / "net/unix").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[6]}]" in ours and int(fields[3], 16) & ACCEPTING:
                return fields[7] if len(fields) > 7 else ""
        for name in ("tcp", "tcp6"):
            for line in (process / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and f"socket:[{fields[9]}]" in ours:
                    return _address(fields[1])
    return ""


def _address(field: str) -> str:
    """Read `0100007F:1F90`: words of 32 bits in the order of this machine, and the port."""
    words, port = field.split(":")
    packed = b"".join(
        int(words[start : start + 8], 16).to_bytes(4, sys.byteorder)
        for start in range(0, len(words), 8)
    )
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    host = socket.inet_ntop(family, packed)
    host = ANY.get(host, host)
    return f"[{host}]:{int(port, 16)}" if ":" in host else f"{host}:{int(port, 16)}"


def problem_of(pid: int, path: str, gone: set[str]) -> str:
    """Return why a running server is not well, by workers that are none of `gone`; "" if it is."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        workers = set(children.read_text().split())
    except OSError:
        return "服务没有在运行 / The service does not run"
    if workers & gone:
        return "原来的进程还在服务 / The workers of before still serve"
    where = listens_at(pid)
    return answer(where, path) if where else "服务不在监听 / The service listens nowhere"


def start(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", "1"]
    # Without the sockets and the notifications of the running service.
    hidden = ("LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "WEB_CONCURRENCY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.Popen(command, env=environment)


def spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to wait")
    parser.add_argument("--path", default="/readyz", help="the address that is asked")
    parser.add_argument("--not-by", default="", help="workers that must be gone, with --pid")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--start", action="store_true", help="start a server on a spare port")
    which.add_argument("--socket", help="the unix socket, or HOST:PORT, of a running one")
    which.add_argument("--pid", type=int, help="the process of a running one")
    return parser.parse_args(arguments)


def wait(options: argparse.Namespace) -> str:
    """Ask until the answer is good; return the last problem if it never is."""
    where = options.socket or f"127.0.0.1:{spare_port()}"
    server = start(int(where.rpartition(":")[2])) if options.start else None
    problem = "?"
    deadline = time.monotonic() + options.seconds
    try:
        while problem and time.monotonic() < deadline:
            if server is not None and server.poll() is not None:
                return f"it ended with {server.returncode}"
            if options.pid is None:
                problem = answer(where, options.path)
            else:
                problem = problem_of(options.pid, options.path, set(options.not_by.split()))
            time.sleep(0.2 if problem else 0)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    return problem


def main() -> int:
    # So that the server which was started ends with us.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    problem = wait(options_of())
    if problem:
        print(f"未就绪 / Not ready: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
