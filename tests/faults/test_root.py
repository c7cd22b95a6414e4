"""Root at the data of somebody else: what it runs, it runs as that person, or not at all."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import clone
from tests.faults.users import OWNER, as_user
from tests.server import ROOT, free_port, wait_for
from webchat.base.running import make_folder

NOBODY = pwd.getpwnam("nobody").pw_uid
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users"),
    pytest.mark.apart,
]


def environment(folder: Path) -> dict[str, str]:
    data = str(folder / "data")
    return {"PATH": os.environ["PATH"], "DATA_DIR": data, "SECRET_KEY": "k" * 60, "LC_ALL": "en"}


def as_root(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / ".venv/bin/python", "manage.py", *command],
        cwd=folder, env=environment(folder) | env, capture_output=True, text=True,
    )  # fmt: skip


def owners(folder: Path) -> set[int]:
    data = folder / "data"
    return {path.lstat().st_uid for path in (data, *data.rglob("*"))}


@pytest.fixture(scope="module")
def prepared():
    """The project of one user, whose data were made by root's own commands."""
    with tempfile.TemporaryDirectory(prefix="webchat-root-") as place:
        Path(place).chmod(0o755)
        project = clone(Path(place, "webchat"))
        (project / "data").mkdir(mode=0o700)
        os.chown(project / "data", OWNER, OWNER)
        done = as_root(project, "prepare", "--no-port")
        assert done.returncode == 0, done.stderr
        yield project


@pytest.fixture
def kept(prepared, place):
    """A copy of it, with the owners and the modes."""
    subprocess.run(["cp", "-a", prepared, place / "webchat"], check=True)
    return place / "webchat"


def test_whatever_root_runs_belongs_to_the_owner_and_goes_on_for_them(kept):
    for command in (
        ["backup", "--keep", "2"], ["prune"], ["migrate"], ["check"],
        ["createsuperuser", "--no-input", "--username", "root1"],
        ["shell", "-c", "import os; print(os.getuid(), os.getgroups(), os.environ['HOME'])"],
    ):  # fmt: skip
        done = as_root(kept, *command, DJANGO_SUPERUSER_PASSWORD="Ein-Langes-Wort-7")
        assert done.returncode == 0, (command, done.stderr)
    assert f"{OWNER} [{OWNER}] /" in done.stdout
    assert owners(kept) == {OWNER}
    [backup] = (kept / "data/backups").iterdir()
    assert as_root(kept, "restore", str(backup)).returncode == 0
    assert owners(kept) == {OWNER}
    options = as_user(OWNER)
    options["env"] |= environment(kept)
    nightly = [kept / ".venv/bin/python", "manage.py", "backup", "--keep", "1"]
    subprocess.run(nightly, cwd=kept, check=True, **options)


def test_a_server_that_root_starts_is_the_owners(kept):
    port = free_port()
    process = subprocess.Popen(
        [kept / ".venv/bin/python", "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
        cwd=kept, env=environment(kept) | {"PORT": str(port)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port, process)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
        [children] = Path(f"/proc/{process.pid}/task").glob("*/children")
        for pid in (process.pid, *children.read_text().split()):
            assert Path(f"/proc/{pid}").stat().st_uid == OWNER
    finally:
        process.terminate()
        process.wait(30)
    assert owners(kept) == {OWNER}


def test_a_path_that_only_root_may_use_is_named_with_who_runs_the_command(kept, tmp_path):
    tmp_path.chmod(0o700)
    done = as_root(kept, "backup", str(tmp_path / "usb"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "usb") in done.stderr
    assert str(OWNER) in done.stderr


def test_where_the_owner_cannot_run_the_program_nothing_is_opened(kept):
    before = sorted((path, path.stat().st_mtime_ns) for path in (kept / "data").rglob("*"))
    time.sleep(0.01)
    os.chown(kept, 0, 0)
    kept.chmod(0o700)
    done = as_root(kept, "backup")
    assert done.returncode == 1
    assert f"belongs to {OWNER}, who cannot read the program" in done.stderr
    assert sorted((path, path.stat().st_mtime_ns) for path in (kept / "data").rglob("*")) == before
    assert as_root(kept, "backup", "--help").returncode == 1
    assert as_root(kept, "help").returncode == 0


def test_what_an_earlier_root_has_left_is_named_with_the_line_that_mends_it(kept):
    folder = kept / "data/backups"
    folder.mkdir(mode=0o700)
    options = as_user(OWNER)
    options["env"] |= environment(kept)
    done = subprocess.run(
        [kept / ".venv/bin/python", "manage.py", "prepare", "--no-port"],
        cwd=kept, capture_output=True, text=True, **options,
    )  # fmt: skip
    assert f"sudo chown -R {OWNER}: {kept / 'data'}" in done.stdout
    assert str(folder) in done.stdout
    told = as_root(kept, "doctor").stdout
    assert f"sudo chown -R {OWNER}: {kept / 'data'}" in told


def test_run_sh_sends_root_to_the_owner_of_the_folder(place):
    folder = place / "webchat"
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    (folder / "manage.py").write_text("")
    (folder / "manage.py").chmod(0o644)
    os.chown(folder, NOBODY, NOBODY)
    done = subprocess.run(
        ["sh", "deploy/run.sh"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "/bin:/sbin"},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "sudo -u nobody sh deploy/run.sh" in done.stderr
    assert not (folder / ".venv").exists()


def test_a_folder_that_root_makes_is_for_the_owner_of_the_one_above(place, tmp_path):
    os.chown(place, NOBODY, NOBODY)
    make_folder(place / "a/data")
    assert {(place / each).stat().st_uid for each in ("a", "a/data")} == {NOBODY}
    assert os.geteuid() == 0
    for uid in (64103, NOBODY):  # of an archive, and of somebody who cannot reach it
        os.chown(tmp_path, uid, uid)
        make_folder(tmp_path / str(uid))
        assert (tmp_path / str(uid)).stat().st_uid == 0
