from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import pictures
from accounts.hashers import hash_all
from accounts.models import User
from accounts.names import username_key
from accounts.pictures import Folder
from accounts.roster import (
    BYTES_AT_MOST,
    Newcomer,
    enrol,
    make_password,
    read_roster,
    site_address,
)
from webchat.base import commands, failures
from webchat.base.progress import Progress

EXAMPLE = gettext_lazy("""\
class.csv, as Excel saves it, in UTF-8 or GBK:
  用户名,姓名,邮箱
  wangwei,王伟,wangwei@example.com
  lilei,李雷,

Example, first to see whether every line can be done, then in earnest:
  manage.py import_roster class.csv --dry-run
  manage.py import_roster class.csv --slips slips.html

With their profile pictures, photos/wangwei.jpg, photos/lilei.png and so on:
  manage.py import_roster class.csv --slips slips.html --pictures photos
""")
NONE_MADE = gettext_lazy("No account was made.")


class Command(commands.Command):
    help = gettext_lazy(
        "Makes an account for each line of a list, with a first password on a slip of paper."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path",
            type=Path,
            metavar=_("FILE"),
            help=_("the list, with the columns 用户名,姓名,邮箱"),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("make nothing, only check"))
        parser.add_argument(
            "--slips",
            type=Path,
            metavar=_("FILE"),
            help=_("where to write the slips, to be printed"),
        )
        parser.add_argument(
            "--address",
            metavar=_("ADDRESS"),
            help=_("of the chat, for the slips (default: SITE_URL, or this machine's)"),
        )
        parser.add_argument(
            "--pictures",
            type=Path,
            metavar=_("FOLDER"),
            help=_("of profile pictures by user name: NAME.jpg, .png or .webp"),
        )
        parser.add_argument(
            "--trust-mail", action="store_true", help=_("take mail addresses as verified")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slips: Path | None = options["slips"]
        try:
            with options["path"].open("rb") as file:
                people = read_roster(file.read(BYTES_AT_MOST + 1))
            folder = None
            if options["pictures"] is not None:
                folder = pictures.look_through(options["pictures"])
            if options["dry_run"]:
                words = _("%(count)d accounts could be made. A dry run: none was.")
                self.stdout.write(words % {"count": len(people)})
                self._hand_out(folder, people, is_trial=True)
                return
            if slips is None:
                raise CommandError(_("--slips FILE is missing: without slips nobody could log in."))
            self._enrol(people, slips, options)
        except ValidationError as error:
            raise CommandError("\n".join([*error.messages, str(NONE_MADE)])) from None
        except OSError as error:
            reason = failures.explain(error) or error
            raise CommandError(f"{reason}\n{NONE_MADE}") from None
        except KeyboardInterrupt:
            raise commands.StoppedError(_("Stopped; no account was made.")) from None
        words = _(
            "%(count)d accounts made. Print %(path)s, hand out the slips, then destroy it:\n"
            "  %(line)s"
        )
        line = shlex.join(["shred", "-u", str(slips)])
        self.stdout.write(words % {"count": len(people), "path": slips, "line": line})
        self._hand_out(folder, people, is_trial=False)

    def _enrol(self, people: list[Newcomer], slips: Path, options: dict[str, Any]) -> None:
        passwords = {person.username: make_password() for person in people}
        hashed = hash_all(list(passwords.values()), self.stdout)
        enrol(
            people=people,
            passwords=passwords,
            hashes=dict(zip(passwords, hashed, strict=True)),
            slips=slips,
            address=options["address"] or site_address(),
            trust_mail=options["trust_mail"],
        )

    def _hand_out(self, folder: Folder | None, people: list[Newcomer], *, is_trial: bool) -> None:
        """Give the new accounts their pictures; whatever is wrong with one, they exist already."""
        if folder is None:
            return
        keys = [username_key(person.username) for person in people]
        users: dict[str, User | None] = dict.fromkeys(keys)
        if not is_trial:
            users = {key: User.objects.get(username_key=key) for key in keys}
        with Progress(self.stdout, _("Pictures"), len(folder.pictures)) as progress:
            report = pictures.hand_out(folder, users, progress.step)
        self.stdout.write(pictures.sum_up(report, is_trial=is_trial))
