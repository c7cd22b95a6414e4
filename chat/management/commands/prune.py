from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import accounts.pruning
import chat.pruning
from chat.models.events import KEPT_FOR
from webchat.base import arguments, commands, failures
from webchat.base.progress import Progress
from webchat.base.pruning import Chore, CtrlC
from webchat.base.times import minute_with_zone
from webchat.database import backup, room
from webchat.database.connecting import own_file
from webchat.database.sizes import size

EXAMPLE = gettext_lazy("""\
Example, first to see what would go, then in earnest:
  manage.py prune --dry-run
  manage.py prune

Messages stay, unless they are to go after a year; without a terminal, as from a timer, with --yes:
  manage.py prune --messages-older-than 365
""")


class Command(commands.Command):
    help = gettext_lazy("Deletes what is over, a little at a time, while the server goes on.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("delete nothing, only count"))
        parser.add_argument(
            "--messages-older-than",
            # Anybody who was away for less gets the events that they missed.
            type=arguments.days(KEPT_FOR.days),
            metavar=_("DAYS"),
            help=_("delete messages that are older, too, for both sides (default: none)"),
        )
        parser.add_argument(
            "--yes", action="store_true", help=_("delete old messages without asking")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()  # also of the deletion, however long a question waits
        age: timedelta | None = options["messages_older_than"]
        if options["dry_run"]:
            found = {chore.label: chore.count() for chore in _chores(now, age)}
            self.stdout.write(_("Would be deleted: %(counts)s") % {"counts": _line(found)})
            return
        if age is not None and not options["yes"]:
            self._ask(now, age)
        self._prune(_chores(now, age))

    def _ask(self, now: datetime, age: timedelta) -> None:
        """Let somebody confirm the end of old messages, by their number; raises CommandError."""
        self.need_a_terminal()
        old = chat.pruning.survey_messages(now - age)
        if old.messages == 0:
            return
        question = _(
            "%(count)d messages of %(people)d people are older than %(days)d days, the oldest of"
            " %(oldest)s. Delete them for good, for both sides?"
        ) % {
            "count": old.messages,
            "people": old.people,
            "days": age.days,
            "oldest": minute_with_zone(old.oldest),
        }
        if not self.confirm(question):
            raise CommandError(_("Nothing was deleted."))

    def _prune(self, chores: list[Chore]) -> None:
        backup.clear_left()
        deleted: dict[str, int] = {}
        try:
            with CtrlC() as ctrl_c:
                self._work(chores, deleted, ctrl_c)
        except KeyboardInterrupt:
            raise commands.StoppedError(
                _("Stopped. Deleted until then: %(counts)s") % {"counts": _line(deleted)}
            ) from None
        except (OperationalError, OSError) as error:
            if not any(deleted.values()):
                raise
            reason = failures.explain(error) or f"{error}."
            message = _("%(reason)s Deleted until then: %(counts)s")
            facts = {"reason": reason, "counts": _line(deleted)}
            raise CommandError(message % facts) from error
        self.stdout.write(_("Deleted: %(counts)s") % {"counts": _line(deleted)})
        self._hint()

    def _hint(self) -> None:
        """Tell of much room in the file, which deleting by itself gives to nobody else."""
        found = room.measure(own_file())
        if found.is_worth_it:
            message = _(
                "%(free)s of the %(total)s in the database file are free: manage.py vacuum gives"
                " them back."
            )
            facts = {"free": size(found.free), "total": size(found.total)}
            self.stdout.write(message % facts)

    def _work(self, chores: Iterable[Chore], deleted: dict[str, int], ctrl_c: CtrlC) -> None:
        for chore in chores:
            ctrl_c.check()
            deleted[chore.label] = 0
            with (
                Progress(self.stdout, chore.label, chore.count()) as progress,
                closing(chore.work()) as batches,
            ):
                for count in batches:
                    deleted[chore.label] += count
                    progress.step(count)
                    ctrl_c.check()


def _chores(now: datetime, messages_older_than: timedelta | None) -> list[Chore]:
    chores = chat.pruning.chores(now) + accounts.pruning.chores(now)
    if messages_older_than is not None:
        chores.append(chat.pruning.messages_chore(now - messages_older_than))
    return chores


def _line(counts: dict[str, int]) -> str:
    return ", ".join(f"{label} {count}" for label, count in counts.items())
