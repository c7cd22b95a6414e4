"""The accounts of the Flask program, and the names that they get here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import RetiredUsername, User
from accounts.names import (
    normalize_username,
    username_key,
    validate_unreserved,
    validate_username,
)
from accounts.passwords import PASSWORD_AT_MOST

from .reading import Tree, fold
from .report import Report

GHOST = "is no user"


@dataclass(slots=True, eq=False)
class Person:
    """Somebody named in the old data."""

    old: str
    name: str
    password: str = ""
    email: str = ""
    # The reason why nothing can be imported for them; empty if it can.
    problem: str = ""
    pk: int | None = None
    is_new: bool = False

    @property
    def key(self) -> str:
        return username_key(self.name)


Pair = tuple[Person, Person]


class People:
    """Everybody by their name in the old data; a person without a file in users/ is a ghost."""

    def __init__(self, users: Iterable[Person], aliases: Mapping[str, str]) -> None:
        self.users = list(users)
        self._by_old = {person.old: person for person in self.users}
        self._ghosts: dict[str, Person] = {}
        for alias, old in aliases.items():
            self._by_old[alias] = self._by_old[old]

    def knows(self, name: str) -> bool:
        return name in self._by_old

    def named(self, name: str) -> Person:
        name = fold(name)
        if name not in self._by_old and name not in self._ghosts:
            self._ghosts[name] = Person(name, name, problem=GHOST)
        return self._by_old.get(name) or self._ghosts[name]

    def pair(self, name: str, other: str) -> Pair:
        first, second = sorted((self.named(name), self.named(other)), key=lambda each: each.old)
        return first, second


def problem_of(pair: Pair) -> str:
    """Say why nothing can be imported for these two; empty if it can."""
    if pair[0] is pair[1]:
        return "with oneself"
    for person in pair:
        if person.problem:
            return f"{person.old} {person.problem}"
    return ""


def read_people(
    tree: Tree, report: Report, *, renames: Mapping[str, str], trust_mail: bool
) -> People:
    """Read all users; raises ValidationError when a rename cannot be done."""
    users = [
        person for stem, path in tree.files("users") if (person := _read(tree, stem, path, report))
    ]
    aliases = _rename(users, renames)
    _judge_names(users)
    _settle_mail(users, report, trust_mail=trust_mail)
    return People(users, aliases)


def _read(tree: Tree, stem: str, path: Any, report: Report) -> Person | None:
    # `load` counts and reports a file that cannot be read as one user.
    content = tree.load(path, "users", dict)
    if content is None:
        return None
    report.find("users")
    password, email = content.get("password"), content.get("email")
    person = Person(stem, stem)
    if isinstance(password, int) and not isinstance(password, bool):
        password = str(password)
    if isinstance(password, str) and 0 < len(password) <= PASSWORD_AT_MOST:
        person.password = password.encode(errors="ignore").decode()
    if isinstance(email, str):
        person.email = email.strip()
    return person


def _rename(users: Iterable[Person], renames: Mapping[str, str]) -> dict[str, str]:
    """Rename people as asked; returns the aliases, for old names without a file."""
    by_old = {person.old: person for person in users}
    renames = {fold(old): new for old, new in renames.items()}
    for old in renames.keys() & by_old.keys():
        new = renames[old]
        validate_username(new)
        validate_unreserved(new)
        by_old[old].name = normalize_username(new)
    owners = {person.key: person.old for person in users}
    aliases = {}
    for old in renames.keys() - by_old.keys():
        owner = owners.get(username_key(renames[old]))
        if owner is None:
            raise ValidationError(f"--rename {old}={renames[old]}: neither of them is a user.")
        aliases[old] = owner
    return aliases


def _judge_names(users: list[Person]) -> None:
    twins = Counter(person.key for person in users)
    for person in users:
        try:
            validate_username(person.name)
            validate_unreserved(person.name)
        except ValidationError as error:
            person.problem = f"has a name that the rules forbid ({error.code}); use --rename"
            continue
        if twins[person.key] > 1:
            person.problem = "differs from another only by case or width; use --rename"


def _settle_mail(users: list[Person], report: Report, *, trust_mail: bool) -> None:
    times = Counter(person.email.casefold() for person in users)
    unproven = 0
    for person in users:
        address, person.email = person.email, ""
        if not address or person.problem:
            continue
        if times[address.casefold()] > 1:
            report.remark("emails", person.old, "has an address that others have, too: dropped")
        elif not _is_address(address):
            report.remark("emails", person.old, "has a bad address: dropped")
        elif trust_mail:
            person.email = address.casefold()
        else:
            unproven += 1
    if unproven:
        reason = "nobody has verified these addresses: not taken over; see --trust-mail"
        report.remark("emails", f"{unproven} users", reason)


def _is_address(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= 254


def find_accounts(people: People) -> None:
    """Find out who already has an account here, and whose name is held back."""
    importable = [person for person in people.users if not person.problem]
    lasting = User.objects.exclude(pk__in=User.objects.lapsed())
    keys = [person.key for person in importable]
    accounts = lasting.in_bulk(keys, field_name="username_key")
    for person in importable:
        account = accounts.get(person.key)
        person.pk = account.pk if account else None
        person.is_new = account is None
        if account is not None and account.unverified_since is not None:
            person.problem = "is a name that somebody registers at this moment; import again later"
        if account is None and RetiredUsername.objects.holds(person.name):
            person.problem = "was deleted or renamed here, and the name is held back"
