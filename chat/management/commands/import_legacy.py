from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from chat.legacy.importing import Options, import_tree
from chat.legacy.reading import find_root
from chat.legacy.report import Report
from webchat.base import commands
from webchat.base.telling import tell

EXAMPLE = """\
Example, first to see what would happen, then in earnest:
  manage.py import_legacy /srv/old-chat/data --dry-run
  manage.py import_legacy /srv/old-chat/data --rename "Li Lei=李雷" --report import.json
"""
DRY = "A dry run: nothing was written."


class Command(commands.Command):
    help = "Brings over the data of the earlier Flask program, all of it in one transaction."
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the data/ folder with users/ in it")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, only report")
        parser.add_argument(
            "--timezone",
            type=_zone,
            default="Asia/Shanghai",
            help="of the times that V2.2 wrote without one (default: %(default)s)",
        )
        parser.add_argument(
            "--rename",
            action="append",
            type=_rename,
            default=[],
            metavar="OLD=NEW",
            help="what to call somebody whose name is not possible here; as often as needed",
        )
        parser.add_argument(
            "--trust-mail", action="store_true", help="take mail addresses as verified"
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="write the report as JSON, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.getfilesystemencoding() != "utf-8":
            message = "The old files have names in UTF-8: set LC_ALL=C.UTF-8 for this command."
            raise CommandError(message)
        root = find_root(options["path"])
        if root is None:
            raise CommandError(f"{options['path']} has no users/ in it.")
        if options["report"]:
            _write(options["report"], "")  # better to fail now than after the import
        try:
            report = import_tree(root, _options(options), self.stdout)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except OSError as error:
            raise CommandError(f"Nothing was imported: {error}.") from None
        except KeyboardInterrupt:
            raise commands.StoppedError("Stopped; nothing was imported.") from None
        try:
            self._tell(report)
        finally:
            # This must be known, whatever becomes of the report.
            self._say(DRY if options["dry_run"] else self.style.WARNING(_advice(root)))
        if options["report"]:
            content = json.dumps(report.as_json(), ensure_ascii=False, indent=2)
            _write(options["report"], content + "\n", "The import itself is done. ")

    def _tell(self, report: Report) -> None:
        all(tell(self.stdout, line) for line in report.lines())

    def _say(self, words: str) -> None:
        """Print to whichever of stdout and stderr is still open."""
        if not tell(self.stdout, words):
            tell(self.stderr, words)


def _advice(root: Path) -> str:
    users = root.resolve() / "users"
    return (
        f"{users} still holds every password in plain text. When people have logged in"
        " here, destroy it and all copies of it:\n"
        f"  find {shlex.quote(str(users))} -type f -exec shred -u {{}} +"
    )


def _options(options: dict[str, Any]) -> Options:
    renames = dict(options["rename"])
    if len(renames) < len(options["rename"]):
        raise CommandError("--rename names somebody twice.")
    return Options(
        zone=options["timezone"],
        renames=renames,
        trust_mail=options["trust_mail"],
        is_dry=options["dry_run"],
    )


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentTypeError(f"there is no zone {key}") from None


def _rename(value: str) -> tuple[str, str]:
    old, sign, new = value.partition("=")
    if not (old and sign and new):
        raise ArgumentTypeError(f"{value} should be OLD=NEW")
    return old, new


def _write(path: Path, content: str, before: str = "") -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{before}{path} cannot be written: {error.strerror}.") from None
