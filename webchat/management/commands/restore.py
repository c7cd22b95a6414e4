from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from webchat.base import commands
from webchat.database import backup
from webchat.database.archive import UnusableError

EXAMPLE = """\
Example, with the server stopped:
  manage.py restore data/backups/webchat-20261123-033000.tar.gz
"""


class Command(commands.Command):
    help = "Puts a backup in the place of the data; what stood there is kept beside it."
    requires_system_checks = []
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kept = backup.restore(options["file"])
        except (UnusableError, OSError) as error:
            message = _("Nothing was restored. %(reason)s")
            raise CommandError(message % {"reason": error}) from error
        self.stdout.write(_("Restored. Everybody has to log in again."))
        if kept is not None:
            self.stdout.write(_("What stood there before: %(path)s") % {"path": kept})
