from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from webchat.base import commands, failures
from webchat.database import backup

EXAMPLE = """\
Example, into /mnt/usb, where the newest 14 are kept:
  manage.py backup /mnt/usb --keep 14
"""


class Command(commands.Command):
    help = "Writes a backup of everything into one file, while the server goes on."
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", nargs="?", type=Path, help="where to (default: backups/ in DATA_DIR)"
        )
        parser.add_argument("--keep", type=int, metavar="N", help="delete all but the newest N")

    def handle(self, *args: Any, **options: Any) -> None:
        keep = options["keep"]
        if keep is not None and keep < 1:
            raise CommandError(_("--keep must be at least 1."))
        folder = options["folder"] or backup.own_folder()
        try:
            path = backup.write_backup(folder)
        except OSError as error:
            message = _("The backup could not be written: %(reason)s")
            reason = failures.explain(error) or error
            raise CommandError(message % {"reason": reason}) from error
        self.stdout.write(f"{path} {filesizeformat(path.stat().st_size)}")
        for gone in backup.keep_newest(folder, keep, written=path) if keep else ():
            self.stdout.write(_("Deleted: %(name)s") % {"name": gone.name})
        for each in filter(backup.is_of_the_future, backup.backups_in(folder)):
            warning = _("Dated in the future, so a clock was wrong: %(name)s")
            self.stderr.write(warning % {"name": each.name})
