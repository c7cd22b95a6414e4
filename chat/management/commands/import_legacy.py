from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.legacy.importing import Options, import_tree
from chat.legacy.reading import find_root
from chat.legacy.report import Report
from chat.models.files import attachments_folder
from webchat.base import commands, failures
from webchat.base.telling import tell

EXAMPLE = gettext_lazy("""\
Example, first to see what would happen, then in earnest:
  manage.py import_legacy /srv/old-chat/data --dry-run
  manage.py import_legacy /srv/old-chat/data --rename "Li Lei=李雷" --report import.json
""")


class Command(commands.Command):
    help = gettext_lazy("Brings over the data of the earlier Flask program: all of it, or nothing.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help=_("the data/ folder with users/ in it"))
        parser.add_argument("--dry-run", action="store_true", help=_("write nothing, only report"))
        parser.add_argument(
            "--timezone",
            type=_zone,
            default="Asia/Shanghai",
            help=_("of the times that V2.2 wrote without one (default: %(zone)s)")
            % {"zone": "Asia/Shanghai"},
        )
        parser.add_argument(
            "--rename",
            action="append",
            type=_rename,
            default=[],
            metavar="OLD=NEW",
            help=_("what to call somebody whose name is not possible here; as often as needed"),
        )
        parser.add_argument(
            "--trust-mail", action="store_true", help=_("take mail addresses as verified")
        )
        parser.add_argument(
            "--tree",
            default="",
            metavar="NAME",
            help=_("tells another old program, whose people have the same names, from the first"),
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help=_("write the report as JSON, too")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.getfilesystemencoding() != "utf-8":
            message = _("The old files have names in UTF-8: set LC_ALL=C.UTF-8 for this command.")
            raise CommandError(message)
        try:
            root = find_root(options["path"])
        except OSError as error:  # a folder on the way that cannot be entered
            raise _nothing(error, options["path"]) from None
        if root is None:
            message = _("%(path)s has no users/ in it.") % {"path": options["path"]}
            raise CommandError(message)
        if options["report"]:
            _write(options["report"], "")  # better to fail now than after the import
        report = self._import(root, _options(options))
        try:
            self._tell(report, is_dry=options["dry_run"])
        finally:
            # This must be known, whatever becomes of the report.
            self._say(_dry() if options["dry_run"] else self.style.WARNING(_advice(root)))
        if options["report"]:
            content = json.dumps(report.as_json(), ensure_ascii=False, indent=2)
            _write(options["report"], content + "\n", _("The import itself is done.") + " ")

    def _import(self, root: Path, options: Options) -> Report:
        try:
            return import_tree(root, options, self.stdout)
        except (OSError, OperationalError) as error:
            raise _nothing(error, attachments_folder()) from None
        except KeyboardInterrupt:
            raise commands.StoppedError(_("Stopped; nothing was imported.")) from None

    def _tell(self, report: Report, *, is_dry: bool) -> None:
        all(tell(self.stdout, line) for line in report.lines(is_dry=is_dry))

    def _say(self, words: str) -> None:
        """Print to whichever of stdout and stderr is still open."""
        if not tell(self.stdout, words):
            tell(self.stderr, words)


def _nothing(error: Exception, at: Path) -> CommandError:
    reason = failures.explain(error, at)
    if reason is None:
        raise error
    return CommandError(_("Nothing was imported. %(reason)s") % {"reason": reason})


def _dry() -> str:
    return _("A dry run: nothing was written.")


def _advice(root: Path) -> str:
    users = root.resolve() / "users"
    words = _(
        "%(folder)s still holds every password in plain text. When people have logged in here,"
        " destroy it and all copies of it:"
    ) % {"folder": users}
    return f"{words}\n  find {shlex.quote(str(users))} -type f -exec shred -u {{}} +"


def _options(options: dict[str, Any]) -> Options:
    renames = dict(options["rename"])
    if len(renames) < len(options["rename"]):
        raise CommandError(_("--rename names somebody twice."))
    return Options(
        zone=options["timezone"],
        renames=renames,
        trust_mail=options["trust_mail"],
        is_dry=options["dry_run"],
        tree=options["tree"],
    )


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentTypeError(_("there is no zone %(key)s") % {"key": key}) from None


def _rename(value: str) -> tuple[str, str]:
    old, sign, new = value.partition("=")
    if not (old and sign and new):
        raise ArgumentTypeError(_("%(value)s should be OLD=NEW") % {"value": value})
    return old, new


def _write(path: Path, content: str, before: str = "") -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        reason = failures.explain(error, path)
        if reason is None:
            raise
        raise CommandError(f"{before}{reason}") from None
