"""Bulk writes into the database. A dry run decides everything alike, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext as _

from accounts.models import User
from chat.models import Attachment, Conversation, Membership, Message
from friends.models import FriendRequest, Friendship
from webchat.base.text import mend_text
from webchat.database.bulk import insert, stored

from .files import FileStore, name_of
from .links import REMARK_LENGTH, Asked, Friendships, unfriended
from .people import Pair, People, Person, problem_of
from .report import Report
from .talk import OldMessage, ReadMarks

# No draft has this digest: no retry by a client finds an imported message, but an import does.
IMPORTED = b""
ROWS_AT_ONCE = 2000
LOST = "the file is lost; its message says so"

AnyModel = TypeVar("AnyModel", bound=models.Model)
Numbers = tuple[int, int]


class Rows:
    """New rows; in a dry run they only get ids that nothing else has."""

    def __init__(self, *, is_dry: bool) -> None:
        self.is_dry = is_dry
        self._made_up = count(-1, -1)

    def create(self, model: type[AnyModel], rows: Sequence[AnyModel]) -> None:
        if not self.is_dry:
            model._default_manager.bulk_create(rows, batch_size=ROWS_AT_ONCE)
            return
        for row in rows:
            row.pk = next(self._made_up)

    def insert(
        self, model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]
    ) -> Sequence[int]:
        return [next(self._made_up) for _row in rows] if self.is_dry else insert(model, names, rows)


class Writer:
    """Makes all changes of an import, within one transaction."""

    def __init__(self, people: People, report: Report, files: FileStore, *, is_dry: bool) -> None:
        self._people = people
        self._report = report
        self._files = files
        self._rows = Rows(is_dry=is_dry)
        conversations = Conversation.objects.values_list("low", "high", "pk")
        self._conversations: dict[Numbers, int] = {
            (low, high): pk for low, high, pk in conversations
        }
        self._stood = set(self._conversations)
        self._befriended: set[Numbers] = set(Friendship.objects.values_list("owner", "friend"))

    # People

    def users(self, people: Iterable[Person], password_of: Callable[[Person], str]) -> None:
        new = []
        for person in people:
            if person.problem:
                self._report.skip("users", person.old, person.problem)
            elif person.is_new:
                new.append(person)
            else:
                self._report.existing("users")
        taken = set(User.objects.exclude(email="").values_list("email", flat=True))
        for person in new:
            if person.email in taken:
                person.email = ""
                reason = "has an address that somebody here has already: dropped"
                self._report.remark("emails", person.old, reason)
            if not person.password:
                reason = "has no password: an administrator has to give them one"
                self._report.remark("passwords", person.old, reason)
        accounts = [
            User(
                username=person.name,
                username_key=person.key,
                email=person.email,
                password=password_of(person),
            )
            for person in new
        ]
        self._rows.create(User, accounts)
        for person, account in zip(new, accounts, strict=True):
            person.pk = account.pk
        self._report.imported("users", len(new))

    # Friends

    def friendships(self, found: Friendships, have_talked: Callable[[Pair], bool]) -> None:
        new: list[Friendship] = []
        for pair, listed_by in found.listed_by.items():
            reason = unfriended(pair, listed_by, have_talked=have_talked(pair))
            if not reason and _numbers(pair) in self._befriended:
                self._report.existing("friendships")
                continue
            if not reason and _numbers(pair) in self._stood:
                reason = "is over: they parted here"
            if reason:
                self._report.skip("friendships", f"{pair[0].old}, {pair[1].old}", reason)
                continue
            new += [self._friendship(owner, friend, found) for owner, friend in _sides(pair)]
            self._open(pair)
            self._report.imported("friendships")
        self._rows.create(Friendship, new)
        self._settle_requests([(each.owner_id, each.friend_id) for each in new])

    def _friendship(self, owner: Person, friend: Person, found: Friendships) -> Friendship:
        remark, _removed = mend_text(found.remarks.get((owner, friend), ""))
        remark = " ".join(remark.split())
        if len(remark) > REMARK_LENGTH:
            what, remark = f"{owner.old} on {friend.old}", remark[:REMARK_LENGTH].strip()
            self._report.remark("remarks", what, f"cut to {REMARK_LENGTH} characters")
        return Friendship(owner_id=owner.pk or 0, friend_id=friend.pk or 0, remark=remark)

    def _settle_requests(self, befriended: Iterable[Numbers]) -> None:
        """Delete the requests of people who are friends by now."""
        self._befriended.update(befriended)
        asked = FriendRequest.objects.values_list("pk", "sender", "recipient")
        settled = [pk for pk, *numbers in asked if tuple(numbers) in self._befriended]
        if settled and not self._rows.is_dry:
            FriendRequest.objects.filter(pk__in=settled).delete()

    def _open(self, pair: Pair) -> int:
        """Return the conversation of the two, made if there is none yet."""
        low, high = _numbers(pair)
        if (low, high) not in self._conversations:
            conversation = Conversation(low_id=low, high_id=high)
            self._rows.create(Conversation, [conversation])
            members = [Membership(conversation=conversation, user_id=pk) for pk in (low, high)]
            self._rows.create(Membership, members)
            self._conversations[low, high] = conversation.pk
        return self._conversations[low, high]

    def requests(self, found: Mapping[Asked, str]) -> None:
        waiting: set[Numbers] = set(FriendRequest.objects.values_list("sender", "recipient"))
        new = []
        for asked, answered in found.items():
            numbers = asked.sender.pk or 0, asked.recipient.pk or 0
            if numbers in waiting:
                self._report.existing("requests")
                continue
            reason = (
                problem_of((asked.sender, asked.recipient))
                or answered
                or self._unasked(asked, numbers, waiting)
            )
            if reason:
                what = f"{asked.sender.old} to {asked.recipient.old}"
                self._report.skip("requests", what, reason)
                continue
            waiting.add(numbers)
            new.append(FriendRequest(sender_id=numbers[0], recipient_id=numbers[1]))
            self._report.imported("requests")
        self._rows.create(FriendRequest, new)

    def _unasked(self, asked: Asked, numbers: Numbers, waiting: set[Numbers]) -> str:
        """Say why an old request is not imported; empty if it is."""
        if numbers in self._befriended:
            return "they are friends"
        if numbers[::-1] in waiting:
            return "the other one has asked, too"
        # An answer leaves no trace: a repeated import must not ask again.
        if not (asked.sender.is_new or asked.recipient.is_new):
            return "both had accounts here already: it may have been answered"
        return ""

    # Messages

    def conversation(self, pair: Pair, messages: Sequence[OldMessage], marks: ReadMarks) -> None:
        self._report.find("messages", len(messages))
        self._report.find("attachments", sum(message.file is not None for message in messages))
        if problem := problem_of(pair):
            for message in messages:
                self._skip(message, problem)
            return
        standing = self._look_up(pair)
        is_talking = bool(standing) and self._is_talking(pair)
        good = []
        for message in messages:
            reason = message.problem
            if not reason and is_talking and message.client_id not in standing:
                reason = "people talk there already"
            if reason:
                self._skip(message, reason)
            else:
                good.append(message)
        if good:
            self._write(pair, good, standing)
            if not is_talking and not self._rows.is_dry:
                self._mark_read(pair, good, standing, marks)

    def _skip(self, message: OldMessage, reason: str) -> None:
        self._report.skip("messages", message.label, reason)
        if message.file is not None:
            self._report.skip("attachments", message.label, reason)

    def _look_up(self, pair: Pair) -> dict[Any, int]:
        """Load the ids of the messages that the two have here, by client id."""
        if _numbers(pair) not in self._stood:
            return {}
        here = Message.objects.filter(conversation=self._conversations[_numbers(pair)])
        return dict(here.values_list("client_id", "pk"))

    def _is_talking(self, pair: Pair) -> bool:
        here = Message.objects.filter(conversation=self._conversations[_numbers(pair)])
        return here.exclude(digest=IMPORTED).exists()

    def _write(self, pair: Pair, messages: Sequence[OldMessage], standing: dict[Any, int]) -> None:
        """Write the messages that are not here yet, with files; adds the ids to `standing`."""
        conversation = self._open(pair)
        new = [message for message in messages if message.client_id not in standing]
        self._report.existing("messages", len(messages) - len(new))
        attachments = self._attach(conversation, messages, standing)
        ids = self._rows.insert(
            Message,
            ("conversation", "sender", "text", "client_id", "digest", "sent_at"),
            [self._row(conversation, message, attachments) for message in new],
        )
        standing.update(zip((message.client_id for message in new), ids, strict=True))
        for client_id, attachment in attachments.items():
            attachment.message_id = standing[client_id]
        self._rows.create(Attachment, list(attachments.values()))
        self._report.imported("messages", len(new))
        self._report.imported("attachments", len(attachments))

    def _row(
        self, conversation: int, message: OldMessage, attachments: Mapping[Any, Attachment]
    ) -> tuple[Any, ...]:
        text = message.text
        if message.file is not None and message.client_id not in attachments:
            text = _("[File lost: %(name)s]") % {"name": name_of(message.file)}
        if message.removed:
            reason = f"{message.removed} characters removed that nobody can show or store"
            self._report.remark("characters", message.label, reason)
        return (
            conversation,
            self._people.named(message.sender).pk,
            text,
            stored(Message, "client_id", message.client_id),
            IMPORTED,
            stored(Message, "sent_at", message.moment.at if message.moment else None),
        )

    def _attach(
        self, conversation: int, messages: Iterable[OldMessage], standing: Mapping[Any, int]
    ) -> dict[Any, Attachment]:
        """Fetch the files that are not here yet, by the client id of their message."""
        with_file = [message for message in messages if message.file is not None]
        if not with_file:
            return {}
        here = set(
            Attachment.objects.filter(conversation=conversation).values_list("message", flat=True)
        )
        fetched = {}
        for message in with_file:
            pk = standing.get(message.client_id)
            if pk in here:
                self._report.existing("attachments")
                continue
            attachment = self._files.fetch(message)
            if attachment is None:
                self._report.skip("attachments", message.label, LOST)
                continue
            attachment.conversation_id = conversation
            fetched[message.client_id] = attachment
            if pk is not None and not self._rows.is_dry:
                # Its message was imported without it: the file has turned up since.
                Message.objects.filter(pk=pk).update(text="")
        return fetched

    def _mark_read(
        self,
        pair: Pair,
        messages: Sequence[OldMessage],
        ids: Mapping[Any, int],
        marks: ReadMarks,
    ) -> None:
        conversation = self._conversations[_numbers(pair)]
        for reader, other in _sides(pair):
            if through := marks.read_through(reader, other, messages):
                last_read = ids[through[0].client_id]
                Membership.objects.filter(
                    conversation=conversation, user=reader.pk, last_read__lt=last_read
                ).update(last_read=last_read, last_read_at=through[1])


def _numbers(pair: Pair) -> Numbers:
    low, high = sorted((pair[0].pk or 0, pair[1].pk or 0))
    return low, high


def _sides(pair: Pair) -> list[tuple[Person, Person]]:
    return [pair, pair[::-1]]
