"""The files of messages: their types by their first bytes, and their deletion."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from accounts.models import User

from .models import Attachment, Evidence, Upload
from .models.files import attachments_folder, previews_folder, remove_after_commit

# The first bytes of the pictures that are shown inline; everything else is downloaded.
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)
MAGIC_BYTES = 12
# A file is written before the transaction that refers to it commits, and a part before its row
# says that it has something.
ORPHAN_SECONDS = 24 * 3600


def sniff_picture(head: bytes) -> str | None:
    """Tell the type of a picture that is shown inline from its first bytes."""
    for magic, offset, mimetype in MAGIC:
        if head[offset:].startswith(magic) and (offset == 0 or head.startswith(b"RIFF")):
            return mimetype
    return None


@receiver(pre_delete, sender=User, dispatch_uid="chat_face_file")
def before_account(instance: User, **kwargs: Any) -> None:
    # Asked again: it may have another picture since it was fetched.
    for name in User.everybody.filter(pk=instance.pk).values_list("face", flat=True):
        delete_face(name)


def delete_face(name: str) -> None:
    """Delete the file of a profile picture when the transaction is committed, if there is one."""
    if name:
        remove_after_commit(attachments_folder() / name)


@receiver(post_delete, sender=Attachment, dispatch_uid="chat_attachment_file")
@receiver(post_delete, sender=Evidence, dispatch_uid="chat_evidence_file")
def after_deletion(instance: Attachment | Evidence, **kwargs: Any) -> None:
    for path in filter(None, (instance.path, instance.preview_path)):
        remove_after_commit(path)


def find_orphans(age: float = ORPHAN_SECONDS) -> list[Path]:
    """Find the files without a message, which a kill between two writes leaves behind.

    Those of a database that a restore has replaced stay for as long as it does.
    """
    from webchat.database import copies  # commands alone ask; no server needs what reads backups

    found = {
        "file": list(old_files(attachments_folder(), age)),
        "preview": list(old_files(previews_folder(), age)),
    }
    orphans = []
    for column, paths in found.items():
        names = {
            name
            for model in (Attachment, Evidence, Upload)
            for name in model._default_manager.values_list(column, flat=True)
        }
        if column == "file":
            names |= set(User.everybody.exclude(face="").values_list("face", flat=True))
            names |= copies.files_of_replaced()
        orphans += [path for path in paths if path.name not in names]
    return orphans


def sweep_orphans() -> int:
    """Delete the orphans, and return how many there were."""
    orphans = find_orphans()
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def old_files(folder: Path, age: float) -> Iterable[Path]:
    """Find the files in a folder that have not changed for so many seconds."""
    if not folder.is_dir():
        return
    before = time.time() - age
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # its message is recalled just now
            if path.is_file() and path.stat().st_mtime < before:
                yield path
