"""A check of the files that people have sent: those that rows name, and those that are there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext as _

from webchat.backup_doubts import told
from webchat.database.copies import files_of_replaced
from webchat.database.folders import FILES
from webchat.database.sizes import size

from . import remedies
from .finding import Finding, advice, ok

# A file lies in its place before a row names it; after a kill between the two it is swept.
SURPLUS_SECONDS = 2 * 24 * 3600


def check_attachments() -> Finding:
    """Compare names and nothing else: whether the content is whole, a backup tells."""
    folder = settings.DATA_DIR / FILES
    # People go on meanwhile: what was sent or recalled between two looks is not missing.
    before = set(_names())
    found = dict(_files_in(folder))
    after = set(_names())
    missing = sorted((before & after).difference(found))
    if missing:
        (sentence,) = told(_("Files of messages that are not there"), missing)
        command = remedies.bring_back(missing[0], folder)
        fix = _("A backup may have them; copy each by: %(command)s") % {"command": command}
        return advice(sentence, fix)
    named = before | after | files_of_replaced()
    old = time.time() - SURPLUS_SECONDS
    surplus = [
        each.st_size for name, each in found.items() if name not in named and each.st_mtime < old
    ]
    if surplus:
        facts = {"count": len(surplus), "size": size(sum(surplus))}
        message = _("Files of no message: %(count)s (%(size)s)")
        return advice(message % facts, remedies.manage("prune"))
    return ok(_("All files of messages are there"))


def _files_in(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # its message is recalled just now
            yield path.name, path.stat()


def _names() -> Iterator[str]:
    """List the names in the rows of all models that have a file and its preview, and of people."""
    for model in apps.get_models():
        if {"file", "preview"} <= {field.name for field in model._meta.fields}:
            manager: models.Manager[models.Model] = model._default_manager
            yield from manager.exclude(file="").values_list("file", flat=True)
    people = get_user_model()._base_manager.exclude(face="")
    yield from people.values_list("face", flat=True)
