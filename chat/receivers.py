"""Receivers that log the signals of the apps below as events, in the same transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.signals import (
    account_kept,
    account_renamed,
    account_summary,
    files_left,
    keys_set,
    keys_told,
    picture_found,
    trace_found,
)
from accounts.traces import Kept, Trace
from friends import signals
from friends.models import FriendRequest, Friendship
from webchat.database.bulk import loaded

from . import attachments
from .access import get_thread
from .faces import services as faces
from .forms import arrange_form
from .log import writing
from .media import sweeping
from .models import AuditEntry, Conversation, Event, Membership, Message, Notice
from .models.events import KEPT_FOR
from .moderation import evidence
from .notices.presentation import look_at_keys
from .notices.services import give_notice

Kind = Event.Kind
FREE_TEXTS = {
    ("chat_announcement", "text"),
    ("chat_attachment", "name"),
    ("chat_evidence", "name"),
    ("chat_message", "text"),
    ("chat_notice", "words"),
    ("chat_report", "reason"),
    ("chat_upload", "name"),
}


@receiver(signals.contact_shown)
def on_contact_shown(owner: User, friendship: Friendship, **kwargs: Any) -> dict[str, Any]:
    return {"arrangement": arrange_form(get_thread(owner, friendship.username))}


@receiver(signals.talk_kept)
def on_talk_kept(owner: User, friendship: Friendship, **kwargs: Any) -> bool:
    return get_thread(owner, friendship.username).messages.exists()


@receiver(signals.request_asked)
def on_request_asked(request: FriendRequest, hidden: bool, **kwargs: Any) -> None:
    told = [_request_event(request, request.sender_id, "sent")]
    if not hidden:
        told.append(_request_event(request, request.recipient_id, "received"))
    writing.record(told)


@receiver(signals.request_shown)
def on_request_shown(request: FriendRequest, **kwargs: Any) -> None:
    writing.record([_request_event(request, request.recipient_id, "received")])


@receiver(signals.request_hidden)
def on_request_hidden(request: FriendRequest, **kwargs: Any) -> None:
    writing.record([_closed_event(request, request.recipient_id, "hidden")])


@receiver(signals.request_closed)
def on_request_closed(request: FriendRequest, state: str, hidden: bool, **kwargs: Any) -> None:
    told = [_closed_event(request, request.sender_id, state)]
    if not hidden:
        told.append(_closed_event(request, request.recipient_id, state))
    writing.record(told)


@receiver(post_save, sender=Friendship, dispatch_uid="chat_open_conversation")
def on_friendship_saved(instance: Friendship, created: bool, **kwargs: Any) -> None:
    if created:
        Conversation.objects.open_between(instance.owner, instance.friend)


@receiver(signals.friendship_added)
def on_friendship_added(user: User, friend: User, **kwargs: Any) -> None:
    conversation = Conversation.objects.open_between(user, friend)
    members = Membership.objects.filter(conversation=conversation).with_state()
    told = []
    for membership in members:
        other_id = conversation.other_id(membership.user_id)
        told += [
            Event(kind=Kind.FRIEND_ADDED, user_id=membership.user_id, data={"friend": other_id}),
            # Old friends get their history back.
            writing.conversation_changed(membership),
        ]
    writing.record(told)


@receiver(signals.friendship_removed)
def on_friendship_removed(user: User, friend: User, reason: str, **kwargs: Any) -> None:
    told = [_removed_event(friend, user, reason)]
    if reason == "removed":
        told.append(_removed_event(user, friend, reason))
    writing.record(told)


@receiver(signals.friend_changed)
def on_friend_changed(owner: User, friend: User, **kwargs: Any) -> None:
    writing.record([Event(kind=Kind.FRIEND_CHANGED, user=owner, data={"friend": friend.pk})])


@receiver(account_renamed)
def on_account_renamed(user: User, old_username: str, **kwargs: Any) -> None:
    """Tell the friends, and the person's own pages, about a new name."""
    told = [Event(kind=Kind.RENAMED, user=user, data={})]
    friends = Friendship.objects.filter(friend=user).values("owner")
    theirs = Membership.objects.filter(conversation__in=Conversation.objects.of(user))
    for membership in theirs.filter(user__in=friends).with_state():
        data = {"friend": user.pk, "old_username": old_username}
        told += [
            Event(kind=Kind.FRIEND_CHANGED, user_id=membership.user_id, data=data),
            # Events that a page missed before are shown under a name that it did not know yet.
            writing.conversation_changed(membership),
        ]
    writing.record(told)


@receiver(keys_set)
def on_keys_set(user: User, by: User | None, what: str, **kwargs: Any) -> None:
    give_notice(user, Notice.Kind(f"{what}_set"), by=by)


@receiver(picture_found)
def on_picture_found(user: User | None, picture: Path, **kwargs: Any) -> str:
    return faces.give_or_say_why(user=user, picture=picture)


@receiver(keys_told)
def on_keys_told(user: User, **kwargs: Any) -> list[str]:
    return look_at_keys(user)


@receiver(pre_delete, sender=User, dispatch_uid="chat_keep_head")
def before_deletion(instance: User, **kwargs: Any) -> None:
    writing.keep_head()
    evidence.forget_texts_of(instance)
    # These name the person to friends, by names that may be older than the account's last.
    Event.objects.filter(
        kind__in=[Kind.FRIEND_ADDED, Kind.FRIEND_CHANGED], data__friend=instance.pk
    ).delete()


@receiver(account_summary)
def count_messages(users: list[User], **kwargs: Any) -> dict[str, int]:
    """Count the messages of both sides, as a conversation is deleted as a whole."""
    theirs = Conversation.objects.of(*users)
    return {
        "conversations": theirs.count(),
        "messages": Message.objects.filter(conversation__in=theirs).count(),
    }


@receiver(trace_found)
def explain_trace(trace: Trace, **kwargs: Any) -> Kept | None:
    place = (trace.table, trace.column)
    if place == ("chat_event", "data") and trace.row["kind"] == Kind.FRIEND_REMOVED:
        told_at = loaded(Event, "created_at", trace.row["created_at"])
        return Kept(_("tells a friend that the account is gone"), told_at + KEPT_FOR)
    if place == ("chat_report", "snapshot"):
        return Kept(_("what was reported, for the moderators"))
    if place == ("chat_searchfilter", "bits"):
        return Kept(_("bits of the search index, which are a name by chance only"))
    return Kept(_("somebody else's words")) if place in FREE_TEXTS else None


@receiver(files_left)
def list_files(**kwargs: Any) -> list[str]:
    """List orphaned files older than a minute, as a file is written before its transaction."""
    orphans = attachments.find_orphans(age=60)
    words = _("%(path)s: the file of no message")
    parts = _("%(path)s: the part of no file")
    return [words % {"path": _in_data(path)} for path in orphans] + [
        parts % {"path": _in_data(path)} for path in sweeping.find_orphans(age=60)
    ]


def _in_data(path: Path) -> str:
    return str(path.relative_to(settings.DATA_DIR))


@receiver(account_kept)
def count_kept(**kwargs: Any) -> list[Kept]:
    people = User.objects.values("pk")
    entries = AuditEntry.objects.exclude(about_number=None).exclude(about_number__in=people)
    words = _("%(count)d entries of the audit log, by number, about who is gone")
    return [Kept(words % {"count": entries.count()})]


def _request_event(request: FriendRequest, user_id: int, direction: str) -> Event:
    data = {"request": request.pk, "direction": direction}
    return Event(kind=Kind.FRIEND_REQUEST, user_id=user_id, data=data)


def _closed_event(request: FriendRequest, user_id: int, state: str) -> Event:
    data = {"request_id": request.pk, "state": state}
    return Event(kind=Kind.REQUEST_CHANGED, user_id=user_id, data=data)


def _removed_event(told: User, gone: User, reason: str) -> Event:
    # By name, which is all that is left of a deleted account.
    data = {"username": gone.username, "reason": reason}
    return Event(kind=Kind.FRIEND_REMOVED, user=told, data=data)
