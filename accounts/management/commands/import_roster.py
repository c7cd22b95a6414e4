from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.hashers import hash_all
from accounts.roster import (
    BYTES_AT_MOST,
    Newcomer,
    enrol,
    make_password,
    read_roster,
    site_address,
)
from webchat.base import commands

EXAMPLE = """\
class.csv, as Excel saves it, in UTF-8 or GBK:
  用户名,姓名,邮箱
  wangwei,王伟,wangwei@example.com
  lilei,李雷,

Example, first to see whether every line can be done, then in earnest:
  manage.py import_roster class.csv --dry-run
  manage.py import_roster class.csv --slips slips.html
"""


class Command(commands.Command):
    help = "Makes an account for each line of a list, with a first password on a slip of paper."
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the list, with the columns 用户名,姓名,邮箱")
        parser.add_argument("--dry-run", action="store_true", help="make nothing, only check")
        parser.add_argument(
            "--slips", type=Path, metavar="FILE", help="where to write the slips, to be printed"
        )
        parser.add_argument(
            "--address", help="of the chat, for the slips (default: SITE_URL, or this machine's)"
        )
        parser.add_argument(
            "--trust-mail", action="store_true", help="take mail addresses as verified"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slips: Path | None = options["slips"]
        try:
            with options["path"].open("rb") as file:
                people = read_roster(file.read(BYTES_AT_MOST + 1))
            if options["dry_run"]:
                self.stdout.write(f"{len(people)} accounts could be made. A dry run: none was.")
                return
            if slips is None:
                raise CommandError("--slips FILE is missing: without slips nobody could log in.")
            self._enrol(people, slips, options)
        except ValidationError as error:
            raise CommandError("\n".join([*error.messages, "No account was made."])) from None
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
            raise CommandError(f"{reason}. No account was made.") from None
        except KeyboardInterrupt:
            raise commands.StoppedError("Stopped; no account was made.") from None
        self.stdout.write(
            f"{len(people)} accounts made. Print {slips}, hand out the slips, then destroy it:\n"
            f"  shred -u {shlex.quote(str(slips))}"
        )

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
