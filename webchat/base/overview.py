"""The list of all commands, as `manage.py` without one shows it."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import ManagementUtility, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from . import failures

SHOWN = 40  # characters of a command that there is not


class Utility(ManagementUtility):
    """Django's own, in the reader's language and with a line on each command of ours."""

    def main_help_text(self, commands_only: bool = False) -> str:
        if commands_only:
            return super().main_help_text(commands_only)
        known = get_commands()
        ours = sorted(name for name, app in known.items() if _is_ours(app))
        width = max(map(len, ours), default=0)
        helps = {name: str(load_command_class(known[name], name).help) for name in ours}
        lines = [f"  {name.ljust(width)}  {words}" for name, words in helps.items()]
        others = ", ".join(sorted(known.keys() - helps.keys()))
        return "\n".join([
            _("A command's own help: manage.py COMMAND --help"),
            "", *lines, "",
            _("Django's own: %(names)s") % {"names": others},
        ])  # fmt: skip

    def fetch_command(self, subcommand: str) -> BaseCommand:
        if subcommand not in (known := get_commands()):
            words = _("There is no command “%(name)s”.") % {"name": subcommand[:SHOWN]}
            if near := get_close_matches(subcommand[:SHOWN], known, n=1):
                words += " " + _("Did you mean %(name)s?") % {"name": near[0]}
            failures.end(CommandError(words))
        return super().fetch_command(subcommand)


def run() -> None:
    Utility(sys.argv).execute()


def _is_ours(app: str) -> bool:
    """Return whether an app lies beside manage.py, where packages in .venv do not."""
    configs = (config for config in apps.get_app_configs() if config.name == app)
    return any(Path(config.path).parent == settings.BASE_DIR for config in configs)
