from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat.base import commands, failures
from webchat.base.progress import Progress
from webchat.base.telling import tell
from webchat.database import backup
from webchat.database.archive import UnusableError
from webchat.database.trouble import DriverError

EXAMPLE = gettext_lazy("""\
Example, with the server stopped; a backup of many files is a folder:
  manage.py restore data/backups/webchat-20261123-033000Z.tar.gz
  manage.py restore data/backups/webchat-20261123-033000Z
""")


class Command(commands.Command):
    help = gettext_lazy("Puts a backup in the place of the data, which is kept beside it.")
    requires_system_checks = []
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("a backup of this program"))

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"]
        backup.clear_left()
        try:
            with ExitStack() as reading:
                progress = Progress(self.stdout, _("Reading"), backup.bytes_of([file]))
                reading.enter_context(progress)

                def go_on() -> None:
                    reading.close()
                    tell(self.stdout, _("Checking it, and bringing it up to date …"))

                kept = backup.restore(file, progress.step, go_on)
        except (UnusableError, OSError, DatabaseError, DriverError) as error:
            message = _("Nothing was restored. %(reason)s")
            reason = failures.explain(error, at=settings.DATA_DIR) or error
            notes = getattr(error, "__notes__", [])
            raise CommandError("\n".join([message % {"reason": reason}, *notes])) from error
        self.stdout.write(_("Restored. Everybody has to log in again."))
        if kept is not None:
            self.stdout.write(_("What stood there before: %(path)s") % {"path": kept})
