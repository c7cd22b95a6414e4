"""The page for making a report; it needs no scripts."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from chat.access import Thread, get_thread
from chat.models import Message
from chat.presentation import list_conversations, view_thread
from webchat.base.numbers import parse_id
from webchat.database.snapshot import of_one_moment

from . import services
from .forms import ReportPageForm

OFFERED = 20  # of the newest messages, to choose from


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@of_one_moment
def report(request: UserRequest, username: str) -> HttpResponse:
    thread = get_thread(request.user, username)
    if request.method != "POST":
        return _render_report(request, thread, ReportPageForm(), request.GET.get("message", ""))
    form = ReportPageForm(request.POST)
    if form.is_valid():
        try:
            _report(request, thread, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Thank you. A moderator will look at your report."))
            return redirect(_origin(request, thread))
    chosen = request.POST.get("message", "")
    return _render_report(request, thread, form, chosen, status=422)


def _origin(request: UserRequest, thread: Thread) -> str:
    """Return the address that led here: the menu of a message names that, a profile nothing."""
    page = "chat:conversation" if "message" in request.GET else "friends:contact"
    return reverse(page, args=[thread.friend.username])


def _report(request: UserRequest, thread: Thread, *, message: int | None, reason: str) -> None:
    if message is None:
        services.report_person(reporter=request.user, friendship=thread.friendship, reason=reason)
        return
    reported: Message = get_object_or_404(thread.messages, pk=message)
    services.report_message(reporter=request.user, thread=thread, message=reported, reason=reason)


def _render_report(
    request: UserRequest, thread: Thread, form: ReportPageForm, chosen: str, status: int = 200
) -> HttpResponse:
    theirs = thread.messages.filter(sender=thread.friend).order_by("-id")
    offered = list(theirs.present()[:OFFERED])
    number = parse_id(chosen)
    if number is not None and number not in {message.pk for message in offered}:
        offered = [*theirs.filter(pk=number), *offered]
    context = {
        "conversations": list_conversations(request.user),
        "friendship": thread.friendship,
        "offered": view_thread(
            offered,
            viewer=request.user,
            friend=thread.friend,
            remark=thread.friendship.remark,
        ),
        "chosen": number,
        "origin": _origin(request, thread),
        "form": form,
    }
    return render(request, "chat/report.html", context, status=status)
