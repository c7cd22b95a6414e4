from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import pictures
from accounts.models import User
from webchat.base import commands
from webchat.base.progress import Progress

EXAMPLE = gettext_lazy("""\
photos/ has a picture of each, by user name: wangwei.jpg, lilei.png

Example, first to see whose pictures they are, then in earnest:
  manage.py import_pictures photos --dry-run
  manage.py import_pictures photos
""")


class Command(commands.Command):
    help = gettext_lazy("Gives people their profile pictures, out of a folder.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder",
            type=Path,
            metavar=_("FOLDER"),
            help=_("pictures by user name: NAME.jpg, .png or .webp"),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("change nothing, only check"))
        parser.add_argument(
            "--replace", action="store_true", help=_("also of those who have a picture already")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        users = {user.username_key: user for user in User.objects.all()}
        try:
            folder = pictures.look_through(options["folder"])
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from None
        kept: list[str] = []
        if not options["replace"]:
            kept = [key for key in folder.pictures if key in users and users[key].face]
        wanted = {key: path for key, path in folder.pictures.items() if key not in kept}
        is_trial = options["dry_run"]
        people = {key: None if is_trial else user for key, user in users.items()}
        with Progress(self.stdout, _("Pictures"), len(wanted)) as progress:
            report = pictures.hand_out(folder._replace(pictures=wanted), people, progress.step)
        self.stdout.write(pictures.sum_up(report, is_trial=is_trial))
        if kept:
            words = _("%(count)d have a picture already and keep it (--replace changes that).")
            self.stdout.write(words % {"count": len(kept)})
