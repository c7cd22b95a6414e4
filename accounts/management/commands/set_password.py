from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import prompts, services
from accounts.finding import find_user
from accounts.mail import sending
from accounts.models import User
from accounts.roster import make_password
from webchat.base import commands
from webchat.database.stops import undisturbed

MAIL_SECONDS = 20.0  # for the mail that tells the owner: what a slow server takes

EXAMPLE = gettext_lazy("""\
Examples: type one twice, print one that must be changed at the next log-in, and from a script:
  manage.py set_password wangwei
  manage.py set_password wangwei --random
  pass show chat/wangwei | manage.py set_password wangwei --stdin
""")


class Command(commands.Command):
    help = gettext_lazy(
        "Sets somebody's password; all their sessions and codes end, and they are told."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar=_("USERNAME"), help=_("the user name"))
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--random",
            action="store_true",
            help=_("make one and print it, once; the next log-in asks for another"),
        )
        source.add_argument(
            "--stdin", action="store_true", help=_("take the first line of the standard input")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["username"])
        password = self._password_for(user, options)
        with undisturbed():  # once it is set, nobody could log in with one that was not shown
            self._set(user, password, is_first=options["random"])
        self._tell(user)
        if not sending.finish(MAIL_SECONDS):
            self.stderr.write(_("The mail about it has perhaps not gone out."))

    def _set(self, user: User, password: str, *, is_first: bool) -> None:
        try:
            services.set_password_from_the_machine(about=user, password=password, is_first=is_first)
        except Http404:
            raise CommandError(_("This account is gone already.")) from None
        if is_first:
            words = _("The new password of %(name)s, shown only now: %(password)s")
            self.stdout.write(words % {"name": user.username, "password": password})

    def _password_for(self, user: User, options: dict[str, Any]) -> str:
        if options["random"]:
            return make_password()
        if options["stdin"]:
            return prompts.piped(user)
        self.stdout.write(_("A new password for %(name)s.") % {"name": user.username})
        return prompts.typed_twice(user, self.stderr.write)

    def _tell(self, user: User) -> None:
        told = [
            _(
                "%(name)s is signed out everywhere, and learns at the next log-in that an"
                " administrator has set the password."
            )
        ]
        if user.must_change_password:
            told.append(_("That log-in asks for a password of their own."))
        if not user.is_active:
            told.append(_("%(name)s is banned, and cannot log in all the same."))
        if user.unverified_since is not None:
            told.append(_("%(name)s still has to type the code of the mail."))
        self.stdout.write("\n".join(told) % {"name": user.username})
