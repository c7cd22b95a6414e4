"""Accounts for a class at once: an administrator's list, and a slip of paper for each."""

from __future__ import annotations

import codecs
import csv
import io
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from webchat.base.text import clean_text

from .models import User
from .names import NAME_OR_MAIL_AT_MOST, username_key
from .services import check_available

USERNAME, NAME, EMAIL = "用户名", "姓名", "邮箱"
COLUMNS = (USERNAME, NAME, EMAIL)
BYTES_AT_MOST = 1024 * 1024  # of a list: a class has some kilobytes, a school a hundred
LINES_AT_MOST = 5000  # each is looked up in the database
DELIMITERS = (",", "\t", ";", "，")
# Characters that cannot be mistaken for one another on paper.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 3, 4  # 59 bits


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A usable row of the list. The name is for the slip only, and not stored."""

    line: int
    username: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Slip:
    username: str
    name: str
    password: str


def read_roster(content: bytes) -> list[Newcomer]:
    """Return all the people of a CSV file.

    Raises ValidationError with a sentence for each line that cannot be used.
    """
    if len(content) > BYTES_AT_MOST:
        message = _("The file has at most %(limit)d KB.")
        raise ValidationError(message, "too_long", {"limit": BYTES_AT_MOST // 1024})
    people: list[Newcomer] = []
    refused: list[str] = []
    rows = _rows(content)
    header = _header(next(rows, (1, []))[1])
    before: dict[tuple[str, str], int] = {}
    try:
        for line, cells in rows:
            try:
                people.append(_newcomer(line, header, cells, before))
            except ValidationError as error:
                refused += [_at(line, message) for message in error.messages]
    except ValidationError as error:  # here the reading ends
        refused += error.messages
    if refused:
        raise ValidationError(refused)
    if not people:
        raise ValidationError(_("There is nobody in the list."))
    return people


def _rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its line.

    Raises ValidationError, with the line, for a quotation mark that is not closed in it: up to
    the next one, or the end, it would make the lines of other people part of one cell. A line break
    that is meant looks just the same.
    """
    text = io.StringIO(_decode(content), newline="")
    rows = csv.reader(text, delimiter=_delimiter(content), strict=True)
    line = 1
    try:
        for cells in rows:
            if rows.line_num > LINES_AT_MOST:
                raise ValidationError(
                    _("The list has at most %(limit)d lines."), "too_long", {"limit": LINES_AT_MOST}
                )
            if rows.line_num > line:
                raise csv.Error
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = rows.line_num + 1
    except csv.Error:
        reason = _("The quotation marks of this line do not match, or it is no CSV.")
        if rows.line_num > line:
            reason = _("A cell may not hold a line break, or a quotation mark is not closed.")
        raise ValidationError(_at(line, reason)) from None


def _at(line: int, reason: str) -> str:
    return _("Line %(line)d: %(reason)s") % {"line": line, "reason": reason}


def _decode(content: bytes) -> str:
    """Decode what Excel saves: UTF-8 with a mark, UTF-16, or what Chinese Windows always used."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError(_("The file is neither UTF-8 nor GBK."))


def _delimiter(content: bytes) -> str:
    first_line = _decode(content).partition("\n")[0]
    return max(DELIMITERS, key=first_line.count)


def _header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if USERNAME not in header or not set(header) <= {*COLUMNS, ""} or _repeats(header):
        columns = {"columns": "，".join(COLUMNS)}
        reason = _("The first line should name the columns: %(columns)s.") % columns
        raise ValidationError(_at(1, reason))
    return header


def _repeats(header: Sequence[str]) -> bool:
    named = [cell for cell in header if cell]
    return len(named) > len(set(named))


def _newcomer(
    line: int, header: Sequence[str], cells: Sequence[str], before: dict[tuple[str, str], int]
) -> Newcomer:
    """Read one row; `before` remembers the line of each name and address."""
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ValidationError(_("There are more cells than columns."))
    row = dict.fromkeys(COLUMNS, "") | {
        column: clean_text(cell, most=NAME_OR_MAIL_AT_MOST)
        for column, cell in zip(header, cells, strict=False)
        if column
    }
    username = check_available(row[USERNAME])
    _refuse_repeated(before, (USERNAME, username_key(username)), line)
    email = row[EMAIL].casefold()
    if email:
        validate_email(email)
        _refuse_repeated(before, (EMAIL, email), line)
        if User.objects.filter(email=email).exists():
            raise ValidationError(_("This email address is already in use."))
    return Newcomer(line, username, " ".join(row[NAME].split()), email)


def _refuse_repeated(before: dict[tuple[str, str], int], fact: tuple[str, str], line: int) -> None:
    first = before.setdefault(fact, line)
    if first != line:
        raise ValidationError(_("The same stands in line %(line)d.") % {"line": first})


def make_password() -> str:
    """Make a first password, easy to read off paper and to type."""
    groups = (
        "".join(secrets.choice(LETTERS) for _letter in range(GROUP_LENGTH))
        for _group in range(GROUPS)
    )
    return "-".join(groups)


def enrol(
    *,
    people: Sequence[Newcomer],
    passwords: Mapping[str, str],
    hashes: Mapping[str, str],
    slips: Path,
    address: str,
    trust_mail: bool,
) -> None:
    """Make all the accounts and their slips, or nothing; both mappings are by user name.

    Raises ValidationError when somebody has taken a name meanwhile, OSError when the slips cannot
    be written: nobody could ever log in without them.
    """
    accounts = [
        User(
            username=person.username,
            email=person.email if trust_mail else "",
            password=hashes[person.username],
            must_change_password=True,
        )
        for person in people
    ]
    sheet = [Slip(each.username, each.name, passwords[each.username]) for each in people]
    content = render_to_string("accounts/slips.html", {"slips": sheet, "address": address})
    with _new_file(slips, content):
        try:
            with transaction.atomic():
                for account in accounts:
                    User.objects.named(account.username).lapsed().delete()
                    account.save(force_insert=True)
        except IntegrityError:
            message = _("Somebody has taken one of the names or addresses just now.")
            raise ValidationError(message, "name_taken") from None


@contextmanager
def _new_file(path: Path, content: str) -> Iterator[None]:
    """Write a file that only its owner can read; delete it if what follows fails."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
