"""Whether a server answers /readyz: one that runs, or one started to try a release."""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import subprocess
import sys
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answer(connection: http.client.HTTPConnection) -> str:
    """Return what /readyz says, or why it cannot be asked; "" when all is well."""
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace")
    except OSError as error:
        return str(error)
    finally:
        connection.close()
    return "" if response.status == 200 else f"{response.status} {body}"


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to wait")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--start", action="store_true", help="start a server on a spare port")
    which.add_argument("--socket", help="the unix socket, or HOST:PORT, of a running one")
    options = parser.parse_args()

    port = spare_port()
    server = start(port) if options.start else None
    where = options.socket or f"127.0.0.1:{port}"
    problem = ""
    deadline = time.monotonic() + options.seconds
    try:
        while time.monotonic() < deadline:
            if server is not None and server.poll() is not None:
                problem = f"it ended with {server.returncode}"
                break
            is_path = "/" in where
            problem = answer(
                UnixConnection(where) if is_path else http.client.HTTPConnection(where, timeout=5)
            )
            if not problem:
                return 0
            time.sleep(0.2)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    print(f"未就绪 / Not ready: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
