"""deploy/upgrade.sh where it cannot end well: the old release serves, and nothing else is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.home import Home
from tests.server import free_port

pytestmark = [pytest.mark.faults, pytest.mark.apart]
SERVES = "Nothing was upgraded; the old release goes on serving: "
SETUP = "deploy/setup.sh"


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home")) as home:
        home.renew()
        yield home


@pytest.fixture
def home(everyday: Home) -> Iterator[Home]:
    """A home with new code in its source that waits to be installed."""
    setup = (everyday.source / SETUP).read_text()
    yield everyday
    (everyday.source / SETUP).write_text(setup)


@contextmanager
def nothing_changes(home: Home) -> Iterator[None]:
    first, was, releases = home.current, home.health(), home.releases
    with home.asked_all_the_time() as asked:
        yield
    assert set(asked) <= {200}
    assert (home.current, home.health(), home.releases) == (first, was, releases)
    assert not (home.home / "switching").is_symlink()


def ends_well(home: Home, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode != 0, done.stdout
    assert done.stderr.rstrip().endswith(f"{SERVES}{home.current}"), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


MODES = {
    "a unix socket": {"unix": True, "BEHIND_PROXY": "on", "SITE_URL": "https://www.example.com/chat"},
    "its port": {},
    "its port behind a proxy": {"BEHIND_PROXY": "on", "SITE_URL": "http://www.example.com/chat"},
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_the_service_is_asked_where_it_listens(tmp_path, mode):
    with Home(tmp_path, **MODES[mode]) as home:
        # What the settings say by now is for the next restart.
        env = home.home / ".env"
        env.write_text(env.read_text().replace(f"PORT={home.port}", f"PORT={free_port()}"))
        first, was = home.current, home.health()
        home.renew()
        done = home.upgrade()
        assert done.returncode == 0, done.stdout + done.stderr
        assert home.current != first
        assert home.health() != was


def test_the_units_of_this_home_go_with_the_release_that_serves(tmp_path):
    with Home(tmp_path) as home:
        renewal = f'echo "%s $*" >>{tmp_path}/renewed; exit 1\n'
        (home.current / "deploy/install.sh").write_text(renewal % "before")
        (home.source / "deploy/install.sh").write_text(renewal % "next")
        unit = tmp_path / "etc/systemd/system/webchat.service"
        unit.parent.mkdir(parents=True)
        home.env["WEBCHAT_ETC"] = f"{tmp_path}/etc"
        unit.write_text("ExecStart=/srv/another/current/x\n")
        home.renew()
        assert home.upgrade().returncode == 0
        assert not (tmp_path / "renewed").exists()
        unit.write_text(f"ExecStart={home.home}/current/x\n")
        for arguments, release in ((["--back"], "before"), ([], "next")):
            done = home.upgrade(*arguments)
            assert done.returncode == 0, done.stderr
            assert (tmp_path / "renewed").read_text() == f"{release} --renew\n"
            # Not that of the folder: it would take the newer code in service again.
            assert f"sudo sh {home.home}/current/deploy/install.sh" in done.stdout
            (tmp_path / "renewed").unlink()


FAILURES = {
    "pip": "install() { fail 'no network'; }",
    "a disk that fills": "df() { printf 'Filesystem\\n- - - 12 - -\\n'; }",
    "half a copy": "tar() { command tar \"$@\"; case $1 in -C) return 2 ;; esac; }",
    "a file of it": "tar() { command tar \"$@\"; case $* in *' -cf - .') return 2 ;; esac; }",
    "the backup": 'manage() { case $2 in backup) return 1 ;; esac; }',
    "the migration": 'manage() { case $2 in migrate) return 1 ;; esac; }',
    "the start": 'prove() { return 1; }',
}  # fmt: skip


@pytest.mark.parametrize("what", FAILURES)
def test_a_step_that_fails_leaves_nothing_and_the_old_release_serves(home, what):
    after = FAILURES[what]
    if "manage" in after or "prove" in after:  # defined after setup.sh
        release = home.source / "deploy/release.sh"
        before = release.read_text()
        release.write_text(f"{before}\n{after}\n")
    else:
        release = None
        home.add_to_setup(after)
    try:
        with nothing_changes(home):
            ends_well(home, home.upgrade())
    finally:
        if release is not None:
            release.write_text(before)


def test_a_release_that_is_never_ready_is_left_again(home):
    reload = home.path / "reload.sh"
    told = reload.read_text()
    # The second one is that of going back.
    reload.write_text(f"[ -e {home.path}/told ] || {{ touch {home.path}/told; exit 1; }}\n{told}")
    try:
        with nothing_changes(home):
            ends_well(home, home.upgrade())
    finally:
        reload.write_text(told)
        (home.path / "told").unlink()


def pause(home: Home, where: str) -> None:
    """Let the next upgrade wait where it installs or switches, with a file that says so."""
    (home.path / "paused").unlink(missing_ok=True)
    home.add_to_setup(
        f"paused={home.path}/paused\n"
        "pause() { [ -e $paused ] || { echo paused >$paused; sleep 5; }; }"
    )
    if where == "install":
        home.add_to_setup("install() { pause; }")
    else:
        home.add_to_setup('cat() { case ${1:-} in /proc/*) pause ;; esac; command cat "$@"; }')


@pytest.mark.parametrize("where", ["install", "switch"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_upgrade_that_is_stopped_leaves_nothing(home, where, number):
    pause(home, where)
    with nothing_changes(home):
        process = home.start("exec sh deploy/upgrade.sh")
        home.wait_until("paused", "paused")
        if number == signal.SIGINT:  # Ctrl+C, which reaches all of them
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        out, err = process.communicate(timeout=120)
        ends_well(home, subprocess.CompletedProcess([], process.returncode, out, err))


def test_two_upgrades_at_once(home):
    pause(home, "install")
    with nothing_changes(home):
        first = home.start("exec sh deploy/upgrade.sh")
        home.wait_until("paused", "paused")
        second = home.upgrade()
        assert second.returncode == 1
        assert "Another installation or upgrade is under way" in second.stderr
        assert len(home.releases) == 2, "the second one has cleared up after the first"
        first.terminate()
        first.communicate(timeout=120)


@pytest.mark.parametrize("where", ["install", "switch"])
def test_what_a_killed_upgrade_has_left_is_cleared_or_ended_by_the_next(tmp_path, where):
    with Home(tmp_path) as home:
        first = home.current
        home.renew()
        pause(home, where)
        process = home.start("exec sh deploy/upgrade.sh")
        home.wait_until("paused", "paused")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=120)
        assert len(home.releases) == 2
        done = home.upgrade()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "as of the next release" in home.health()
        assert home.releases == sorted([first, home.current])
        assert (home.home / "previous").resolve() == first
        assert home.upgrade("--back").returncode == 0
        assert (home.current, "next release" in home.health()) == (first, False)
