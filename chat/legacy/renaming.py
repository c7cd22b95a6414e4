"""The names that a maintainer asks for: `--rename OLD=NEW`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.names import TYPED_AT_MOST, normalize_username, username_key, validate_new_username

from . import reasons
from .memory import Memory
from .people import Person
from .reading import fold
from .report import printable


class Renaming:
    """Renames people, and finds who gets what is under old names that are nobody's."""

    def __init__(self, users: Iterable[Person], memory: Memory) -> None:
        self._by_old = {person.old: person for person in users if not person.problem}
        self._memory = memory

    def apply(self, renames: Mapping[str, str]) -> dict[str, Person]:
        """Rename people as asked; returns the aliases, for old names that are nobody's.

        Raises ValidationError for a name that is not possible, that two people would have, or
        that contradicts an earlier import.
        """
        renames = {fold(old): new for old, new in sorted(renames.items())}
        for old in renames.keys() & self._by_old.keys():
            _rename(self._by_old[old], renames[old])
        self._refuse_clashes()
        others = sorted(renames.keys() - self._by_old.keys())
        return {old: self._heir(old, renames[old]) for old in others}

    def _refuse_clashes(self) -> None:
        """Raise ValidationError if somebody would get the name of another one.

        One of twins may be asked to keep theirs: then the other gets a free one.
        """
        by_key: dict[str, list[Person]] = defaultdict(list)
        for person in self._by_old.values():
            by_key[person.key].append(person)
        for person in self._by_old.values():
            is_own = person.key == username_key(person.old)
            for other in by_key[person.key] if person.renamed == reasons.ASKED else ():
                if other is not person and (other.pk or other.renamed or not is_own):
                    raise _clash(person, other)

    def _heir(self, old: str, new: str) -> Person:
        """Find who gets what is under an old name that is nobody's."""
        facts = {"old": printable(old), "new": printable(new)}
        if self._memory.has_left(old):
            message = _(
                "--rename %(old)s=%(new)s: %(old)s has deleted the account here, and nobody else"
                " gets what was theirs."
            )
            raise ValidationError(message, "deleted", facts)
        owner = self._find(new)
        if owner is None:
            message = _("--rename %(old)s=%(new)s: neither of them is a user.")
            raise ValidationError(message, "nobody", facts)
        name = self._memory.name_of(old)
        if name and self._memory.owner_of(old) is not owner:
            raise _renamed_before(old, new, name)
        return owner

    def _find(self, name: str) -> Person | None:
        """Find who is meant: by an old name as it is, else by one that is the same here."""
        if fold(name) in self._by_old or len(name) > TYPED_AT_MOST:
            return self._by_old.get(fold(name))
        key = username_key(name)
        people = self._by_old.values()
        same = (each for each in people if key in (each.key, username_key(each.old)))
        return next(same, None)


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


def _clash(person: Person, other: Person) -> ValidationError:
    message = _("--rename: %(one)s and %(other)s cannot both be called %(name)s.")
    facts = {"one": printable(person.old), "other": printable(other.old), "name": person.name}
    return ValidationError(message, "twin", facts)
