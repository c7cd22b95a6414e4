from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import services
from accounts.finding import find_user
from accounts.models import RETIRED_FOR, User
from accounts.names import TYPED_AT_MOST, normalize_username, username_key
from webchat.base import commands
from webchat.base.times import minute_with_zone

EXAMPLE = gettext_lazy("""\
Example:
  manage.py rename_user wangwei 王伟
""")


class Command(commands.Command):
    help = gettext_lazy(
        "Gives somebody another user name; chats, friends and password stay as they are."
    )
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", metavar=_("OLD"), help=_("the present user name"))
        parser.add_argument(
            "new", metavar=_("NEW"), help=_("the new one, under the rules of a registration")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["old"])
        old, new = user.username, options["new"]
        if len(new) <= TYPED_AT_MOST and normalize_username(new) == old:
            raise CommandError(_("%(name)s is called that already.") % {"name": old})
        try:
            services.rename(user=user, username=new, is_own=False)
        except User.DoesNotExist:
            raise CommandError(_("This account is gone already.")) from None
        self._tell(old, user.username)

    def _tell(self, old: str, new: str) -> None:
        self.stdout.write(
            _(
                "%(old)s is %(new)s from now on, in all chats and open pages, and logs in by that"
                " name: please say so to them. The password stays."
            )
            % {"old": old, "new": new}
        )
        if username_key(old) != username_key(new):
            until = minute_with_zone(timezone.now() + RETIRED_FOR)
            words = _("Nobody can take the name %(old)s before %(until)s, not even they.")
            self.stdout.write(words % {"old": old, "until": until})
