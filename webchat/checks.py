from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from .database import examining


@register(Tags.database)
def check_version(**kwargs: Any) -> list[CheckMessage]:
    """Warn of the bug in `migrate` and `check --database default`, not in every command."""
    if not kwargs.get("databases") or not examining.has_wal_bug():
        return []
    return [
        Warning(
            f"SQLite {examining.VERSION} has a rare bug that can damage a database in"
            " WAL mode; 3.51.3 has it fixed.",
            hint="Keep backups, and take the system's update of libsqlite3 when there is one.",
            id="webchat.W001",
        )
    ]


@register(Tags.files)
def check_data_dir(**kwargs: Any) -> list[CheckMessage]:
    folder = settings.DATABASE_FILE.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The data folder {folder} cannot be written to.",
            hint="Give it to the user who runs the server, or set DATA_DIR to another one.",
            id="webchat.E001",
        )
    ]
