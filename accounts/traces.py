"""The search for a name in the database: proof that the deletion of an account was complete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.dispatch import Signal
from django.utils.translation import gettext as _

from webchat.base.text import fold
from webchat.database import dialect, examining
from webchat.database.steps import Step, quietly

from . import signals
from .models import OldName, RetiredUsername, User, retired_digest
from .names import username_key

ROWS_AT_ONCE = 1000
# Their content comes from the code, or from the database itself.
IMPERSONAL = ("django_migrations", "django_content_type", "auth_permission", dialect.OWN_TABLES)
# A hash, and the readings of other names: 张三 is not a trace of zhangsan.
UNTELLING = ("password", "pinyin", "remark_pinyin")
NAME_CHARACTERS = re.compile(r"[\w.-]*")


@dataclass(frozen=True, slots=True)
class Trace:
    """One value that names the account."""

    table: str
    column: str
    row: dict[str, Any]

    def __str__(self) -> str:
        row = next(iter(self.row.values()))
        return _("%(place)s, row %(row)s") % {"place": f"{self.table}.{self.column}", "row": row}


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that outlives a deletion on purpose; without a time it is kept for good."""

    what: str
    until: datetime | None = None


class Name:
    """A name to look for: not as a part of another word, and not in another user's name."""

    def __init__(self, username: str) -> None:
        key = username_key(username)
        self._pattern = re.compile(_edge(key[0], "(?<!") + re.escape(key) + _edge(key[-1], "(?!"))
        self._others = set(User.objects.values_list("username_key", flat=True)) - {key}

    def stands_in(self, text: str) -> bool:
        text = fold(text, most=len(text)) or ""
        return any(
            self._run_around(text, found) not in self._others
            for found in self._pattern.finditer(text)
        )

    def _run_around(self, text: str, found: re.Match[str]) -> str:
        """Return the longest name that the match may be a part of."""
        # Read backwards from there: a search for what ends there would try every beginning.
        before = NAME_CHARACTERS.match(text[: found.start()][::-1])
        after = NAME_CHARACTERS.match(text, found.end())
        run = (before[0][::-1] if before else "") + found[0] + (after[0] if after else "")
        return run.strip(".-")


def count_rows() -> int:
    """Count the rows that `find_traces` reads."""
    with connection.cursor() as cursor:
        return sum(
            cursor.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]  # noqa: S608
            for table in _tables()
        )


def find_traces(username: str, step: Step = quietly) -> Iterator[Trace]:
    """Find every value in any table that names the account, with sessions and JSON decoded.

    `step` hears of the rows.
    """
    name = Name(username)
    by_table = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    for table in _tables():
        yield from _search(table, _columns_of(by_table.get(table)), name, step)


def explain(trace: Trace) -> Kept | None:
    """Return why a trace stays, if that is on purpose."""
    return next(filter(None, _ask(signals.trace_found, trace=trace)), None)


def list_kept(username: str) -> Iterator[Kept]:
    """List what stays without naming the account."""
    for retired in RetiredUsername.objects.filter(digest=retired_digest(username)):
        yield Kept(_("the name, held back (as an HMAC of its key)"), retired.expires_at)
    gone = OldName.objects.filter(user=None)
    if gone.named(username).exists():
        what = _("that it came from the earlier program (as an HMAC): no import brings it back")
        yield Kept(what)
    elif count := gone.count():
        # It may have had another name there, which nobody can tell from an HMAC.
        what = _("the old names of deleted accounts, perhaps one of its own (HMACs: %(count)d)")
        yield Kept(what % {"count": count})
    for kept in _ask(signals.account_kept, username=username):
        yield from kept


def find_orphans() -> list[str]:
    """Find rows that point to nothing, and sessions of nobody."""
    found = [
        _("%(table)s, row %(row)s: points to a %(parent)s that is gone")
        % {"table": table, "row": row, "parent": parent}
        for table, row, parent in examining.rows_that_point_to_nothing()
    ]
    user_ids = {str(pk) for pk in User.objects.values_list("pk", flat=True)}
    for session in Session.objects.iterator():
        owner = session.get_decoded().get("_auth_user_id")
        if owner is not None and owner not in user_ids:
            found.append(_("django_session: a session of an account that is gone"))
    return found


def find_lost_files() -> list[str]:
    """List the files that no row refers to any more."""
    return [line for lines in _ask(signals.files_left) for line in lines]


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in what JSON can hold, including texts that are JSON themselves."""
    if isinstance(value, str):
        yield from _texts("", value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def _ask(signal: Signal, **facts: Any) -> list[Any]:
    return [answer for _receiver, answer in signal.send(User, **facts)]


def _edge(character: str, look: str) -> str:
    # Chinese is written without spaces: a name in it is right beside other words.
    return rf"{look}[0-9a-z_])" if re.match("[0-9a-z_]", character) else ""


def _columns_of(model: type[models.Model] | None) -> set[str] | None:
    """Return the columns to search; None, which means all, for a table without a model."""
    return None if model is None else telling_columns(model)


def telling_columns(model: type[models.Model]) -> set[str]:
    """Return the columns of a model that may hold a name, or words."""
    texts = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    return {
        str(field.column)
        for field in model._meta.concrete_fields
        if isinstance(field, texts) and not field.choices and not field.name.endswith(UNTELLING)
    }


def _tables() -> list[str]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    return sorted(table for table in tables if not table.startswith(IMPERSONAL))


def _quoted(table: str) -> str:
    return str(connection.ops.quote_name(table))


def _search(
    table: str, columns: set[str] | None, name: Name, step: Step = quietly
) -> Iterator[Trace]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for values in rows:
                row = dict(zip(names, values, strict=True))
                for column, value in row.items():
                    is_telling = columns is None or column in columns
                    if is_telling and any(map(name.stands_in, _texts(column, value))):
                        yield Trace(table, column, row)
            step(len(rows))


def _texts(column: str, value: Any) -> Iterator[str]:
    """Yield the texts of a stored value, in plain characters."""
    if column == "session_data":
        yield from texts_in(Session(session_data=value).get_decoded())
        return
    if isinstance(value, bytes):
        value = value.decode(errors="ignore")
    if not isinstance(value, str):
        return
    yield value
    if value.startswith(("{", "[", '"')):
        try:
            yield from texts_in(json.loads(value))
        except (ValueError, RecursionError):
            return
