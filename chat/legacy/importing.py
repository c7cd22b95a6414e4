"""The import as a whole: what is read, what waits unseen, and the moment when all see it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.core.management.base import OutputWrapper
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.hashers import hash_all
from accounts.models import User
from friends.models import Friendship
from webchat.base.progress import Progress
from webchat.base.telling import tell
from webchat.database.snapshot import read_snapshot
from webchat.database.stops import undisturbed

from . import staging
from .files import FileStore
from .links import Asked, Friendships, read_friendships, read_requests
from .memory import Memory
from .naming import settle_names, tell_names
from .opening import Opening, changed
from .people import Pair, People, Person, find_accounts, read_users, settle_mail
from .reading import Tree
from .reasons import Reason
from .renaming import Renaming
from .report import Report
from .staging import Rows, Stage
from .talk import Found, ReadMarks, Talk, read_marks
from .writing import Writer


@dataclass(frozen=True, slots=True)
class Options:
    zone: ZoneInfo
    renames: Mapping[str, str]
    trust_mail: bool = False
    is_dry: bool = False
    # Tells the people of one old program from those of another, who may have the same names.
    tree: str = ""


@dataclass(frozen=True, slots=True)
class Old:
    """All that the tree holds; its messages are read when they are written."""

    people: People
    friendships: Friendships
    requests: Mapping[Asked, Reason | None]
    marks: ReadMarks
    talk: Talk
    pairs: Mapping[Pair, Found]
    memory: Memory


def import_tree(root: Path, options: Options, progress_to: OutputWrapper) -> Report:
    """Import a data folder: all of it or, if anything fails, nothing that anybody could see.

    Raises ValidationError for a folder that is a link, a rename that cannot be done, and a
    server where people did something else with the same names meanwhile; HeldError while another
    import runs; OSError for a disk that is full.
    """
    report = Report()
    tree = Tree(root, report)
    tree.check()
    if options.is_dry:
        with read_snapshot():
            old = _read(tree, options, report, progress_to)
            _import(tree, old, report, {}, progress_to, is_dry=True)
        return report
    with staging.alone():
        _clear(progress_to)
        old = _read(tree, options, report, progress_to)
        passwords = _hash(old.people, progress_to)
        _import(tree, old, report, passwords, progress_to, is_dry=False)
    return report


def _read(tree: Tree, options: Options, report: Report, progress_to: OutputWrapper) -> Old:
    memory = Memory.load(options.tree)
    users = read_users(tree, report)
    memory.recall(users, [name for name, _path in tree.files("users")])
    people = People(users, Renaming(users, memory).apply(options.renames), memory)
    friendships = read_friendships(tree, people, report)
    requests = read_requests(tree, people, report)
    marks = read_marks(tree, people, options.zone, report)
    talk = Talk(tree, people, friendships.listed_by, options.zone, report, options.tree)
    pairs = _survey(tree, talk, progress_to)
    free = settle_names(people, _weigh(friendships, pairs).__getitem__)
    find_accounts(people)
    tell_names(people, free, report)
    settle_mail(people, report, trust_mail=options.trust_mail)
    return Old(people, friendships, requests, marks, talk, pairs, memory)


def _survey(tree: Tree, talk: Talk, progress_to: OutputWrapper) -> dict[Pair, Found]:
    """Look through all messages, by pair; in the order of the last ones, as ids sort the chats."""
    pairs: dict[Pair, Found] = {}
    number = sum(1 for _file in tree.files("messages"))
    with Progress(progress_to, _("Files"), number) as progress:
        for found_in_file in talk.survey():
            for pair, found in found_in_file.items():
                pairs[pair] = pairs[pair] + found if pair in pairs else found
            progress.step()
    return dict(sorted(pairs.items(), key=lambda each: each[1].newest))


def _weigh(friendships: Friendships, pairs: Mapping[Pair, Found]) -> Counter[Person]:
    """Count the messages and friends of everybody."""
    weights: Counter[Person] = Counter()
    for pair in friendships.listed_by:
        weights.update(pair)
    for pair, found in pairs.items():
        weights.update(dict.fromkeys(pair, found.fullest))
    return weights


def _hash(people: People, progress_to: OutputWrapper) -> dict[Person, str]:
    new = [person for person in people.importable if person.is_new]
    hashed = hash_all([person.password for person in new], progress_to)
    return dict(zip(new, hashed, strict=True))


def _import(
    tree: Tree,
    old: Old,
    report: Report,
    passwords: Mapping[Person, str],
    progress_to: OutputWrapper,
    *,
    is_dry: bool,
) -> None:
    rows, files = Rows(is_dry=is_dry), FileStore(tree, is_dry=is_dry)
    stage = Stage(rows)
    writer = Writer(old.people, stage, rows, files, report)
    unusable = make_password(None)
    with ExitStack() as until_the_end, _nothing_left(files, progress_to, is_dry=is_dry):
        new = [person for person in old.people.importable if person.is_new]
        stage.admit(new, lambda person: passwords.get(person) or unusable)
        _write(old, writer, progress_to)
        if not is_dry:
            _check_waiting(writer, report)
            os.sync()  # files reach the disk before anybody can ask for them
        with _seen_by_all(is_dry=is_dry):
            opening = Opening(old.people, stage, rows, report)
            _open(opening, old, writer, is_dry=is_dry)
            report.check()
            # Within the commit, a stop could say that nothing was imported when all was.
            until_the_end.enter_context(undisturbed())


def _write(old: Old, writer: Writer, progress_to: OutputWrapper) -> None:
    total = sum(found.entries for found in old.pairs.values())
    with Progress(progress_to, _("Messages"), total) as progress:
        for pair, found in old.pairs.items():
            writer.conversation(pair, old.talk.conversation(pair, found.paths), old.marks)
            progress.step(found.entries)


def _open(opening: Opening, old: Old, writer: Writer, *, is_dry: bool) -> None:
    before = _count()
    if not is_dry:
        opening.check()
    opening.users()
    opening.conversations()
    opening.friendships(old.friendships, lambda pair: _have_talked(old.pairs, pair))
    opening.requests(old.requests)
    opening.memberships(writer)
    opening.found_again(writer.found_again)
    if not is_dry:
        opening.finish(old.memory)
        for kind, number in _count().items():
            if number - before[kind] != opening.report.counts[kind].imported:
                raise AssertionError(f"{kind}: {number - before[kind]} new rows")


def _have_talked(pairs: Mapping[Pair, Found], pair: Pair) -> bool:
    return pair in pairs and pairs[pair].messages > 0


@contextmanager
def _seen_by_all(*, is_dry: bool) -> Iterator[None]:
    if is_dry:
        yield
        return
    with transaction.atomic():
        User.objects.lapsed().delete()
        yield


@contextmanager
def _nothing_left(files: FileStore, progress_to: OutputWrapper, *, is_dry: bool) -> Iterator[None]:
    """Take back what was written if the import fails; if even that does, nobody sees it."""
    try:
        yield
    except BaseException as error:
        if not is_dry:
            _take_back(files, progress_to)
        if isinstance(error, IntegrityError) and "FOREIGN KEY" in str(error):
            raise changed() from None  # an account is gone that was there
        raise


def _take_back(files: FileStore, progress_to: OutputWrapper) -> None:
    try:
        _clear(progress_to)
        files.take_back()
    except (Exception, KeyboardInterrupt):
        words = _("Some of it waits, where nobody sees it, until the next import or prune.")
        tell(progress_to, words)


def _clear(progress_to: OutputWrapper) -> None:
    """Clear what an import has left that was killed, or that failed just now."""
    with Progress(progress_to, _("Clearing"), staging.count()) as progress:
        for number in staging.clear():
            progress.step(number)


def _check_waiting(writer: Writer, report: Report) -> None:
    """Raise ValidationError if messages are gone: with an account, or by pruning."""
    messages, attachments = staging.count_messages()
    there = messages, attachments + len(writer.found_again)
    if there != (report.counts["messages"].imported, report.counts["attachments"].imported):
        raise changed()


def _count() -> dict[str, int]:
    return {"users": User.objects.count(), "friendships": Friendship.objects.count() // 2}
