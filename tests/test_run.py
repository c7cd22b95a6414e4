"""deploy/run.sh, in a copy of the project."""

import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.server import ROOT, free_port, wait_for

pytestmark = pytest.mark.faults
# The promise is 3 on a quiet machine; here it must only not hang on the graceful timeout.
STOP_SECONDS = START_SECONDS = 9
KEPT = shutil.ignore_patterns(".git", ".venv", ".env", "data", "staticfiles", "__pycache__")


@pytest.fixture
def project(tmp_path):
    """A copy as right after a clone, but with the libraries already installed."""
    folder = tmp_path / "web chat"
    shutil.copytree(ROOT, folder, ignore=KEPT)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def environment(**settings):
    # The variables of the test run would override the .env that is tested here.
    example = (ROOT / ".env.example").read_text().splitlines()
    names = {line.split("=")[0] for line in example}
    return {k: v for k, v in os.environ.items() if k not in names} | settings


def refuse(project, **settings):
    """Run it, expect a refusal, and return its last lines."""
    result = subprocess.run(
        ["sh", str(project / "deploy" / "run.sh")],
        cwd="/",
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    return result.stderr


class Running:
    def __init__(self, project, **settings):
        self.port = free_port()
        self.output = project / "output.txt"
        began = time.monotonic()
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [shutil.which("dash") or "sh", str(project / "deploy" / "run.sh")],
                cwd="/",
                env=environment(PORT=str(self.port), **settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for(self.port, self.process)
        assert httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
        self.seconds = time.monotonic() - began

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0
        return time.monotonic() - began


def test_the_second_start_is_quick_and_keeps_the_secret(project):
    first = Running(project)
    said = first.output.read_text()
    assert f"http://localhost:{first.port}/" in said
    assert "createsuperuser" in said
    assert first.stop() < STOP_SECONDS

    env = project / ".env"
    secret = env.read_text()
    assert "SECRET_KEY=" in secret
    assert stat.S_IMODE(env.stat().st_mode) == 0o600

    second = Running(project)
    assert second.seconds < START_SECONDS
    assert second.stop() < STOP_SECONDS
    assert env.read_text() == secret


def test_a_site_is_shown_as_people_type_it(project):
    server = Running(project, SITE_URL="http://chat.example/talk")
    server.stop()
    said = server.output.read_text()
    assert "http://chat.example/talk/" in said
    assert "localhost" not in said


def test_a_copied_example_gets_a_secret_and_keeps_the_rest(project):
    shutil.copy(project / ".env.example", project / ".env")
    Running(project).stop()
    kept = (project / ".env").read_text()
    assert kept.startswith((project / ".env.example").read_text())
    assert kept.splitlines()[-1].startswith("SECRET_KEY=")
    Running(project).stop()
    assert (project / ".env").read_text() == kept


def test_a_port_in_use_is_said_in_one_sentence(project):
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        said = refuse(project, PORT=str(port))
    assert f"端口 {port} 已被占用" in said
    assert f"Port {port} is in use" in said


def test_nonsense_in_the_env_file_is_said_in_one_sentence(project):
    (project / ".env").write_text(f"SECRET_KEY={secrets.token_hex()}\nPORT=eighty\n")
    assert "PORT must be a number" in refuse(project)


def test_a_data_folder_that_cannot_be_written_is_said_in_one_sentence(project):
    # Root may write anywhere, but nobody can write there.
    assert "DATA_DIR" in refuse(project, DATA_DIR="/proc/nowhere")
    assert "cannot be written to" in refuse(project, DATA_DIR="/sys", PORT=str(free_port()))


def test_a_database_that_is_none_is_said_in_one_sentence(project):
    (project / "data").mkdir()
    (project / "data" / "db.sqlite3").write_bytes(b"this is no database" * 100)
    assert "cannot be opened or updated" in refuse(project, PORT=str(free_port()))


def stub(folder, name, script):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_missing_venv_module_is_named_with_its_package(project, tmp_path):
    (project / ".venv").unlink()
    # A Python that is new enough and has no `ensurepip`, like Debian's without python3-venv.
    stub(tmp_path / "bin", "python3", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    said = refuse(project, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", PYTHON="python3")
    assert "sudo apt install python3-venv" in said


def test_an_old_python_is_not_taken(project, tmp_path):
    (project / ".venv").unlink()
    tools = tmp_path / "bin"
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        stub(tools, name, "exit 1")
    said = refuse(project, PATH=f"{tools}:/usr/bin:/bin")
    assert "Python 3.11" in said


def test_the_scripts_are_plain_posix_shell():
    dash = shutil.which("dash")
    if not dash:
        pytest.skip("dash is not installed")
    for path in Path(ROOT, "deploy").glob("*.sh"):
        subprocess.run([dash, "-n", str(path)], check=True)
