"""The layout that install.sh makes in /srv/webchat, for tests: a server without systemd."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import httpx

from tests import environment
from tests.server import READY_SECONDS, ROOT, free_port

IGNORED = shutil.ignore_patterns(
    ".venv", ".git", ".env", "data", "staticfiles", "__pycache__", ".*_cache", "bench", "docs"
)
# Start the server of the current release, in the place of the one in the file `pid`.
RESTART = """\
read -r old <{path}/pid
[ $old = 0 ] || ! kill $old || while kill -0 $old 2>/dev/null; do sleep 0.1; done
cd {path}/home/current
{before} .venv/bin/python -m gunicorn --config $PWD/deploy/gunicorn.conf.py 2>>{path}/log >&2 &
echo $! >{path}/pid
"""
# A unix socket that is there before the server, as systemd makes it, and outlives it.
LISTEN = """\
import os, socket, sys
path, *command = sys.argv[1:]
listening = socket.socket(socket.AF_UNIX)
if os.path.exists(path):
    os.remove(path)
listening.bind(path)
listening.listen(1024)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(command[0], command)
"""


class Home:
    """`with Home(tmp_path) as home: home.upgrade()`; keyword arguments are settings."""

    def __init__(self, path: Path, *, unix: bool = False, **settings: str) -> None:
        self.path = path
        self.source = path / "source"
        self.port = free_port()
        self.socket = path / "webchat.sock" if unix else None
        self.env = os.environ | {
            "WEBCHAT_HOME": str(path / "home"),
            "WEBCHAT_MAIN_PID": f"cat {path}/pid",
            "WEBCHAT_RELOAD": f"sh {path}/reload.sh",
            "WEBCHAT_RESTART": f"sh {path}/restart.sh",
            "WEBCHAT_READY_SECONDS": "40",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in [*environment.names, "DJANGO_SETTINGS_MODULE"]:
            self.env.pop(name, None)
        self.home = path / "home"
        self.settings = {"PORT": str(self.port), "DATA_DIR": f"{path}/data"} | settings

    def __enter__(self) -> Home:
        shutil.copytree(ROOT, self.source, ignore=IGNORED)
        self.home.mkdir()
        self.settings["SECRET_KEY"] = secrets.token_hex()
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.home / ".env").write_text(lines)
        self.use_our_packages()
        (self.path / "listen.py").write_text(LISTEN)
        before = f"exec .venv/bin/python {self.path}/listen.py {self.socket}" if self.socket else ""
        (self.path / "restart.sh").write_text(RESTART.format(path=self.path, before=before))
        (self.path / "reload.sh").write_text(f"kill -HUP $(cat {self.path}/pid)\n")
        (self.path / "pid").write_text("0\n")
        self.install()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def use_our_packages(self) -> None:
        """Take the packages of this environment, instead of an installation for each release."""
        packages = Path(sysconfig.get_path("purelib"))
        place = f".venv/{packages.relative_to(sys.prefix)}"
        self.add_to_setup(
            f"make_venv() {{ {sys.executable} -m venv --without-pip --clear .venv;"
            f" rm -r {place}; ln -s {packages.resolve()} {place}; }}\n"
            "install() { :; }\n"
        )

    def add_to_setup(self, script: str) -> None:
        with (self.source / "deploy/setup.sh").open("a") as setup:
            setup.write(f"\n{script}\n")

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a shell in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            ["sh", "-eu", "-c", command],
            cwd=self.source,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(script, process.returncode, out, err)

    def install(self) -> None:
        done = self.sh(
            ". deploy/setup.sh; . deploy/release.sh; make_release;"
            'manage "$release" migrate -v 0 --no-input; switch_to "$release";'
            "$restart 9>&-; is_ready"
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def upgrade(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.sh("sh deploy/upgrade.sh " + " ".join(arguments))

    def change(self, name: str, old: str, new: str) -> None:
        file = self.source / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def renew(self) -> None:
        """Make the code another one, which says so."""
        self.change("webchat/health.py", '"ok"', '"ok, as of the next release"')

    @property
    def pid(self) -> int:
        return int((self.path / "pid").read_text())

    @property
    def current(self) -> Path:
        return (self.home / "current").resolve()

    @property
    def releases(self) -> list[Path]:
        return sorted((self.home / "releases").iterdir())

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.socket) if self.socket else None)
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", transport=transport, timeout=READY_SECONDS
        )

    def health(self) -> str:
        with self.client() as client:
            return client.get("/healthz").text

    @contextmanager
    def asked_all_the_time(self) -> Iterator[list[int | str]]:
        answers: list[int | str] = []
        done = Event()

        def ask() -> None:
            with self.client() as client:
                while not done.is_set():
                    try:
                        answers.append(client.get("/healthz").status_code)
                    except httpx.HTTPError as error:
                        answers.append(repr(error))
                    done.wait(0.02)

        asking = Thread(target=ask)
        asking.start()
        yield answers
        done.set()
        asking.join()

    def wait_until(self, text: str, file: str) -> None:
        """Wait until a file beside the home, such as one that a step writes, holds a text."""
        deadline = time.monotonic() + READY_SECONDS
        while not (self.path / file).exists() or text not in (self.path / file).read_text():
            assert time.monotonic() < deadline, f"{file} never held {text}"
            time.sleep(0.05)

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                os.kill(self.pid, 0)
                time.sleep(0.05)
