"""Chats and messages as rows of a page: the values of their templates, which stencils fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from accounts.avatars import avatar_of
from accounts.models import User
from webchat.base.links import addresses_of
from webchat.base.stencils import Stencil

from .bubbles import bubble_look
from .file_rows import line_of, show_file
from .models import MediaKind
from .presentation import ConversationView, MessageView, QuoteView
from .templatetags.chat_display import badge, listed

PREVIEW_AT_MOST = 80  # characters of a message in the list of chats
BARE = (MediaKind.PICTURE, MediaKind.VIDEO)  # shown without a bubble around them


class ChatRow(NamedTuple):
    """The values of chat/_row.html; without any, it is the row that scripts clone."""

    username: str = ""
    remark: str = ""
    readings: str = ""
    name: str = ""
    page: str = ""
    colour: str = ""
    initial: str = ""
    face: str = ""
    is_current: bool = False
    pinned: bool = False
    muted: bool = False
    marked_unread: bool = False
    hidden: bool = False
    unread: str = "0"
    badge: str = ""
    last_id: str = "0"
    moment: str = ""
    time: str = ""
    words: str = ""


class BubbleRow(NamedTuple):
    """The values of chat/_message.html; those without a default are known before its message."""

    is_mine: bool
    sender: str
    name: str
    page: str
    colour: str
    initial: str
    face: str
    id: str = ""
    client_id: str = ""
    state: str = ""
    is_sent: bool = False
    words: str = ""
    is_folded: bool = False
    is_large: bool = False
    file: str = ""  # as it is shown, in place of the words
    is_media: bool = False
    quote: str = ""
    quote_is_gone: bool = False
    quote_is_theirs: bool = False
    quoted: str = ""
    quote_words: str = ""
    quote_preview: str = ""
    moment: str = ""
    time: str = ""
    day: str = ""
    is_first_unread: bool = False


LIST = Stencil("chat/_list.html", ("rows", "row_to_clone", "typed"))
CHAT = Stencil("chat/_row.html", ChatRow._fields)
MESSAGE = Stencil("chat/_message.html", BubbleRow._fields)
THREAD = Stencil("chat/_thread_row.html", BubbleRow._fields)


def show_list(
    views: Iterable[ConversationView], *, current: str = "", typed: str = ""
) -> SafeString:
    """Render the list of chats. `current`: the name in the open one; `typed`: what is searched."""
    page_of, now = addresses_of("chat:conversation"), timezone.localtime()
    chats = CHAT.fill(
        _chat_row(view, page=page_of(view.username), current=current, now=now) for view in views
    )
    return LIST.fill([(chats, CHAT.fill([ChatRow()]), typed)])


def _chat_row(view: ConversationView, *, page: str, current: str, now: datetime) -> ChatRow:
    return ChatRow(
        view.username,
        view.remark,
        view.readings,
        view.name,
        page,
        *avatar_of(view.username, view.face),
        view.username == current,
        view.pinned,
        view.muted,
        view.marked_unread,
        view.hidden,
        str(view.unread),
        badge(view.unread),
        *_newest(view.last_message, now),
    )


def _newest(view: MessageView | None, now: datetime) -> tuple[Any, ...]:
    """Return the values with which those of a row end; none of a chat without a message."""
    if view is None:
        return ()
    moment = view.sent_at.astimezone(now.tzinfo)
    time = listed(moment, now.date())
    return str(view.id), moment.isoformat(), time, preview(view)


def preview(view: MessageView) -> str:
    """Say in one line what a message is."""
    return line_of(view.attachment) if view.attachment else _shorten(view.words, PREVIEW_AT_MOST)


def quote_line(quote: QuoteView) -> str:
    return line_of(quote.attachment) if quote.attachment else quote.text or ""


class Side(NamedTuple):
    """The writer of messages in a conversation, as each of them shows it."""

    is_mine: bool
    sender: str
    name: str
    page: str
    colour: str
    initial: str
    face: str


def sides_of(viewer: User, friend: ConversationView) -> tuple[Side, Side]:
    """Return the viewer's side of a conversation, and the friend's."""
    name, own = viewer.username, avatar_of(viewer.username, viewer.face)
    mine = Side(True, name, name, reverse("accounts:card"), *own)
    page = reverse("friends:contact", args=[friend.username])
    avatar = avatar_of(friend.username, friend.face)
    theirs = Side(False, friend.username, friend.name, page, *avatar)
    return mine, theirs


def show_thread(
    views: Iterable[MessageView], sides: tuple[Side, Side], *, first_unread: int | None = None
) -> SafeString:
    """Render messages, with a line above each day and one above the first that is unread."""
    return THREAD.fill(_bubble_rows(views, sides, first_unread))


def show_no_message(side: Side) -> SafeString:
    return MESSAGE.fill([BubbleRow(*side)])


def _bubble_rows(
    views: Iterable[MessageView], sides: tuple[Side, Side], first_unread: int | None
) -> Iterator[BubbleRow]:
    mine, theirs = sides
    zone = timezone.get_current_timezone()
    shown_day = ""
    for view in views:
        day = view.day
        yield _bubble_row(
            view,
            mine if view.mine else theirs,
            zone=zone,
            day=day if day != shown_day else "",
            is_first_unread=view.id == first_unread,
        )
        shown_day = day


def _bubble_row(
    view: MessageView, side: Side, *, zone: tzinfo, day: str, is_first_unread: bool
) -> BubbleRow:
    look = bubble_look(view.text)
    attachment, quote = view.attachment, view.quote
    return BubbleRow(
        *side,
        id=str(view.id),
        client_id=view.client_id,
        state=view.state,
        is_sent=view.state == "sent",
        words=view.words,
        is_folded=look == "folded",
        is_large=look == "large",
        file=show_file(attachment) if attachment else "",
        is_media=attachment is not None and attachment.kind in BARE,
        quote=str(quote.id) if quote else "",
        quote_is_gone=quote is not None and quote.text is None,
        quote_is_theirs=quote is not None and quote.sender == view.with_,
        quoted=quote.name if quote else "",
        quote_words=quote_line(quote) if quote else "",
        quote_preview=(quote.attachment.preview or "") if quote and quote.attachment else "",
        moment=view.sent_at.astimezone(zone).isoformat(),
        time=view.time,
        day=day,
        is_first_unread=is_first_unread,
    )


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else Truncator(text).chars(length)
