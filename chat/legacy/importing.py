"""The import as a whole: the reading before the transaction, and the writing inside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.core.management.base import OutputWrapper
from django.db import transaction

from accounts.hashers import hash_all
from accounts.models import User
from chat.log import writing
from chat.models import Attachment, Message
from friends.models import Friendship
from webchat.base.progress import Progress
from webchat.database.snapshot import read_snapshot

from .files import FileStore
from .links import read_friendships, read_requests
from .people import Pair, People, Person, find_accounts, read_people
from .reading import Tree
from .report import Report
from .talk import Found, Talk, read_marks
from .writing import Writer


@dataclass(frozen=True, slots=True)
class Options:
    zone: ZoneInfo
    renames: Mapping[str, str]
    trust_mail: bool = False
    is_dry: bool = False


def import_tree(root: Path, options: Options, progress_to: OutputWrapper) -> Report:
    """Import a data folder: all of it or, if anything fails, nothing.

    Raises ValidationError for a folder that is a link and for a rename that cannot be done,
    OSError for a disk that is full.
    """
    report = Report()
    tree = Tree(root, report)
    tree.check()
    people = read_people(tree, report, renames=options.renames, trust_mail=options.trust_mail)
    friendships = read_friendships(tree, people, report)
    requests = read_requests(tree, people, report)
    marks = read_marks(tree, people, options.zone, report)
    talk = Talk(tree, people, friendships.listed_by, options.zone, report)
    pairs = _survey(tree, talk, progress_to)
    find_accounts(people)
    passwords = {} if options.is_dry else _hash(people, progress_to)

    def password_of(person: Person) -> str:
        if options.is_dry:
            return ""
        return passwords.get(person.old) or make_password(person.password or None)

    files = FileStore(tree, is_dry=options.is_dry)
    with _all_or_nothing(files, report, is_dry=options.is_dry):
        find_accounts(people)  # somebody may have registered meanwhile
        writer = Writer(people, report, files, is_dry=options.is_dry)
        writer.users(people.users, password_of)
        writer.friendships(friendships, lambda pair: pair in pairs and pairs[pair].messages > 0)
        writer.requests(requests)
        with Progress(progress_to, "Messages", _total(pairs)) as progress:
            for pair, found in pairs.items():
                writer.conversation(pair, talk.conversation(pair, found.paths), marks)
                progress.step(found.entries)
    return report


def _survey(tree: Tree, talk: Talk, progress_to: OutputWrapper) -> dict[Pair, Found]:
    """Look through all messages, by pair; in the order of the last ones, as ids sort the chats."""
    pairs: dict[Pair, Found] = {}
    number = sum(1 for _file in tree.files("messages"))
    with Progress(progress_to, "Files", number) as progress:
        for found_in_file in talk.survey():
            for pair, found in found_in_file.items():
                pairs[pair] = pairs[pair] + found if pair in pairs else found
            progress.step()
    return dict(sorted(pairs.items(), key=lambda each: each[1].newest))


def _total(pairs: Mapping[Pair, Found]) -> int:
    return sum(found.entries for found in pairs.values())


def _hash(people: People, progress_to: OutputWrapper) -> dict[str, str]:
    """Hash the passwords before the transaction, because that is slow on purpose."""
    new = [person for person in people.users if person.is_new and not person.problem]
    hashed = hash_all([person.password for person in new], progress_to)
    return {person.old: password for person, password in zip(new, hashed, strict=True)}


@contextmanager
def _all_or_nothing(files: FileStore, report: Report, *, is_dry: bool) -> Iterator[None]:
    if is_dry:
        with read_snapshot():
            yield
        report.check()
        return
    try:
        with transaction.atomic():
            User.objects.lapsed().delete()
            before = _count()
            yield
            report.check()
            _check_rows(report, before)
            if report.has_news:
                writing.have_all_reload()
                # The files reach the disk before the rows that refer to them.
                os.sync()
    except BaseException:
        files.take_back()
        raise


def _count() -> dict[str, int]:
    return {
        "users": User.objects.count(),
        "friendships": Friendship.objects.count() // 2,
        "messages": Message.objects.count(),
        "attachments": Attachment.objects.count(),
    }


def _check_rows(report: Report, before: Mapping[str, int]) -> None:
    for kind, number in _count().items():
        if number - before[kind] != report.counts[kind].imported:
            raise AssertionError(f"{kind}: {number - before[kind]} new rows")
