"""Pages to register, log in and out, and for the account. All work without JavaScript."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webchat import cookies
from webchat.middleware import client_address

from . import last_person, services, sessions, signals
from .forms import (
    DeleteForm,
    LoginForm,
    PasswordChangeForm,
    RegisterForm,
    RenameForm,
    SettingsForm,
)
from .http import UserRequest, page_before, render_form, safe_next
from .mail import services as mail
from .mail.views import VERIFYING
from .models import User
from .outdated import already_in, go_on

page = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required
@page
@never_cache
@sensitive_post_parameters()
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return already_in(request)
    form = RegisterForm(_posted(request), address=client_address(request))
    if request.method == "POST" and form.is_valid():
        try:
            return _register(request, form)
        except ValidationError as error:
            form.add_error("username" if error.code == "name_taken" else None, error)
    if form.has_error("username", "name_taken") and (answer := _register_again(request, form)):
        return answer
    template = "accounts/register.html"
    return render_form(request, form, template, registration=settings.REGISTRATION)


def _register(request: HttpRequest, form: RegisterForm) -> HttpResponse:
    data = form.cleaned_data
    account = {
        "username": data["username"],
        "password": data["password1"],
        "address": client_address(request),
        "browser": _browser_of(request),
    }
    if mail.is_on():
        user, sending = mail.register(**account, email=data["email"])
        sending.wait()
    else:
        user = services.register(**account)
    return _show_registered(request, user)


def _show_registered(request: HttpRequest, user: User) -> HttpResponse:
    if user.unverified_since is not None:
        request.session[VERIFYING] = user.pk
        return redirect("accounts:verify")
    request.session["registered"] = user.username
    return redirect("accounts:registered")


def _register_again(request: HttpRequest, form: RegisterForm) -> HttpResponse | None:
    """Answer a form that is sent for the second time as the first; None if it is another.

    With another address of mail it corrects the first, unless that is proved already.
    """
    if set(form.errors) != {"username"}:
        return None
    user = services.find_just_registered(
        request=request,
        username=form.data["username"],
        password=form.cleaned_data["password1"],
        browser=_browser_of(request),
    )
    if user is None:
        return None
    email = form.cleaned_data.get("email", "")  # there is no such field without mail
    if email and email.casefold() != mail.address_of(user):
        return _correct_address(request, form, user)
    return _show_registered(request, user)


def _correct_address(request: HttpRequest, form: RegisterForm, user: User) -> HttpResponse | None:
    if user.unverified_since is None:
        return None
    email, address = form.cleaned_data["email"], client_address(request)
    try:
        mail.send_registration_code(user=user, email=email, address=address).wait()
    except ValidationError as error:
        del form.errors["username"]  # the name is theirs
        form.add_error("email", error)
        return None
    return _show_registered(request, user)


def _browser_of(request: HttpRequest) -> str:
    """Return the secret of this browser that its CSRF cookie holds, from now on if it has none."""
    get_token(request)
    secret: str = request.META["CSRF_COOKIE"]
    return secret


@login_not_required
@require_safe
@never_cache
def registered(request: HttpRequest) -> HttpResponse:
    username = request.session.get("registered")
    if username is None:
        return redirect("accounts:register")
    return render(request, "accounts/registered.html", {"username": username})


@login_not_required
@page
@never_cache
@sensitive_post_parameters()
def login(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return already_in(request)
    next_url, ended, name = _lost_page(request)
    username = request.GET.get("username", "")
    is_new = bool(username) and request.session.get("registered") == username
    initial = {
        "username": username or name,
        "shared": not sessions.is_mobile(request),  # a phone is rarely anybody else's
    }
    form = LoginForm(request, _posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        is_shared = form.cleaned_data["shared"]
        services.log_in(request=request, user=form.get_user(), is_shared=is_shared)
        return go_on(request)
    is_unverified = form.has_error(NON_FIELD_ERRORS, "unverified")
    if is_unverified:
        # Whoever knows the password may type the code, or ask for another.
        request.session[VERIFYING] = form.get_user().pk
    template = "accounts/login.html"
    context: dict[str, Any] = {
        "next": next_url,
        "ended": ended,
        "is_new": is_new,
        "is_unverified": is_unverified,
    }
    return render_form(request, form, template, **context)


def _lost_page(request: HttpRequest) -> tuple[str, str, str]:
    """Return the page to which a log-in leads back; if a session has ended, why, and whose.

    Scripts leave a page that has lost its session without naming it in the address, where the next
    person at the computer could read it; the browser says where it came from.
    """
    named = safe_next(request)
    if request.method == "POST":
        return named, "", ""
    before = named or page_before(request)
    ended, name = last_person.why_ended(request) if before else ("", "")
    return (before if ended else named), ended, name


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page
@never_cache
@sensitive_post_parameters()
def change_password(request: UserRequest) -> HttpResponse:
    user = request.user
    just_changed = services.has_just_changed_password(request=request, user=user)
    form = PasswordChangeForm(user, _posted(request), just_changed=just_changed)
    if request.method == "POST" and form.is_valid():
        if not form.is_done:
            password = form.cleaned_data["new_password1"]
            services.change_password(request=request, user=user, password=password)
        messages.success(
            request, _("Your password is changed. Other devices have to log in again.")
        )
        return redirect("chat:discover")
    template = "accounts/password_change.html"
    if user.must_change_password:
        template = "accounts/password_first_change.html"
    return render_form(request, form, template)


@page
@never_cache
@sensitive_post_parameters()
def change_username(request: UserRequest) -> HttpResponse:
    form = RenameForm(request.user, _posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.rename(user=request.user, username=form.cleaned_data["username"])
        except ValidationError as error:
            form.add_error("username", error)
        else:
            messages.success(request, _("Your user name is changed. Your friends see the new one."))
            return redirect("chat:discover")
    return render_form(request, form, "accounts/username.html")


@page
@never_cache
def list_sessions(request: UserRequest) -> HttpResponse:
    session_key = request.session.session_key
    if request.method == "POST":
        if "others" in request.POST:
            sessions.end_others(user=request.user, session_key=session_key)
        else:
            sessions.end(user=request.user, public_id=request.POST.get("session", ""))
        messages.success(request, _("Signed out."))
        return redirect("accounts:sessions")
    told: list[Any] = signals.keys_told.send(User, user=request.user)
    context = {
        "sessions": sessions.list_of(request.user, session_key),
        "keys": [words for _receiver, sentences in told for words in sentences],
    }
    return render(request, "accounts/sessions.html", context)


@page
@never_cache
@sensitive_post_parameters()
def delete(request: UserRequest) -> HttpResponse:
    form = DeleteForm(request.user, _posted(request))
    if request.method == "POST" and form.is_valid():
        services.delete_account(user=request.user)
        auth.logout(request)
        messages.success(request, _("Your account is deleted."))
        return redirect("accounts:login")
    counts = services.summarize([request.user])
    return render_form(request, form, "accounts/delete.html", counts=counts)


@page
@never_cache
def change_settings(request: UserRequest) -> HttpResponse:
    form = SettingsForm(_posted(request), instance=request.user)
    if request.method == "POST" and form.is_valid():
        # Nothing else: a stale name would come back, or an account that has just been deleted.
        form.instance.save(update_fields=form.changed_data)
        messages.success(request, _("Your settings are saved."))
        return redirect("accounts:settings")
    return render_form(request, form, "accounts/settings.html")


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES) or not check_for_language(language):
        raise BadRequest("No such language.")
    response = redirect(safe_next(request) or settings.LOGIN_REDIRECT_URL)
    cookies.write(response, settings.LANGUAGE_COOKIE_NAME, language, settings.LANGUAGE_COOKIE_AGE)
    return response


def _posted(request: HttpRequest) -> QueryDict | None:
    """Return the data for a form; a POST without a single field counts, too."""
    return request.POST if request.method == "POST" else None
