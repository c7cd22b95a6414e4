from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat import backup_places, disks
from webchat.backup_doubts import doubts
from webchat.base import commands, failures
from webchat.base.progress import Progress
from webchat.base.times import minute_with_zone
from webchat.database import backup
from webchat.database.packing import notes_of
from webchat.database.sizes import size
from webchat.database.steps import Step
from webchat.database.trouble import DriverError

Write = Callable[[Path, Step], Path]

EXAMPLE = gettext_lazy("""\
Example, to a disk that is plugged in, where the newest 14 are kept:
  manage.py backup --to /mnt/usb --keep 14
""")
KEEP_AT_MOST = 10_000  # 27 years of nights


class Command(commands.Command):
    help = gettext_lazy("Writes a backup of everything, while the server goes on.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument(
            "folder",
            nargs="?",
            type=Path,
            help=_("where to; made if it is missing (default: backups/ in DATA_DIR)"),
        )
        where.add_argument(
            "--to",
            type=Path,
            metavar=_("FOLDER"),
            help=_("where to, on another disk: it must be there and mounted"),
        )
        parser.add_argument(
            "--keep",
            type=commands.number(1, KEEP_AT_MOST),
            metavar="N",
            help=_("delete all but the newest N there"),
        )
        parser.add_argument(
            "--one-file",
            action="store_true",
            help=_("write one file however large it gets, as to carry it elsewhere"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder, keep = options["to"] or options["folder"] or backup.own_folder(), options["keep"]
        backup.clear_left()
        write: Write = backup.write_backup
        if options["one_file"]:
            write = partial(backup.write_backup, in_one_file=True)
        path = self._write(write, folder, keep, is_other_disk=options["to"] is not None)
        now = minute_with_zone(timezone.now())
        self.stdout.write(f"{path} {size(backup.bytes_of([path]))}, {now}")
        self._warn(path)
        self._tell_gone(backup.keep_newest(folder, keep, written=path) if keep else ())
        for each in filter(backup.is_of_the_future, backup.backups_in(folder)):
            warning = _("Dated in the future, so a clock was wrong: %(name)s")
            self.stderr.write(warning % {"name": each.name})
        if path.stat().st_mode & 0o077:  # a file system without owners, as on most sticks
            warning = _("Others on this machine can read %(path)s, which holds all messages.")
            self.stderr.write(warning % {"path": path})

    def _write(self, write: Write, folder: Path, keep: int | None, *, is_other_disk: bool) -> Path:
        try:
            if is_other_disk and (advice := disks.check_other_disk(folder)):
                self.stderr.write(advice)
            if keep and folder.is_dir():
                self._tell_gone(backup.make_room(folder, keep))
            if folder.is_dir():  # beforehand: a kill may leave a copy there
                self._note(folder, is_complete=False)
            with Progress(self.stdout, _("Backup"), backup.bytes_to_read(folder)) as progress:
                path = write(folder, progress.step)
            self._note(folder, is_complete=True)
            return path
        except (OSError, DriverError) as error:
            message = _("The backup could not be written: %(reason)s")
            reason = failures.explain(error, at=folder) or error
            raise CommandError(message % {"reason": reason}) from error

    def _warn(self, path: Path) -> None:
        """Tell what the backup has found out about files; doctor tells it again."""
        for line in doubts(path):
            self.stderr.write(line)
        if path.is_dir() and notes_of(path).links_refused:
            self.stderr.write(
                _("The disk of %(path)s shares no files between backups: each takes all its room.")
                % {"path": path.parent}
            )

    def _note(self, folder: Path, *, is_complete: bool) -> None:
        """Remember the place for verify_deletion; a backup is made even if that fails."""
        try:
            backup_places.note_place(folder, is_complete=is_complete)
        except OSError as error:
            self.stderr.write(str(failures.explain(error, at=settings.DATA_DIR) or error))

    def _tell_gone(self, gone: Iterable[Path]) -> None:
        for path in gone:
            self.stdout.write(_("Deleted: %(name)s") % {"name": path.name})
