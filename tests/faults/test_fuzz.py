"""Hostile text in every field, for a short while; bench/fuzz.py does it for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT

SECONDS_AT_MOST = 400  # with the start, the people, and the repetitions
FOUND = Path(__file__).with_name("fuzz-found.jsonl")  # in earlier runs, one for each fault


@pytest.mark.parametrize(
    "arguments",
    [["--replay", str(FOUND)], ["--seed", "1", "--minutes", "0.7"]],
    ids=["found", "new"],
)
def test_hostile_text_finds_nothing(tmp_path, arguments):
    command = [sys.executable, "bench/fuzz.py", *arguments]
    done = subprocess.run(
        [*command, "--findings", str(tmp_path / "findings.jsonl")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_AT_MOST,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert found == [], done.stderr[-2000:]
    assert done.returncode == 0, done.stderr[-2000:]
