"""The base of our management commands."""

from __future__ import annotations

import io
import re
import sys
from argparse import Action, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    SystemCheckError,
)
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from . import failures
from .failures import StoppedError
from .tables import width
from .telling import tell
from .text import LONE_SURROGATE

__all__ = ["Command", "StoppedError", "number"]

DIGITS_AT_MOST = 18  # of a number that is typed
ANSWER_LENGTH = 80  # of a yes or a no
SHOWN = 40  # characters of a wrong one
YES = ("y", "yes", "是", "好")


class Formatter(RawDescriptionHelpFormatter):
    """The help of a command, with Django's own options in the reader's language, too."""

    def add_argument(self, action: Action) -> None:
        super().add_argument(action)
        needed = width(self._format_action_invocation(action)) + self._current_indent
        self._action_max_length = max(self._action_max_length, needed)

    def _format_action(self, action: Action) -> str:
        """Let the helps stand in one column: argparse takes 文件 for as narrow as `ab`."""
        text = super()._format_action(action)
        head = " " * self._current_indent + self._format_action_invocation(action)
        gap = re.match(r" {2,}(?=\S)", text[len(head) :]) if text.startswith(head) else None
        if gap is None:
            return text
        room = max(2, len(gap[0]) - (width(head) - len(head)))
        return f"{head}{' ' * room}{text[len(head) + gap.end() :]}"

    def _get_help_string(self, action: Action) -> str | None:
        return _(action.help) if action.help else action.help


class Command(BaseCommand):
    """A command that speaks the reader's language and fails in a sentence.

    `help`, `example` and the help of arguments may be lazy translations; `--help` ends with
    `example`, line by line as it is written. What `failures.explain` knows ends the command with
    a sentence and an exit code (`call_command` raises it as CommandError), any other error with
    its traceback, and `--traceback` shows it for all.
    """

    help: Any = ""
    example: ClassVar[str | Promise] = ""
    # For those who develop Django; they work all the same.
    suppressed_base_arguments = {
        "--version", "--verbosity", "--settings", "--pythonpath", "--force-color",
    }  # fmt: skip

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=str(self.example), **kwargs)
        parser.description = str(self.help)
        parser.formatter_class = Formatter
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except SystemCheckError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            failure = failures.explain(error)
            if failure is None or options.get("traceback"):
                raise
            if not getattr(self, "_called_from_command_line", False):
                raise failure from error
            failures.end(failure)

    def need_a_terminal(self, otherwise: str = "") -> None:
        """Raise CommandError where nobody can answer, with what to do there: --yes, or in words."""
        if not sys.stdin or not sys.stdin.isatty():
            raise CommandError(otherwise or _("Nobody can be asked here. If you are sure: --yes"))

    def ask(self, question: str) -> str:
        """Return what somebody types on the terminal, "" at the end of the input."""
        tell(self.stdout, question, ending="")
        return _typed().strip()

    def confirm(self, question: str) -> bool:
        """Ask on the terminal, where the answer is no unless somebody types yes.

        Raises CommandError where nobody can answer.
        """
        self.need_a_terminal()
        return self.ask(f"{question} [y/N] ").lower() in YES


def _typed() -> str:
    """Read a line, in GBK too: not every terminal writes what the system was told of."""
    stdin = sys.stdin
    if isinstance(stdin, io.TextIOWrapper):
        with suppress(io.UnsupportedOperation):  # after the first line it stays as it is
            stdin.reconfigure(errors="surrogateescape")
    line = stdin.readline(ANSWER_LENGTH)
    if LONE_SURROGATE.search(line):
        return line.encode(stdin.encoding, "surrogateescape").decode("gb18030", "replace")
    return line


def number(low: int, high: int) -> Callable[[str], int]:
    """Return the `type` of an argument that is a whole number from `low` to `high`."""

    def read(value: str) -> int:
        is_number = len(value) <= DIGITS_AT_MOST and value.isascii() and value.isdecimal()
        if not is_number or not low <= int(value) <= high:
            message = _("“%(value)s” should be a whole number from %(low)d to %(high)d.")
            facts = {"value": value[:SHOWN], "low": low, "high": high}
            raise ArgumentTypeError(message % facts)
        return int(value)

    return read
