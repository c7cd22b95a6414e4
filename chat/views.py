"""The pages of the chat itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import UserRequest
from accounts.models import User
from webchat.base.numbers import parse_id
from webchat.database.snapshot import of_one_moment

from . import services
from .access import Thread, get_thread, renamed_to
from .api import PAGE_SIZE
from .context_processors import note_list
from .forms import FileForm, MessageForm, ReadForm, arrange_form
from .media import api as media
from .presentation import ConversationView, MessageView, list_conversations, view_thread
from .sending.drafts import Draft
from .sending.posting import post_message, why_unsendable
from .strings import STRINGS


@require_safe
@never_cache
@of_one_moment
def chats(request: UserRequest) -> HttpResponse:
    conversations = list_conversations(request.user)
    note_list(request, conversations)
    return render(request, "chat/chats.html", {"conversations": conversations})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@of_one_moment
def conversation(request: UserRequest, username: str) -> HttpResponse:
    try:
        thread = get_thread(request.user, username)
    except Http404:
        new_name = renamed_to(request.user.pk, username)
        if new_name is None:
            raise
        if request.method != "POST":
            return redirect("chat:conversation", new_name)
        thread = get_thread(request.user, new_name)
    if request.method != "POST":
        form = MessageForm()
        return _render(request, thread, form, before=_id(request, "before"), at=_id(request, "at"))
    if request.POST.get("action") == "read":
        _mark_read(thread, ReadForm(request.POST))
        return redirect("chat:conversation", thread.friend.username)
    form = MessageForm(request.POST)
    if form.is_valid():
        draft = Draft(
            sender_id=request.user.pk,
            to=thread.friend.username,
            text=form.cleaned_data["text"],
            client_id=form.cleaned_data["client_id"],
        )
        try:
            post_message(draft)
        except ValidationError as error:
            form.add_error("text", error)
        else:
            _mark_read(thread, ReadForm(request.POST))
            return redirect("chat:conversation", thread.friend.username)
    return _render(request, thread, form, status=422)


@require_POST
def send_file(request: UserRequest, username: str) -> HttpResponse:
    """Send a file as one form: it takes the same way as one in pieces, in one request."""
    thread = get_thread(request.user, username)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        file, client_id = form.cleaned_data["file"], form.cleaned_data["client_id"]
        try:
            upload = media.take_whole(request, client_id, file)
            if upload is None:  # it waits, and comes again
                return HttpResponse(status=202)
            draft = Draft(request.user.pk, thread.friend.username, "", client_id, upload=client_id)
            post_message(draft)
        except ValidationError as error:
            form.add_error("file", error)
        else:
            if upload.why:
                messages.info(request, str(STRINGS[f"{upload.why}_{upload.announced_kind}"]))
            return redirect("chat:conversation", thread.friend.username)
    return _render(request, thread, MessageForm(), file_form=form, status=422)


@require_POST
def arrange(request: UserRequest, username: str) -> HttpResponse:
    """Pin and mute a chat as its page says; in the API each is an act of its own."""
    thread = get_thread(request.user, username)
    form = arrange_form(thread, request.POST)
    if form.is_valid():
        for state in form.changed_data:
            on = form.cleaned_data[state]
            if on != getattr(thread.membership, state):
                services.arrange(thread=thread, how=form.acts[state], on=on)
    return redirect("friends:contact", thread.friend.username)


@require_safe
@never_cache
@of_one_moment
def discover(request: UserRequest) -> HttpResponse:
    return render(request, "chat/discover.html")


def _first_unread(
    views: Sequence[MessageView], shown: ConversationView, *, more: bool
) -> int | None:
    """Find where the line above the new messages belongs, unless that is further up."""
    if not shown.unread or (more and views[0].id > shown.last_read):
        return None
    unread = (view.id for view in views if not view.mine and view.id > shown.last_read)
    return next(unread, None)


def _mark_read(thread: Thread, form: ReadForm) -> None:
    if form.is_valid():
        services.mark_read(thread=thread, up_to=form.cleaned_data["up_to"])


def _why_unsendable(user: User, thread: Thread) -> str:
    """Say on the page why nothing can be sent; it is the transaction that decides."""
    why = why_unsendable(
        muted_until=user.muted_until,
        is_there=thread.friend.is_active,
        is_blocking=thread.friendship.blocked,
        now=timezone.now(),
    )
    return why.messages[0] if why else ""


@require_safe
@never_cache
def connection(request: UserRequest) -> HttpResponse:
    """Explain what this connection allows, and why not more."""
    context = {"address": request.build_absolute_uri("/"), "is_secure": request.is_secure()}
    return render(request, "chat/connection.html", context)


def _id(request: UserRequest, name: str) -> int | None:
    value = request.GET.get(name)
    if value is None:
        return None
    pk = parse_id(value)
    if pk is None:
        raise Http404
    return pk


def _next_id(form: FileForm | None) -> str:
    """Return the id of the file that is sent next: of a retry the same, so that it comes once."""
    if form is None or form.has_error("client_id") or form.has_error("file", "duplicate_id"):
        return str(uuid4())
    return str(form["client_id"].value())


def _render(
    request: UserRequest,
    thread: Thread,
    form: MessageForm,
    *,
    file_form: FileForm | None = None,
    before: int | None = None,
    at: int | None = None,
    status: int = 200,
) -> HttpResponse:
    conversations = list_conversations(request.user)
    note_list(request, conversations)
    friend = thread.friend
    shown = next((each for each in conversations if each.username == friend.username), None)
    if shown is None:
        raise Http404  # the friendship has ended, or the friend has been renamed
    if at is None:
        newer = False
        page, more = thread.page(before=before, limit=PAGE_SIZE)
    else:
        page, more, newer = thread.around(at, limit=PAGE_SIZE)
    views = view_thread(page, viewer=request.user, friend=friend, remark=shown.remark)
    context: dict[str, Any] = {
        "conversations": conversations,
        "conversation": shown,
        "thread": views,
        "first_unread": None if newer else _first_unread(views, shown, more=more),
        "more": more,
        "newer": newer,
        "at": at,
        "unsendable": _why_unsendable(request.user, thread),
        "form": form,
        "file_id": _next_id(file_form),
        "file_error": next(iter(file_form["file"].errors), "") if file_form else "",
        "upload_limit": str(settings.UPLOAD_LIMIT),
    }
    return render(request, "chat/conversation.html", context, status=status)
