"""The rows of an import under way, which nobody sees.

Newcomers get an account without a name. Old conversations are between those, and others that hold
the place of people who are here already: no page, look-up or log-in finds any. At the end, one
transaction, which only concerns people and conversations, puts the real ones in their place. The
rest of an import that was stopped stays invisible until it is cleared.
"""

from __future__ import annotations

import fcntl
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, models

from accounts.models import User
from accounts.names import NOBODY
from chat.models import Attachment, Conversation, Message
from webchat.base.pruning import Batches, short_transaction
from webchat.database import locks
from webchat.database.bulk import insert

from .people import Pair, Person

ROWS_AT_ONCE = 500  # messages in a transaction: some 20 ms
PEOPLE_AT_ONCE = 200

Item = TypeVar("Item")
AnyModel = TypeVar("AnyModel", bound=models.Model)


def in_parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


class Rows:
    """New rows; in a dry run they only get ids that nothing else has."""

    def __init__(self, *, is_dry: bool) -> None:
        self.is_dry = is_dry
        self._made_up = itertools.count(-1, -1)

    def create(self, model: type[AnyModel], rows: Sequence[AnyModel]) -> None:
        if not self.is_dry:
            model._base_manager.bulk_create(rows, batch_size=ROWS_AT_ONCE)
            return
        for row in rows:
            row.pk = next(self._made_up)

    def insert(
        self, model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]
    ) -> Sequence[int]:
        return [next(self._made_up) for _row in rows] if self.is_dry else insert(model, names, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a short transaction; there is nothing to write in a dry run."""
        if self.is_dry:
            yield
        else:
            with short_transaction():
                yield


class Stage:
    """The accounts and conversations of the import under way."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._accounts: dict[Person, int] = {}
        self.conversations: dict[Pair, int] = {}

    def admit(self, people: Sequence[Person], password_of: Callable[[Person], str]) -> None:
        """Make the accounts of newcomers, without a name until the import opens."""
        for part in in_parts(people, PEOPLE_AT_ONCE):
            accounts = [
                _account(number, password_of(person))
                for number, person in enumerate(part, len(self._accounts))
            ]
            with self._rows.transaction():
                self._rows.create(User, accounts)
            for person, account in zip(part, accounts, strict=True):
                self._accounts[person] = person.pk = account.pk

    def conversation(self, pair: Pair) -> int:
        """Return the conversation of the two, made if there is none yet, in a transaction."""
        if pair not in self.conversations:
            members = sorted(self._member(person) for person in pair)
            [self.conversations[pair]] = self._rows.insert(Conversation, ("low", "high"), [members])
        return self.conversations[pair]

    def _member(self, person: Person) -> int:
        """Return who holds the place of somebody; one more account if they have one here."""
        if person not in self._accounts:
            account = _account(len(self._accounts), make_password(None))
            self._rows.create(User, [account])
            self._accounts[person] = account.pk
        return self._accounts[person]

    def drop_placeholders(self) -> None:
        """Delete the accounts that only held places, in a transaction."""
        placeholders = [pk for person, pk in self._accounts.items() if person.pk != pk]
        if placeholders and not self._rows.is_dry:
            # Not by way of the signals: nobody has ever heard of these people.
            _accounts()._raw_delete(connection.alias)


def _account(number: int, password: str) -> User:
    name = f"{NOBODY}{number}"
    return User(username=name, username_key=name, password=password, is_active=False)


def _accounts() -> models.QuerySet[User]:
    return User.everybody.filter(username_key__startswith=NOBODY)


def count_messages() -> tuple[int, int]:
    """Count the messages and attachments that wait."""
    waiting = Conversation.objects.waiting().values("pk")
    return (
        Message.objects.filter(conversation__in=waiting).count(),
        Attachment.objects.filter(conversation__in=waiting).count(),
    )


@contextmanager
def alone(seconds: float = locks.LOCK_SECONDS) -> Iterator[None]:
    """Let no other import run; raises HeldError if one does."""
    with locks.take(_lock(), fcntl.LOCK_EX, seconds):
        yield


def _lock() -> Path:
    folder: Path = settings.DATA_DIR
    return folder / "import.lock"


def count() -> int:
    """Count the accounts and messages that wait."""
    messages, _attachments = count_messages()
    return _accounts().count() + messages


def count_leftovers() -> int:
    """Count what a stopped import has left, as `clear` does; 0 while one is at work."""
    return sum(_unless_at_work(lambda: iter([count()])))


def clear_leftovers() -> Batches:
    """Delete what a stopped import has left, but nothing of one at work."""
    yield from _unless_at_work(clear)


def _unless_at_work(work: Callable[[], Iterator[int]]) -> Iterator[int]:
    try:
        with alone(seconds=0):
            yield from work()
    except locks.HeldError:
        return


def clear() -> Batches:
    """Delete everything that waits, a little at a time; counts accounts and messages."""
    for conversation in list(Conversation.objects.waiting().values_list("pk", flat=True)):
        yield from _clear_conversation(conversation)
    accounts = list(_accounts().values_list("pk", flat=True))
    for part in in_parts(accounts, PEOPLE_AT_ONCE):
        with short_transaction():
            _accounts().filter(pk__in=part)._raw_delete(connection.alias)
        yield len(part)


def _clear_conversation(conversation: int) -> Batches:
    messages = Message.objects.filter(conversation=conversation)
    while ids := list(messages.values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        with short_transaction():
            Attachment.objects.filter(message__in=ids).delete()
            messages.filter(pk__in=ids).delete()
        yield len(ids)
    with short_transaction():
        Conversation.objects.filter(pk=conversation).delete()


def after_migration(**kwargs: Any) -> None:
    """Clear what a restored backup holds of an import that was under way."""
    if User._meta.db_table in connection.introspection.table_names() and _accounts().exists():
        for _number in clear_leftovers():
            pass
