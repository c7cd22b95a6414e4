from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import remains, traces
from accounts.models import User
from webchat.base import commands
from webchat.base.times import minute


class Command(commands.Command):
    """A command that fails if it finds anything that should be gone."""

    help = "Searches the database and its files for an account that was deleted, by its name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--text",
            action="append",
            default=[],
            metavar="TEXT",
            help="words that were deleted, too: no file may hold them; as often as needed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        if User.objects.named(username).exists():
            raise CommandError(f"{username} has an account.")
        left = traces.find_orphans() + traces.find_lost_files()
        kept = [*traces.list_kept(username), *remains.list_copies()]
        for trace in traces.find_traces(username):
            if reason := traces.explain(trace):
                kept.append(traces.Kept(f"{trace}: {reason.what}", reason.until))
            else:
                left.append(str(trace))
        left += remains.find_in_files(username, options["text"])
        for each in kept:
            self.stdout.write(f"kept {_until(each)}: {each.what}")
        for line in left:
            self.stderr.write(f"LEFT: {line}")
        if left:
            raise CommandError(f"{len(left)} traces of {username} are left.")
        self.stdout.write(self.style.SUCCESS(f"Nothing else is left of {username}."))


def _until(kept: traces.Kept) -> str:
    if kept.until is None:
        return "for good"
    return f"until {minute(kept.until)}"
