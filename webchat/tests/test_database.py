import threading
from pathlib import Path

import pytest
from django.db import connection, transaction


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
