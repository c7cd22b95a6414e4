"""deploy/install.sh without root: all it is asked is checked, and planned, before it writes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nginx import make_certificate
from webchat import environment

from .environment import ROOT
from .machine import Machine

sys.path.insert(0, str(ROOT / "deploy"))
import facts

OWN = ("--site-url", "https://chat.example.com", "--nginx", "own")
SMTP = {"SMTP_HOST": "smtp.example.com", "SMTP_PORT": "465", "SMTP_USER": "a@example.com"}


def test_every_script_is_plain_posix_shell():
    scripts = sorted((ROOT / "deploy").rglob("*.sh"))
    assert len(scripts) > 10
    for path in scripts:
        assert path.read_text().count("\n") <= 400, path
        subprocess.run([shutil.which("dash") or "sh", "-n", str(path)], check=True)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (("--site-url", "chat.example.com", "--nginx", "own"), ("网址要写成", "must look like")),
        (("--site-url", "ftp://a.example", "--nginx", "own"), ("网址要写成", "must look like")),
        (("--site-url", "https://a.example/b c"), ("网址要写成", "must look like")),
        (("--site-url", "https://a.example:99999"), ("网址要写成", "must look like")),
        (("--site-url", "https://a.example\n"), ("网址要写成", "must look like")),
        (("--site-url", "https://a.example/;}"), ("网址要写成", "must look like")),
        (("--site-url",), ("缺少值", "needs a value")),
        (("--site-url", "--nginx", "own"), ("缺少值", "needs a value")),
        (("--nginx", "apache"), ("只能是 own", "own, beside or none")),
        (("--nginx", "own"), ("需要 --site-url", "--site-url is needed")),
        (("--nginx", "beside", "--site-url", ""), ("需要 --site-url", "--site-url is needed")),
        (("--mail", "smtp"), ("需要 SMTP_HOST", "needs SMTP_HOST")),
        (("--mail", "qq"), ("需要 QQ_EMAIL", "needs QQ_EMAIL")),
        (("--mail", "gmail"), ("只能是 off", "off, qq or smtp")),
        (("--port", "0"), ("1 到 65535", "from 1 to 65535")),
        (("--port", "65536"), ("1 到 65535", "from 1 to 65535")),
        (("--port", "80 "), ("1 到 65535", "from 1 to 65535")),
        (("--port", "-1"), ("1 到 65535", "from 1 to 65535")),
        ((*OWN, "--port", "8001"), ("只用于 --nginx none", "for --nginx none only")),
        ((*OWN, "--certificate", "/etc/passwd"), ("要一起给", "go together")),
        ((*OWN, "--certificate", "/no", "--key", "/no"), ("读不到", "cannot be read")),
        ((*OWN, "--certificate", "/etc/passwd", "--key", "/etc/passwd"), ("不配对", "together")),
        ((*OWN, "--certificate", "/a;b", "--key", "/a"), ("不能用的字符", "nginx cannot take")),
        (
            ("--certificate", "/etc/passwd", "--key", "/etc/passwd"),
            ("证书只用于", "is for --nginx"),
        ),
        (("--data-dir", "data"), ("绝对路径", "absolute path")),
        (("--data-dir", "/var/lib"), ("专用的空文件夹", "one of its own")),
        (("--data-dir", "/srv/.."), ("专用的空文件夹", "one of its own")),
        (("--data-dir", "/etc/systemd"), ("专用的空文件夹", "one of its own")),
        (("--data-dir", "/home/a/chat"), ("看不到", "does not see")),
        (("--data-dir", "/tmp/../root/chat"), ("看不到", "does not see")),
        (("--data-dir", "/var/tmp/chat"), ("看不到", "does not see")),
        (("--from", "/etc"), ("data/users", "data/users")),
        (("--undo",), ("没有可以撤销", "could be undone")),
        (("--unistall",), ("不认识", "Unknown option")),
        (("off",), ("不认识", "Unknown option")),
    ],
)
def test_what_cannot_be_done_is_refused_in_both_languages_before_anything(
    machine, options, sentences
):
    done = machine.plan(*options)
    assert done.returncode == 1
    assert all(sentence in done.stderr for sentence in sentences), done.stderr
    assert "\n+ " not in done.stdout
    assert list(machine.temporary.iterdir()) == []
    assert not machine.home.exists()


def test_a_port_of_another_program_is_refused_with_its_name(machine):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = machine.plan("--nginx", "none", "--port", str(port), REAL_PORTS="yes")
    name = Path("/proc/self/comm").read_text().strip()
    assert done.returncode == 1
    assert f"Port {port} is taken by {name} (process {os.getpid()}" in done.stderr
    assert machine.plan("--nginx", "none", "--port", str(port), REAL_PORTS="yes").returncode == 0


def test_a_certificate_and_its_key_pass_and_those_of_two_sites_do_not(machine, tmp_path):
    certificate, key = make_certificate(tmp_path, "chat.example.com")
    pair = ("--certificate", str(certificate), "--key", str(key))
    assert str(certificate) in machine.steps(*OWN, *pair)
    (tmp_path / "other").mkdir()
    _certificate, other = make_certificate(tmp_path / "other", "other.example.com")
    done = machine.plan(*OWN, "--certificate", str(certificate), "--key", str(other))
    assert "do not belong together" in done.stderr


def test_the_plan_names_every_file_of_the_mode_and_none_of_another(machine):
    own = machine.steps(*OWN)
    for name in ("sites-enabled/webchat.conf", "snippets/webchat-site.conf", "webchat.socket"):
        assert name in own
    beside = machine.steps("--site-url", "https://www.example.com/chat", "--nginx", "beside")
    assert f"+ {machine.nginx}/snippets/webchat.conf" in beside
    assert "sites-" not in beside
    none = machine.steps("--nginx=none")
    assert f"+ {machine.units}/webchat.service" in none
    assert f"{machine.nginx}/" not in none
    assert "webchat.socket" not in none


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask nginx")
def test_an_nginx_that_is_broken_already_is_told_and_one_that_we_broke_is_mended(machine):
    machine.program(
        "nginx", "#!/bin/sh\necho 'unknown directive in /etc/nginx/blog:3' >&2\nexit 1\n"
    )
    done = machine.plan(*OWN)
    assert done.returncode == 1
    assert "wrong already" in done.stderr
    assert "unknown directive in /etc/nginx/blog:3" in done.stderr
    machine.program("nginx", "#!/bin/sh\necho 'no snippets/webchat-site.conf' >&2\nexit 1\n")
    assert machine.plan(*OWN).returncode == 0


def test_a_site_by_plain_http_gets_no_certificate(machine):
    assert "openssl" not in machine.steps("--site-url", "http://192.168.1.100", "--nginx", "own")
    assert "openssl" in machine.steps(*OWN)


@pytest.mark.parametrize(
    ("version", "is_new"), [("1.22.1", False), ("1.25.0", False), ("1.25.1", True), ("1.30", True)]
)
def test_http2_is_said_as_this_nginx_has_it(machine, version, is_new):
    (machine.programs / "nginx").write_text(
        f"#!/bin/sh\necho 'nginx version: nginx/{version}' >&2\n"
    )
    script = ". deploy/site.sh; for_this_nginx <deploy/nginx/site.conf"
    said = subprocess.run(
        ["sh", "-euc", script],
        cwd=ROOT,
        env=machine.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("    http2 on;\n" in said, "ssl http2;" in said) == (is_new, not is_new)
    assert said.count(" ssl") >= 2


def test_what_was_set_by_hand_stays_unless_another_mode_needs_it(machine):
    machine.was("BEHIND_PROXY=on\nPORT=8010\nMAIL_MODE=console\n", "nginx=none\nbehind_proxy=off\n")
    same = machine.steps("--nginx", "none")
    for name in ("BEHIND_PROXY", "PORT=", "MAIL_MODE", "SECRET_KEY", "SITE_URL"):
        assert f".env: {name}" not in same
    assert ".env: PORT=8020" in machine.steps("--nginx", "none", "--port", "8020")
    assert ".env: BEHIND_PROXY" not in machine.steps(*OWN)


@pytest.mark.parametrize("by_hand", ["on", "off"])
def test_what_was_set_by_hand_comes_along_to_another_machine(machine, by_hand):
    """As the papers have it, without install.conf."""
    machine.home.mkdir()
    site = f"SITE_URL=http{'' if by_hand == 'on' else 's'}://www.example.com\n"
    (machine.home / ".env").write_text(f"SECRET_KEY={'k' * 40}\nBEHIND_PROXY={by_hand}\n{site}")
    steps = machine.steps("--nginx", "none")
    assert ".env: BEHIND_PROXY" not in steps
    assert f"stays: BEHIND_PROXY={by_hand}" in steps
    (machine.home / ".env").write_text(site)
    assert ".env: BEHIND_PROXY" in machine.steps("--nginx", "none")


def test_another_mode_decides_what_it_implies(machine):
    site = "SITE_URL=https://www.example.com/chat\n"
    machine.was(f"BEHIND_PROXY=on\n{site}", "nginx=beside\nbehind_proxy=on\n")
    lan = machine.steps("--nginx", "none", "--site-url", "")
    assert ".env: BEHIND_PROXY=off" in lan
    # The server itself speaks no https: there is a proxy that is none of ours.
    assert ".env: BEHIND_PROXY" not in machine.steps("--nginx", "none")


def test_what_is_not_said_is_as_it_was(machine):
    machine.was("SITE_URL=http://192.168.1.100\n", "nginx=own\nbehind_proxy=on\n")
    steps = machine.steps()
    assert "sites-enabled/webchat.conf" in steps
    assert "openssl" not in steps
    assert ".env:" not in steps


def test_data_are_not_left_behind_by_another_folder(machine, tmp_path):
    machine.was("", "nginx=none\n")
    old = tmp_path / "old"
    old.mkdir()
    (old / "db.sqlite3").touch()
    (machine.home / ".env").write_text(f"DATA_DIR={old}\n")
    done = machine.plan("--data-dir", str(tmp_path / "new"))
    assert f"sudo mv {old} {tmp_path}/new" in done.stderr


def test_mail_by_smtp_is_made_of_its_parts_and_no_password_is_printed(machine):
    done = machine.plan("--nginx=none", "--mail=smtp", **SMTP)
    assert "SMTP_PASSWORD" in done.stderr
    steps = machine.steps("--nginx=none", "--mail=smtp", SMTP_PASSWORD="p@ss:wörd/%", **SMTP)
    assert ".env: MAIL_MODE=smtp" in steps
    assert ".env: EMAIL_URL=…" in steps
    assert "p@ss" not in steps
    url = "smtp+tls://a%40example.com:secret@smtp.example.com:587"
    assert "secret" not in machine.steps("--nginx=none", "--mail", "smtp", EMAIL_URL=url)


def test_the_parts_of_a_mail_server_come_back_from_the_setting(monkeypatch):
    for name, value in SMTP.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SMTP_PASSWORD", "p@ss:wörd/% #")
    [url] = facts.mail_url()
    monkeypatch.setenv("EMAIL_URL", url)
    found = environment.mail_settings("smtp")
    assert found["EMAIL_HOST_USER"] == "a@example.com"
    assert found["EMAIL_HOST_PASSWORD"] == "p@ss:wörd/% #"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("smtp.example.com", 465)
    assert found["EMAIL_USE_SSL"]


def test_the_plan_of_a_take_over_names_the_data_and_asks_for_the_address(machine, tmp_path):
    (tmp_path / "old/data/users").mkdir(parents=True)
    old = str(tmp_path / "old")
    assert "--site-url ''" in machine.plan("--from", old).stderr
    steps = machine.steps("--from", old, "--site-url", "https://www.example.com/chat")
    assert ".env: PORT=5000" in steps
    assert ".env: BEHIND_PROXY=on" in steps
    assert steps.index("import_legacy --dry-run") < steps.index(f"{old}/data ->")
    assert "BEHIND_PROXY=off" in machine.steps("--from", old, "--site-url", "")
    # A proxy that takes every name: it may not be passed by.
    block = "server { server_name _; location / { proxy_pass http://127.0.0.1:5000; } }"
    (machine.nginx / "sites-enabled/blog").write_text(block)
    assert ".env: BEHIND_PROXY=on" in machine.steps("--from", old, "--site-url", "")
    assert "has not one address" in machine.plan("--from", old).stderr
    lan = ("--site-url", "", "--port", "8123")
    assert ".env: BEHIND_PROXY=on" in machine.steps("--from", old, *lan)
    names = "server { server_name a.example b.example; location /a {%s} location /b {%s} }"
    passes = "proxy_pass http://127.0.0.1:5000;"
    (machine.nginx / "sites-enabled/blog").write_text(names % (passes, passes))
    done = machine.plan("--from", old)
    assert "has not one address" in done.stderr
    assert "http://a.example/a\nhttp://a.example/b" in done.stdout


def test_an_earlier_webchat_brings_its_settings(machine, tmp_path):
    old = tmp_path / "old"
    (old / "data").mkdir(parents=True)
    for name in ("manage.py", "data/db.sqlite3"):
        (old / name).touch()
    (old / ".env").write_text("SECRET_KEY=0123\nPORT=8123\nexport REGISTRATION=closed\nDATA_DIR=\n")
    steps = machine.steps("--from", str(old))
    assert ".env: SECRET_KEY=…" in steps
    assert ".env: PORT=8123" in steps
    assert ".env: REGISTRATION=closed" in steps
    assert f"{old}/data -> /var/lib/webchat" in steps


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=a", "a"),
        ("export NAME=a\r", "a"),
        ("NAME='a\"b'", 'a"b'),
        (r'NAME="a\"b\\c"', r'a"b\c'),
        ('NAME="a\'b"\r', "a'b"),
        ("NAME='", "'"),
        (r"NAME=a\b", r"a\b"),
        ("NAME=a\nOTHER=b\nNAME=c", "c"),
    ],
)
def test_a_setting_is_read_as_the_server_reads_it(tmp_path, monkeypatch, line, value):
    (tmp_path / ".env").write_bytes(f"{line}\n".encode())
    script = f". deploy/settings.sh; value_of {tmp_path}/.env NAME"
    done = subprocess.run(["sh", "-euc", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}\n"
    monkeypatch.delenv("NAME", raising=False)
    environment.load_env_file(tmp_path / ".env")
    assert os.environ.pop("NAME") == value
