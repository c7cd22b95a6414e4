"""Django's own checks, with ours among them: what `manage.py check` and `migrate` say."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from webchat.database import examining


def ids(**options):
    return {message.id for message in run_checks(**options)}


def test_a_data_folder_that_cannot_be_written_to_is_an_error(settings, tmp_path):
    settings.DATABASE_FILE = tmp_path / "db.sqlite3"
    assert "webchat.E001" not in ids()
    settings.DATABASE_FILE = tmp_path / "missing" / "db.sqlite3"
    assert "webchat.E001" in ids()


@pytest.mark.django_db
def test_the_bug_of_an_old_sqlite_is_told_where_the_database_is_checked(monkeypatch):
    monkeypatch.setattr(examining, "has_wal_bug", lambda: True)
    assert "webchat.W001" in ids(databases=["default"])
    assert "webchat.W001" not in ids()
    monkeypatch.setattr(examining, "has_wal_bug", lambda: False)
    assert "webchat.W001" not in ids(databases=["default"])
