"""The end of an import: one short transaction, after which everybody sees all of it.

Its work is bounded by people, friendships and conversations, not by messages; but where a second
import adds to a conversation, the shorter part moves, and each file that was found again is a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from django.core.exceptions import ValidationError
from django.db.models import ManyToOneRel
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from chat.log import writing
from chat.models import Attachment, Conversation, Membership, Message, Notice, SearchSegment
from friends.models import FriendRequest, Friendship
from webchat.base.text import mend_text
from webchat.database.bulk import stored, update

from . import reasons
from .links import REMARK_LENGTH, Asked, Friendships
from .memory import Memory
from .people import Pair, People, Person, is_impossible
from .reasons import Reason
from .report import Report
from .staging import ROWS_AT_ONCE, Rows, Stage, in_parts
from .writing import Numbers, Read, Writer, is_talked_in, numbers_of, standing_conversations


class Opening:
    """Makes the rows that others see; nothing of it is written in a dry run."""

    def __init__(self, people: People, stage: Stage, rows: Rows, report: Report) -> None:
        self._people = people
        self._stage = stage
        self._rows = rows
        self.report = report
        waiting = set(stage.conversations.values())
        self._conversations = {
            numbers: pk for numbers, pk in standing_conversations().items() if pk not in waiting
        }
        # Pairs without a friendship that have a conversation were friends once.
        self._stood = frozenset(self._conversations)
        self._befriended: set[Numbers] = set(Friendship.objects.values_list("owner", "friend"))
        self._opened: list[Numbers] = []

    # People

    def check(self) -> None:
        """Raise ValidationError if what the import has found has changed since."""
        names = set(User.objects.values_list("username_key", flat=True))
        accounts = set(User.objects.values_list("pk", flat=True))
        for person in self._people.importable:
            is_as_found = person.key not in names if person.is_new else person.pk in accounts
            if not is_as_found:
                raise changed()
        for pair in self._stage.conversations:
            standing = self._conversations.get(numbers_of(pair))
            if standing is not None and is_talked_in(standing):
                raise changed()

    def users(self) -> None:
        taken = set(User.objects.exclude(email="").values_list("email", flat=True))
        new = []
        for person in self._people.users:
            if person.problem:
                self.report.lose(person.old, person.problem, "users")
            elif person.is_new:
                self._prepare(person, taken)
                new.append(person)
            else:
                self.report.existing("users")
        self.report.imported("users", len(new))
        if not self._rows.is_dry:
            facts = ("username", "username_key", "email", "is_active")
            update(User, facts, [(p.pk, p.name, p.key, p.email, True) for p in new])
            Notice.objects.bulk_create(
                Notice(user_id=person.pk or 0, kind=Notice.Kind.RENAMED)
                for person in new
                if person.renamed
            )

    def _prepare(self, person: Person, taken: Collection[str]) -> None:
        if person.email in taken:
            person.email = ""
            self.report.remark("emails", person.old, reasons.MAIL_TAKEN)
        if not person.password:
            self.report.remark("passwords", person.old, reasons.NO_PASSWORD)

    # Conversations

    def conversations(self) -> None:
        """Put the real people into the conversations that wait."""
        for pair, staged in self._stage.conversations.items():
            numbers = numbers_of(pair)
            standing = self._conversations.get(numbers)
            if standing is not None:
                self._conversations[numbers] = self._join(staged, standing)
            else:
                self._conversations[numbers] = staged
                self._opened.append(numbers)
        if not self._rows.is_dry:
            places = [(self._conversations[each], *each) for each in self._opened]
            update(Conversation, ("low", "high"), places)

    def _join(self, staged: int, standing: int) -> int:
        """Make one conversation of two; returns the longer one, whose messages stay in place."""
        if self._rows.is_dry:
            return standing
        longest = [(_count(each), each) for each in (staged, standing)]
        (_few, gone), (_many, kept) = sorted(longest)
        members = Conversation.objects.values_list("low", "high").get(pk=standing)
        SearchSegment.objects.filter(conversation=gone).delete()
        for relation in Conversation._meta.get_fields(include_hidden=True):
            if isinstance(relation, ManyToOneRel):
                rows = relation.related_model._base_manager.filter(**{relation.field.name: gone})
                rows.update(**{relation.field.name: kept})
        Conversation.objects.filter(pk=gone).delete()
        update(Conversation, ("low", "high"), [(kept, *members)])
        SearchSegment.objects.ask_for(kept)
        return kept

    def _open(self, pairs: Iterable[Numbers]) -> None:
        """Give each two a conversation if they have none yet."""
        new = [numbers for numbers in pairs if numbers not in self._conversations]
        ids = self._rows.insert(Conversation, ("low", "high"), new)
        self._conversations.update(zip(new, ids, strict=True))
        self._opened += new

    def memberships(self, writer: Writer) -> None:
        """Make everybody a member of the new conversations, and note how far they have read."""
        if self._rows.is_dry:
            return
        read = {(numbers_of(each.pair), each.reader.pk): each for each in writer.reads}
        rows = []
        for numbers in self._opened:
            for member in numbers:
                mark = read.pop((numbers, member), None)
                at = stored(Membership, "last_read_at", mark.at if mark else None)
                through = mark.through if mark else 0
                rows.append((self._conversations[numbers], member, through, at, *[False] * 3, 0))
        names = ("conversation", "user", "last_read", "last_read_at", "pinned", "muted")
        self._rows.insert(Membership, (*names, "marked_unread", "hidden_through"), rows)
        self._move_cursors(read)

    def _move_cursors(self, read: Mapping[tuple[Numbers, int | None], Read]) -> None:
        """Move the cursors of members of older conversations forward."""
        if not read:
            return
        members = Membership.objects.values_list("conversation", "user", "pk", "last_read")
        cursors = {(place, user): (pk, last_read) for place, user, pk, last_read in members}
        rows = []
        for (numbers, user), mark in read.items():
            pk, last_read = cursors[self._conversations[numbers], user or 0]
            if last_read < mark.through:
                rows.append((pk, mark.through, stored(Membership, "last_read_at", mark.at)))
        update(Membership, ("last_read", "last_read_at"), rows)

    def found_again(self, attachments: list[Attachment]) -> None:
        """Give files to the messages that an earlier import brought without them.

        Raises ValidationError if one of these was recalled, removed or pruned meanwhile.
        """
        if self._rows.is_dry:
            return
        for part in in_parts(attachments, ROWS_AT_ONCE):
            ids = [attachment.message_id for attachment in part]
            messages = Message.objects.present().filter(pk__in=ids)
            conversations = dict(messages.values_list("pk", "conversation"))
            if len(conversations) < len(part):
                raise changed()
            for attachment in part:
                attachment.conversation_id = conversations[attachment.message_id]
            self._rows.create(Attachment, part)
            messages.update(text="")

    # Friends

    def friendships(self, found: Friendships, have_talked: Callable[[Pair], bool]) -> None:
        new: list[tuple[Pair, Numbers]] = []
        for pair, listed_by in found.listed_by.items():
            if is_impossible(pair, "friendships", self.report):
                continue
            numbers = numbers_of(pair)
            reason = self._unfriended(numbers, listed_by, have_talked(pair))
            if reason:
                self.report.skip("friendships", f"{pair[0].old}, {pair[1].old}", reason)
            elif numbers in self._befriended:
                self.report.existing("friendships")
            else:
                new.append((pair, numbers))
        self._befriend(new, found)
        self.report.imported("friendships", len(new))
        self._settle_requests(numbers for _pair, numbers in new)

    def _unfriended(
        self, numbers: Numbers, listed_by: Collection[Person], have_talked: bool
    ) -> Reason | None:
        if len(listed_by) == 1 and not have_talked:
            return reasons.ONE_SIDED
        if numbers in self._stood and numbers not in self._befriended:
            return reasons.PARTED
        return None

    def _befriend(self, pairs: Collection[tuple[Pair, Numbers]], found: Friendships) -> None:
        now = stored(Friendship, "created_at", timezone.now())
        rows = []
        for pair, _numbers in pairs:
            for owner, friend in (pair, pair[::-1]):
                rows.append((owner.pk, friend.pk, self._remark(owner, friend, found), "", now))
        self._open(numbers for _pair, numbers in pairs)
        names = ("owner", "friend", "remark", "remark_pinyin", "created_at")
        self._rows.insert(Friendship, names, rows)

    def _remark(self, owner: Person, friend: Person, found: Friendships) -> str:
        remark, _removed = mend_text(found.remarks.get((owner, friend), ""))
        remark = " ".join(remark.split())
        if len(remark) > REMARK_LENGTH:
            self.report.remark("remarks", owner.old, reasons.CUT.of(str(REMARK_LENGTH)))
        return remark[:REMARK_LENGTH].strip()

    def _settle_requests(self, befriended: Iterable[Numbers]) -> None:
        """Delete the requests of people who are friends by now."""
        for low, high in befriended:
            self._befriended |= {(low, high), (high, low)}
        asked = FriendRequest.objects.values_list("pk", "sender", "recipient")
        settled = [pk for pk, *numbers in asked if tuple(numbers) in self._befriended]
        if settled and not self._rows.is_dry:
            FriendRequest.objects.filter(pk__in=settled).delete()

    def requests(self, found: Mapping[Asked, Reason | None]) -> None:
        waiting: set[Numbers] = set(FriendRequest.objects.values_list("sender", "recipient"))
        new = []
        for asked, answered in found.items():
            numbers = asked.sender.pk or 0, asked.recipient.pk or 0
            pair = asked.sender, asked.recipient
            if numbers in waiting:
                self.report.existing("requests")
                continue
            if is_impossible(pair, "requests", self.report):
                continue
            reason = answered or self._unasked(asked, numbers, waiting)
            if reason:
                what = f"{asked.sender.old} → {asked.recipient.old}"
                self.report.skip("requests", what, reason)
                continue
            waiting.add(numbers)
            new.append(FriendRequest(sender_id=numbers[0], recipient_id=numbers[1]))
        self.report.imported("requests", len(new))
        self._rows.create(FriendRequest, new)

    def _unasked(
        self, asked: Asked, numbers: Numbers, waiting: Collection[Numbers]
    ) -> Reason | None:
        """Say why an old request is not imported; None if it is."""
        if numbers in self._befriended:
            return reasons.FRIENDS
        if numbers[::-1] in waiting:
            return reasons.CROSSED
        # An answer leaves no trace: a repeated import must not ask again.
        if not (asked.sender.is_new or asked.recipient.is_new):
            return reasons.PERHAPS_ANSWERED
        return None

    def finish(self, memory: Memory) -> None:
        """Remember who is who, and let every open page reload."""
        self._stage.drop_placeholders()
        memory.keep(self._people)
        if self.report.has_news:
            writing.have_all_reload()


def _count(conversation: int) -> int:
    return Message.objects.filter(conversation=conversation).count()


def changed() -> ValidationError:
    """Make the error for a server on which somebody did what the import had counted on."""
    message = _(
        "While the import ran, somebody here took a name, deleted an account or wrote in a chat"
        " that it was to fill. Please run it again."
    )
    return ValidationError(message, "changed")
