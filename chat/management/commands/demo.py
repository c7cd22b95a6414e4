from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password as hash_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roster import make_password
from accounts.services import delete_account
from chat.demo.making import make_class
from webchat.base import commands
from webchat.base.progress import Progress
from webchat.base.pruning import CtrlC

EXAMPLE = gettext_lazy("""\
Example, to have a look around, and to be rid of it all again:
  manage.py demo
  manage.py demo --remove
""")


class Command(commands.Command):
    help = gettext_lazy(
        "Makes a class of 30 people who have talked for some days, to try things out with."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--password",
            metavar=_("PASSWORD"),
            help=_("of all 30 (default: one that is printed, once)"),
        )
        parser.add_argument(
            "--yes", action="store_true", help=_("also on a server that has users already")
        )
        parser.add_argument(
            "--remove", action="store_true", help=_("delete the class with all that is theirs")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self._remove()
        else:
            self._make(options["password"], is_sure=options["yes"])

    def _make(self, password: str | None, *, is_sure: bool) -> None:
        there = User.objects.filter(is_demo=True).count()
        if there:
            self.stdout.write(_("The class is there: %(count)d people.") % {"count": there})
            return
        if not is_sure and User.objects.filter(is_superuser=False).exists():
            raise CommandError(
                _("People have accounts here, and would find the class. If you want it: --yes")
            )
        chosen = password or make_password()
        try:
            validate_password(chosen)
            users = make_class(password=hash_password(chosen))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(
            _("%(count)d people made. Log in as %(name)s or %(other)s, the password: %(password)s")
            % {
                "count": len(users),
                "name": users[0].username,
                "other": users[1].username,
                "password": chosen,
            }
        )

    def _remove(self) -> None:
        users = list(User.objects.filter(is_demo=True))
        done = 0
        try:
            with CtrlC() as ctrl_c, Progress(self.stdout, _("Accounts"), len(users)) as progress:
                for user in users:
                    delete_account(user=user)
                    done += 1
                    progress.step()
                    ctrl_c.check()
        except KeyboardInterrupt:
            raise commands.StoppedError(
                _("Stopped. Deleted until then: %(counts)s") % {"counts": done}
            ) from None
        self.stdout.write(_("Deleted: %(counts)s") % {"counts": done})
