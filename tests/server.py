"""A real server for tests: gunicorn as in production, with a port and a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90  # for a fresh folder on a busy machine; usually it is one
# The database of the first server before anybody was in it: the migrations from nothing take two
# seconds of a processor and more, and are the same for each server.
_migrated: list[bytes] = []

# Below the ports that the kernel gives to connections by itself (`ip_local_port_range`), so that no
# parallel test takes it between the look and the server's start.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    for port in SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are in use")


class Server:
    """`with Server(tmp_path, SEND_RATE="off") as server: httpx.get(server.url)`.

    Keyword arguments are settings. `server.env` runs `manage.py` on the same data.
    """

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.process_options: dict[str, Any] = {"stderr": subprocess.DEVNULL}
        self.database = data_dir / "db.sqlite3"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "webchat.settings",
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",  # gunicorn reads it too, and does not know empty values
            **settings,
        }

    def __enter__(self) -> Server:
        self.prepare()
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def prepare(self) -> None:
        """Prepare the data; another test run may be collecting this folder's static files."""
        is_new = not self.database.exists()
        if is_new and _migrated and self.database.parent.is_dir():
            self.database.touch(mode=0o600)
            self.database.write_bytes(_migrated[0])
        while True:
            try:
                self.manage("prepare")
            except subprocess.CalledProcessError as error:
                if "staticfiles.lock" not in error.stderr:
                    raise
            else:
                break
        if is_new and not _migrated:
            _migrated.append(self.database.read_bytes())

    def manage(self, *command: str, **options) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.env,
                check=True,
                capture_output=True,
                text=True,
                **options,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(f"{error.stdout}\n{error.stderr}")
            raise

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
            cwd=ROOT,
            env=self.env,
            **self.process_options,
        )
        wait_for(self.port, self.process)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Stop it, by force if it takes too long; returns the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - began


def wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended while it was waited for"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on port {port} after {READY_SECONDS} seconds")
