from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from webchat import health
from webchat.database import examining


@pytest.mark.parametrize("method", ["get", "head"])
def test_healthz_asks_neither_login_nor_database(client, method):
    # Without the mark django_db a query would fail.
    response = getattr(client, method)("/healthz")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_200_when_messages_can_be_stored(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "disk": "ok"},
        "mail": "off",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["database", "migrations", "disk"])
def test_readyz_is_503_and_names_what_is_in_the_way(client, name):
    with patch.dict(health.CHECKS, {name: lambda: False}):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"][name] == "failed"


def test_post_is_none_of_their_methods(client):
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405


@pytest.mark.django_db
def test_a_database_that_cannot_be_written_is_seen():
    assert examining.is_writable()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = 1")
        try:
            assert not examining.is_writable()
        finally:
            cursor.execute("PRAGMA query_only = 0")


@pytest.mark.django_db
def test_a_missing_migration_is_seen():
    assert health.migrations_are_applied()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert not health.migrations_are_applied()


def test_a_full_disk_is_seen(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert health.disk_has_space()
    settings.DATA_DIR = tmp_path / "gone"
    assert not health.disk_has_space()


@pytest.mark.django_db
def test_a_database_that_fails_is_not_an_error_page(client):
    with patch.object(connection, "cursor", side_effect=OperationalError("database is locked")):
        assert not examining.is_writable()
