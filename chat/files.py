"""The files of a conversation, all that were sent in it: a page and the API."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from webchat.base.numbers import integer, parse_id
from webchat.database.snapshot import of_one_moment, read_snapshot

from .access import Thread, get_thread
from .context_processors import note_list
from .file_rows import gallery_item
from .models import MediaKind, MessageRow
from .models.rows import COLUMNS
from .presentation import list_conversations, view_thread
from .search.finding import Query, searching
from .search.folding import Words
from .search.naming import find_named

KINDS = {
    "media": (MediaKind.PICTURE, MediaKind.VIDEO),
    "file": (MediaKind.FILE,),
    "voice": (MediaKind.VOICE,),
}
PAGE_SIZE = 60
NAMED_AT_MOST = 30_000  # what one query takes; those before come with the pages before
PAGE_SIZE_AT_MOST = 100


def page_of(
    thread: Thread,
    kind: str | None,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE_SIZE,
    words: Words | None = None,
) -> tuple[list[MessageRow], bool]:
    """Load the messages with files that a person sees, ascending, and whether there are more.

    With `words`, which need a kind, those with all of them in their names.

    Raises ValidationError("invalid") for a kind that is none of KINDS.
    """
    if kind is not None and kind not in KINDS:
        raise ValidationError(_("“%(name)s” is not known."), "invalid", {"name": "kind"})
    found = thread.messages.present().filter(attachment__isnull=False)
    if kind is not None:
        found = found.filter(attachment__kind__in=KINDS[kind])
        if words is not None:
            named = find_named(words, [thread.membership.conversation_id], KINDS[kind])
            newest = sorted((pk for _chat, pk in named if before is None or pk < before))
            found = found.filter(pk__in=newest[-NAMED_AT_MOST:])
    if after is not None:
        found = found.filter(pk__gt=after).order_by("pk")
    else:
        found = found.order_by("-pk")
        found = found if before is None else found.filter(pk__lt=before)
    rows = [MessageRow(*row) for row in found.values_list(*COLUMNS)[: limit + 1]]
    page, more = rows[:limit], len(rows) > limit
    return (page if after is not None else page[::-1]), more


def files_api(request: UserRequest, username: str) -> dict[str, Any]:
    before, after = (_number(request, name) for name in ("before", "after"))
    limit = _number(request, "limit")
    limit = PAGE_SIZE if limit is None else limit
    if limit < 1:
        raise ValidationError(_("“limit” must be at least 1."), "invalid")
    with read_snapshot():
        thread = get_thread(request.user, username)
        page, more = page_of(
            thread,
            request.GET.get("kind"),
            before=before,
            after=after,
            limit=min(limit, PAGE_SIZE_AT_MOST),
        )
        views = view_thread(page, viewer=request.user, friend=thread.friend)
    return {"messages": [view.as_json() for view in views], "more": more}


@require_safe
@never_cache
@of_one_moment
def files(request: UserRequest, username: str) -> HttpResponse:
    """Show the pictures and videos of a conversation, or its other files, the newest first.

    `q` leaves those that have it in their names.
    """
    thread = get_thread(request.user, username)
    kind = "file" if request.GET.get("kind") == "file" else "media"
    before = parse_id(request.GET.get("before", ""))
    typed, error = request.GET.get("q", ""), ""
    page: list[MessageRow] = []
    more = False
    try:
        query = Query(typed) if typed.strip() else None
        with searching(request.user) if query else nullcontext():
            page, more = page_of(thread, kind, before=before, words=query)
    except ValidationError as refusal:
        error = refusal.messages[0]
    conversations = list_conversations(request.user)
    note_list(request, conversations)
    remark = thread.friendship.remark
    views = view_thread(page, viewer=request.user, friend=thread.friend, remark=remark)
    context = {
        "conversations": conversations,
        "friend": thread.friend.username,
        "name": remark or thread.friend.username,
        "kind": kind,
        "typed": typed,
        "error": error,
        "items": [gallery_item(view) for view in reversed(views)],
        "oldest": page[0].pk if more else None,
    }
    return render(request, "chat/files.html", context)


def _number(request: UserRequest, name: str) -> int | None:
    value = request.GET.get(name)
    return None if value is None else integer(value, name=name)
