from __future__ import annotations

import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import prompts
from accounts.models import NAME_TAKEN, User
from webchat.base import commands

EXAMPLE = gettext_lazy("""\
Examples: ask for the name and the password, and from a script:
  manage.py createsuperuser
  DJANGO_SUPERUSER_PASSWORD=… manage.py createsuperuser --no-input --username teacher
""")


class Command(commands.Command):
    """Django's command, in the reader's language and with the options that it has there."""

    help = gettext_lazy("Makes an administrator, who may do everything.")
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--username", metavar=_("USERNAME"), help=_("the user name, also a reserved one")
        )
        parser.add_argument(
            "--no-input",
            "--noinput",
            action="store_false",
            dest="interactive",
            help=_(
                "ask nothing: the password is DJANGO_SUPERUSER_PASSWORD, and without that nobody"
                " can log in before set_password"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user, password = self._asked(options) if options["interactive"] else _given(options)
        try:
            User.objects.create_superuser(user.username, password=password)
        except IntegrityError:
            raise CommandError(str(NAME_TAKEN)) from None
        self.stdout.write(_("%(name)s is an administrator now.") % {"name": user.username})

    def _asked(self, options: dict[str, Any]) -> tuple[User, str]:
        self.need_a_terminal(_("Nobody can be asked here: --no-input --username NAME"))
        user = self._ask_for_name(options["username"])
        return user, prompts.typed_twice(user, self.stderr.write)

    def _ask_for_name(self, name: str | None) -> User:
        for _try in range(prompts.TRIES):
            try:
                return _newcomer(name or self.ask(_("User name: ")))
            except ValidationError as error:
                if name:
                    raise
                self.stderr.write("\n".join(error.messages))
        raise CommandError(_("Nothing was changed."))


def _given(options: dict[str, Any]) -> tuple[User, str | None]:
    name = options["username"] or os.environ.get("DJANGO_SUPERUSER_USERNAME", "")
    return _newcomer(name), os.environ.get("DJANGO_SUPERUSER_PASSWORD")


def _newcomer(name: str) -> User:
    """Return somebody of that name who is not saved yet; raises ValidationError."""
    user = User(username=name)
    user.full_clean(exclude=["password", "username_key"])
    return user
