"""The checks behind `manage.py doctor`: what is wrong with a server, and how to mend it.

A check looks at one thing, changes nothing, takes some seconds at the most and returns one
finding. No finding repeats a password or a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from webchat.base import failures

from . import data, files, machine, mail, site
from .finding import Finding, wrong

CHECKS: dict[str, Callable[[], Finding]] = {
    "settings": machine.check_settings,
    "env_file": machine.check_env_file,
    "secret_key": machine.check_secret_key,
    "files": machine.check_files,
    "disk": machine.check_disk,
    "descriptors": machine.check_descriptors,
    "sqlite": data.check_engine,
    "file_system": data.check_file_system,
    "database": data.check_database,
    "migrations": data.check_migrations,
    "clock": data.check_clock,
    "administrator": data.check_administrator,
    "backup": data.check_backup,
    "backup_files": data.check_backup_files,
    "nightly": data.check_nightly,
    "static_files": machine.check_static_files,
    "attachments": files.check_attachments,
    "pictures": machine.check_pictures,
    "server": site.check_server,
    "site_url": site.check_site_url,
    "static_site": site.check_static_site,
    "websocket": site.check_websocket,
    "mail": mail.check_mail,
}


def examine() -> Iterator[tuple[str, Finding]]:
    for name, check in CHECKS.items():
        try:
            yield name, check()
        except Exception as error:
            message = _("This could not be checked: %(reason)s")
            reason = failures.explain(error) or error
            yield name, wrong(message % {"reason": reason}, _("Look at the log of the server."))
