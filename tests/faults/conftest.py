from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.users import OWNER, packages_of_ours, python_for_all
from tests.server import ROOT

KEPT = shutil.ignore_patterns(".git", ".venv", ".env", "data", "staticfiles*", "__pycache__")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach."""
    with tempfile.TemporaryDirectory(prefix="webchat-machine-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def project(place: Path) -> Path:
    """A clone in a folder that everybody may read, with the installed packages."""
    return clone(place / "webchat")


def clone(folder: Path) -> Path:
    shutil.copytree(ROOT, folder, ignore=KEPT)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.chown(path, OWNER, OWNER)
    make_venv = (
        '"$0" -m venv --without-pip .venv;'
        '(cd .venv/lib/python*; rmdir site-packages; ln -s "$1" site-packages);'
        "cat requirements*.txt | cksum >.venv/requirements.txt.stamp"
    )
    command = ["sh", "-euc", make_venv, python_for_all(), str(packages_of_ours())]
    subprocess.run(command, cwd=folder, check=True, umask=0o022)
    return folder
