"""Messages and conversations as their viewer sees them, for the templates and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.avatars import face_url
from accounts.models import User
from friends.listing import FriendshipRow
from friends.models import Friendship
from webchat.base.times import minute

from .models import Attachment, MediaKind, Membership, Message, MessageRow
from .models.files import Content
from .models.rows import File

AnyMessage = Message | MessageRow


class Named(Protocol):
    """Somebody as far as a message shows them: a user, or a friendship with them."""

    @property
    def username(self) -> str: ...


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(value: Any) -> str:
    return _encoder.encode(value)


def in_utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


QUOTED_LENGTH = 100  # characters of a quoted message that are shown


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A file as it is shown: without an address as long as it is not sent."""

    url: str | None
    name: str
    mimetype: str
    kind: str
    size: int | None
    width: int | None = None  # pixels, as shown
    height: int | None = None
    duration: float | None = None  # seconds
    preview: str | None = None

    @classmethod
    def of(cls, file: Content | File, *, name: str, url: str | None) -> AttachmentView:
        return cls(
            url=url,
            name=name,
            mimetype=file.mimetype,
            kind=file.kind,
            size=file.size,
            width=file.width,
            height=file.height,
            duration=file.duration,
            preview=f"{url}preview/" if url and file.preview else None,
        )

    @property
    def is_picture(self) -> bool:
        return self.kind == MediaKind.PICTURE

    def as_json(self) -> dict[str, Any]:
        """Return A of the contract; its measures only if they are known."""
        measures = {"width": self.width, "height": self.height, "duration": self.duration}
        return {
            "url": self.url,
            "name": self.name,
            "mimetype": self.mimetype,
            "kind": self.kind,
            "size": self.size,
            **{name: value for name, value in measures.items() if value is not None},
            "preview": self.preview,
        }

    def as_quoted(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "preview": self.preview}


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quoted message, as it is now."""

    id: int
    sender: str
    text: str | None = field(repr=False)
    state: str
    remark: str = ""
    attachment: AttachmentView | None = None

    @property
    def name(self) -> str:
        """What the viewer calls the sender."""
        return self.remark or self.sender

    def as_json(self) -> dict[str, Any]:
        shown = {"id": self.id, "sender": self.sender, "text": self.text, "state": self.state}
        if self.attachment is not None:
            shown["attachment"] = self.attachment.as_quoted()
        return shown


class MessageView(NamedTuple):
    id: int
    with_: str
    sender: str
    mine: bool
    text: str | None
    sent_at: datetime
    client_id: str
    state: str
    quote: QuoteView | None = None
    attachment: AttachmentView | None = None
    remark: str = ""

    def __repr__(self) -> str:
        """Leave out what nobody else may read."""
        return f"MessageView(id={self.id}, sender={self.sender!r}, state={self.state!r})"

    @property
    def name(self) -> str:
        """What the viewer calls the sender."""
        return self.remark or self.sender

    @property
    def time(self) -> str:
        return minute(self.sent_at)

    @property
    def words(self) -> str:
        """The text, or the words in its place."""
        if self.state == "removed":
            return _("Message removed by an administrator")
        if self.state == "recalled" and self.mine:
            return _("You recalled a message")
        if self.state == "recalled":
            return _("“%(name)s” recalled a message") % {"name": self.name}
        return self.text or ""

    @property
    def day(self) -> str:
        return self.time[:10]

    def as_json(self) -> dict[str, Any]:
        """Return M of the contract; `quote` only if there is one."""
        shown = {
            "id": self.id,
            "with": self.with_,
            "sender": self.sender,
            "text": self.text,
            "time": self.time,
            "sent_at": in_utc(self.sent_at),
            "client_id": self.client_id,
            "state": self.state,
            "attachment": self.attachment.as_json() if self.attachment else None,
        }
        if self.quote is not None:
            shown["quote"] = self.quote.as_json()
        return shown


def encode_message(message: MessageView) -> str:
    """Encode M as `as_json` has it, from its second key on: `with` is another for each side."""
    attachment = encode(message.attachment.as_json()) if message.attachment else "null"
    quote = f',"quote":{encode(message.quote.as_json())}' if message.quote else ""
    return (
        f'"id":{message.id},"sender":{encode(message.sender)},"text":{encode(message.text)}'
        f',"time":"{message.time}","sent_at":"{in_utc(message.sent_at)}"'
        f',"client_id":"{message.client_id}","state":"{message.state}"'
        f',"attachment":{attachment}{quote}}}'
    )


def view_message(
    message: AnyMessage,
    *,
    viewer: User,
    friend: Named,
    remark: str = "",
    quoted: Mapping[int | None, AnyMessage] = MappingProxyType({}),
) -> MessageView:
    """Show a message to its viewer; its quote too, if `quoted` (of `load_quoted`) has it.

    Pages need the friend's `remark`; JSON has user names only.
    """
    mine = message.sender_id == viewer.pk
    state = message.state
    answered = quoted.get(message.quote) if state == "sent" else None
    attachment = _attachment_of(message)
    return MessageView(
        id=message.pk,
        with_=friend.username,
        sender=viewer.username if mine else friend.username,
        mine=mine,
        text=message.text if state == "sent" else None,
        sent_at=message.sent_at,
        client_id=str(message.client_id),
        state=state,
        quote=view_quote(answered, viewer=viewer, friend=friend, remark=remark)
        if answered
        else None,
        attachment=view_attachment(attachment) if attachment else None,
        remark="" if mine else remark,
    )


def _attachment_of(message: AnyMessage) -> Attachment | File | None:
    """Return the attachment, without a query for messages with a text or `with_attachment`."""
    if message.text or message.state != "sent":
        return None
    return getattr(message, "attachment", None)


def words_of(message: AnyMessage) -> str:
    """Return the text of a message, or the name of its file."""
    attachment = _attachment_of(message)
    return attachment.name if attachment else message.text


def view_attachment(attachment: Attachment | File) -> AttachmentView:
    # Not with `reverse`, which does not know the prefix outside a request.
    url = f"{settings.PREFIX}/attachments/{attachment.message_id}/"
    return AttachmentView.of(attachment, name=attachment.name, url=url)


def view_quote(message: AnyMessage, *, viewer: User, friend: Named, remark: str = "") -> QuoteView:
    mine = message.sender_id == viewer.pk
    sender: Named = viewer if mine else friend
    text = words_of(message)[:QUOTED_LENGTH] if message.state == "sent" else None
    attachment = _attachment_of(message)
    return QuoteView(
        id=message.pk,
        sender=sender.username,
        text=text,
        state=message.state,
        remark="" if mine else remark,
        attachment=view_attachment(attachment) if attachment else None,
    )


def load_quoted(messages: Iterable[AnyMessage]) -> dict[int | None, MessageRow]:
    """Load the messages that these quote, in at most one query."""
    quoted = {message.quote for message in messages if message.quote}
    return Message.objects.load(quoted)


def view_thread(
    messages: Sequence[AnyMessage], *, viewer: User, friend: Named, remark: str = ""
) -> list[MessageView]:
    quoted = load_quoted(messages)
    return [
        view_message(message, viewer=viewer, friend=friend, remark=remark, quoted=quoted)
        for message in messages
    ]


class ConversationView(NamedTuple):
    username: str
    remark: str
    blocked: bool
    readings: str = ""
    last_message: MessageView | None = None
    unread: int = 0
    last_read: int = 0
    pinned: bool = False
    muted: bool = False
    marked_unread: bool = False
    hidden: bool = False
    face: str = ""

    @property
    def name(self) -> str:
        return self.remark or self.username

    def as_json(self) -> dict[str, Any]:
        """Return C of the contract; `marked_unread` and `hidden` only if true."""
        shown = {
            "with": self.username,
            "remark": self.remark,
            "avatar": face_url(self.face),
            "last_message": self.last_message.as_json() if self.last_message else None,
            "unread": self.unread,
            "last_read": self.last_read,
            "pinned": self.pinned,
            "muted": self.muted,
        }
        return shown | {name: True for name in ("marked_unread", "hidden") if getattr(self, name)}


def view_conversation(
    friendship: Friendship | FriendshipRow,
    state: Mapping[str, Any],
    newest: AnyMessage | None,
    viewer: User,
) -> ConversationView:
    """Show a chat; the state comes from the viewer's membership."""
    remark = friendship.remark
    return ConversationView(
        username=friendship.username,
        remark=remark,
        blocked=friendship.blocked,
        readings=friendship.readings,
        last_message=view_message(newest, viewer=viewer, friend=friendship, remark=remark)
        if newest
        else None,
        face=friendship.face,
        **state,
    )


def list_conversations(viewer: User) -> list[ConversationView]:
    """List all friends, pinned first, then by the newest message, then by the newest friendship.

    Always three queries.
    """
    memberships = Membership.objects.by_friend(viewer)
    newest = Message.objects.newest_of(memberships.values())
    views = []
    friendships = sorted(Friendship.objects.load(viewer), key=attrgetter("pk"), reverse=True)
    for friendship in friendships:
        membership = memberships.get(friendship.friend_id)
        state = membership.state if membership else {}
        message = newest.get(membership.last_message_id) if membership else None
        views.append(view_conversation(friendship, state, message, viewer))
    return sorted(views, key=_order, reverse=True)


def _order(view: ConversationView) -> tuple[bool, int]:
    return view.pinned, view.last_message.id if view.last_message else 0
