"""The columns that name files, and all that has to know each of them."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CharField

from chat import attachments
from chat.models import Attachment, Evidence
from chat.models.files import attachments_folder, new_name
from tests.cast import Api
from webchat.database import copies
from webchat.doctor import files as doctor

from .cast import ready, send


def columns_that_name_files() -> set[tuple[str, str]]:
    """Find them by what they are called, and by the length that names of files have."""
    length = Attachment._meta.get_field("file").max_length
    return {
        (model._meta.db_table, field.name)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if field.name in ("file", "face")
        or (isinstance(field, CharField) and field.max_length == length)
    }


@pytest.fixture
def named(alice, bob):
    """Have a file in each column that names one in the folder of files."""
    message = send(bob, "alice", upload=ready(bob).client_id).json()["message"]["id"]
    Api(alice).post(f"messages/{message}/report/", reason="…")
    alice.face = new_name()
    alice.save(update_fields=["face"])
    (attachments_folder() / alice.face).touch()
    rows = (Attachment.objects.get(), Evidence.objects.get(), ready(bob), alice)
    return {
        (row._meta.db_table, column): getattr(row, column)
        for row in rows
        for column in ("file", "face")
        if hasattr(row, column)
    }


def test_whoever_looks_for_files_knows_each_column_that_names_one(named):
    elsewhere = {
        (table, column)
        for table, column in columns_that_name_files()
        if column in ("preview", "part")
    }
    assert columns_that_name_files() - elsewhere == set(named), "a new one is for all of these"
    there = {path.name for path in attachments_folder().iterdir()}
    assert there >= set(named.values())
    orphans = {path.name for path in attachments.find_orphans(age=-60)}
    assert orphans.isdisjoint(named.values())
    assert set(doctor._names()) >= set(named.values())
    with connection.cursor() as cursor:
        in_backup = copies.files_in(cursor.connection)
    assert set(in_backup) >= set(named.values()) - {named["chat_upload", "file"]}
