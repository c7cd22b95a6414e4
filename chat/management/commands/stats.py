from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.statistics import COUNTS, Count, Files, Statistics, collect
from webchat.base import commands
from webchat.base.progress import Progress
from webchat.base.tables import pad, width
from webchat.base.times import minute_with_zone
from webchat.database.sizes import size

EXAMPLE = gettext_lazy("""\
Example, for a script that draws a curve:
  manage.py stats --json
""")


class Command(commands.Command):
    help = gettext_lazy("Prints how many people and messages there are, and the room they take.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("print an object for scripts"))

    def handle(self, *args: Any, **options: Any) -> None:
        # Where nobody waits at a terminal, a line on stderr would be a mail of cron.
        total = COUNTS if self.stderr.isatty() else 0
        with Progress(self.stderr, _("Counting"), total) as progress:
            found = collect(progress.step)
        if options["json"]:
            self.stdout.write(json.dumps(_facts(found), indent=1))
            return
        rows = list(_rows(found))
        columns = max(width(label) for label, _value in rows)
        for label, value in rows:
            self.stdout.write(f"{pad(label, columns)}  {value}".rstrip())


def _rows(found: Statistics) -> Iterator[tuple[str, str]]:
    yield _("As of"), minute_with_zone(found.at)
    yield _("Accounts in use"), _number(found.people)
    yield _("… of them staff"), _number(found.staff)
    yield _("… here today"), _number(found.active_today)
    yield _("… in 7 days"), _number(found.active_7_days)
    yield _("… in 30 days"), _number(found.active_30_days)
    yield _("Newcomers not verified"), _number(found.waiting_newcomers)
    yield _("Banned"), _number(found.banned)
    yield _("Chats"), _number(found.conversations)
    yield _("Messages"), _number(found.messages)
    for day, count in found.messages_by_day.items():
        yield f"… {day:%Y-%m-%d}", _number(count)
    yield _("Open reports"), _number(found.open_reports)
    yield _("Files in messages"), f"{_number(found.files)}, {size(found.files_bytes)}"
    for day, files in found.files_by_day.items():
        yield f"… {day:%Y-%m-%d}", _of_day(files)
    yield _("Database"), size(found.database_bytes)
    yield _("… of it free for new data"), size(found.free_bytes_in_database)
    yield _("Backups"), f"{_number(found.backups)}, {size(found.backups_bytes)}"
    yield _("Free on the disk"), size(found.disk_free_bytes)


def _number(count: Count) -> str:
    if count is None:
        return _("too many to count now")
    return number_format(count, force_grouping=True)


def _of_day(files: Files | None) -> str:
    return f"{_number(files.number)}, {size(files.bytes)}" if files else _number(None)


def _facts(found: Statistics) -> dict[str, Any]:
    facts = asdict(found)
    for name in ("messages_by_day", "files_by_day"):
        facts[name] = {f"{day:%Y-%m-%d}": count for day, count in facts[name].items()}
    return facts | {"at": _moment(found.at)}


def _moment(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")
