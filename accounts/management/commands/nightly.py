from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mail.nightly import tell_superusers
from webchat import nightly
from webchat.base import commands, failures
from webchat.base.failures import StoppedError
from webchat.doctor import examine
from webchat.doctor.finding import Level
from webchat.management.commands.backup import KEEP_AT_MOST
from webchat.nightly import OTHER_DISK, Nightly, last_nightly

EXAMPLE = gettext_lazy("""\
Example, with a second backup on a disk that is plugged in:
  manage.py nightly --to /mnt/usb
""")
KEEP = 14
DAYS = (7, 36_500)  # as prune has it: events are kept for as long as that
OWN_CHECK = "nightly"  # of the doctor, about the run before this one: it would fail for ever

logger = logging.getLogger(__name__)


class Command(commands.Command):
    help = gettext_lazy(
        "Makes a backup, prunes and looks for what is wrong: each although another has failed."
    )
    requires_system_checks = []
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            metavar=_("FOLDER"),
            help=_("write a second backup there, on another disk"),
        )
        parser.add_argument(
            "--keep",
            type=commands.number(1, KEEP_AT_MOST),
            default=KEEP,
            metavar="N",
            help=_("keep the newest N backups in each place (default: %(default)s)"),
        )
        parser.add_argument(
            "--messages-older-than",
            type=commands.number(*DAYS),
            metavar=_("DAYS"),
            help=_("delete messages that are older, too, for both sides (default: none)"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        to: Path | None = options["to"]
        self._failures: dict[str, str] = {}  # of its parts
        self._untold: dict[str, str] = {}  # of the mail about them, and of the record
        self._to = str(to or "")
        self._before = last_nightly()
        self._mailed_at = self._before.mailed_at if self._before else None
        self._began = timezone.now()
        try:
            self._work(to, options["keep"], options["messages_older_than"])
        except StoppedError:
            # Stopped at the other disk, it is the next run that tells.
            self._write(self._run(is_unfinished=OTHER_DISK in self._failures))
            raise
        self._record(self._run())
        if count := len(self._failures | self._untold):
            raise CommandError(_("Of the nightly run %(count)d parts failed.") % {"count": count})

    def _work(self, to: Path | None, keep: int, days: int | None) -> None:
        old = [f"--messages-older-than={days}", "--yes"] if days else []
        self._try("backup", lambda: call_command("backup", keep=keep))
        self._try("prune", lambda: call_command("prune", *old))
        self._try("doctor", self._examine)
        if to is not None:  # last: a disk of the network that is gone may hold it up for ever
            self._record(self._run(is_unfinished=True), self._left_untold())
            self._try(OTHER_DISK, lambda: call_command("backup", to=to, keep=keep))

    def _try(self, name: str, work: Callable[[], Any]) -> None:
        try:
            work()
        except (Exception, KeyboardInterrupt) as error:
            if (failure := failures.explain(error)) is None:
                logger.exception("The nightly %s failed", name)
            words = str(failure or f"{type(error).__name__}: {error}")
            self._failures[name] = self._say(name, words)
            if isinstance(failure, StoppedError):
                raise failure from None

    def _examine(self) -> None:
        wrong = []
        for name, finding in examine():
            line = f"{name}: {finding.message} {finding.fix}".strip()
            if finding.level is Level.WRONG and name != OWN_CHECK:
                wrong.append(line)
            elif finding.level is Level.ADVICE:
                self.stdout.write(f"! {line}")
        if wrong:
            raise CommandError("\n".join(wrong))

    def _say(self, name: str, words: str) -> str:
        """Say what has failed, and return it as the record takes it."""
        # The name of a folder in another encoding can be written nowhere as it is.
        words = words.encode(errors="backslashreplace").decode()
        self.stderr.write(f"✗ {name}: {words}")
        return words[: nightly.SENTENCE_LENGTH]

    def _left_untold(self) -> dict[str, str]:
        """Return what failed at the other disk in the run before, if nobody came back to tell."""
        before = self._before
        words = before.failed.get(OTHER_DISK) if before and before.is_unfinished else None
        return {OTHER_DISK: words} if words else {}

    def _run(self, *, is_unfinished: bool = False) -> Nightly:
        return Nightly(
            timezone.now(), dict(self._failures), self._mailed_at, self._to, is_unfinished
        )

    def _record(self, run: Nightly, before: Mapping[str, str] | None = None) -> None:
        """Tell the superusers, and of what was left untold `before`; then write down how it went.

        A mail that fails is written down, too, but nobody is told by mail of mail.
        """
        told = replace(run, failures={**(before or {}), **run.failures})
        try:
            if not self._has_told() and self._tell(told):
                self._mailed_at = None if told.is_well else run.at
        finally:  # also when it is stopped meanwhile
            self._write(replace(run, mailed_at=self._mailed_at))

    def _has_told(self) -> bool:
        """Return whether there was a mail in this run: there is one a day at the most."""
        return self._mailed_at is not None and self._mailed_at >= self._began

    def _write(self, run: Nightly) -> None:
        try:
            nightly.record(replace(run, failures=run.failures | self._untold))
        except OSError as error:
            self._untold["record"] = self._say("record", str(failures.explain(error) or error))

    def _tell(self, run: Nightly) -> bool:
        """Mail to the superusers; return whether anybody was told."""
        message = _("The superusers could not be told: %(reason)s")
        try:
            outcome = tell_superusers(run)
        except Exception as error:  # whatever it is, the record must be written
            if (failure := failures.explain(error)) is None:
                logger.exception("The mail about the nightly run failed")
            words = message % {"reason": failure or f"{type(error).__name__}: {error}"}
            self._untold["mail"] = self._say("mail", words)
            return False
        if outcome.reasons:
            words = message % {"reason": "\n".join(outcome.reasons)}
            self._untold["mail"] = self._say("mail", words)
        return outcome.told > 0
