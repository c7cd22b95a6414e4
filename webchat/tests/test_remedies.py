"""The commands that the doctor names are right for who reads them."""

from __future__ import annotations

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.utils.translation import override

from webchat.doctor import machine, remedies, site
from webchat.doctor.finding import Level

ROOT, WEBCHAT, PASSER_BY = 0, 4711, 4712  # as if they had accounts; #4711 is sudo's way to say it


@pytest.fixture
def layout(settings, tmp_path, monkeypatch):
    """A function that lays things out, for a user who types: (home or None, uid)."""

    def lay(kind: str, uid: int) -> Path:
        home = tmp_path / "srv"
        base = home / "releases" / "20260101-120000" if kind == "installed" else home
        (base / "data").mkdir(parents=True)
        (base / ".env").touch()
        if kind == "installed":
            (home / "current").symlink_to(base)
        settings.BASE_DIR, settings.DATA_DIR = base, base / "data"
        settings.DATABASE_FILE = base / "data" / "db.sqlite3"
        monkeypatch.setattr(remedies, "UNITS", home)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.setattr(remedies, "account", lambda: f"#{WEBCHAT}")
        return home

    return lay


def test_where_install_has_been_it_is_sudo_and_systemctl(layout):
    home = layout("installed", WEBCHAT)
    backup = f"cd {home}/current && sudo -u #{WEBCHAT} .venv/bin/python manage.py backup"
    assert remedies.manage("backup") == backup
    assert remedies.service("restart") == "sudo systemctl restart webchat.service"
    stopped = remedies.while_stopped("migrate").split("; ")
    assert stopped[0] == "sudo systemctl stop webchat.service"
    assert stopped[-1] == "sudo systemctl start webchat.service"


def test_root_needs_no_sudo_but_another_account_for_the_data(layout):
    home = layout("installed", ROOT)
    assert remedies.service("restart") == "systemctl restart webchat.service"
    assert f"sudo -u #{WEBCHAT} " in remedies.manage("backup")
    assert remedies.give(home) == f"chown -R #{WEBCHAT}: {home}"
    copied = f"sudo -u #{WEBCHAT} cp -n BACKUP/attachments/a {home}/attachments/"
    assert remedies.bring_back("a", home / "attachments") == copied, "root's the server cannot read"


def test_in_a_folder_of_ones_own_it_is_the_plain_command(layout):
    home = layout("folder", WEBCHAT)
    assert remedies.manage("backup") == f"cd {home} && .venv/bin/python manage.py backup"
    assert remedies.start() == f"cd {home} && sh deploy/run.sh"
    with override("en"):
        assert remedies.while_stopped("migrate").startswith("Stop the server with Ctrl+C, then: cd")


@pytest.mark.parametrize("uid", [ROOT, PASSER_BY])
def test_in_a_folder_of_somebody_else_it_is_run_as_that_person(layout, uid):
    home = layout("folder", uid)
    assert remedies.manage("backup").startswith(f"cd {home} && sudo -u #{WEBCHAT} ")
    assert f"sudo -u #{WEBCHAT} sh deploy/run.sh" in remedies.start()


def test_pillow_is_installed_by_whom_its_folder_belongs_to(layout):
    home = layout("folder", WEBCHAT)
    fix = remedies.install_pillow()
    assert fix.startswith("sudo apt install gcc ")
    assert f" && cd {home} && .venv/bin/python -m pip install " in fix
    home = layout("installed", WEBCHAT)
    assert " && sudo .venv/bin/python -m pip install " in remedies.install_pillow()


def test_nobody_is_told_to_change_the_rights_of_a_file_that_is_not_theirs(layout):
    home = layout("folder", PASSER_BY)
    assert remedies.close(home / ".env") == f"sudo chmod 600 {home}/.env"
    finding = machine.check_files()
    assert finding.level == Level.WRONG
    assert f"sudo -u #{WEBCHAT} " in finding.fix
    assert "chown" not in finding.fix


def test_what_cannot_be_written_is_given_to_the_account_of_the_server(layout, monkeypatch):
    layout("installed", PASSER_BY)
    monkeypatch.setattr(os, "access", lambda *_: False)
    fix = machine.check_files().fix
    assert fix.startswith(f"sudo chown -R #{WEBCHAT}: ")


def test_the_account_is_never_root_if_anybody_else_owns_data_or_settings(settings, tmp_path):
    settings.BASE_DIR = settings.DATA_DIR = tmp_path
    own = os.geteuid()
    assert remedies.account() == remedies._name(own)


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: object) -> None:
        pass


class UnixServer(HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)


def test_the_server_is_asked_at_the_socket_that_systemd_holds_for_it(layout, tmp_path):
    home = layout("installed", WEBCHAT)
    path = tmp_path / "webchat.sock"
    assert remedies.unix_socket() is None
    (home / "webchat.socket").write_text(f"[Socket]\nListenStream={path}\nSocketMode=0660\n")
    assert remedies.unix_socket() == str(path)
    with override("en"):
        finding = site.check_server()
        assert finding.level == Level.WRONG
        assert "does not answer" in finding.message
        assert "sudo systemctl restart webchat.socket webchat.service" in finding.fix
        with UnixServer(str(path), Healthy) as server:
            threading.Thread(target=server.handle_request, daemon=True).start()
            finding = site.check_server()
    assert finding.level == Level.OK, finding
    assert str(path) in finding.message


def test_a_unit_of_another_program_is_not_ours(layout):
    home = layout("folder", WEBCHAT)
    (home / "webchat.socket").write_text("[Socket]\nListenStream=/run/other.sock\n")
    assert remedies.unix_socket() is None


def test_a_certificate_comes_by_the_site_that_install_has_made_or_by_the_plugin(
    layout, monkeypatch, tmp_path
):
    home = layout("installed", WEBCHAT)
    monkeypatch.setattr(remedies, "OWN_SITE", tmp_path / "webchat.conf")
    plugin = remedies.certificate("chat.example")
    assert plugin.split(" && ")[-1] == "sudo certbot --nginx -d chat.example"
    (tmp_path / "webchat.conf").touch()
    own = remedies.certificate("chat.example").split(" && ")
    asked = "sudo certbot certonly --webroot -w /var/www/html -d chat.example"
    assert own[1] == f"{asked} --deploy-hook 'systemctl reload nginx'"
    assert own[2:] == [f"cd {home}/current", "sudo sh deploy/install.sh"]
