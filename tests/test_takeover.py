"""deploy/install.sh in earnest, in a folder: a take-over, cut short as well, and the way back."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from .machine import HERE, Machine, done_well

pytestmark = [pytest.mark.faults, pytest.mark.apart]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def old_program_serves(machine: Machine, unit: str = "webchat.service") -> None:
    assert "The old program" in (machine.units / unit).read_text()
    assert (machine.folder / "enabled" / unit).exists()
    assert machine.told.rstrip().splitlines()[-1] in (f"start {unit}", "reload nginx")
    assert not (machine.units / "webchat-old.service").exists()
    assert not list(machine.home.glob("from.*"))


SIGNALS = {
    "rehearsal": [signal.SIGHUP],
    "import_legacy": [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
    "is_ready": [signal.SIGHUP, signal.SIGINT],
}


@pytest.mark.parametrize(("step", "number"), [(s, n) for s in SIGNALS for n in SIGNALS[s]])
def test_the_old_program_serves_again_after_any_end_by_signal(machine, step, number):
    old = machine.make_old_program()
    process = machine.start(
        "--from", str(old), *HERE, "--data-dir", str(machine.data), WAIT_AT=step
    )
    machine.wait(process)
    # Nobody reads any more what it says, as when a terminal was closed or `less` has ended.
    process.stdout.close()
    process.stderr.close()
    os.killpg(process.pid, number)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) > 0
    assert ("disable" in machine.told) == (step != "rehearsal")
    if step != "rehearsal":
        old_program_serves(machine)
    assert not list(machine.home.glob("from.*"))
    done_well(machine.install("--from", str(old), *HERE))


def killed(machine: Machine, step: str, *options: str, **variables: str) -> None:
    options = (*options, *HERE, "--data-dir", str(machine.data))
    process = machine.start(*options, WAIT_AT=step, **variables)
    machine.wait(process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (machine.folder / "waits").unlink()


@pytest.mark.parametrize("options", [("--undo",), ("--uninstall",), HERE])
def test_the_copy_with_the_passwords_that_a_kill_has_left_is_destroyed(machine, options):
    old = machine.make_old_program()
    killed(machine, "rehearsal", "--from", str(old))
    [copy] = machine.home.glob("from.*")
    assert copy.stat().st_mode & 0o777 == 0o700
    assert (copy / "data/users/alice.json").exists()
    if options == HERE:
        done_well(machine.install("--from", str(old), *options))
    else:
        machine.install(*options)
    assert not list(machine.home.glob("from.*"))


def test_no_moment_opens_the_copy_to_others(machine):
    """`cp -a` gives a folder the mode of its source before anything is in it."""
    old = machine.make_old_program()
    machine.program(
        "chmod",
        f'#!/bin/sh\nstat -c "%a %n" {machine.home}/from.* >>{machine.folder}/modes 2>/dev/null\n'
        'exec /bin/chmod "$@"\n',
    )
    done_well(machine.install("--from", str(old), *HERE))
    modes = (machine.folder / "modes").read_text().splitlines()
    assert modes
    assert all(line.startswith("700 ") for line in modes)


def test_root_works_in_no_tree_of_the_service(machine):
    """By a link there it would write, or destroy, elsewhere."""
    old = machine.make_old_program()
    machine.start("--help").wait()  # makes the programs
    for name in ("chown", "shred"):
        machine.program(name, f'#!/bin/sh\necho {name} "$@" >>{machine.folder}/done\n')
    done_well(machine.install("--from", str(old), *HERE))
    done = (machine.folder / "done").read_text().splitlines()
    theirs = next(i for i, line in enumerate(done) if "-R -h root:root" in line and "from." in line)
    assert theirs < next(i for i, line in enumerate(done) if line.startswith("shred"))


def test_what_is_brought_is_written_by_the_service_itself(machine):
    old = machine.make_earlier()
    theirs = machine.folder / "shadow"
    theirs.write_text("of root")
    machine.data.mkdir(parents=True)
    for name in ("db.sqlite3", "notes"):
        (old / "data" / name).write_text("theirs")
        (machine.data / name).symlink_to(theirs)
    (machine.data / ".taking-over").touch()
    done_well(machine.install("--from", str(old), *HERE))
    assert theirs.read_text() == "of root"
    assert (machine.data / "notes").read_text() == "theirs"
    by_it = (machine.folder / "as_webchat").read_text()
    assert f"touch {machine.data}/.taking-over\n" in by_it
    assert f"tar -C {machine.data} -xf -\n" in by_it


def test_the_advice_names_the_folder_that_stays(machine):
    old = machine.make_old_program()
    said = done_well(machine.install("--from", str(old), *HERE))
    assert f"manage import_legacy {old}/data --dry-run" in said
    assert "from." not in said


@pytest.mark.parametrize("link", [False, True])
def test_the_unit_comes_back_as_it_was(machine, link):
    old = machine.make_old_program(link=link)
    done_well(machine.install("--from", str(old), *HERE))
    assert "current" in (machine.units / "webchat.service").read_text()
    assert (machine.units / "webchat-old.service").is_symlink() == link
    done_well(machine.install("--undo"))
    old_program_serves(machine)
    assert (machine.units / "webchat.service").is_symlink() == link
    assert machine.install("--undo").returncode == 1


def test_a_linked_unit_of_another_name_comes_back(machine):
    old = machine.make_old_program(link=True)
    (machine.units / "webchat.service").rename(machine.units / "talk.service")
    (machine.folder / "enabled/webchat.service").rename(machine.folder / "enabled/talk.service")
    done_well(machine.install("--from", str(old), *HERE))
    assert (machine.units / "talk.service").is_symlink()
    assert not (machine.folder / "enabled/talk.service").exists()
    done_well(machine.install("--undo"))
    old_program_serves(machine, "talk.service")


def test_a_linked_unit_survives_a_kill_right_after_it_was_disabled(machine):
    old = machine.make_old_program(link=True)
    machine.start("--help").wait()  # makes the programs
    text = (machine.programs / "systemctl").read_text()
    machine.program("systemctl", f"{text}[ $what != disable ] || kill -9 $PPID\n")
    assert machine.install("--from", str(old), *HERE).returncode != 0
    assert not (machine.units / "webchat.service").exists()
    machine.program("systemctl", text)
    done_well(machine.install("--undo"))
    old_program_serves(machine)


def test_an_old_program_that_is_gone_by_now_holds_nothing_up(machine):
    old = machine.make_old_program(link=True)
    done_well(machine.install("--from", str(old), *HERE))
    shutil.rmtree(old)
    text = (machine.programs / "systemctl").read_text()
    refusal = '[ $what != enable ] && [ $what != start ] || [ -e "{units}/$each" ] || exit 1'
    machine.program("systemctl", f"{text}{refusal.format(units=machine.units)}\n")
    said = done_well(machine.install("--uninstall"))
    assert "The old program does not start" in said
    assert not (machine.home / "install.conf").exists()
    done_well(machine.install("--uninstall"))


def test_a_lan_that_was_said_once_is_known_at_the_next_run(machine):
    old = machine.make_old_program()
    done_well(machine.install("--from", str(old), *HERE))
    done_well(machine.install("--from", str(old)))


def test_an_undo_is_there_without_a_unit_as_well(machine):
    old = machine.make_old_program()
    (machine.units / "webchat.service").unlink()
    done_well(machine.install("--from", str(old), *HERE))
    done_well(machine.install("--undo"))
    assert machine.install("--undo").returncode == 1


def test_a_unit_of_a_folder_with_a_longer_name_is_not_taken_for_the_old_one(machine):
    old = machine.make_old_program()
    (machine.units / "webchat.service").rename(machine.units / "talk.service")
    bot = f"[Service]\n# {old}\nWorkingDirectory={old}-bot\nExecStart={old}.py /x{old}/y\n"
    (machine.units / "bot.service").write_text(bot)
    done_well(machine.install("--from", str(old), *HERE))
    assert "disable --now talk.service" in machine.told
    assert "bot.service" not in machine.told


def served(machine: Machine) -> Path:
    """Let people have written into the data here."""
    database = machine.data / "db.sqlite3"
    database.write_text("ours by now")
    (machine.data / "db.sqlite3-wal").write_text("and its log")
    return database


def test_data_in_use_are_never_written_over(machine):
    old = machine.make_earlier()
    done_well(machine.install("--from", str(old), *HERE))
    database = machine.data / "db.sqlite3"
    assert database.read_text() == "theirs"
    served(machine)
    (machine.folder / "way").symlink_to(old)
    for same in (f"{old}/", f"{old}/../earlier", f"{machine.folder}/way"):
        done_well(machine.install("--from", same, *HERE))
        assert database.read_text() == "ours by now"
    other = machine.folder / "other"
    old.rename(other)
    done = machine.install("--from", str(other), *HERE)
    assert "Another program is taken over already" in done.stderr
    done_well(machine.install("--undo"))
    done = machine.install("--from", str(other), *HERE)
    assert f"sudo mv {machine.data} {machine.data}." in done.stderr
    assert database.read_text() == "ours by now"


@pytest.mark.parametrize("step", ["migrate", "prove", "is_ready"])
def test_a_take_over_that_failed_can_be_tried_again(machine, step):
    old = machine.make_earlier()
    assert machine.install("--from", str(old), *HERE, FAIL_AT=step).returncode == 1
    database = served(machine)
    done_well(machine.install("--from", str(old), *HERE))
    assert database.read_text() == "theirs"
    assert not (machine.data / "db.sqlite3-wal").exists()
    assert not (machine.data / ".taking-over").exists()


@pytest.mark.parametrize("step", ["rehearsal", "import_legacy", "is_ready"])
def test_a_chat_of_ours_that_served_before_serves_again(machine, step):
    done_well(machine.install(*HERE))
    ours = {each.name: each.read_text() for each in machine.units.glob("webchat*")}
    settings = [(machine.home / name).read_text() for name in (".env", "install.conf")]
    (machine.folder / "enabled/webchat-nightly.timer").unlink()
    old = machine.make_old_program(name="talk")
    site = ("--nginx=own", "--site-url=http://192.168.1.100", "--mail=off")
    for newer in ("new", "newer"):
        done = machine.install("--from", str(old), *site, FAIL_AT=step, RELEASE=newer)
        assert done.returncode == 1
        assert {each.name: each.read_text() for each in machine.units.glob("webchat*")} == ours
        assert [(machine.home / name).read_text() for name in (".env", "install.conf")] == settings
        for folder in ("active", "enabled"):
            assert {"talk.service", "webchat.service"} <= set(os.listdir(machine.folder / folder))
        assert not (machine.folder / "enabled/webchat-nightly.timer").exists()
        assert (machine.folder / "active/webchat-nightly.timer").exists()
        assert (machine.home / "current").resolve().name == "new"
    done_well(machine.install("--from", str(old), *site))
    assert not (machine.folder / "active/talk.service").exists()


def test_a_second_failure_with_newer_code_leaves_the_old_program_alone(machine):
    old = machine.make_old_program()
    assert machine.install("--from", str(old), *HERE, FAIL_AT="is_ready").returncode == 1
    (machine.folder / "systemctl.log").unlink()
    again = machine.install("--from", str(old), *HERE, FAIL_AT="is_ready", RELEASE="newer")
    assert again.returncode == 1
    assert (machine.home / "current").resolve().name == "new"
    assert not (machine.home / "switching").is_symlink()
    old_program_serves(machine)


# Where no PORT is set there is none in the settings here either: it is the default.
@pytest.mark.parametrize("port", ["PORT=8123\n", ""])
def test_a_take_over_that_was_killed_can_be_tried_again(machine, port):
    old = machine.make_earlier(port)
    killed(machine, "migrate", "--from", str(old))
    done_well(machine.install("--from", str(old), *HERE))
    assert (machine.data / "db.sqlite3").read_text() == "theirs"
    done_well(machine.install("--from", str(old), *HERE))
    settings = (machine.home / ".env").read_text()
    assert ("PORT=8123" in settings) == bool(port)


@pytest.mark.parametrize("port", ["abc", "0", "65536", "80 "])
def test_a_port_that_is_none_is_refused_with_a_word_at_a_take_over_too(machine, port):
    old = machine.make_earlier(f"PORT={port}\n")
    assert "from 1 to 65535" in machine.plan("--from", str(old), *HERE).stderr
    flask = machine.folder / "flask"
    (flask / "data/users").mkdir(parents=True)
    done = machine.plan("--from", str(flask), *HERE, "--port", port)
    assert done.returncode == 1
    assert "from 1 to 65535" in done.stderr


@pytest.mark.parametrize("mark", [False, True])
def test_data_that_were_served_after_a_kill_are_never_written_over(machine, mark):
    """`mark`: as an earlier version of install.sh left it in that case."""
    old = machine.make_earlier()
    killed(machine, "is_ready", "--from", str(old))
    assert not (machine.data / ".taking-over").exists()
    database = served(machine)
    if mark:
        (machine.data / ".taking-over").touch()
    done_well(machine.install("--undo"))
    done = machine.install("--from", str(old), *HERE)
    assert f"sudo mv {machine.data} {machine.data}." in done.stderr
    assert database.read_text() == "ours by now"
    assert (machine.data / "db.sqlite3-wal").exists()


def test_the_folder_of_the_installation_is_no_source(machine):
    done_well(machine.install(*HERE))
    assert "is what is installed here" in machine.install("--from", str(machine.home)).stderr
    done = machine.install(*HERE, WEBCHAT_HOME=str(machine.folder / "source"))
    assert "put the code into another folder" in done.stderr


def test_code_that_was_unpacked_over_the_old_program_takes_nothing_over(machine):
    machine.start("--help").wait()  # makes the folder of the code
    source = machine.folder / "source"
    (source / "data/users").mkdir(parents=True)
    for folder in (source, source / "data"):
        done = machine.install("--from", str(folder), *HERE)
        assert done.returncode == 1
        assert "into another, empty folder" in done.stderr
    assert not machine.home.exists()


def test_the_mail_and_the_proxy_of_an_earlier_webchat_stay(machine):
    old = machine.make_earlier()
    with (old / ".env").open("a") as env:
        env.write("MAIL_MODE=qq\nQQ_EMAIL=10001@qq.com\nQQ_MAIL_PASSWORD=abcd\n")
        env.write("BEHIND_PROXY=On\nSITE_URL=http://www.example.com/chat\n")
    done_well(machine.install("--from", str(old)))
    settings = (machine.home / ".env").read_text().splitlines()
    for line in ("MAIL_MODE=qq", "QQ_EMAIL=10001@qq.com", "BEHIND_PROXY=on", "PORT=8123"):
        assert line in settings


def test_new_code_is_put_in_service_as_an_upgrade_does(machine):
    done_well(machine.install(*HERE))
    (machine.data / "db.sqlite3").touch()
    steps = machine.folder / "steps"
    steps.unlink()
    done = machine.install(*HERE, RELEASE="newer", FAIL_AT="is_ready")
    assert done.returncode == 1
    assert steps.read_text().split()[:3] == ["backup", "migrate", "prove"]
    assert (machine.home / "current").resolve().name == "new"
    assert not (machine.home / "switching").is_symlink()
    killed(machine, "is_ready", RELEASE="newer")
    done_well(machine.install(*HERE, RELEASE="newer"))
    assert (machine.home / "current").resolve().name == "newer"
    assert (machine.home / "previous").resolve().name == "new"
    assert not (machine.home / "switching").is_symlink()
    steps.unlink()
    done_well(machine.install(*HERE, RELEASE="newer"))
    assert "backup" not in steps.read_text()


def test_how_the_data_are_imported_can_be_said(machine):
    old = machine.make_old_program()
    how = ("--rename", "Li Lei=李雷", "--rename=a*=an", "--timezone", "Asia/Tokyo", "--trust-mail")
    said = done_well(machine.install("--from", str(old), *HERE, *how))
    for option in ("", " --dry-run"):
        options = "--rename=Li Lei=李雷 --rename=a*=an --timezone=Asia/Tokyo --trust-mail"
        assert f"manage import_legacy {old}/data{option} {options}\n" in said
    done_well(machine.install("--undo"))
    assert "with --from" in machine.install(*HERE, "--trust-mail").stderr


def test_the_files_of_nginx_are_as_they_were_after_a_take_over_that_failed(machine):
    old = machine.make_old_program()
    site = ("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail", "off")
    assert machine.install("--from", str(old), *site, FAIL_AT="is_ready").returncode == 1
    assert not [path for path in machine.nginx.rglob("*") if not path.is_dir()]
    assert machine.told.endswith("start webchat.service\nreload nginx\n")
