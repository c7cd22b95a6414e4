"""The newcomers who wait, as their address of mail is not verified: to be let in, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import staff
from accounts.http import user_of
from accounts.models import OneTimeCode, User
from chat.moderation import rights
from webchat.base.numbers import parse_id

from . import services

ROWS_AT_MOST = 100  # on the page, and so at a time: a deletion takes some hundredths of a second

Act = Callable[..., bool]
May = Callable[[User, User], bool]


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Serve the page: the longest wait first; a button lets in or refuses one, or all chosen."""
    by = user_of(request)
    staff.need(rights.may_let_in(by))
    if request.method == "POST":
        _act(request, by)
        return redirect("admin:accounts_user_waiting")
    waiting = User.objects.waiting().order_by("unverified_since", "pk")
    context |= {
        "title": _("Waiting newcomers"),
        "people": _with_addresses(list(waiting[:ROWS_AT_MOST])),
        "number": waiting.count(),
        "may_refuse": by.has_perm("accounts.delete_user"),
    }
    return render(request, "admin/people/waiting.html", context)


def _with_addresses(people: list[User]) -> list[tuple[User, str]]:
    """Pair people with the addresses that they have given, and not proved."""
    codes = OneTimeCode.objects.filter(
        user__in=people, purpose=OneTimeCode.Purpose.REGISTRATION
    ).values_list("user", "email")
    emails = dict(codes)
    return [(user, emails.get(user.pk, "")) for user in people]


def _act(request: HttpRequest, by: User) -> None:
    if one := request.POST.get("confirm") or request.POST.get("refuse"):
        numbers = [parse_id(one)]
    else:
        numbers = list(map(parse_id, request.POST.getlist("chosen")[:ROWS_AT_MOST]))
    if None in numbers:
        raise BadRequest("Who was chosen has no such number.")
    if "refuse" in request.POST or "refuse_chosen" in request.POST:
        done = _each(services.refuse, services.may_refuse, by, numbers)
        words = ngettext("%(number)d account is deleted.", "%(number)d accounts are deleted.", done)
    else:
        done = _each(services.confirm, services.may_confirm, by, numbers)
        words = ngettext(
            "%(number)d newcomer can log in now.", "%(number)d newcomers can log in now.", done
        )
    if done:
        messages.success(request, words % {"number": done})
    if done < len(numbers):
        messages.info(request, _("Somebody else was faster: the others wait no more."))
    if not numbers:
        messages.warning(request, _("Nobody is chosen."))


def _each(act: Act, may: May, by: User, numbers: list[int | None]) -> int:
    """Act on one after the other, each in its own short transaction; return for how many.

    On nobody if one of them is beyond the power of whoever asks.
    """
    people = list(User.objects.filter(pk__in=numbers))
    staff.need(all(may(by, user) for user in people))
    done = 0
    for user in people:
        try:
            done += act(by=by, about=user)
        except Http404:  # gone since the look
            continue
    return done
