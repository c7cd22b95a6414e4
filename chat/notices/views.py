"""Notices and announcements on pages without scripts."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest, safe_next
from chat.models import Announcement
from webchat.base.numbers import parse_id
from webchat.database.snapshot import of_one_moment

from . import services

ANNOUNCEMENTS_SHOWN = 50


@require_safe
@never_cache
@of_one_moment
def announcements(request: UserRequest) -> HttpResponse:
    context = {"announcements": Announcement.objects.all()[:ANNOUNCEMENTS_SHOWN]}
    return render(request, "chat/announcements.html", context)


@require_POST
def confirm(request: UserRequest) -> HttpResponse:
    """Confirm what a page without scripts showed, and return to it."""
    numbers = map(parse_id, request.POST.getlist("notice"))
    for notice in request.user.notices.filter(pk__in={pk for pk in numbers if pk is not None}):
        services.confirm(notice=notice)
    up_to = parse_id(request.POST.get("up_to", ""))
    if up_to is not None:
        services.see_announcements(user=request.user, up_to=up_to)
    return redirect(safe_next(request) or settings.LOGIN_REDIRECT_URL)
