from __future__ import annotations

import getpass
import os
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import set_password

EXAMPLE = gettext_lazy("""\
Example, for the account that is called like yours on this system:
  manage.py changepassword
""")


class Command(set_password.Command):
    """Django's name for `set_password`."""

    example = EXAMPLE
    help = gettext_lazy("The same as set_password, by the name that Django has for it.")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        [name] = (each for each in parser._actions if each.dest == "username")
        name.nargs, name.required = "?", False
        name.help = _("the user name (default: that of your account of the system)")

    def handle(self, *args: Any, **options: Any) -> None:
        options["username"] = options["username"] or _own_name()
        super().handle(*args, **options)


def _own_name() -> str:
    """Return the name of who types, before sudo and `webchat.owner`, or raise CommandError."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a number without an account, as in a container
        raise CommandError(_("Whose password? Please type the user name.")) from None
