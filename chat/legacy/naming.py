"""The names that people get here.

Most keep the name that they had. Somebody whose name is not possible here, or is another's but for
case and width, gets a free one: by `--rename`, or else by a rule that always gives the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from django.core.exceptions import ValidationError

from accounts.models import RetiredUsername, User
from accounts.names import (
    LONGEST,
    possible_part,
    username_key,
    validate_unreserved,
    validate_username,
)

from . import reasons
from .people import People, Person
from .reasons import Reason
from .report import NewName, Report

NAMELESS = "user"  # where nothing is left of the old name
NUMBERS = range(2, 10_000)  # tried after a name, before it is given up for NAMELESS


def settle_names(people: People, weight: Callable[[Person], int]) -> FreeNames:
    """Give everybody a name; of twins the one with more data keeps theirs."""
    taken = {each.key for each in people.importable if each.pk is not None or each.renamed}
    nameless = []
    for person in sorted(people.importable, key=lambda each: _precedence(each, weight)):
        if person.pk is not None or person.renamed:
            continue
        person.renamed = _forbidden(person.old) or (reasons.TWIN if person.key in taken else None)
        if person.renamed:
            nameless.append(person)
        else:
            taken.add(person.key)
    free = FreeNames(taken | {person.key for person in people.users if person.problem})
    for person in sorted(nameless, key=lambda each: each.old):
        person.name = free.take(person)
    return free


def _precedence(person: Person, weight: Callable[[Person], int]) -> tuple[int, bool, str]:
    return -weight(person), person.old != username_key(person.old), person.old


def _forbidden(name: str) -> Reason | None:
    try:
        validate_username(name)
        validate_unreserved(name)
    except ValidationError as error:
        return reasons.FORBIDDEN.get(str(error.code), reasons.INVALID)
    return None


def tell_names(people: People, free: FreeNames, report: Report) -> None:
    """Report who is called differently, and find names for those whose own is held back here."""
    for person in people.users:
        if person.problem in (reasons.HELD_BACK, reasons.REGISTERING):
            report.renames[person.old] = free.take(person)
        elif person.renamed and not person.problem:
            report.names.append(NewName(person.old, person.name, person.renamed))
            if person.renamed != reasons.BEFORE:
                report.renames[person.old] = person.name


class FreeNames:
    """Names that nobody has, in the tree or here."""

    def __init__(self, taken: set[str]) -> None:
        lasting = User.objects.exclude(pk__in=User.objects.lapsed())
        self._taken = taken | set(lasting.values_list("username_key", flat=True))

    def take(self, person: Person) -> str:
        name = next(filter(self._is_free, _candidates(person)))
        self._taken.add(username_key(name))
        return name

    def _is_free(self, name: str) -> bool:
        if username_key(name) in self._taken or _forbidden(name):
            return False
        return not RetiredUsername.objects.holds(name)


def _candidates(person: Person) -> Iterator[str]:
    """Yield names to try: what is possible of the old one, zed2, zed3, …; at last any."""
    is_twin = person.renamed == reasons.TWIN
    base = possible_part(username_key(person.old) if is_twin else person.old)
    if base:
        yield base
        yield from (_numbered(base, number) for number in NUMBERS)
    yield NAMELESS
    yield from (_numbered(NAMELESS, number) for number in count(2))


def _numbered(base: str, number: int) -> str:
    return f"{base[: LONGEST - len(str(number))]}{number}"
