"""The end of uploads that nobody goes on with, and of parts that no upload knows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from chat.attachments import ORPHAN_SECONDS, old_files
from chat.models import Upload, UsedQuota
from chat.models.files import parts_folder, remove_after_commit
from webchat.base.pruning import ROWS_AT_ONCE, Batches, Chore, rows_chore, short_transaction

from . import receiving


@receiver(post_delete, sender=Upload, dispatch_uid="chat_upload_part")
def after_deletion(instance: Upload, **kwargs: Any) -> None:
    kept = [instance.path, instance.preview_path] if instance.file else []
    for path in filter(None, [instance.part_path, *kept]):
        remove_after_commit(path)


def chores(now: datetime) -> list[Chore]:
    old = Upload.objects.over(now)
    return [
        Chore(_("unfinished files"), old.count, lambda: _sweep(now)),
        rows_chore(_("sizes of earlier files"), UsedQuota.objects.over(now)),
        Chore(_("parts of no file"), lambda: len(find_orphans()), _sweep_orphans),
    ]


def find_orphans(age: float = ORPHAN_SECONDS) -> list[Path]:
    """Find the parts that no upload needs any more, as a kill or a restore leaves them."""
    folder = parts_folder()
    if not folder.is_dir():
        return []
    old = set(old_files(folder, age))
    there = [path for path in folder.iterdir() if path.is_file()]
    states = dict(Upload.objects.values_list("part", "state"))
    needless = (Upload.State.READY, Upload.State.SENT)
    return [
        path
        for path in there
        if (states[path.name] in needless if path.name in states else path in old)
    ]


def _sweep(now: datetime) -> Batches:
    old = Upload.objects.over(now)
    while ids := list(old.values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        with short_transaction():
            # Asked again: somebody may have gone on with one.
            for upload in old.filter(pk__in=ids):
                receiving.delete(upload)
        yield len(ids)


def _sweep_orphans() -> Batches:
    orphans = find_orphans()
    for path in orphans:
        path.unlink(missing_ok=True)
    yield len(orphans)
