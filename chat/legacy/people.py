"""The accounts of the Flask program, and who of them has an account here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import RetiredUsername, User
from accounts.names import NOBODY, username_key
from accounts.passwords import PASSWORD_AT_MOST

from . import reasons
from .memory import Memory
from .reading import Tree, fold
from .reasons import Reason
from .report import Report


@dataclass(slots=True, eq=False)
class Person:
    """Somebody named in the old data."""

    old: str
    name: str
    password: str = ""
    email: str = ""
    # The reason why nothing can be imported for them; None if it can.
    problem: Reason | None = None
    renamed: Reason | None = None
    pk: int | None = None
    is_new: bool = False

    @property
    def key(self) -> str:
        return username_key(self.name)


Pair = tuple[Person, Person]


class People:
    """Everybody by their name in the old data; a person without a file in users/ is a ghost.

    The memory finds people by other names, of which an earlier import was told.
    """

    def __init__(
        self, users: Iterable[Person], aliases: Mapping[str, Person], memory: Memory
    ) -> None:
        self.users = list(users)
        self.aliases = aliases
        self._memory = memory
        self._by_old = {person.old: person for person in self.users} | dict(aliases)
        self._ghosts: dict[str, Person] = {}
        self._asked: set[str] = set()  # names for which the memory was asked

    @property
    def importable(self) -> list[Person]:
        return [person for person in self.users if not person.problem]

    def knows(self, name: str) -> bool:
        return self._find(name) is not None

    def named(self, name: str) -> Person:
        name = fold(name)
        found = self._find(name)
        if found is None:
            has_left = self._memory.has_left(name)
            problem = reasons.DELETED if has_left else reasons.GHOST
            found = self._ghosts.setdefault(name, Person(name, name, problem=problem))
        return found

    def _find(self, name: str) -> Person | None:
        found = self._by_old.get(name)
        if (found is None or found.problem) and name not in self._asked:
            self._asked.add(name)
            found = self._memory.owner_of(name) or found
            if found is not None:
                self._by_old[name] = found
        return found

    def pair(self, name: str, other: str) -> Pair:
        first, second = sorted((self.named(name), self.named(other)), key=lambda each: each.old)
        return first, second


def is_impossible(pair: Pair, kind: str, report: Report, number: int = 1) -> bool:
    """Whether these two can have nothing here; reported then."""
    if pair[0] is pair[1]:
        report.skip(kind, pair[0].old, reasons.ONESELF, number=number)
        return True
    for person in pair:
        if person.problem:
            report.lose(person.old, person.problem, kind, number)
            return True
    return False


def read_users(tree: Tree, report: Report) -> list[Person]:
    """Read all users; a file that holds another name than its own is nobody's."""
    return [
        person for stem, path in tree.files("users") if (person := _read(tree, stem, path, report))
    ]


def _read(tree: Tree, stem: str, path: Path, report: Report) -> Person | None:
    # `load` counts and reports a file that cannot be read as one user.
    content = tree.load(path, "users", dict)
    if content is None:
        return None
    report.find("users")
    person = Person(stem, stem)
    if not _is_of(content.get("username", stem), stem):
        person.problem = reasons.OTHER_NAME
    person.password, person.email = _password_in(content), _email_in(content)
    return person


def _is_of(inner: Any, stem: str) -> bool:
    """Whether a file is about whom it is named after, but for case and width.

    A file from a system without case may be called `Alice.json` and hold “alice”.
    """
    if not isinstance(inner, str):
        return False
    key = username_key(stem)
    return fold(inner) == stem or (key == username_key(inner) and key != NOBODY)


def _password_in(content: Mapping[str, Any]) -> str:
    password = content.get("password")
    if isinstance(password, int) and not isinstance(password, bool):
        password = str(password)
    if isinstance(password, str) and 0 < len(password) <= PASSWORD_AT_MOST:
        return password.encode(errors="ignore").decode()
    return ""


def _email_in(content: Mapping[str, Any]) -> str:
    email = content.get("email")
    return email.strip() if isinstance(email, str) else ""


def settle_mail(people: People, report: Report, *, trust_mail: bool) -> None:
    times = Counter(person.email.casefold() for person in people.importable)
    unproven = 0
    for person in people.users:
        address, person.email = person.email, ""
        if not address or person.problem:
            continue
        if times[address.casefold()] > 1:
            report.remark("emails", person.old, reasons.MAIL_TWICE)
        elif not _is_address(address):
            report.remark("emails", person.old, reasons.MAIL_BAD)
        elif trust_mail:
            person.email = address.casefold()
        else:
            unproven += 1
    if unproven:
        report.remark("emails", "users/", reasons.MAIL_UNPROVEN, number=unproven)


def _is_address(address: str) -> bool:
    if len(address) > 254:
        return False
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def find_accounts(people: People) -> None:
    """Find out who already has an account here, and whose name is held back."""
    wanted = [person for person in people.importable if person.pk is None]
    lasting = User.objects.exclude(pk__in=User.objects.lapsed())
    accounts = lasting.in_bulk([person.key for person in wanted], field_name="username_key")
    for person in wanted:
        account = accounts.get(person.key)
        person.pk = account.pk if account else None
        person.is_new = account is None
        if account is not None and account.unverified_since is not None:
            person.problem = reasons.REGISTERING
        if account is None and RetiredUsername.objects.holds(person.name):
            person.problem = reasons.HELD_BACK
