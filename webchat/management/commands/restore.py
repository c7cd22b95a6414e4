from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from webchat.database import backup

EXAMPLE = """\
Example, with the server stopped:
  manage.py restore data/backups/webchat-20261123-033000.tar.gz
"""


class Command(BaseCommand):
    help = "Puts a backup in the place of the data; what stood there is kept beside it."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=EXAMPLE, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kept = backup.restore(options["file"])
        except (backup.UnusableError, OSError) as error:
            message = _("Nothing was restored. %(reason)s")
            raise CommandError(message % {"reason": error}) from error
        self.stdout.write(_("Restored. Everybody has to log in again."))
        if kept is not None:
            self.stdout.write(_("What stood there before: %(path)s") % {"path": kept})
