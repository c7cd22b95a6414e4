"""deploy/check-install.sh: every way of installing, from every state, on a booted machine."""

from __future__ import annotations

import subprocess

import pytest

from tests.server import ROOT

CANNOT = 77  # the script says why no machine can be booted here
SECONDS = 2700  # a quiet machine takes five to ten minutes, the first of a suite some more


@pytest.mark.parametrize(
    "options",
    [("--suite", "bookworm"), ("--suite", "trixie", "--only", "nothing flask")],
    ids=lambda options: options[1],
)
def test_each_way_of_installing_ends_in_what_was_asked_from_every_state(options, capsys):
    done = subprocess.run(
        ["sh", "deploy/check-install.sh", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode == CANNOT:
        pytest.skip(" ".join(done.stderr.strip().splitlines()[-2:]))
    with capsys.disabled():
        print(
            f"\n{options[1]}\n"
            + "\n".join(line for line in done.stdout.splitlines() if "|" in line)
        )
    assert done.returncode == 0, done.stdout + done.stderr
