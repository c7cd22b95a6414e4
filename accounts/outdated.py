"""Forms for newcomers that come twice, or from a page that another tab has made out of date.

A double click, a slow network and a second tab are nobody's fault: a log-in changes the CSRF token,
so that the next form from before is refused. Nothing is done with such a form; what was typed is
kept, but for passwords.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from webchat.base import errors
from webchat.middleware import client_address

from . import last_person
from .forms import REGISTRATION_CODE_AT_MOST, LoginForm, RegisterForm
from .http import ask_passwords_again, render_form, safe_next
from .models import User
from .names import NAME_OR_MAIL_AT_MOST

# The fields that are shown again, and the characters that each takes: none of a longer text.
TYPED = {
    "username": NAME_OR_MAIL_AT_MOST,
    "email": NAME_OR_MAIL_AT_MOST,
    "registration_code": REGISTRATION_CODE_AT_MOST,
}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form with a wrong token; the log-in and the registration are shown again, fresh."""
    match = request.resolver_match
    name = match.view_name if match else ""
    if name == "admin:login" and getattr(request.user, "is_staff", False):
        return redirect("admin:index")
    if name not in ("accounts:login", "accounts:register"):
        return errors.csrf_failure(request, reason)
    if request.user.is_authenticated:
        return already_in(request)
    messages.error(
        request,
        _("This page was out of date. Please try again; cookies must be allowed for this site."),
    )
    return _login(request) if name == "accounts:login" else _register(request)


def already_in(request: HttpRequest) -> HttpResponse:
    """Lead somebody who is logged in, by another tab or the first of two clicks, where that led.

    Anybody who has just typed another name is told whose chats they are.
    """
    user = request.user
    typed = request.POST.get("username", "")
    if not typed or User.objects.known_as(typed) == user:
        return go_on(request)
    message = _(
        "You are logged in as %(username)s in this browser. Log out first to use another account."
    )
    messages.warning(request, message % {"username": user.get_username()})
    return redirect(settings.LOGIN_REDIRECT_URL)


def go_on(request: HttpRequest) -> HttpResponse:
    """Lead somebody who is logged in to `next`, unless it was the page of somebody else."""
    next_url = "" if last_person.is_another(request, request.user) else safe_next(request)
    return redirect(next_url or settings.LOGIN_REDIRECT_URL)


def _login(request: HttpRequest) -> HttpResponse:
    initial = _typed(request) | {"shared": "shared" in request.POST}
    form = LoginForm(request, initial=initial)
    return _show(request, form, "accounts/login.html", next=safe_next(request))


def _register(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(initial=_typed(request), address=client_address(request))
    return _show(request, form, "accounts/register.html", registration=settings.REGISTRATION)


def _typed(request: HttpRequest) -> dict[str, object]:
    typed = {name: request.POST.get(name, "") for name in TYPED}
    return {name: words for name, words in typed.items() if len(words) <= TYPED[name]}


def _show(request: HttpRequest, form: BaseForm, template: str, **context: Any) -> HttpResponse:
    ask_passwords_again(form)
    response = render_form(request, form, template, **context)
    response.status_code = 403
    return response
