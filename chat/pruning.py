"""Pruning of expired rows and, if wanted, of old messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min
from django.utils.translation import gettext as _

from webchat.base.pruning import ROWS_AT_ONCE, Batches, Chore, rows_chore, short_transaction

from . import attachments
from .legacy import staging
from .live.presence import ONLINE_FOR
from .log import writing
from .media import sweeping
from .models import (
    Attachment,
    Conversation,
    Event,
    EventLog,
    EventQuerySet,
    Evidence,
    HiddenMessage,
    Membership,
    Message,
    MessageQuerySet,
    Notice,
    Presence,
    SearchSegment,
)
from .models.events import KEPT_FOR


def chores(now: datetime) -> list[Chore]:
    old = Event.objects.before_the_first_since(now - KEPT_FOR)
    return [
        Chore(_("events"), old.count, lambda: _forget(old)),
        rows_chore(_("signs of presence"), Presence.objects.filter(seen_at__lt=now - ONLINE_FOR)),
        rows_chore(_("notices about passwords and codes"), Notice.objects.keys_over(now)),
        Chore(_("an unfinished import"), staging.count_leftovers, staging.clear_leftovers),
        rows_chore(_("files of decided reports"), Evidence.objects.over(now)),
        Chore(_("files of no message"), lambda: len(attachments.find_orphans()), _sweep),
        *sweeping.chores(now),
    ]


def messages_chore(before: datetime) -> Chore:
    """Make the chore that deletes older messages, for both sides, with everything attached."""
    old = Message.objects.filter(sent_at__lt=before)
    return Chore(_("messages"), old.seen().count, lambda: _delete_old(old))


@dataclass(frozen=True, slots=True)
class Survey:
    """What would go with the messages before some moment."""

    messages: int
    people: int  # who have sent them
    oldest: datetime


def survey_messages(before: datetime) -> Survey:
    found = (
        Message.objects.seen()
        .filter(sent_at__lt=before)
        .aggregate(
            messages=Count("pk"), people=Count("sender", distinct=True), oldest=Min("sent_at")
        )
    )
    return Survey(**found)


def delete_messages(ids: Sequence[int]) -> None:
    """Delete messages, in a transaction. Lists and badges of open pages follow; chats reload."""
    messages = Message.objects.filter(pk__in=ids)
    conversations = list(messages.values_list("conversation", flat=True).distinct())
    memberships = Membership.objects.filter(conversation__in=conversations)
    seen = memberships.with_state()
    before = {each.pk: _face(each) for each in seen}
    writing.keep_head()
    Event.objects.filter(message__in=ids).delete()
    Attachment.objects.filter(message__in=ids).delete()
    HiddenMessage.objects.filter(conversation__in=conversations, message__in=ids).delete()
    Message.objects.filter(quote__in=ids).update(quote=None)
    messages.delete()
    SearchSegment.objects.filter(conversation__in=conversations).empty().delete()
    writing.record(
        writing.conversation_changed(each) for each in seen.all() if _face(each) != before[each.pk]
    )


def _forget(old: EventQuerySet) -> Batches:
    through = old.order_by("-id").values_list("id", flat=True).first() or 0
    over = Event.objects.filter(id__lte=through).order_by("id").values_list("id", flat=True)
    while ids := list(over[:ROWS_AT_ONCE]):
        with short_transaction():
            log, _is_new = EventLog.objects.get_or_create(pk=1)
            log.pruned_through = max(log.pruned_through, ids[-1])
            log.save(update_fields=["pruned_through"])
            Event.objects.filter(pk__in=ids).delete()
        yield len(ids)


def _sweep() -> Batches:
    yield attachments.sweep_orphans()


def _delete_old(old: MessageQuerySet) -> Batches:
    has_begun = False
    try:
        for ids in _by_conversation(old):
            has_begun = True
            with short_transaction():
                delete_messages(ids)
            yield len(ids)
    finally:
        if has_begun:
            with transaction.atomic():
                writing.have_all_reload()


def _by_conversation(messages: MessageQuerySet) -> Iterator[list[int]]:
    """Yield batches of ids; the fewer conversations in one, the less there is to recount."""
    batch: list[int] = []
    # An import under way would miss its messages, and stop.
    for conversation in list(Conversation.objects.seen().values_list("pk", flat=True)):
        theirs = messages.filter(conversation=conversation).order_by("id")
        batch += theirs.values_list("id", flat=True)
        while len(batch) >= ROWS_AT_ONCE:
            yield batch[:ROWS_AT_ONCE]
            batch = batch[ROWS_AT_ONCE:]
    if batch:
        yield batch


def _face(membership: Membership) -> tuple[int | None, int, bool]:
    return membership.last_message_id, membership.unread, membership.is_hidden
