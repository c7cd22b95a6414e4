"""The names that people get here, and the memory of earlier imports.

Most keep the name that they had. Somebody whose name is not possible here, or is another's but for
case and width, gets a free one: by `--rename`, or else by a rule that always gives the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import OldName, RetiredUsername, User, old_name_digest
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
from .people import People, Person
from .reading import fold
from .reasons import Reason
from .report import NewName, Report, printable

NAMELESS = "user"  # where nothing is left of the old name
NUMBERS = range(2, 10_000)  # tried after a name, before it is given up for NAMELESS


class Memory:
    """The accounts that earlier imports of a tree have found or made, by the old names."""

    def __init__(self, tree: str = "") -> None:
        self._tree = tree
        self._users: dict[str, int | None] = dict(OldName.objects.values_list("digest", "user"))
        self._names = dict(
            User.objects.filter(pk__in=set(self._users.values())).values_list("pk", "username")
        )

    def digest(self, old: str) -> str:
        # No file name holds a slash.
        return old_name_digest(f"{self._tree}/{old}" if self._tree else old)

    def recall(self, person: Person) -> None:
        """Tell somebody the account that they have got, or that it has been deleted."""
        digest = self.digest(person.old)
        if person.problem or digest not in self._users:
            return
        person.pk = self._users[digest]
        if person.pk is None:
            person.problem = reasons.DELETED
            return
        person.name = self._names[person.pk]
        if person.key != username_key(person.old):
            person.renamed = reasons.BEFORE

    def owners(self, users: Iterable[Person]) -> Callable[[str], Person | None]:
        """Return the look-up of who is meant by an old name, of which an import was told before."""
        by_account: dict[int | None, Person] = {each.pk: each for each in users if each.pk}
        return lambda old: by_account.get(self._users.get(self.digest(old)))

    def keep(self, people: People) -> None:
        """Remember everybody, in a transaction, for the next import."""
        olds = {person.old: person for person in people.importable} | dict(people.aliases)
        known = {self.digest(old): person.pk for old, person in olds.items()}
        OldName.objects.bulk_create(
            OldName(digest=digest, user_id=pk)
            for digest, pk in known.items()
            if digest not in self._users
        )


def rename(users: list[Person], renames: Mapping[str, str]) -> dict[str, Person]:
    """Rename people as asked; returns the aliases, for old names that are nobody's.

    Raises ValidationError for a name that is not possible, that two people would have, or
    that contradicts an earlier import.
    """
    by_old = {person.old: person for person in users if not person.problem}
    renames = {fold(old): new for old, new in renames.items()}
    for old in renames.keys() & by_old.keys():
        _rename(by_old[old], renames[old])
    _refuse_clashes(person for person in by_old.values() if person.pk or person.renamed)
    aliases = {}
    for old in sorted(renames.keys() - by_old.keys()):
        owner = _owner(renames[old], by_old)
        if owner is None:
            message = _("--rename %(old)s=%(new)s: neither of them is a user.")
            raise ValidationError(message, "nobody", {"old": old, "new": renames[old]})
        aliases[old] = owner
    return aliases


def _rename(person: Person, new: str) -> None:
    if person.pk is not None:
        if username_key(new) != person.key:
            message = _("--rename %(old)s=%(new)s: an earlier import has called them %(name)s.")
            facts = {"old": person.old, "new": new, "name": person.name}
            raise ValidationError(message, "renamed_before", facts)
        return
    validate_new_username(new)
    person.name, person.renamed = normalize_username(new), reasons.ASKED


def _refuse_clashes(people: Iterable[Person]) -> None:
    taken: dict[str, Person] = {}
    for person in people:
        other = taken.setdefault(person.key, person)
        if other is not person:
            message = _("--rename: %(one)s and %(other)s cannot both be called %(name)s.")
            one, two = printable(other.old), printable(person.old)
            raise ValidationError(message, "twin", {"one": one, "other": two, "name": person.name})


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
