from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword

from accounts import services
from accounts.models import User
from webchat.base import commands


class Command(commands.Command, changepassword.Command):
    """Django's command, which here also closes all that the old password opened."""

    help = "Sets a user's password; all sessions and codes of the account end."

    def handle(self, *args: Any, **options: Any) -> str | None:
        options["username"] = options["username"] or getpass.getuser()
        answer = super().handle(*args, **options)
        services.end_access(user=User.objects.get(username=options["username"]))
        return answer
