"""The findings of a backup about files of messages, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from webchat.database.packing import notes_of

NAMED = 3  # of possibly thousands


def doubts(backup: Path) -> list[str]:
    """Return a sentence for each kind of trouble; none if every file is as it was sent."""
    notes = notes_of(backup)
    return [*rotted_in(backup), *told(_("Files of messages that are not there"), notes.lost),
            *told(_("Files that are not as they were sent"), notes.damaged)]  # fmt: skip


def rotted_in(backup: Path) -> list[str]:
    """Return the sentence about copies that the disk of the backups has changed, if there are."""
    return told(_("Files that this disk had changed, copied again"), notes_of(backup).rotted)


def told(what: str, names: Sequence[str]) -> list[str]:
    """Return a sentence with their number, which names some; none if there are none."""
    if not names:
        return []
    some = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    facts = {"what": what, "count": len(names), "names": some}
    return [_("%(what)s: %(count)d (%(names)s)") % facts]
