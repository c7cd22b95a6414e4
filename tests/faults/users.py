"""The two users of a lab machine, and a Python that both of them can run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OWNER, OTHER = 64101, 64102  # uids without an account, and so without a home


def as_user(uid: int) -> dict:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return {"user": uid, "group": uid, "extra_groups": [], "env": environment, "umask": 0o022}


def packages_of_ours() -> Path:
    [packages] = Path(sys.prefix).resolve().glob("lib/python*/site-packages")
    return packages


def python_for_all() -> str:
    """A Python of this version, and our packages, outside the home of root."""
    code = (
        "import sys, venv; sys.path.insert(0, sys.argv[1]); import django;"
        f"sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    )
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [python, "-c", code, str(packages_of_ours())]
        try:
            subprocess.run(command, check=True, cwd="/", capture_output=True, **as_user(OWNER))
        except (OSError, subprocess.SubprocessError):
            continue
        return python
    pytest.skip("there is no Python of this version, with our packages, that others can run")
