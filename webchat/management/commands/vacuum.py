from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat.base import commands
from webchat.base.progress import Progress
from webchat.base.pruning import CtrlC
from webchat.database import locks, room
from webchat.database.sizes import size

EXAMPLE = gettext_lazy("""\
Example, first to see how much it would give back, then in earnest:
  manage.py vacuum --dry-run
  manage.py vacuum
""")
NOTICED_SECONDS = 1.0  # for which nobody minds that the chat does not take a message


class Command(commands.Command):
    help = gettext_lazy("Makes the file of the database smaller by the room that is free in it.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=_("change nothing, only measure")
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help=_("also while the server runs, though nobody can write meanwhile"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = settings.DATABASE_FILE
        file.stat()  # or measuring would make an empty one
        found = room.measure(file)
        sizes = {"total": size(found.total), "free": size(found.free)}
        self.stdout.write(_("The database has %(total)s, of which %(free)s are free.") % sizes)
        if not found.free and found.in_steps:
            return
        if not found.in_steps:
            self._say_how_long(found)
        if options["dry_run"]:
            return
        connections.close_all()
        if found.in_steps:
            self._give_back(file, found)
        else:
            self._rebuild(file, found, is_sure=options["yes"])
        left = {"total": size(file.stat().st_size)}
        self.stdout.write(_("Done: the file has %(total)s now.") % left)

    def _say_how_long(self, found: room.Room) -> None:
        message = _(
            "The first time the file is written again as a whole. Nobody can write meanwhile, for"
            " about %(seconds)d s; later times hold up nobody."
        )
        self.stdout.write(message % {"seconds": max(1, round(found.seconds))})

    def _give_back(self, file: Path, found: room.Room) -> None:
        with CtrlC() as ctrl_c, Progress(self.stdout, _("Given back"), found.free) as progress:
            for count in room.give_back(file):
                progress.step(count)
                ctrl_c.check()

    def _rebuild(self, file: Path, found: room.Room, *, is_sure: bool) -> None:
        room.check_room(file)
        if is_sure or found.seconds < NOTICED_SECONDS:
            self._write_again(file, found)
            return
        try:
            with locks.take(locks.serving_lock(), seconds=0):
                self._write_again(file, found)
        except locks.HeldError:
            raise CommandError(
                _("The server is running: stop it first, or say --yes, and nobody can write.")
            ) from None

    def _write_again(self, file: Path, found: room.Room) -> None:
        """Show the seconds that have passed, of about as many as it takes: SQLite tells no more."""
        began, shown = time.monotonic(), 0
        with (
            CtrlC() as ctrl_c,
            Progress(self.stdout, _("Seconds"), round(found.seconds)) as progress,
        ):

            def beat() -> None:
                nonlocal shown
                passed = int(time.monotonic() - began)
                progress.step(passed - shown)
                shown = passed
                ctrl_c.check()

            room.rebuild(file, beat)
