"""Rows that go with an account although the release that deletes it does not know their tables.

While a reload lasts, the release before serves on this schema: without these triggers, the rows
of tables that it does not know would refuse the deletion. Their files have no row then, and are
swept as orphans. This release deletes both itself, before the account's own row.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from accounts.models import User
from webchat.database import triggers

from .models import Evidence, Upload, UsedQuota

PREFIX = "left_"
GO = "DELETE FROM {table} WHERE {column} = old.id"
OWNERS = {Upload: "owner_id", UsedQuota: "owner_id", Evidence: "sender_id"}


def make_triggers(**kwargs: Any) -> None:
    there = connection.introspection.table_names()
    for model, column in OWNERS.items():
        if (table := model._meta.db_table) in there:
            triggers.make(
                f"{PREFIX}{table}",
                after="DELETE",
                table=User._meta.db_table,
                statement=GO.format(table=table, column=column),
            )


def drop_triggers(**kwargs: Any) -> None:
    triggers.drop_all(PREFIX)
