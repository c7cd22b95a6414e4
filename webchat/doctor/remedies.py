"""The commands of a fix, as whoever reads it can type them on this machine.

Two layouts are known: that of `deploy/install.sh`, with releases below one folder and units of
systemd, and that of `deploy/run.sh`, a folder and a terminal.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

UNITS = Path("/etc/systemd/system")
OWN_SITE = Path("/etc/nginx/sites-enabled/webchat.conf")


def installed() -> Path | None:
    """Return the folder of install.sh, /srv/webchat, if this is a release in it."""
    home: Path = settings.BASE_DIR.parent.parent
    is_release = settings.BASE_DIR.parent.name == "releases" and (home / "current").is_symlink()
    return home if is_release else None


def unix_socket() -> str | None:
    """Return where the service listens if systemd does it for it: the socket behind nginx."""
    unit = UNITS / "webchat.socket"
    if installed() is None or not unit.exists():
        return None
    found = re.search(r"^ListenStream=(/.*)$", unit.read_text(errors="replace"), re.MULTILINE)
    return found[1].strip() if found else None


def account() -> str:
    """Return the name of the user who runs the server: the owner of its data or of its settings.

    Unless all is root's, it is not root, who may have written something there by mistake.
    """
    places = (settings.DATA_DIR, settings.BASE_DIR / ".env", settings.BASE_DIR)
    owners = [place.stat().st_uid for place in places if place.exists()]
    return _name(next(filter(None, owners), 0))


def manage(arguments: str) -> str:
    home = installed()
    folder = settings.BASE_DIR if home is None else home / "current"
    as_whom = "" if _is_typed_by(account()) else f"sudo -u {account()} "
    return f"cd {_quote(folder)} && {as_whom}.venv/bin/python manage.py {arguments}"


def while_stopped(arguments: str) -> str:
    """Return how to run a command that the server must not run beside."""
    if installed() is None:
        return _("Stop the server with Ctrl+C, then: %(command)s") % {"command": manage(arguments)}
    return f"{service('stop')}; {manage(arguments)}; {service('start')}"


def collect_static() -> str:
    """Return how to collect the static files; those of a release are root's."""
    if installed() is None:
        return manage("prepare --no-port")
    python = by_root(".venv/bin/python manage.py collectstatic --no-input")
    return f"cd {_quote(settings.BASE_DIR)} && {python}"


def install_pillow() -> str:
    """Return how to have Pillow compiled, as the network has no wheel of it for this machine."""
    tools = by_root("apt install gcc python3-dev zlib1g-dev libjpeg-dev libwebp-dev liblcms2-dev")
    options = "--force-reinstall --no-cache-dir --constraint requirements.txt"
    install = f".venv/bin/python -m pip install {options} pillow"
    if installed() is not None:
        install = by_root(install)
    elif not _is_typed_by(account()):
        install = f"sudo -u {account()} {install}"
    return f"{tools} && cd {_quote(settings.BASE_DIR)} && {install}"


def start() -> str:
    if installed() is None:
        as_whom = "" if _is_typed_by(account()) else f"sudo -u {account()} "
        return f"cd {_quote(settings.BASE_DIR)} && {as_whom}sh deploy/run.sh"
    return f"{service('restart')}; journalctl -u webchat -n 50"


def service(verb: str) -> str:
    """Return the line for systemctl; the socket would start a stopped service again."""
    units = ["webchat.service"] if unix_socket() is None else ["webchat.socket", "webchat.service"]
    return by_root(f"systemctl {verb} {' '.join(units)}")


def by_root(command: str) -> str:
    return command if os.geteuid() == 0 else f"sudo {command}"


def by_owner(path: Path, command: str) -> str:
    """Return a command that only the owner of a file may give, or root, whom it stays with."""
    return command if _is_typed_by(_name(path.stat().st_uid)) else by_root(command)


def close(path: Path) -> str:
    return by_owner(path, f"chmod 600 {_quote(path)}")


def give(path: Path) -> str:
    return by_root(f"chown -R {account()}: {_quote(path)}")


def bring_back(name: str, folder: Path) -> str:
    """Return how to copy a file out of a backup, so that the server may read it afterwards."""
    as_whom = "" if _is_typed_by(account()) else f"sudo -u {account()} "
    return f"{as_whom}cp -n BACKUP/{folder.name}/{shlex.quote(name)} {_quote(folder)}/"


def open_up(paths: Iterable[Path]) -> str:
    """Return how to open the first of these files, or its folder, to its user; "" without any."""
    there = [each for path in paths for each in (path.parent, path) if path.exists()]
    if not there:
        return ""
    closed = next((each for each in there if not os.access(each, os.R_OK | os.W_OK)), there[1])
    opened = by_owner(closed, f"chmod u+rwX {_quote(closed)}")
    return f"{give(closed)} && {opened}"


def certificate(host: str) -> str:
    """Return how to get one that browsers believe; for a name only."""
    if _is_number(host):
        return _("Browsers believe a certificate for a name: give the site one in SITE_URL.")
    home = installed()
    if home is None or not OWN_SITE.exists():
        steps = "apt install certbot python3-certbot-nginx", f"certbot --nginx -d {host}"
        return " && ".join(map(by_root, steps))
    renewed = "--deploy-hook 'systemctl reload nginx'"  # which reads a certificate once
    ask = f"certbot certonly --webroot -w /var/www/html -d {host} {renewed}"
    steps = "apt install certbot", ask
    again = f"cd {_quote(home / 'current')} && " + by_root("sh deploy/install.sh")
    return " && ".join([*map(by_root, steps), again])


def _is_typed_by(name: str) -> bool:
    """Return whether the reader's shell belongs to that user.

    Nobody logs in as the user of an installed service: `sudo -u` has started us.
    """
    if os.geteuid() == 0:
        return name == "root"
    return installed() is None and name == _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"  # as sudo takes numbers


def _is_number(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
