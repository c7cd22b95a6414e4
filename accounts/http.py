from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import BaseForm, PasswordInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from .models import User

NEXT_AT_MOST = 1000  # characters of a path; escaped, a redirect takes 2,048
ADDRESS_AT_MOST = 2 * NEXT_AT_MOST  # characters, with the host
TYPED = ("text", "email", "password")  # kinds of fields


class UserRequest(HttpRequest):
    """A request that LoginRequiredMiddleware has let through: for type checkers only."""

    user: User


def user_of(request: HttpRequest) -> User:
    """Return the user of an admin page; `admin_view` lets nobody else through."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def safe_next(request: HttpRequest) -> str:
    """Return the path on this site to which `next` leads; empty if nowhere or elsewhere."""
    url: str = request.POST.get("next", request.GET.get("next", ""))
    return url if is_path(request, url) else ""


def is_path(request: HttpRequest, url: str) -> bool:
    """Return whether a redirect to `url` stays on this site."""
    return (
        len(url) <= NEXT_AT_MOST
        and url.startswith("/")
        and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    )


def page_before(request: HttpRequest) -> str:
    """Return the path of the page of ours from which somebody came; empty if from elsewhere."""
    parts = _split(request.META.get("HTTP_REFERER", ""))
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    is_page = parts.netloc == request.get_host() and parts.path != request.path
    return path if is_page and is_path(request, path) else ""


def _split(address: str) -> SplitResult:
    """Split an address that anybody may have made up; the parts are empty if it is none."""
    try:
        return urlsplit(address if len(address) <= ADDRESS_AT_MOST else "")
    except ValueError:  # `http://[x/`
        return urlsplit("")


def render_form(
    request: HttpRequest,
    form: BaseForm,
    template: str,
    *,
    refusal: ValidationError | None = None,
    **context: Any,
) -> HttpResponse:
    """Render the page of a form. After a POST this means that it was refused: 422, or 429.

    `refusal` is the reason, unless it is one of the form's own errors.
    """
    _place_focus(form)
    if set(form.errors) - {NON_FIELD_ERRORS}:
        ask_passwords_again(form)
    response = render(request, template, {"form": form} | context)
    if request.method == "POST":
        response.status_code = 422
        tell_wait(response, form, refusal)
    return response


def ask_passwords_again(form: BaseForm) -> None:
    """Say at each password that is not wrong itself that it is not kept."""
    for field in form.visible_fields():
        if isinstance(field.field.widget, PasswordInput) and not field.errors:
            field.help_text = _("Please type it again: passwords are not kept.")


def _place_focus(form: BaseForm) -> None:
    """Focus the first field that is wrong, or else the first that is empty."""
    fields = [
        field
        for field in form.visible_fields()
        if getattr(field.field.widget, "input_type", "") in TYPED
    ]
    if not form.is_bound and not any("autofocus" in f.field.widget.attrs for f in fields):
        return
    for field in fields:
        field.field.widget.attrs.pop("autofocus", None)
    wrong = [field for field in fields if field.errors]
    # A password that was typed is not sent back.
    empty = [f for f in fields if not f.value() or f.field.widget.input_type == "password"]
    for field in (wrong or empty or fields)[:1]:
        field.field.widget.attrs["autofocus"] = ""


def tell_wait(
    response: HttpResponse, form: BaseForm, refusal: ValidationError | None = None
) -> None:
    """Make it a 429 with Retry-After if a limit is among the reasons."""
    errors = [error for errors in form.errors.as_data().values() for error in errors]
    errors += refusal.error_list if refusal else []
    limited = [error.params or {} for error in errors if error.code == "rate_limited"]
    if waits := [params["retry_after"] for params in limited]:
        response.status_code = 429
        response["Retry-After"] = str(max(waits))
