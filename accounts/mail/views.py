"""The pages on which a code is asked for and typed. They work without JavaScript."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import CodeForm, EmailForm, ForgottenForm, ResetForm
from accounts.http import UserRequest, render_form
from accounts.models import VERIFY_WITHIN, User
from webchat.middleware import client_address

from . import codes, services
from .codes import Purpose

VERIFYING = "verifying"  # in the session: the id of the account that waits for its code
FORGOTTEN = "forgotten"  # in the session for one page: what was typed, known or not

page = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required
@page
@never_cache
@sensitive_post_parameters()
def verify(request: HttpRequest) -> HttpResponse:
    user = _who_verifies(request)
    if user is None:
        return _redirect_nobody(request)
    if request.method != "POST":
        return _render_verify(request, user, CodeForm(initial={"code": request.GET.get("code")}))
    if request.POST.get("action") == "resend":
        return _resend(request, user)
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            services.verify_registration(
                user=user,
                typed=form.cleaned_data["code"],
                is_own=_is_own(request, user),
                address=client_address(request),
            )
        except ValidationError as error:
            form.add_error("code", error)
        else:
            request.session.pop(VERIFYING, None)
            request.session["registered"] = user.username
            return redirect("accounts:registered")
    return _render_verify(request, user, form)


def _who_verifies(request: HttpRequest) -> User | None:
    """Find the user by the registration's session, or on another device by the mail's link."""
    waiting = User.objects.waiting()
    name = request.POST.get("name") or request.GET.get("name")
    if name:
        return waiting.named(name).first()
    return waiting.filter(pk=request.session.get(VERIFYING) or 0).first()


def _is_own(request: HttpRequest, user: User) -> bool:
    """Return whether this session registered, or has typed the right password since."""
    return bool(request.session.get(VERIFYING) == user.pk)


def _redirect_nobody(request: HttpRequest) -> HttpResponse:
    """Redirect to the log-in: whoever opens the mail's link again is registered already.

    So is who waits, once an administrator has confirmed the account or another device has the code.
    """
    name = request.POST.get("name") or request.GET.get("name")
    own = User.objects.present().filter(pk=request.session.get(VERIFYING, 0))
    mine = (own.named(name) if name else own).first()
    if mine is not None:
        request.session["registered"] = mine.username
        return redirect("accounts:registered")
    if name:
        return redirect(reverse("accounts:login", query={"username": name}))
    return redirect("accounts:register")


def _resend(request: HttpRequest, user: User) -> HttpResponse:
    """Send another code in place of the first, but not for those who only know the name."""
    if not _is_own(request, user):
        return redirect(reverse("accounts:login", query={"username": user.username}))
    email = services.address_of(user)
    if not email:
        return redirect("accounts:register")
    address = client_address(request)
    try:
        services.send_registration_code(user=user, email=email, address=address).wait()
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return _render_verify(request, user, CodeForm(), error)
    return redirect("accounts:verify")


def _render_verify(
    request: HttpRequest, user: User, form: CodeForm, refusal: ValidationError | None = None
) -> HttpResponse:
    code = user.codes.filter(purpose=Purpose.REGISTRATION).first()
    is_own = _is_own(request, user)
    context = {"name": user.username, "is_own": is_own} | _about(code)
    if is_own and user.unverified_since is not None:
        context["kept_until"] = user.unverified_since + VERIFY_WITHIN
    if not is_own:
        context["email"] = ""  # those who only know the name do not learn the address
    return render_form(request, form, "accounts/verify.html", refusal=refusal, **context)


def _about(code: Any) -> dict[str, Any]:
    if code is None:
        return {"seconds": 0}
    return {
        "email": code.email,
        "mail_state": code.mail_state,
        "tried_at": code.created_at,
        "seconds": codes.seconds_to_wait(code),
    }


@login_not_required
@page
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and services.is_on() and form.is_valid():
        try:
            services.request_reset(form.cleaned_data["username"], address=client_address(request))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            request.session[FORGOTTEN] = form.cleaned_data["username"]
            messages.success(
                request, _("If that account has an email address, a code is on its way to it.")
            )
            return redirect("accounts:password_reset")
    template = "accounts/password_forgotten.html"
    return render_form(request, form, template, has_mail=services.is_on())


@login_not_required
@page
@never_cache
@sensitive_post_parameters()
def reset(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        name = request.session.pop(FORGOTTEN, None)
        initial = {"username": request.GET.get("name", name), "token": request.GET.get("token")}
        return _render_reset(request, ResetForm(initial=initial))
    form = ResetForm(request.POST)
    if form.is_valid():
        try:
            services.reset_password(
                name_or_mail=form.cleaned_data["username"],
                typed=form.cleaned_data["code"],
                token=form.cleaned_data["token"],
                password=form.cleaned_data["new_password1"],
                address=client_address(request),
            )
        except ValidationError as error:
            form.add_error("code" if error.code == "invalid" else None, error)
        else:
            messages.success(request, _("Your password is changed. Please log in."))
            return redirect("accounts:login")
    return _render_reset(request, form)


def _render_reset(request: HttpRequest, form: ResetForm) -> HttpResponse:
    has_token = bool(form["token"].value()) and "code" not in form.errors
    del form.fields["code" if has_token else "token"]
    return render_form(request, form, "accounts/password_reset.html")


@page
@never_cache
@sensitive_post_parameters()
def change_email(request: UserRequest) -> HttpResponse:
    """Ask for the new address and the password, then for the code that went to it."""
    if not services.is_on():
        raise Http404
    code = services.waiting_code(request.user, Purpose.EMAIL)
    email = code.email if code else request.user.email
    email_form = EmailForm(request.user, initial={"email": email})
    code_form = CodeForm()
    if request.method != "POST":
        return _render_email(request, email_form, code_form if code else None, code)
    if "code" in request.POST:
        code_form = CodeForm(request.POST)
        if code_form.is_valid() and _finish_email(request, code_form):
            messages.success(request, _("Your email address is changed."))
            return redirect("accounts:email")
        return _render_email(request, email_form, code_form, code)
    email_form = EmailForm(request.user, request.POST)
    if email_form.is_valid() and _start_email(request, email_form):
        return redirect("accounts:email")
    return _render_email(request, email_form, None, code)


def _start_email(request: UserRequest, form: EmailForm) -> bool:
    email, address = form.cleaned_data["email"], client_address(request)
    try:
        services.start_email_change(user=request.user, email=email, address=address).wait()
    except ValidationError as error:
        form.add_error("email", error)
        return False
    return True


def _finish_email(request: UserRequest, form: CodeForm) -> bool:
    try:
        services.finish_email_change(user=request.user, typed=form.cleaned_data["code"])
    except ValidationError as error:
        form.add_error("code", error)
        return False
    return True


def _render_email(
    request: UserRequest,
    email_form: EmailForm,
    code_form: CodeForm | None,
    code: Any,
) -> HttpResponse:
    context = {"email_form": email_form, "code_form": code_form} | _about(code)
    return render_form(request, email_form, "accounts/email.html", **context)


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/terms.html")
