"""The folders of files, and names in them that outlast a power cut."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)  # of an OSError: there is no room, for us

# In DATA_DIR.
FILES = "attachments"
PREVIEWS = "previews"  # of pictures: in no backup, as they can be made again
PARTS = "uploads"  # of files that are on their way: in no backup, as nobody was promised them
GENERATION = re.compile(r"webchat-\d{8}-\d{6}Z")  # a backup that is a folder, at its moment
BEFORE_RESTORE = "before-restore-"  # and a moment: a database that a restore has replaced

# Below this a busy day of messages, the log and a backup beside it no longer fit.
LOW_DISK_BYTES = 64 * 1024 * 1024


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, which fsync(2) of a file does not do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
