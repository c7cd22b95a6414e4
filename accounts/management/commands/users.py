from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import listing
from accounts.models import User, UserQuerySet
from webchat.base import arguments, commands
from webchat.base.telling import tell

EXAMPLE = gettext_lazy("""\
Examples: who was not here for half a year, and everybody as a table for Excel:
  manage.py users --not-seen-for 180
  manage.py users --csv users.csv
""")


class Command(commands.Command):
    help = gettext_lazy("Lists the accounts by name; several filters hold together.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "word",
            nargs="?",
            metavar=_("WORD"),
            help=_("only those with this in their name or address"),
        )
        parser.add_argument(
            "--not-seen-for",
            type=arguments.days(1),
            metavar=_("DAYS"),
            help=_("only those who were not here for so many days"),
        )
        parser.add_argument(
            "--seen-before",
            type=arguments.day,
            metavar=_("DATE"),
            help=_("only those who were not here since that day, like 2026-09-01"),
        )
        parser.add_argument(
            "--seen-after",
            type=arguments.day,
            metavar=_("DATE"),
            help=_("only those who were here on that day or later"),
        )
        for name, words in (
            ("--unverified", _("only those who wait for the code of their mail")),
            ("--banned", _("only those who are banned")),
            ("--muted", _("only those who are muted")),
            ("--staff", _("only the staff")),
        ):
            parser.add_argument(name, action="store_true", help=words)
        form = parser.add_mutually_exclusive_group()
        form.add_argument(
            "--csv",
            nargs="?",
            const="-",
            metavar=_("FILE"),
            help=_("as a table for Excel, into a new file or to the output"),
        )
        form.add_argument("--json", action="store_true", help=_("as a list of objects for scripts"))

    def handle(self, *args: Any, **options: Any) -> None:
        users = _chosen(options)
        if options["csv"] == "-":
            self._tell(listing.as_csv(users), ending="")
        elif options["csv"]:
            self._save(users, Path(options["csv"]))
        else:
            self._tell((listing.as_json if options["json"] else listing.as_table)(users))

    def _save(self, users: UserQuerySet, path: Path) -> None:
        with path.open("x", encoding="utf-8", newline="") as file:
            try:
                file.writelines(listing.as_csv(users))
                file.flush()
            except BaseException as error:  # half a table looks like a whole one
                path.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    error.filename = error.filename or str(path)
                raise
        self.stdout.write(_("Written: %(path)s") % {"path": path})

    def _tell(self, lines: Iterable[str], ending: str = "\n") -> None:
        all(tell(self.stdout, line, ending) for line in lines)


def _chosen(options: dict[str, Any]) -> UserQuerySet:
    users = User.objects.with_last_seen()
    if options["word"]:
        users = users.matching(options["word"])
    if options["not_seen_for"]:
        users = users.seen_before(timezone.now() - options["not_seen_for"])
    if options["seen_before"]:
        users = users.seen_before(options["seen_before"])
    if options["seen_after"]:
        users = users.seen_since(options["seen_after"])
    if options["unverified"]:
        users = users.exclude(unverified_since=None)
    if options["banned"]:
        users = users.banned()
    if options["muted"]:
        users = users.muted()
    return users.staff() if options["staff"] else users
