import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, transaction

from webchat.database import copies, examining
from webchat.database.connecting import to_read


@pytest.mark.django_db
def test_commits_are_synced_to_a_log_that_readers_do_not_wait_for():
    with connection.cursor() as cursor:
        answers = {}
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            cursor.execute(f"PRAGMA {name}")
            (answers[name],) = cursor.fetchone()
    assert answers == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.django_db
def test_the_database_of_the_tests_is_a_file():
    assert Path(connection.settings_dict["NAME"]).is_file()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_takes_the_write_lock_at_its_start():
    """Two that read first and write later wait for each other instead of failing."""
    inside, order = threading.Event(), []

    def second():
        inside.wait(5)
        with transaction.atomic():
            order.append("second")
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    with transaction.atomic():
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    "folder", ["a#b", "a?mode=memory", "a%23b%00", "a&b c+d", "[数据]", "~", "-"]
)
def test_a_database_is_read_whatever_its_folder_is_called(tmp_path, folder):
    place = tmp_path / folder
    place.mkdir()
    with closing(sqlite3.connect(place / "db.sqlite3")) as database:
        database.execute("CREATE TABLE told (words)")
    copies.copy(place / "db.sqlite3", place / "copy.sqlite3")
    examining.check_whole(place / "copy.sqlite3", seconds=5)
    with closing(sqlite3.connect(to_read(place / "copy.sqlite3"), uri=True)) as database:
        assert database.execute("SELECT name FROM sqlite_schema").fetchall() == [("told",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.execute("INSERT INTO told VALUES (1)")
    assert [each.name for each in tmp_path.iterdir()] == [folder]
