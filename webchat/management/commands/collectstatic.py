from __future__ import annotations

import os
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic
from django.utils.translation import gettext_lazy

from webchat.base import commands

EXAMPLE = gettext_lazy("""\
Example, as a release does it:
  manage.py collectstatic --no-input
""")


class Command(commands.Command, collectstatic.Command):
    """A collectstatic whose files nginx, another user, can read: none of them is secret."""

    help: Any = gettext_lazy(
        "Joins the scripts and the styles, and puts all static files where nginx reads them."
    )
    example = EXAMPLE

    def handle(self, **options: Any) -> str | None:
        before = os.umask(0o022)
        try:
            return super().handle(**options)
        finally:
            os.umask(before)
