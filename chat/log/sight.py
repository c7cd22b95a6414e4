"""Visibility in the event log: an event is shown if its viewer may see it now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from accounts.avatars import face_url
from accounts.models import User
from chat.models import (
    Announcement,
    Conversation,
    Event,
    HiddenMessage,
    Message,
    MessageRow,
    Notice,
)
from chat.notice_text import notice_text
from chat.presentation import load_quoted, view_conversation, view_message
from friends.listing import FriendshipRow
from friends.models import FriendRequest, Friendship
from friends.presentation import friend_json, request_json
from webchat.database.questions import Listing, given_several

Kind = Event.Kind
AnyFriendship = Friendship | FriendshipRow


class Hidden(NamedTuple):
    user_id: int
    message_id: int


HIDDEN = Listing(
    lambda: HiddenMessage.objects.filter(
        user__in=given_several("viewers"), message__in=given_several("messages")
    ).values_list("user", "message"),
    Hidden,
)


class Sight:
    """Some people, and what they may see at this moment."""

    def __init__(self, viewers: Iterable[User], friendships: Iterable[AnyFriendship]) -> None:
        self.viewers = {viewer.pk: viewer for viewer in viewers}
        self._friendships = {(f.owner_id, f.friend_id): f for f in friendships}
        self._requests: dict[int, FriendRequest] = {}
        self._messages: dict[int | None, MessageRow] = {}
        self._quoted: dict[int | None, MessageRow] = {}
        self._hidden: set[tuple[int, int]] = set()
        self._notices: dict[int, Notice] = {}
        self._announcements: dict[int, Announcement] = {}

    def look_up(self, found: Iterable[Event]) -> None:
        """Load the rows that these events refer to."""
        facts = [event.data for event in found if event.data]
        messages = [event.message for event in found if event.message is not None]
        self._quoted = load_quoted(messages)
        self._messages = Message.objects.load(_ids("last_message", facts))
        if messages:
            message_ids = [message.pk for message in messages]
            self._hidden = set(HIDDEN.all(viewers=self.viewers, messages=message_ids))
        if ids := _ids("request", facts):
            self._requests = FriendRequest.objects.with_people().in_bulk(ids)
        if ids := _ids("notice", facts):
            waiting = Notice.objects.waiting().select_related("report__about")
            self._notices = waiting.in_bulk(ids)
        if ids := _ids("announcement", facts):
            self._announcements = Announcement.objects.in_bulk(ids)

    def friendship(self, viewer: User, conversation: Conversation | None) -> AnyFriendship | None:
        if conversation is None:
            return None
        return self._friendships.get((viewer.pk, conversation.other_id(viewer.pk)))

    def show(self, event: Event, viewer: User) -> dict[str, Any] | None:
        """Return E of the contract, or None if the viewer may not see its subject (any more)."""
        show = SHOWN.get(Kind(event.kind))
        body = show(self, event, viewer) if show else event.data
        return None if body is None else {"id": event.pk, "kind": event.kind} | body

    def _message(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        if friendship is None or event.message is None:
            return None
        if (viewer.pk, event.message.pk) in self._hidden:
            return None
        view = view_message(event.message, viewer=viewer, friend=friendship, quoted=self._quoted)
        return {"message": view.as_json()}

    def _read(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        return {"with": friendship.username} | event.data if friendship else None

    def _conversation(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        if friendship is None:
            return None
        state = dict(event.data)
        newest = self._messages.get(state.pop("last_message"))
        conversation = view_conversation(friendship, state, newest, viewer)
        return {"conversation": conversation.as_json()}

    def _request(self, event: Event, viewer: User) -> dict[str, Any] | None:
        request = self._requests.get(event.data["request"])
        direction = event.data["direction"]
        if request is None or (direction == "received" and request.is_hidden):
            return None
        return {"request": request_json(request, viewer), "direction": direction}

    def _friend(self, event: Event, viewer: User) -> dict[str, Any] | None:
        if event.data["friend"] == viewer.pk:
            return {"kind": "avatar_changed", "avatar": face_url(viewer.face)}
        friendship = self._friendships.get((viewer.pk, event.data["friend"]))
        if friendship is None:
            return None
        shown: dict[str, Any] = {"friend": friend_json(friendship)}
        if event.kind == Kind.FRIEND_CHANGED:
            shown["old_username"] = event.data.get("old_username") or friendship.username
            if not friendship.is_there:
                shown["unavailable"] = True
        return shown

    def _renamed(self, event: Event, viewer: User) -> dict[str, Any]:
        return {"username": viewer.username}

    def _notice(self, event: Event, viewer: User) -> dict[str, Any] | None:
        notice = self._notices.get(event.data["notice"])
        if notice is None:
            return None
        return {"notice_id": notice.pk, "text": notice_text(notice)}

    def _announcement(self, event: Event, viewer: User) -> dict[str, Any] | None:
        announcement = self._announcements.get(event.data["announcement"])
        # If it has changed since, a later event tells that.
        if announcement is None or announcement.edition != event.pk:
            return None
        return {"announcement_id": announcement.pk, "text": announcement.text}


def _ids(name: str, facts: Iterable[dict[str, Any]]) -> set[int]:
    return {each[name] for each in facts if each.get(name)}


SHOWN = {
    Kind.MESSAGE: Sight._message,
    Kind.MESSAGE_CHANGED: Sight._message,
    Kind.MESSAGE_HIDDEN: Sight._read,
    Kind.READ: Sight._read,
    Kind.CONVERSATION_CHANGED: Sight._conversation,
    Kind.FRIEND_REQUEST: Sight._request,
    Kind.FRIEND_ADDED: Sight._friend,
    Kind.FRIEND_CHANGED: Sight._friend,
    Kind.RENAMED: Sight._renamed,
    Kind.NOTICE: Sight._notice,
    Kind.ANNOUNCEMENT: Sight._announcement,
}
