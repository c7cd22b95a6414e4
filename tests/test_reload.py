"""gunicorn told to reload with other settings: it goes on answering where it did."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import environment
from tests.server import READY_SECONDS, ROOT, free_port, wait_for

KEPT = shutil.ignore_patterns(
    ".git", ".venv", ".env", "data", "bench", "docs", "staticfiles", "__pycache__", ".*_cache"
)


FIRST = 3  # the first inherited socket of a server: sd_listen_fds(3)


class Running:
    """A server with an .env of its own, in a copy of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = shutil.copytree(ROOT, folder / "code", ignore=KEPT)
        self.port = free_port()
        self.log = folder / "log"
        self.key = secrets.token_hex()
        self.write(PORT=str(self.port))
        self.options: dict[str, Any] = {}
        self.transport = httpx.HTTPTransport()
        self.before = ""

    def inherit(self, path: Path) -> None:
        """Serve a unix socket that is there already, as systemd makes it."""
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen(1024)
        dup = partial(os.dup2, self.listening.fileno(), FIRST)
        self.options = {"pass_fds": [FIRST], "preexec_fn": dup}
        self.before = "export LISTEN_FDS=1 LISTEN_PID=$$; "
        self.transport = httpx.HTTPTransport(uds=str(path))

    def start(self) -> None:
        ours = [*environment.names, "DJANGO_SETTINGS_MODULE"]
        env = {name: value for name, value in os.environ.items() if name not in ours}
        prepare = [sys.executable, "manage.py", "prepare", "--no-port"]
        subprocess.run(prepare, cwd=self.folder, env=env, check=True, capture_output=True)
        command = f"{sys.executable} -m gunicorn -c deploy/gunicorn.conf.py"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", f"{self.before}exec {command}"],
                cwd=self.folder,
                env=env,
                stderr=log,
                **self.options,
            )
        if not self.options:
            wait_for(self.port, self.process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def write(self, **settings: str) -> None:
        settings |= {"SECRET_KEY": self.key, "DATA_DIR": str(self.folder.with_name("data"))}
        (self.folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))

    def workers(self) -> set[str]:
        pid = self.process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def reload(self) -> None:
        """Send HUP and ask until all workers are others; every answer must be a good one."""
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + READY_SECONDS
        while before & self.workers() or not self.workers():
            assert time.monotonic() < deadline, self.log.read_text()
            self.ask()
            time.sleep(0.05)
        self.ask()

    def ask(self) -> None:
        assert self.process.poll() is None, self.log.read_text()
        # A new connection each time: one that was made before would hide a closed socket.
        headers = {"Connection": "close"}
        url = f"http://127.0.0.1:{self.port}/healthz"
        with httpx.Client(transport=self.transport, timeout=READY_SECONDS) as client:
            assert client.get(url, headers=headers).status_code == 200

    @property
    def said(self) -> int:
        return self.log.read_text().count("waits for a restart")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path)
    yield server
    server.stop()


def test_another_host_or_port_waits_for_a_restart_and_says_so(running):
    running.start()
    running.ask()
    running.write(PORT=str(running.port), BEHIND_PROXY="on")  # from 0.0.0.0 to 127.0.0.1
    running.reload()
    assert running.said == 1
    running.write(PORT=str(free_port()), BEHIND_PROXY="off")
    running.reload()
    assert running.said == 2
    running.write(PORT=str(running.port), TIME_ZONE="Europe/Berlin")
    running.reload()
    assert running.said == 2, "the address is as it was"


def test_the_socket_of_systemd_stays_whatever_the_settings_say(running, tmp_path):
    running.inherit(tmp_path / "webchat.sock")
    running.start()
    running.ask()
    running.write(PORT=str(free_port()), BEHIND_PROXY="on")
    running.reload()
    assert running.said == 0, "nothing waits: the port is not used"
