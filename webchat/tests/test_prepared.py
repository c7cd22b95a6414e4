"""Transactions of prepared statements are Django's in all but their price."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, EventLog, Message
from webchat.database import queueing
from webchat.database.bulk import insert_statement, stored
from webchat.database.dialect import stored_moment, stored_uuid
from webchat.database.prepared import Transaction, fetch

ADD = "INSERT INTO chat_eventlog (pruned_through, head_at_least) VALUES (%s, %s)"
on_a_file = pytest.mark.django_db(transaction=True)


def heads() -> list[int]:
    """Return what others see."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        return [head for (head,) in other.execute("SELECT head_at_least FROM chat_eventlog")]


def is_usable() -> bool:
    assert not connection.in_atomic_block
    assert connection.get_autocommit()
    assert not connection.connection.in_transaction
    assert not queueing._first.locked()
    EventLog.objects.all().delete()
    with transaction.atomic():
        EventLog.objects.create()
    return len(heads()) == 1


@on_a_file
def test_it_commits_at_the_end_and_not_before():
    told = []
    with Transaction() as database:
        database.run(ADD, (0, 1))
        with transaction.atomic():  # a savepoint in it
            EventLog.objects.create(head_at_least=2)
            transaction.on_commit(lambda: told.append(heads()))
        assert (
            database.ask("SELECT count(*) FROM chat_eventlog WHERE pruned_through = %s", (0,)) == 2
        )
        assert heads() == []
    assert heads() == [1, 2]
    assert told == [[1, 2]]
    assert is_usable()


@on_a_file
def test_a_statement_tells_how_many_rows_it_has_changed():
    change = "UPDATE chat_eventlog SET head_at_least = 9 WHERE pruned_through = %s"
    with Transaction() as database:
        for number in (1, 1, 2):
            assert database.run(ADD, (number, 0)) == 1
        assert [database.run(change, (number,)) for number in (1, 2, 3)] == [2, 1, 0]


@on_a_file
def test_an_error_in_it_rolls_back():
    def fail():
        with Transaction() as database:
            database.run(ADD, (0, 1))
            transaction.on_commit(lambda: pytest.fail("it was not committed"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert heads() == []
    assert is_usable()


@on_a_file
def test_a_mark_to_roll_back_counts():
    with Transaction() as database:
        database.run(ADD, (0, 1))
        transaction.set_rollback(True)
    assert heads() == []
    assert is_usable()


@on_a_file
def test_errors_are_those_of_django():
    for statement in ("SELECT nonsense", "INSERT INTO nowhere VALUES (1)"):
        with pytest.raises(OperationalError), Transaction() as database:
            database.run(statement, ())
        assert is_usable()


@on_a_file
def test_what_the_commit_refuses_is_rolled_back(alice):
    def fail():
        with Transaction() as database:
            database.run(ADD, (0, 1))
            Conversation.objects.bulk_create([Conversation(low_id=alice.pk, high_id=10**6)])

    with pytest.raises(IntegrityError):
        fail()
    assert heads() == []
    assert not Conversation.objects.exists()
    assert is_usable()


@on_a_file
def test_who_cannot_have_the_lock_is_told_in_time(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            Transaction().__enter__()
        other.execute("ROLLBACK")
    assert is_usable()


def test_within_a_transaction_of_django_it_is_a_part(alice):
    with pytest.raises(KeyError), Transaction() as database:
        database.run(ADD, (0, 1))
        raise KeyError
    assert not EventLog.objects.exists()
    with Transaction() as database:
        database.run(ADD, (0, 2))
    assert EventLog.objects.get().head_at_least == 2


@on_a_file
def test_the_ids_of_an_insert_are_those_of_its_rows():
    with Transaction() as database:
        EventLog.objects.create()
        names = ("pruned_through", "head_at_least")
        for count in (1, 3):
            values = [n for row in range(count) for n in (row, count)]
            ids = database.insert(insert_statement(EventLog, names, count), values, count)
            rows = EventLog.objects.filter(head_at_least=count).order_by("pruned_through")
            assert list(rows.values_list("pk", flat=True)) == list(ids)


@pytest.mark.django_db
def test_a_uuid_is_stored_as_the_orm_has_it():
    value = uuid4()
    assert stored_uuid(value) == stored(Message, "client_id", value)


@pytest.mark.django_db
@pytest.mark.parametrize("microsecond", [0, 5, 120_000])
@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Shanghai")])
def test_a_moment_is_stored_as_the_orm_has_it(microsecond, zone):
    value = datetime(2026, 11, 27, 0, 5, microsecond=microsecond, tzinfo=zone)
    assert stored_moment(value) == stored(Message, "sent_at", value)


@pytest.mark.django_db
def test_what_is_fetched_is_what_a_cursor_finds():
    question = "SELECT name, type, 7 %% 4 FROM sqlite_master WHERE type = %s AND name LIKE %s"
    values = ["table", "chat%"]
    found = fetch(connection, question, values)
    with connection.cursor() as cursor:
        assert found == cursor.execute(question, values).fetchall() != []


@pytest.mark.django_db
def test_who_watches_the_queries_is_told_of_what_is_fetched():
    question = "SELECT %s"
    with CaptureQueriesContext(connection) as logged:
        assert fetch(connection, question, ["seen"]) == [("seen",)]
    assert len(logged) == 1
    told = []

    def watch(execute, sql, *rest):
        told.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        assert fetch(connection, question, ["seen"]) == [("seen",)]
    fetch(connection, question, ["unseen"])
    assert told == [question]


@pytest.mark.django_db
def test_nothing_is_fetched_wrongly_or_within_a_broken_transaction():
    with pytest.raises(OperationalError):
        fetch(connection, "SELECT nothing_of_that_name", [])
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            fetch(connection, "SELECT 1", [])
