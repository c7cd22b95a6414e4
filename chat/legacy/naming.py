"""The names that people get here.

Most keep the name that they had. Somebody whose name is not possible here, or is another's but for
case and width, gets a free one: by `--rename`, or else by a rule that always gives the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import RetiredUsername, User
from accounts.names import (
    LONGEST,
    TYPED_AT_MOST,
    normalize_username,
    possible_part,
    username_key,
    validate_new_username,
    validate_unreserved,
    validate_username,
)

from . import reasons
from .memory import Memory
from .people import People, Person
from .reading import fold
from .reasons import Reason
from .report import NewName, Report, printable

NAMELESS = "user"  # where nothing is left of the old name
NUMBERS = range(2, 10_000)  # tried after a name, before it is given up for NAMELESS


def rename(
    users: Iterable[Person], renames: Mapping[str, str], memory: Memory
) -> dict[str, Person]:
    """Rename people as asked; returns the aliases, for old names that are nobody's.

    Raises ValidationError for a name that is not possible, that two people would have, or
    that contradicts an earlier import.
    """
    by_old = {person.old: person for person in users if not person.problem}
    renames = {fold(old): new for old, new in renames.items()}
    for old in renames.keys() & by_old.keys():
        _rename(by_old[old], renames[old])
    _refuse_clashes(list(by_old.values()))
    others = sorted(renames.keys() - by_old.keys())
    return {old: _heir(old, renames[old], by_old, memory) for old in others}


def _rename(person: Person, new: str) -> None:
    if person.pk is not None:
        if username_key(new) != person.key:
            raise _renamed_before(person.old, new, person.name)
        return
    validate_new_username(new)
    person.name, person.renamed = normalize_username(new), reasons.ASKED


def _renamed_before(old: str, new: str, name: str) -> ValidationError:
    message = _("--rename %(old)s=%(new)s: an earlier import has called them %(name)s.")
    facts = {"old": printable(old), "new": printable(new), "name": name}
    return ValidationError(message, "renamed_before", facts)


def _refuse_clashes(people: Sequence[Person]) -> None:
    """Raise ValidationError if somebody would get the name of another one.

    One of twins may be asked to keep theirs: then the other gets a free one.
    """
    by_key: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        by_key[person.key].append(person)
    for person in people:
        if person.renamed != reasons.ASKED:
            continue
        is_own = person.key == username_key(person.old)
        for other in by_key[person.key]:
            if other is not person and (other.pk or other.renamed or not is_own):
                raise _clash(person, other)


def _clash(person: Person, other: Person) -> ValidationError:
    message = _("--rename: %(one)s and %(other)s cannot both be called %(name)s.")
    facts = {"one": printable(person.old), "other": printable(other.old), "name": person.name}
    return ValidationError(message, "twin", facts)


def _heir(old: str, new: str, by_old: Mapping[str, Person], memory: Memory) -> Person:
    """Find who gets what is under an old name that is nobody's."""
    facts = {"old": printable(old), "new": printable(new)}
    if memory.has_left(old):
        message = _(
            "--rename %(old)s=%(new)s: %(old)s has deleted the account here, and nobody else gets"
            " what was theirs."
        )
        raise ValidationError(message, "deleted", facts)
    owner = _owner(new, by_old)
    if owner is None:
        message = _("--rename %(old)s=%(new)s: neither of them is a user.")
        raise ValidationError(message, "nobody", facts)
    if (name := memory.name_of(old)) and memory.owner_of(old) is not owner:
        raise _renamed_before(old, new, name)
    return owner


def _owner(new: str, by_old: Mapping[str, Person]) -> Person | None:
    """Find whom a new name means: an old name as it is, else one that is the same here."""
    if fold(new) in by_old or len(new) > TYPED_AT_MOST:
        return by_old.get(fold(new))
    key = username_key(new)
    same = (each for each in by_old.values() if key in (each.key, username_key(each.old)))
    return next(same, None)


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
