from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import remains, traces
from accounts.models import User
from accounts.names import NOBODY, username_key
from webchat.base import commands
from webchat.base.progress import Progress
from webchat.base.times import minute_with_zone

EXAMPLE = gettext_lazy("""\
Example, also for words that were in the account's messages:
  manage.py verify_deletion wangwei
  manage.py verify_deletion wangwei --text "..." --text "..."
""")


class Command(commands.Command):
    """A command that fails if it finds anything that should be gone."""

    help = gettext_lazy(
        "Searches the database and all files in DATA_DIR for an account that was deleted."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar=_("USERNAME"), help=_("its user name"))
        parser.add_argument(
            "--text",
            action="append",
            default=[],
            metavar=_("TEXT"),
            help=_("words that were deleted, too: no file may hold them; as often as needed"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, texts = options["username"], options["text"]
        if username_key(username) in ("", NOBODY):
            raise CommandError(_("No account can have been called that."))
        if User.objects.named(username).exists():
            raise CommandError(_("%(name)s has an account.") % {"name": username})
        left = traces.find_orphans() + traces.find_lost_files()
        kept = [*traces.list_kept(username), *self._list_copies(username, texts)]
        for trace in self._find_traces(username):
            if reason := traces.explain(trace):
                kept.append(traces.Kept(remains.about(str(trace), reason.what), reason.until))
            else:
                left.append(str(trace))
        with Progress(self.stdout, _("Files"), remains.count_files()) as progress:
            left += remains.find_in_files(username, texts, progress.step)
        self._tell(username, kept, left)

    def _list_copies(self, username: str, texts: list[str]) -> Iterable[traces.Kept]:
        with Progress(self.stdout, _("Backups"), remains.count_copies()) as progress:
            yield from remains.list_copies(username, texts, progress.step)

    def _find_traces(self, username: str) -> Iterable[traces.Trace]:
        with Progress(self.stdout, _("Database"), traces.count_rows()) as progress:
            yield from traces.find_traces(username, progress.step)

    def _tell(self, username: str, kept: list[traces.Kept], left: list[str]) -> None:
        for each in kept:
            self.stdout.write(_kept(each))
        for line in left:
            self.stderr.write(_("LEFT: %(what)s") % {"what": line})
        if left:
            facts = {"count": len(left), "name": username}
            raise CommandError(_("%(count)d traces of %(name)s are left.") % facts)
        words = _("Nothing else is left of %(name)s.") % {"name": username}
        self.stdout.write(self.style.SUCCESS(words))


def _kept(kept: traces.Kept) -> str:
    if kept.until is None:
        return _("kept for good: %(what)s") % {"what": kept.what}
    facts = {"what": kept.what, "until": minute_with_zone(kept.until)}
    return _("kept until %(until)s: %(what)s") % facts
