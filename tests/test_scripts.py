"""The scripts: their own tests, run by node, and the rules for their code."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .environment import ROOT

SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
TESTS = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))
# What page.mjs needs, which tells node how a browser finds modules.
HAS_LOADERS = 'process.exit("register" in require("module") ? 0 : 1)'
PAGE = ROOT / "tests" / "js" / "page.mjs"


@pytest.fixture(scope="module")
def node():
    found = shutil.which("node")
    if found is None or subprocess.run([found, "--eval", HAS_LOADERS]).returncode:
        message = "Node 18.19 is missing: apt-get install nodejs"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return found


def test_there_are_tests_to_run():
    assert len(TESTS) > 5


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_scripts_pass_their_own_tests(node, path):
    # In the environment, so that it also applies to the processes that the runner starts.
    environment = {**os.environ, "NODE_OPTIONS": f"--import={PAGE.as_uri()}"}
    result = subprocess.run(
        [node, "--test", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\S+ pass [1-9]", result.stdout, re.MULTILINE), result.stdout


def lines(path: Path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def test_imports_end_as_the_manifest_storage_wants_them():
    """The storage writes hashed names only into `import … from "./x.js";`."""
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        imports = re.findall(r"^import\b[^;]*?from \"(\.[^\"]+)\";$", text, re.MULTILINE)
        assert len(imports) == len(re.findall(r"^import\b", text, re.MULTILINE)), path
        assert all((path.parent / name).is_file() for name in imports), path


def test_no_script_writes_markup():
    """Nothing turns the text that people type into elements."""
    markup = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b")
    found = [
        f"{path.name}:{n}" for path in SCRIPTS for n, line in lines(path) if markup.search(line)
    ]
    assert not found
