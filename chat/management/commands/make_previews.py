from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.media import describing, processing
from webchat.base import commands
from webchat.base.progress import Progress

EXAMPLE = gettext_lazy("""\
Example, after an import or a restore, so that nobody waits for pictures:
  manage.py make_previews
""")


class Command(commands.Command):
    help = gettext_lazy(
        "Makes the previews of pictures that have none, and measures files that an import brought."
    )
    example = EXAMPLE

    def handle(self, *args: Any, **options: Any) -> None:
        with describing.alone() as is_alone:
            if not is_alone:
                raise CommandError(_("The server, or another command, is doing this already."))
            describer, number = describing.Describer(), 0
            with Progress(self.stdout, _("Files"), describer.count()) as progress:
                while (file := describer.next()) is not None:
                    describing.describe(file)
                    number += 1
                    progress.step(1)
        if not processing.has_room():
            message = _("The server is short of room for files. Text can still be sent.")
            raise CommandError(message)
        self.stdout.write(_("Files that were looked at: %(count)d") % {"count": number})
