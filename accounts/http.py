from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from .models import User

NEXT_AT_MOST = 1000  # characters of a path; escaped, a redirect takes 2,048
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
    is_safe = (
        len(url) <= NEXT_AT_MOST
        and url.startswith("/")
        and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    )
    return url if is_safe else ""


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
    response = render(request, template, {"form": form} | context)
    if request.method == "POST":
        response.status_code = 422
        tell_wait(response, form, refusal)
    return response


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
