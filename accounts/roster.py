"""Accounts for a class at once: an administrator's list, and a slip of paper for each."""

from __future__ import annotations

import codecs
import csv
import io
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from webchat.base.addresses import lan_addresses
from webchat.base.text import clean_text
from webchat.database.stops import undisturbed

from .models import REAL_NAME_AT_MOST, User
from .names import NAME_OR_MAIL_AT_MOST, normalize_username, username_key, validate_username
from .services import check_available

USERNAME, NAME, EMAIL = "用户名", "姓名", "邮箱"
COLUMNS = (USERNAME, NAME, EMAIL)
BYTES_AT_MOST = 1024 * 1024  # of a list: a class has some kilobytes, a school a hundred
LINES_AT_MOST = 5000  # each is looked up in the database
AT_MOST = {USERNAME: NAME_OR_MAIL_AT_MOST, NAME: REAL_NAME_AT_MOST, EMAIL: NAME_OR_MAIL_AT_MOST}
SHOWN_AT_MOST = 100  # characters of a cell in a preview; a line can be one long cell
DELIMITERS = (",", "\t", ";", "，")
# Characters that cannot be mistaken for one another on paper.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 3, 4  # 59 bits


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A usable row of the list."""

    line: int
    username: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was typed, with the person that it makes, or else the reasons why not."""

    line: int
    cells: list[str]
    columns: int
    person: Newcomer | None = None
    reasons: Sequence[str] = ()

    @property
    def shown(self) -> list[str]:
        """Return a cell for each column, and a beginning of it that fits into a table."""
        cells = [cell.strip()[:SHOWN_AT_MOST] for cell in self.cells[: self.columns]]
        return cells + [""] * (self.columns - len(cells))


@dataclass(frozen=True, slots=True)
class Roster:
    """A list that was read to its end, or up to the line that names the reason of its end."""

    header: Sequence[str]
    rows: Sequence[Row]
    ends: Sequence[str] = ()

    @property
    def people(self) -> list[Newcomer]:
        return [row.person for row in self.rows if row.person]

    @property
    def refusals(self) -> list[str]:
        """Return a sentence for each line that cannot be used, or for the list as a whole."""
        refused = [_at(row.line, reason) for row in self.rows for reason in row.reasons]
        return [*refused, *self.refusals_as_a_whole]

    @property
    def refusals_as_a_whole(self) -> list[str]:
        nobody = [] if self.rows or self.ends else [_("There is nobody in the list.")]
        return [*self.ends, *nobody]


@dataclass(frozen=True, slots=True)
class Slip:
    username: str
    name: str
    password: str


def read_roster(content: bytes) -> list[Newcomer]:
    """Return all the people of a CSV file.

    Raises ValidationError with a sentence for each line that cannot be used.
    """
    roster = look_through(content)
    if roster.refusals:
        raise ValidationError(roster.refusals)
    return roster.people


def look_through(content: bytes, *, most: int = LINES_AT_MOST, is_new: bool = True) -> Roster:
    """Read a list of `most` lines; without `is_new` its people may have accounts already.

    Raises ValidationError: too_long, or a sentence about a list that cannot be read at all.
    """
    if len(content) > BYTES_AT_MOST:
        message = _("The file has at most %(limit)d KB.")
        raise ValidationError(message, "too_long", {"limit": BYTES_AT_MOST // 1024})
    found: list[Row] = []
    rows = _rows(content, most)
    header = _header(next(rows, (1, []))[1])
    before: dict[tuple[str, str], int] = {}
    try:
        for line, cells in rows:
            found.append(_row(line, header, cells, before, is_new))
    except ValidationError as error:  # here the reading ends
        return Roster(header, found, error.messages)
    return Roster(header, found)


def _rows(content: bytes, most: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its line.

    Raises ValidationError, with the line, for a quotation mark that is not closed in it: up to
    the next one, or the end, it would make the lines of other people part of one cell. A line break
    that is meant looks just the same.
    """
    text = io.StringIO(decode(content), newline="")
    rows = csv.reader(text, delimiter=_delimiter(content), strict=True)
    line, number = 1, 0
    try:
        for cells in rows:
            number += any(cell.strip() for cell in cells)  # a copied table may end in empty lines
            if number > most:
                raise ValidationError(
                    _("The list has at most %(limit)d lines."), "too_long", {"limit": most}
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


def decode(content: bytes) -> str:
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
    first_line = decode(content).partition("\n")[0]
    return max(DELIMITERS, key=first_line.count)


def _header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if USERNAME not in header or not set(header) <= {*COLUMNS, ""} or _repeats(header):
        reason = _(
            "The first line should name the columns: %(columns)s. Above user names alone, write"
            " %(username)s."
        )
        names = {"columns": "，".join(COLUMNS), "username": USERNAME}
        raise ValidationError(_at(1, reason % names))
    return header


def _repeats(header: Sequence[str]) -> bool:
    named = [cell for cell in header if cell]
    return len(named) > len(set(named))


def _row(
    line: int,
    header: Sequence[str],
    cells: list[str],
    before: dict[tuple[str, str], int],
    is_new: bool,
) -> Row:
    try:
        person = _newcomer(line, header, cells)
        _refuse_repeated(before, (USERNAME, username_key(person.username)), line)
        if person.email:
            _refuse_repeated(before, (EMAIL, person.email), line)
        if is_new:
            _refuse_known(person)
    except ValidationError as error:
        return Row(line, cells, len(header), reasons=error.messages)
    return Row(line, cells, len(header), person)


def _newcomer(line: int, header: Sequence[str], cells: Sequence[str]) -> Newcomer:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ValidationError(_("There are more cells than columns."))
    row = dict.fromkeys(COLUMNS, "") | {
        column: clean_text(cell, most=AT_MOST[column])
        for column, cell in zip(header, cells, strict=False)
        if column
    }
    validate_username(row[USERNAME])
    email = row[EMAIL].casefold()
    if email:
        validate_email(email)
    name = " ".join(row[NAME].split())
    return Newcomer(line, normalize_username(row[USERNAME]), name, email)


def _refuse_known(person: Newcomer) -> None:
    check_available(person.username)
    if person.email and User.objects.filter(email=person.email).exists():
        raise ValidationError(_("This email address is already in use."))


def _refuse_repeated(before: dict[tuple[str, str], int], fact: tuple[str, str], line: int) -> None:
    first = before.setdefault(fact, line)
    if first != line:
        raise ValidationError(_("The same stands in line %(line)d.") % {"line": first})


def make_password() -> str:
    """Make a first password, easy to read off paper and to type."""
    return _spell(secrets.randbits(256))


def password_of(username: str, *, secret: str) -> str:
    """Make the first password that this name has under this secret, always the same one.

    A page that sends its list twice gets the same slips, though no password is stored. The
    secret alone does not tell it: the server's own key is part of it.
    """
    digest = salted_hmac(
        "accounts.roster", f"{secret}:{username_key(username)}", algorithm="sha256"
    )
    return _spell(int.from_bytes(digest.digest()))


def _spell(number: int) -> str:
    """Spell a number of 256 random bits; 59 of them are used, so each letter is as likely."""
    letters = []
    for _letter in range(GROUPS * GROUP_LENGTH):
        number, index = divmod(number, len(LETTERS))
        letters.append(LETTERS[index])
    word = "".join(letters)
    return "-".join(word[at : at + GROUP_LENGTH] for at in range(0, len(word), GROUP_LENGTH))


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
    sheet = [Slip(each.username, each.name, passwords[each.username]) for each in people]
    style = (settings.BASE_DIR / "static/css/slips.css").read_text(encoding="utf-8")
    context = {"slips": sheet, "address": address, "style": style}
    page = render_to_string("accounts/slips.html", context)
    with ExitStack() as until_the_end, _new_file(slips, page), transaction.atomic():
        make_accounts(people=people, hashes=hashes, trust_mail=trust_mail)
        # Raised after the commit, a stop would delete the slips of accounts that exist.
        until_the_end.enter_context(undisturbed())


def make_accounts(
    *, people: Sequence[Newcomer], hashes: Mapping[str, str], trust_mail: bool
) -> list[User]:
    """Make all the accounts, or none; their first log-in asks for a password of their own.

    Raises ValidationError("name_taken") when somebody has taken a name or an address meanwhile.
    """
    accounts = [
        User(
            username=person.username,
            real_name=person.name,
            email=person.email if trust_mail else "",
            password=hashes[person.username],
            password_set_at=timezone.now(),
            must_change_password=True,
        )
        for person in people
    ]
    try:
        with transaction.atomic():
            for account in accounts:
                User.objects.named(account.username).lapsed().delete()
                account.save(force_insert=True)
    except IntegrityError:
        message = _("Somebody has taken one of the names or addresses just now.")
        raise ValidationError(message, "name_taken") from None
    return accounts


def site_address() -> str:
    """Return the address of the chat for slips: SITE_URL, or this machine's; empty if unknown."""
    if settings.SITE:
        return str(settings.SITE.url)
    hosts = lan_addresses()
    return f"http://{hosts[0]}:{settings.PORT}/" if hosts else ""


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
