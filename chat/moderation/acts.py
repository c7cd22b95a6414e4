"""The buttons of the moderators: each act calls its service, and its outcome is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts import staff
from accounts.http import user_of
from accounts.models import User
from chat.models import Report

from . import services
from .forms import WarnForm


def _warn(by: User, about: User, report: Report | None, data: Any) -> str:
    form = WarnForm(data)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    services.warn(by=by, about=about, report=report, words=form.cleaned_data["words"])
    return _("“%(name)s” is warned, and has to confirm it.")


def _mute(by: User, about: User, report: Report | None, data: Any) -> str:
    services.mute(by=by, about=about, report=report, hours=data.get("hours", ""))
    return _("“%(name)s” is muted.")


def _unmute(by: User, about: User, report: Report | None, data: Any) -> str:
    services.unmute(by=by, about=about)
    return _("“%(name)s” can send again.")


def _ban(by: User, about: User, report: Report | None, data: Any) -> str:
    services.ban(by=by, about=about, report=report)
    return _("“%(name)s” is banned.")


def _unban(by: User, about: User, report: Report | None, data: Any) -> str:
    services.unban(by=by, about=about)
    return _("“%(name)s” can log in again.")


def _sign_out(by: User, about: User, report: Report | None, data: Any) -> str:
    services.sign_out(by=by, about=about)
    return _("“%(name)s” is signed out everywhere.")


def _remove_face(by: User, about: User, report: Report | None, data: Any) -> str:
    services.remove_face(by=by, about=about)
    return _("The profile picture of %(name)s is removed.")


def _issue_code(by: User, about: User, report: Report | None, data: Any) -> str:
    code = services.issue_reset_code(by=by, about=about)
    if not code:
        return _("A code for a new password is on its way to the email address of %(name)s.")
    words = _("With this code %(name)s chooses a new password; it is shown only now:")
    return f"{words}\n{code}"


# Each performs its act, and returns the message about it. A name stands in quotation marks where
# it comes first: the page writes the first letter of a message large.
ON_USERS: dict[str, Callable[[User, User, Report | None, Any], str]] = {
    "warn": _warn,
    "mute": _mute,
    "unmute": _unmute,
    "ban": _ban,
    "unban": _unban,
    "sign_out": _sign_out,
    "remove_face": _remove_face,
    "issue_code": _issue_code,
}


def perform(
    request: HttpRequest, act: str, about: User | None, report: Report | None
) -> HttpResponse | None:
    """Perform an act and say so, or say why not; PermissionDenied becomes a 403.

    Returns a page if words were typed that have to be mended.
    """
    by = user_of(request)
    if act == "warn" and about is not None and not (form := WarnForm(request.POST)).is_valid():
        staff.need(services.has_power_over(by, about))
        return _let_mend(request, about, form)
    try:
        if about is None:
            raise ValidationError(_("This account is gone already."), "not_found")
        words = ON_USERS[act](by, about, report, request.POST) % {"name": about.username}
    except ValidationError as error:
        messages.error(request, error.messages[0])
    except Http404:
        messages.error(request, _("This account is gone already."))
    else:
        messages.success(request, words, extra_tags=act)
    return None


def _let_mend(request: HttpRequest, about: User, form: WarnForm) -> HttpResponse:
    """Show what was typed, what is wrong with it, and the button once more."""
    context = {
        **admin.site.each_context(request),
        "title": _("Warn %(name)s") % {"name": about.username},
        "about": about,
        "form": form,
        "opts": User._meta,
    }
    return render(request, "admin/warn.html", context, status=422)
