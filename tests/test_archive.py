"""deploy/release-archive.sh, and the installation from what it packs, without a network."""

from __future__ import annotations

import ensurepip
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.server import ROOT

# No address answers there, and no settings of this machine's pip help.
OFFLINE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_RETRIES": "0",
}
# For pip: one that “fetches” a wheel for each machine, and finds everything.
FETCHING = """\
#!/bin/sh
case $* in
*' download '*) ;;
*) exit 0 ;;
esac
while [ $# -gt 0 ]; do
    case $1 in
    --dest) folder=$2 ;;
    --python-version) version=$2 ;;
    --platform) machine=$2 ;;
    esac
    shift
done
echo wheel >"$folder/fake-$version-$machine.whl"
"""


def sh(folder: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=settings | env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def write_sums(wheels: Path, *others: Path) -> None:
    lines = [
        f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n"
        for wheel in sorted([*wheels.glob("*.whl"), *others])
    ]
    (wheels / "SHA256SUMS").write_text("".join(lines))


def write_wheel(wheels: Path, tag: str, *names: str) -> None:
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir()
    for name in names or ["tiny"]:
        with ZipFile(wheels / f"{name}-1.0-{tag}.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "SIZE = 1\n")
            info = f"{name}-1.0.dist-info/"
            known = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            wheel.writestr(info + "METADATA", known)
            wheel.writestr(info + "WHEEL", f"Wheel-Version: 1.0\nGenerator: us\nTag: {tag}\n")
            wheel.writestr(info + "RECORD", "")
    write_sums(wheels)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as from an archive, with an environment that is still empty."""
    folder = tmp_path_factory.mktemp("unpacked")
    (folder / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/setup.sh", folder / "deploy")
    (folder / "requirements.txt").write_text("tiny==1.0\n")
    (folder / "requirements-dev.txt").write_text("larger==1.0\n")
    done = sh(folder, ". deploy/setup.sh; make_venv")
    assert done.returncode == 0, done.stderr
    return folder


def install(folder: Path, name: str = "requirements.txt") -> subprocess.CompletedProcess[str]:
    return sh(folder, f". deploy/setup.sh; install {name}", **OFFLINE)


def test_wheels_that_fit_no_python_here_are_told_from_a_lack_of_network(unpacked):
    write_wheel(unpacked / "wheels", "cp39-cp39-manylinux2014_s390x")
    done = install(unpacked)
    assert done.returncode == 1
    assert "wheels/ has nothing for Python 3." in done.stderr
    assert "check the network" not in done.stderr


def test_wheels_that_a_stick_has_damaged_are_not_installed(unpacked):
    write_wheel(unpacked / "wheels", "py3-none-any")
    [wheel] = (unpacked / "wheels").glob("*.whl")
    wheel.write_bytes(wheel.read_bytes()[:-1])
    done = install(unpacked)
    assert done.returncode == 1
    assert "wheels/ is damaged or not whole" in done.stderr


def test_wheels_are_installed_without_a_network_once(unpacked):
    write_wheel(unpacked / "wheels", "py3-none-any")
    done = install(unpacked)
    assert done.returncode == 0, done.stderr
    assert sh(unpacked, ".venv/bin/python -c 'import tiny'").returncode == 0
    assert install(unpacked).stdout == "", "it was installed again"


WITHOUT_PILLOW = "没有装上 Pillow", "Pillow could not be installed"


@pytest.fixture
def with_pictures(unpacked, tmp_path) -> Path:
    """A folder like it, whose requirements have Pillow among them."""
    folder = tmp_path / "pictures"
    (folder / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/setup.sh", folder / "deploy")
    (folder / "requirements.txt").write_text("pillow==1.0  # draws\ntiny==1.0\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\nlarger==1.0\n")
    assert sh(folder, ". deploy/setup.sh; make_venv").returncode == 0
    return folder


def has(folder: Path, name: str) -> bool:
    return sh(folder, f".venv/bin/python -c 'import {name}'").returncode == 0


def test_without_a_wheel_of_pillow_all_else_is_installed_and_it_is_said(with_pictures):
    write_wheel(with_pictures / "wheels", "py3-none-any")
    done = install(with_pictures)
    assert done.returncode == 0, done.stderr
    assert all(words in done.stderr for words in WITHOUT_PILLOW)
    assert (has(with_pictures, "tiny"), has(with_pictures, "pillow")) == (True, False)
    again = install(with_pictures)
    assert (again.returncode, again.stdout + again.stderr) == (0, ""), "each start would wait"


def test_with_a_wheel_of_pillow_nothing_is_said(with_pictures):
    write_wheel(with_pictures / "wheels", "py3-none-any", "pillow", "tiny")
    done = install(with_pictures)
    assert done.returncode == 0
    assert done.stderr == ""
    assert (has(with_pictures, "tiny"), has(with_pictures, "pillow")) == (True, True)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_nobody_waits_for_pillow_to_be_compiled(with_pictures, tmp_path, name):
    """Its source is on the network, as of any package; the wheels of others, too."""
    source = tmp_path / "pillow-1.0"
    source.mkdir()
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 1.0\n")
    (source / "setup.py").write_text(f"open({str(tmp_path / 'compiled')!r}, 'w')\n")
    network = tmp_path / "network"
    write_wheel(network, "py3-none-any", "tiny", "larger")
    with tarfile.open(network / "pillow-1.0.tar.gz", "w:gz") as tar:
        tar.add(source, source.name)
    there = OFFLINE | {"PIP_FIND_LINKS": str(network), "PIP_NO_INDEX": "1"}
    done = sh(with_pictures, f". deploy/setup.sh; install {name}", **there)
    assert done.returncode == 0, done.stderr
    assert all(words in done.stderr for words in WITHOUT_PILLOW)
    assert has(with_pictures, "tiny")
    assert has(with_pictures, "larger") == (name == "requirements-dev.txt")
    assert not (tmp_path / "compiled").exists()


def test_a_lack_of_network_is_no_lack_of_pillow(with_pictures):
    done = install(with_pictures)
    assert done.returncode == 1
    assert "check the network" in done.stderr
    assert not any(words in done.stderr for words in WITHOUT_PILLOW)


def test_the_packages_of_the_tests_are_not_looked_for_in_the_wheels(unpacked):
    write_wheel(unpacked / "wheels", "py3-none-any")
    assert "check the network" in install(unpacked, "requirements-dev.txt").stderr


def test_wheels_and_archives_do_not_make_a_release_another_one(tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    script = ". deploy/setup.sh; . deploy/release.sh; code --sort=name --mtime=@0 -cf - | cksum"
    before = sh(tmp_path, script).stdout
    for name in ("wheels", "dist"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "large").touch()
    assert sh(tmp_path, script).stdout == before
    (tmp_path / "manage.py").touch()
    assert sh(tmp_path, script).stdout != before


def test_a_system_without_the_package_python3_venv_needs_no_network(tmp_path):
    """Debian and Ubuntu have `venv` in Python itself, and `ensurepip` in a package of its own."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/setup.sh", tmp_path / "deploy")
    (tmp_path / "requirements.txt").write_text("tiny==1.0\n")
    (tmp_path / "without").mkdir()
    (tmp_path / "without/ensurepip.py").write_text("raise ModuleNotFoundError\n")
    without = OFFLINE | {"PYTHONPATH": str(tmp_path / "without")}
    script = ". deploy/setup.sh; make_venv; install requirements.txt; .venv/bin/python -m pip -V"
    write_wheel(tmp_path / "wheels", "py3-none-any")
    assert "sudo apt install python3-venv" in sh(tmp_path, script, **without).stderr
    [pip] = Path(ensurepip.__path__[0]).glob("_bundled/pip-*.whl")
    write_sums(tmp_path / "wheels", pip)
    (tmp_path / "wheels" / pip.name).write_bytes(pip.read_bytes()[:-1])
    assert "damaged or not whole" in sh(tmp_path, script, **without).stderr
    shutil.copy(pip, tmp_path / "wheels")
    done = sh(tmp_path, script, **without)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tmp_path}/.venv/" in done.stdout


@pytest.fixture
def repository(tmp_path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    (folder / "CHANGELOG.md").write_text("# Changes\n\n## 2.5.0\n\n## 2.4.0\n")
    (folder / "requirements.txt").write_text("tiny==1.0\n")
    identity = "-c user.name=us -c user.email=us@example.com -c commit.gpgsign=false"
    done = sh(folder, f"git init -q . && git add . && git {identity} commit -qm first")
    assert done.returncode == 0, done.stderr
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(FETCHING)
    python.chmod(0o755)
    return folder


def test_an_archive_holds_the_commit_with_wheels_for_each_machine(repository, tmp_path):
    (repository / "left.txt").write_text("not committed")
    done = sh(repository, f"sh deploy/release-archive.sh {tmp_path}/one")
    assert done.returncode == 0, done.stderr
    for python in ("3.11", "3.12", "3.13"):
        for machine in ("x86_64", "aarch64"):
            assert f"Python {python}, {machine}: ✓" in done.stdout
    [archive] = (tmp_path / "one").glob("webchat-2.5.0-*.tar.gz")
    assert sh(tmp_path / "one", "sha256sum --check SHA256SUMS").returncode == 0
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"deploy/run.sh", "wheels/SHA256SUMS"} <= names
    assert len([name for name in names if name.endswith(".whl")]) == 6
    assert not {"left.txt", ".venv", ".git"} & names

    sh(repository, "git tag v2.5.0")
    assert sh(repository, "sh deploy/release-archive.sh").returncode == 0
    again = repository / "dist/webchat-2.5.0.tar.gz"
    assert sh(repository, "sh deploy/release-archive.sh two").returncode == 0
    assert again.read_bytes() == (repository / "two/webchat-2.5.0.tar.gz").read_bytes()
