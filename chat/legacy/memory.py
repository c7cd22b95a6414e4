"""The accounts that earlier imports have found or made, by the names of the old program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from accounts.models import OldName, User, old_name_digest
from accounts.names import username_key

from . import reasons

if TYPE_CHECKING:
    from .people import People, Person

Known = tuple[str, int | None]  # the digest of an old name, and an account; None once deleted


class Memory:
    """The memory of the imports of one tree.

    An account is remembered by the old name of its owner, and later by the names of others, whose
    messages were given to it (`--rename OLD=NEW` for an OLD that is nobody's).
    """

    def __init__(
        self, tree: str = "", known: Iterable[Known] = (), names: Mapping[int, str] | None = None
    ) -> None:
        self._tree = tree
        self._users = dict(known)  # in the order in which they became known
        self._places = {digest: place for place, digest in enumerate(self._users)}
        self._names = names or {}
        self._owners: dict[int, Person] = {}

    @classmethod
    def load(cls, tree: str) -> Memory:
        known = list(OldName.objects.order_by("pk").values_list("digest", "user"))
        users = User.objects.filter(pk__in={user for _digest, user in known})
        return cls(tree, known, dict(users.values_list("pk", "username")))

    def _digest(self, old: str) -> str:
        # No file name holds a slash.
        return old_name_digest(f"{self._tree}/{old}" if self._tree else old)

    def recall(self, users: Iterable[Person], names: Iterable[str]) -> None:
        """Tell people the accounts that they have got, or why they get none.

        `names` are all in users/, also of files that cannot be read now: an account belongs to
        that which was known first, and the rest of them was given to it.
        """
        firsts: dict[int | None, str] = {}
        known = [name for name in names if self._digest(name) in self._users]
        for name in sorted(known, key=lambda each: self._places[self._digest(each)]):
            firsts.setdefault(self._users[self._digest(name)], name)
        for person in users:
            if self._digest(person.old) in self._users:
                self._tell(person, self._users[self._digest(person.old)], firsts)

    def _tell(self, person: Person, pk: int | None, firsts: Mapping[int | None, str]) -> None:
        if pk is None:
            person.problem = reasons.DELETED
        elif person.problem is not None:
            return
        elif person.old != firsts[pk] or pk in self._owners:
            person.problem = reasons.GIVEN
        else:
            self._owners[pk] = person
            self._settle(person, pk)

    def _settle(self, person: Person, pk: int) -> None:
        person.pk, person.name = pk, self._names[pk]
        if person.key != username_key(person.old):
            person.renamed = reasons.BEFORE

    def owner_of(self, old: str) -> Person | None:
        """Find who has got what was under an old name, in an earlier import."""
        return self._owners.get(self._users.get(self._digest(old)) or 0)

    def name_of(self, old: str) -> str:
        """Return what the account behind an old name is called here; empty if there is none."""
        return self._names.get(self._users.get(self._digest(old)) or 0, "")

    def has_left(self, old: str) -> bool:
        """Whether the account that had got what was under an old name has been deleted."""
        digest = self._digest(old)
        return digest in self._users and self._users[digest] is None

    def keep(self, people: People) -> None:
        """Remember everybody, in a transaction, for the next import."""
        olds = {person.old: person for person in people.importable} | dict(people.aliases)
        known = {self._digest(old): person.pk for old, person in olds.items()}
        if self._tree:  # where two trees have a name, it leads to the first who had it
            known |= {old_name_digest(f"/{old}"): person.pk for old, person in olds.items()}
        OldName.objects.bulk_create(
            OldName(digest=digest, user_id=pk)
            for digest, pk in known.items()
            if digest not in self._users
        )
