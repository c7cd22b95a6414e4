"""A machine for deploy/install.sh in a folder: a home, an /etc, a systemd in name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .environment import ROOT
from .environment import names as settings

# Nobody listens but whom a test lets: what else runs on this machine is nobody's business.
PYTHON = """\
#!/bin/sh
case "${{REAL_PORTS:-}} ${{1:-}} ${{2:-}}" in
" deploy/facts.py listener" | " deploy/facts.py ports-of") exit 0 ;;
esac
exec {python} "$@"
"""
# Whoever runs the tests is root there.
ID = '#!/bin/sh\n[ "$1" != -u ] || echo 0\n'
# The service's user is whoever runs the tests.
RUNUSER = """\
#!/bin/sh
shift 3
echo "$*" >>{folder}/as_webchat
exec "$@"
"""
# What `systemctl` does to files: of a unit that is linked, `disable` removes the link.
SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>{folder}/systemctl.log
what=$1
for each in "$@"; do
    case $each in
    *.service | *.socket | *.timer) ;;
    *) continue ;;
    esac
    case $what in
    start | restart) touch "{folder}/active/$each" ;;
    stop) rm -f "{folder}/active/$each" ;;
    enable) touch "{folder}/enabled/$each" ;;
    disable)
        rm -f "{folder}/enabled/$each" "{folder}/active/$each"
        [ ! -L "{etc}/systemd/system/$each" ] || rm "{etc}/systemd/system/$each"
        ;;
    is-enabled) [ -e "{folder}/enabled/$each" ] && echo enabled ;;
    is-active) [ -e "{folder}/active/$each" ] || exit 3 ;;
    esac
done
"""
# For install.sh: releases and commands in name, and places to fail or to wait at.
SHORT = """
socket=$WEBCHAT_HOME/webchat.sock
has_systemd() { true; }
is_hidden() { false; }
check_room() { :; }
make_venv() { mkdir -p .venv/bin; }
install() { :; }
check_settings() { :; }
forget_old_releases() { :; }
make_release() { take_lock; release=$home/releases/${RELEASE:-new}; mkdir -p "$release"; }
prove() { reach prove; }
is_ready() { reach is_ready; }
manage() {
    shift
    echo "manage $*"
    case $* in
    *--dry-run*) reach rehearsal ;;
    *) reach "$1" ;;
    esac
}
# reach STEP: say so, and fail or wait there if that is wanted.
reach() {
    echo "$*" >>"$MACHINE/steps"
    [ "${FAIL_AT:-}" != "$1" ] || return 1
    [ "${WAIT_AT:-}" != "$1" ] || { touch "$MACHINE/waits"; sleep 30; }
}
"""


# The options of an installation in a LAN.
HERE = ("--nginx", "none", "--site-url", "", "--mail", "off")


def done_well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.data = folder / "var" / "webchat"
        self.etc = folder / "etc"
        self.units = self.etc / "systemd" / "system"
        self.nginx = self.etc / "nginx"
        self.temporary = folder / "tmp"
        self.programs = folder / "bin"
        for each in (self.temporary, self.programs, self.units, self.nginx):
            each.mkdir(parents=True)
        for name in ("enabled", "active"):
            (folder / name).mkdir()
        for name in ("conf.d", "sites-available", "sites-enabled", "snippets"):
            (self.nginx / name).mkdir()
        self.program("nginx", "#!/bin/sh\n")
        self.program("python", PYTHON.format(python=sys.executable))
        self.env = {k: v for k, v in os.environ.items() if k not in settings}
        self.env |= {
            "WEBCHAT_HOME": str(self.home),
            "WEBCHAT_ETC": str(self.etc),
            "TMPDIR": str(self.temporary),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHON": str(self.programs / "python"),
            "MACHINE": str(folder),
        }

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def plan(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "deploy/install.sh", "--dry-run", *options],
            cwd=ROOT, env=self.env | variables, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def steps(self, *options: str, **variables: str) -> str:
        done = self.plan(*options, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def was(self, env: str, conf: str) -> None:
        """Let an earlier run have left these two files."""
        self.home.mkdir()
        (self.home / ".env").write_text(f"SECRET_KEY={'k' * 40}\nDATA_DIR=/var/lib/webchat\n{env}")
        (self.home / "install.conf").write_text(conf)

    def start(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        """Start install.sh in earnest, in a process group of its own, as a terminal does."""
        source = self.folder / "source"
        if not source.exists():
            shutil.copytree(ROOT / "deploy", source / "deploy")
            shutil.copytree(ROOT / "webchat/base", source / "webchat/base")
            (source / "webchat/__init__.py").touch()
            with (source / "deploy/takeover.sh").open("a") as last:
                last.write(SHORT)
            self.program("id", ID)
            self.program("chown", "#!/bin/sh\n")
            self.program("runuser", RUNUSER.format(folder=self.folder))
            self.program("systemctl", SYSTEMCTL.format(folder=self.folder, etc=self.etc))
        return subprocess.Popen(
            ["sh", "deploy/install.sh", *options],
            cwd=source, env=self.env | variables, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def install(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run install.sh in earnest, with the folder of the data here if none is given."""
        if not {"--uninstall", "--undo"} & set(options):
            options = ("--data-dir", str(self.data), *options)
        process = self.start(*options, **variables)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(options, process.returncode, out, err)

    def wait(self, process: subprocess.Popen[str]) -> None:
        """Wait until a process is where WAIT_AT lets it wait."""
        deadline = time.monotonic() + 30
        while not (self.folder / "waits").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def told(self) -> str:
        return (self.folder / "systemctl.log").read_text()

    def make_old_program(self, *, name: str = "webchat", link: bool = False) -> Path:
        """Make the first users' program with its unit, and return its folder."""
        old = self.folder / "old"
        (old / "data/users").mkdir(parents=True)
        (old / "data/users/alice.json").write_text('{"password": "alice-pw-1"}')
        (old / "data").chmod(0o755)
        unit = (old if link else self.units) / f"{name}.service"
        unit.write_text(f"# The old program\n[Service]\nWorkingDirectory={old}\n")
        if link:
            (self.units / f"{name}.service").symlink_to(unit)
        (self.folder / f"enabled/{name}.service").touch()
        (self.folder / f"active/{name}.service").touch()
        return old

    def make_earlier(self, port: str = "PORT=8123\n") -> Path:
        """Make an earlier webchat with its unit, and return its folder."""
        old = self.folder / "earlier"
        (old / "data").mkdir(parents=True)
        (old / "manage.py").touch()
        (old / "data/db.sqlite3").write_text("theirs")
        unit = f"# The old program\n[Service]\nWorkingDirectory={old}\n"
        (self.units / "webchat.service").write_text(unit)
        (old / ".env").write_text(f"SECRET_KEY=0123\n{port}export REGISTRATION=closed\nDATA_DIR=\n")
        return old
