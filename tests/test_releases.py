"""deploy/release.sh and upgrade.sh: one release after another below a prefix of its own."""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.home import Home
from tests.machine import Machine
from tests.server import ROOT


def test_no_script_names_a_file_where_others_can_make_one_first():
    scripts = [*ROOT.glob("deploy/*.sh"), *ROOT.glob("deploy/*.py"), *ROOT.glob(".ci/*")]
    scripts += [path for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts]
    for path in scripts:
        if {"tests", "machine"} & set(path.parts):
            continue  # of the machines that are booted to try an installation nobody else is a user
        for line in path.read_text().splitlines():
            if line.endswith("# noqa: S108"):
                continue  # somebody has looked at it: nothing is made there
            found = re.search(r"/tmp/|/var/tmp|/dev/shm/|(?<!\\)\$\$|mktemp\(", line)
            assert not found, f"{path}: {line}"


def test_a_dry_run_leaves_nothing_behind_and_shows_what_would_be_written(tmp_path):
    machine = Machine(tmp_path)
    site = ("--site-url", "https://chat.example.com", "--nginx", "own", "--mail", "off")
    assert f"+ {machine.nginx}/snippets/webchat-site.conf" in machine.steps(*site)
    assert list(machine.temporary.iterdir()) == []
    assert not machine.home.exists()


@pytest.mark.parametrize("name", ["a b", "a%h", "a|b", "a&b", "a'b", 'a"b', "a\\b"])
def test_a_folder_whose_name_means_something_to_systemd_is_refused(tmp_path, name):
    options = ("--nginx", "none", "--mail", "off", "--data-dir", f"/srv/{name}")
    done = Machine(tmp_path).plan(*options)
    assert done.returncode == 1
    assert "may not hold" in done.stderr


@pytest.fixture
def home(tmp_path):
    with Home(tmp_path) as home:
        yield home


@pytest.mark.faults
@pytest.mark.apart
def test_an_upgrade_switches_to_the_new_code_and_back_without_a_failed_request(home):
    first = home.current
    was = home.health()
    home.change("webchat/health.py", '"ok"', '"ok, as of the next release"')
    with home.asked_all_the_time() as answers:
        done = home.upgrade()
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(answers) > 20
    assert set(answers) == {200}
    assert home.current != first
    assert home.health() != was
    assert list((home.path / "data" / "backups").iterdir()), "no backup was taken before"

    unknown = home.path / "data/attachments" / ("f" * 32)
    unknown.parent.mkdir(exist_ok=True)
    unknown.touch()
    os.utime(unknown, (0, 0))
    assert home.upgrade("--back").returncode == 0
    assert unknown.stat().st_mtime > time.time() + 29 * 24 * 3600, "the release before deletes it"
    assert home.current == first
    assert home.health() == was
    assert home.upgrade().returncode == 0
    again = home.current
    done = home.upgrade()
    assert (done.returncode, home.current) == (0, again), "nothing was new"


@pytest.mark.faults
@pytest.mark.apart
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("webchat/asgi.py", "REQUEST_THREADS = 8", "REQUEST_THREADS = 8 / 0"),
        ("webchat/settings.py", 'HTTPS = bool(SITE', "HTTPS = bool((SITE"),
        ("webchat/health.py", "def readyz", "def unready"),
    ],
)  # fmt: skip
def test_an_upgrade_that_cannot_serve_leaves_the_old_release_serving(home, name, old, new):
    first, was = home.current, home.health()
    home.change(name, old, new)
    home.env["WEBCHAT_READY_SECONDS"] = "5"
    done = home.upgrade()
    assert done.returncode == 1, done.stdout
    assert home.current == first
    os.kill(home.pid, 0)  # raises if it has ended
    assert home.health() == was


@pytest.mark.faults
@pytest.mark.apart
def test_settings_that_the_new_release_refuses_leave_the_old_one_serving(home):
    line = "TRUSTED_PROXY=0.0.0.0/0"
    sentence = "TRUSTED_PROXY would believe half the world"
    first, was = home.current, home.health()
    env = home.home / ".env"
    good = env.read_text()
    env.write_text(f"{good}{line}\n")
    home.change("webchat/health.py", '"ok"', '"ok, as of the next release"')
    with home.asked_all_the_time() as answers:
        done = home.upgrade()
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert set(answers) == {200}
    assert (home.current, home.health()) == (first, was)
    assert list((home.home / "releases").iterdir()) == [first]
    assert not (home.path / "data/backups").exists(), "something was done before the check"

    env.write_text(good)
    assert home.upgrade().returncode == 0
    assert home.current != first
    env.write_text(f"{good}{line}\n")
    back = home.upgrade("--back")
    assert (back.returncode, home.current != first) == (1, True)
    assert sentence in back.stderr
