"""deploy/install.sh in earnest, in a folder: what it makes and takes away, and files of others."""

from __future__ import annotations

import shutil
import stat
import subprocess

import pytest

from .environment import ROOT
from .machine import HERE, Machine, done_well

pytestmark = [pytest.mark.faults, pytest.mark.apart]
PAPER = ROOT / "deploy/README.md"
THEIRS = "server { listen 80; proxy_pass http://127.0.0.1:5000; }\n"


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_site_of_somebody_else_with_our_name_is_never_touched(machine):
    theirs = [machine.nginx / name / "webchat.conf" for name in ("conf.d", "sites-available")]
    for each in theirs:
        each.write_text(THEIRS)
    link = machine.nginx / "sites-enabled/webchat.conf"
    link.symlink_to("../sites-available/webchat.conf")
    done = machine.install("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail=off")
    assert done.returncode == 1
    assert str(theirs[0]) in done.stderr
    done_well(machine.install(*HERE))
    done_well(machine.install("--uninstall"))
    assert [each.read_text() for each in theirs] == [THEIRS] * 2
    assert link.is_symlink()
    assert "nginx" not in machine.told


def test_what_we_have_made_for_nginx_is_taken_away(machine):
    done_well(machine.install("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail=off"))
    assert (machine.nginx / "sites-enabled/webchat.conf").exists()
    done_well(machine.install("--uninstall"))
    assert not [path for path in machine.nginx.rglob("*") if not path.is_dir()]


def test_a_line_of_theirs_that_includes_ours_keeps_the_file_there(machine):
    beside = ("--nginx", "beside", "--site-url", "https://www.example.com/chat", "--mail=off")
    done_well(machine.install(*beside))
    theirs = machine.nginx / "sites-enabled/webchat.conf"
    theirs.write_text("server { include snippets/webchat.conf; }\n")
    done_well(machine.install("--uninstall"))
    assert theirs.exists()
    assert "not here any more" in (machine.nginx / "snippets/webchat.conf").read_text()


def test_an_nginx_that_somebody_else_broke_is_not_our_business_without_it(machine):
    machine.program("nginx", "#!/bin/sh\nexit 1\n")
    done_well(machine.install(*HERE))
    assert "nginx" not in machine.told


def test_units_are_brought_up_to_date_without_a_restart(machine):
    site = ("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail", "off")
    done_well(machine.install(*site))
    timer, nginx = machine.units / "webchat-nightly.timer", machine.nginx / "conf.d/webchat.conf"
    wanted = timer.read_text()
    for each in (timer, nginx):
        each.write_text(each.read_text() + "# of before\n")
    (machine.folder / "systemctl.log").unlink()
    said = done_well(machine.install("--renew"))
    assert timer.read_text() == wanted
    assert "of before" in nginx.read_text()
    assert f"+ {nginx}" in said
    assert f"sudo sh {machine.folder}/source/deploy/install.sh" in said
    assert said.count("There are newer files") == said.count(f"+ {nginx}\n") == 1
    assert "reload-or-restart" not in said
    assert "restart webchat-nightly.timer" in machine.told
    assert "webchat.service" not in machine.told
    assert "nginx" not in machine.told


def test_a_timer_that_somebody_has_turned_off_stays_so_and_one_that_is_new_is_turned_on(machine):
    done_well(machine.install(*HERE))
    timer = "webchat-nightly.timer"
    (machine.folder / "enabled" / timer).unlink()
    (machine.folder / "systemctl.log").unlink()
    done_well(machine.install("--renew"))
    assert timer not in machine.told.replace(f"is-enabled --quiet {timer}", "")
    (machine.units / timer).unlink()
    done_well(machine.install("--renew"))
    assert (machine.folder / "enabled" / timer).exists()


def test_an_uninstallation_takes_the_options_of_our_units_along(machine):
    done_well(machine.install(*HERE))
    for name in ("webchat-nightly.service.d", "webchat.service.d", "nginx.service.d"):
        (machine.units / name).mkdir()
        (machine.units / name / "options.conf").touch()
    done_well(machine.install("--uninstall"))
    assert [each.name for each in machine.units.iterdir()] == ["nginx.service.d"]
    theirs = machine.units / "webchat.service.d"
    theirs.mkdir()
    (machine.units / "webchat.service").write_text("[Service]\nWorkingDirectory=/opt/theirs\n")
    done_well(machine.install("--uninstall"))
    assert theirs.exists()


def test_a_certificate_of_lets_encrypt_is_looked_for_on_this_machine(machine):
    folder = machine.etc / "letsencrypt/live/chat.example.com"
    folder.mkdir(parents=True)
    (folder / "fullchain.pem").touch()
    site = ("--nginx", "own", "--site-url", "https://chat.example.com", "--mail", "off")
    done_well(machine.install(*site))
    text = (machine.nginx / "sites-available/webchat.conf").read_text()
    assert f"ssl_certificate {folder}/fullchain.pem;" in text


def test_a_certificate_of_our_own_is_made_again_before_it_ends_and_taken_away(machine):
    site = ("--nginx", "own", "--site-url", "https://chat.example.com", "--mail", "off")
    done_well(machine.install(*site))
    file = machine.nginx / "webchat-self-signed.pem"
    first = file.read_bytes()
    done_well(machine.install(*site))
    assert file.read_bytes() == first
    command = "req -x509 -newkey rsa:2048 -nodes -days 20 -subj /CN=chat.example.com -addext"
    command += (
        f" subjectAltName=DNS:chat.example.com -out {file} -keyout {file.with_suffix('.key')}"
    )
    subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    short = file.read_bytes()
    done_well(machine.install(*site))
    assert file.read_bytes() != short
    done_well(machine.install("--uninstall"))
    assert not list(machine.nginx.glob("webchat-self-signed*"))


def test_the_advice_on_a_certificate_is_the_command_of_the_papers(machine):
    """Without its last option nginx serves the old certificate after a renewal, until it ends."""
    site = ("--nginx", "own", "--site-url", "https://chat.example.com", "--mail", "off")
    said = done_well(machine.install(*site))
    [typed] = [line for line in PAPER.read_text().splitlines() if "certbot certonly" in line]
    assert f"    {typed} && sudo sh deploy/install.sh\n" in said


def test_what_was_implied_does_not_outlive_an_uninstallation_and_what_was_set_by_hand_does(machine):
    site = ("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail", "off")
    for options, by_hand, after in ((site, "", "off"), (HERE, "on", "on")):
        done_well(machine.install(*options))
        env = machine.home / ".env"
        if by_hand:
            env.write_text(env.read_text().replace("BEHIND_PROXY=off", f"BEHIND_PROXY={by_hand}"))
        done_well(machine.install("--uninstall"))
        done_well(machine.install(*HERE))
        assert f"BEHIND_PROXY={after}" in env.read_text()


def test_where_nothing_was_installed_an_uninstallation_makes_nothing(machine):
    done_well(machine.install("--uninstall"))
    assert not machine.home.exists()


# nginx sends files

OWN = ("--nginx", "own", "--site-url", "http://192.168.1.100", "--mail", "off")
# What www-data may do there goes by the rights of the group.
RUNUSER = """\
#!/bin/sh
who=$2
shift 3
[ "$who" != webchat ] || exec "$@"
group=$(($(stat -c %a "$3") / 10 % 10))
case $2 in
-r) [ $((group & 4)) -ne 0 ] ;;
-x) [ $((group & 1)) -ne 0 ] ;;
esac
"""
ID = """\
#!/bin/sh
case $1 in
-u) echo 0 ;;
-nG) cat {folder}/groups 2>/dev/null ;;
esac
"""
USERMOD = """\
#!/bin/sh
echo "$*" >>{folder}/told_groups
echo www-data webchat >{folder}/groups
"""
GPASSWD = """\
#!/bin/sh
echo "$*" >>{folder}/told_groups
echo www-data >{folder}/groups
"""
# The folders are those of whoever runs the tests.
STAT = """\
#!/bin/sh
[ "$1 $2" != "-c %U" ] || {{ echo webchat; exit; }}
exec {stat} "$@"
"""


@pytest.fixture
def lending(machine):
    """A machine whose nginx says whose its processes are."""
    (machine.nginx / "nginx.conf").write_text(
        "user www-data;\nhttp { include /etc/nginx/sites-enabled/*; }\n"
    )
    machine.program("usermod", USERMOD.format(folder=machine.folder))
    machine.program("gpasswd", GPASSWD.format(folder=machine.folder))
    machine.program("stat", STAT.format(stat=shutil.which("stat")))
    first = machine.start

    def start(*options, **variables):
        process = None
        if not (machine.folder / "source").exists():
            process = first("--help")
            process.communicate()
        machine.program("id", ID.format(folder=machine.folder))
        machine.program("runuser", RUNUSER)
        return first(*options, **variables)

    machine.start = start
    return machine


def setting(machine) -> str:
    lines = (machine.home / ".env").read_text().splitlines()
    found = [line for line in lines if line.startswith("NGINX_SENDS_FILES=")]
    return found[0].partition("=")[2] if found else ""


def modes(machine) -> list[int]:
    places = (machine.data, machine.data / "attachments", machine.data / "previews")
    return [stat.S_IMODE(place.stat().st_mode) for place in places if place.exists()]


def test_nginx_is_let_at_the_files_of_messages_alone_and_once(lending):
    said = done_well(lending.install(*OWN))
    assert setting(lending) == "on"
    assert modes(lending) == [0o710, 0o2750, 0o2750]
    assert said.index("NGINX_SENDS_FILES=on") < said.index("restart webchat.service")
    assert "reload webchat.service" not in lending.told
    text = (lending.nginx / "snippets/webchat-site.conf").read_text()
    assert f"alias {lending.data}/attachments/;" in text
    assert f"alias {lending.data}/previews/;" in text
    assert text.count("internal;") == 3
    assert "Strict-Transport-Security" not in text
    assert said.index("usermod") < said.index("reload-or-restart nginx")
    again = done_well(lending.install(*OWN))
    for step in ("usermod", "chmod", "NGINX_SENDS_FILES", "lent_to"):
        assert step not in again
    assert (lending.folder / "told_groups").read_text() == "--append --groups webchat www-data\n"


def test_when_nginx_runs_as_another_user_the_one_before_leaves_the_group(lending):
    done_well(lending.install(*OWN))
    conf = lending.nginx / "nginx.conf"
    conf.write_text(conf.read_text().replace("www-data", "nginx"))
    done_well(lending.install(*OWN))
    told = (lending.folder / "told_groups").read_text().splitlines()
    assert told[1:] == ["--delete www-data webchat", "--append --groups webchat nginx"]
    assert setting(lending) == "on"


def test_root_follows_no_link_that_stands_in_the_place_of_a_folder(lending):
    done_well(lending.install(*OWN))
    outside = lending.folder / "outside"
    outside.mkdir()
    outside.chmod(0o755)
    (lending.data / "attachments").rmdir()
    (lending.data / "attachments").symlink_to(outside)
    done_well(lending.install(*OWN))
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert setting(lending) == ""
    assert modes(lending)[0] == 0o700


def test_what_nginx_got_is_taken_back_with_it(lending):
    for back in (HERE, ("--uninstall",)):
        done_well(lending.install(*OWN))
        assert setting(lending) == "on"
        done_well(lending.install(*back))
        assert setting(lending) == ""
        assert modes(lending) == [0o700] * 3
        told = (lending.folder / "told_groups").read_text().splitlines()
        assert told[-1] == "--delete www-data webchat"


@pytest.mark.parametrize("why", ["unknown user", "no way", "open database"])
def test_where_nginx_cannot_read_just_these_the_chat_sends_them(lending, why):
    if why == "unknown user":
        (lending.nginx / "nginx.conf").write_text("http { include sites-enabled/*; }\n")
    elif why == "no way":
        broken = RUNUSER.replace("-x) [ $((group & 1)) -ne 0 ] ;;", "-x) false ;;")
        lending.start("--help").communicate()
        assert broken != RUNUSER
        first = lending.program
        lending.program = lambda name, text: first(name, broken if name == "runuser" else text)
    else:
        done_well(lending.install(*OWN))
        (lending.data / "db.sqlite3").touch(mode=0o640)
        (lending.data / "db.sqlite3").chmod(0o640)
    done_well(lending.install(*OWN))
    assert setting(lending) == ""
    assert modes(lending)[0] == 0o700
    assert ("reload webchat.service" in lending.told) == (why != "unknown user")
