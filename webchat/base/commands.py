"""The base of our management commands."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """A command whose `--help` ends with its `example`, line by line as it is written."""

    example: ClassVar[str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=self.example, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser


class StoppedError(CommandError):
    """The end of a command at Ctrl+C, with the status that shells give it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=130)
