from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat import export_all
from webchat.base import commands
from webchat.base.progress import Progress
from webchat.database import sizes

EXAMPLE = gettext_lazy("""\
Examples: at the end of a term, and to go on after the disk was full:
  manage.py export_all /mnt/usb/chats-2026
  manage.py export_all /mnt/usb/chats-2026 --resume
""")


class Command(commands.Command):
    help = gettext_lazy(
        "Writes everybody's chats into a new folder, a zip of pages and texts for each person."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", type=Path, metavar=_("FOLDER"), help=_("a new or empty folder")
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help=_("go on with what an earlier run has begun there"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        done = export_all.begin(folder, goes_on=options["resume"])
        if export_all.is_open_to_others(folder):
            self.stderr.write(
                _("Other users of this machine can read %(path)s.") % {"path": folder}
            )
        number, size = 0, 0
        try:
            total = export_all.everybody().count()
            with Progress(self.stdout, _("Exports"), total) as progress:
                for written in export_all.write_all(folder, done, progress.step):
                    number, size = number + bool(written), size + (written.size if written else 0)
        except BaseException:
            self._tell_part(folder, number + len(done))
            raise
        self._tell(folder, number, len(done), size)

    def _tell_part(self, folder: Path, number: int) -> None:
        words = _("Complete until then: %(count)d, listed in %(path)s. To go on: --resume")
        self.stderr.write(words % {"count": number, "path": folder / export_all.LIST})

    def _tell(self, folder: Path, number: int, before: int, size: int) -> None:
        room = sizes.size(size)
        facts = {"count": number, "before": before, "size": room, "path": folder}
        words = _("Written: %(count)d zips, %(size)s.")
        if before:
            words = _("Written: %(count)d zips, %(size)s; there already: %(before)d.")
        self.stdout.write(words % facts)
        self.stdout.write(
            _(
                "%(path)s now holds everybody's messages and files, as each can see them, in plain"
                " text. Keep it where only you can read it."
            )
            % facts
        )
