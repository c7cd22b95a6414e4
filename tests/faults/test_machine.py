"""A lab machine with two users: one runs the chat, the other one attacks it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.faults.users import OTHER, OWNER, as_user
from tests.server import free_port, wait_for

HANG_SECONDS = 60  # three for a lock, and the start of a loaded machine
TRY = """
import fcntl, json, os, sys
got = []
for path in json.load(sys.stdin):
    for flags in (os.O_RDONLY, os.O_RDWR):
        try:
            file = os.open(path, flags)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        got.append(path)
    try:
        got += [path + "/" + name for name in os.listdir(path)]
    except OSError:
        pass
print(json.dumps(got))
"""
HOLD = """
import fcntl, sqlite3, sys
file = open(sys.argv[1])
{act}
print("held", flush=True)
sys.stdin.read()
"""
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users"),
    pytest.mark.apart,
]


def start(project: Path, output) -> tuple[subprocess.Popen, int]:
    port = free_port()
    options = as_user(OWNER)
    options["env"] |= {"PORT": str(port)}
    process = subprocess.Popen(
        ["sh", "deploy/run.sh"], cwd=project, stdout=output, stderr=output, **options
    )
    return process, port


@contextmanager
def running(project: Path):
    """Run the owner's chat by the one command; yields its port and its output."""
    with tempfile.TemporaryFile("w+") as output:
        process, port = start(project, output)
        try:
            wait_for(port, process)
            output.seek(0)
            yield port, output.read()
        except AssertionError:
            output.seek(0)
            print(output.read())
            raise
        finally:
            process.terminate()
            process.wait(30)


def refusal(project: Path) -> str:
    """Start the chat, expect it to fail soon, and return its output."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        process, _port = start(project, output)
        assert process.wait(HANG_SECONDS) != 0
        print(f"refused after {time.monotonic() - began:.1f} s")
        output.seek(0)
        said = output.read()
    assert "Traceback" not in said
    return said


def manage(project: Path, *command: str) -> None:
    python = project / ".venv/bin/python"
    subprocess.run([python, "manage.py", *command], cwd=project, check=True, **as_user(OWNER))


def what_the_other_gets(paths: list[Path]) -> list[str]:
    tried = subprocess.run(
        ["/usr/bin/python3", "-c", TRY],
        input=json.dumps([str(path) for path in paths]),
        cwd="/", capture_output=True, text=True, check=True, **as_user(OTHER),
    )  # fmt: skip
    return json.loads(tried.stdout)


@contextmanager
def held(uid: int, path: Path, act: str):
    """Let somebody open a file and do something with it; yields the pid of their process."""
    process = subprocess.Popen(
        ["/usr/bin/python3", "-c", HOLD.format(act=act), str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", **as_user(uid),
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "held\n"
        yield process.pid
    finally:
        process.communicate("")


def open_up(project: Path) -> None:
    """Let everybody read the data, as the first versions did."""
    data = project / "data"
    (data / "serving.lock").touch()
    (data / "attachments").mkdir(exist_ok=True)
    (data / "attachments/a.png").touch()
    for path in (data, *data.rglob("*"), project / ".env"):
        os.chown(path, OWNER, OWNER)
        path.chmod(0o755 if path.is_dir() else 0o644)


def secrets_of(project: Path) -> list[Path]:
    kept = [project / ".env", project / "staticfiles.lock", project / "staticfiles/.stamp"]
    return [project / "data", *(project / "data").rglob("*"), *kept]


def test_the_other_user_gets_nothing_of_what_is_kept(project):
    with running(project) as (port, said):
        manage(project, "backup")
        paths = secrets_of(project)
        names = {path.name for path in paths}
        assert {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "serving.lock"} <= names
        assert any(name.endswith(".tar.gz") for name in names)
        assert what_the_other_gets([project / "manage.py"]), "the other one can try nothing at all"
        assert what_the_other_gets(paths) == []
        # The web server, which is another user, may read the static files.
        static = [path for path in (project / "staticfiles").rglob("*.css*") if path.is_file()]
        assert set(what_the_other_gets(static)) == set(map(str, static))
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
    assert "Closed to others" not in said
    assert what_the_other_gets(secrets_of(project)) == []


def test_what_stood_open_is_closed_at_the_next_start_and_named(project):
    with running(project):
        pass
    open_up(project)
    assert len(what_the_other_gets(secrets_of(project))) > 5
    with running(project) as (_port, said):
        assert what_the_other_gets(secrets_of(project)) == []
    for name in ("data", "data/db.sqlite3", "data/attachments/a.png", ".env"):
        assert f"Closed to others: {project / name} (0" in said
    project.chmod(0o777)
    with running(project) as (_port, said):
        pass
    assert f"in the place of the data: {project} (0777)" in said


def test_a_lock_of_the_other_user_or_of_a_stuck_process_is_told_and_nothing_hangs(project):
    manage_secret = f"SECRET_KEY={os.urandom(32).hex()}\n"
    (project / ".env").write_text(manage_secret)
    os.chown(project / ".env", OWNER, OWNER)
    manage(project, "prepare", "--no-port")
    open_up(project)
    data = project / "data"
    # Opened while everybody could: mending the modes does not revoke that.
    flock = "import fcntl; fcntl.flock(file, fcntl.LOCK_EX)"
    with held(OTHER, data / "serving.lock", flock) as pid:
        said = refusal(project)
    assert f"serving.lock is locked by another program (process {pid}" in said
    for name in ("data/serving.lock", "data/db.sqlite3"):
        assert f"Closed to others: {project / name}" in said

    keep = (
        "database = sqlite3.connect(sys.argv[1]); database.execute('SELECT * FROM django_session')"
    )
    read_lock = "import fcntl; fcntl.lockf(file, fcntl.LOCK_SH)"
    with held(OWNER, data / "db.sqlite3", keep):
        open_up(project)
        with held(OTHER, data / "db.sqlite3-shm", read_lock) as pid:
            said = refusal(project)
    assert "db.sqlite3 is locked by another program (process" in said
    assert str(pid) in said

    writing = "sqlite3.connect(sys.argv[1], isolation_level=None).execute('BEGIN IMMEDIATE')"
    with held(OWNER, data / "db.sqlite3", f"held = {writing}") as pid:
        assert f"locked by another program (process {pid}" in refusal(project)
    with held(OWNER, project / "staticfiles.lock", flock) as pid:
        assert f"staticfiles.lock is locked by another program (process {pid}" in refusal(project)
    with running(project) as (port, _said):
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
