from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminToField
from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.i18n import JavaScriptCatalog

from webchat import phrases

from .forms import StaffLoginForm
from .http import tell_wait


class ScriptPhrases(JavaScriptCatalog):
    """Django's phrases for its scripts, with ours where we word them otherwise."""

    def get_catalog(self) -> dict[str, Any]:
        ours = {phrase: gettext(phrase) for phrase in phrases.SCRIPTS}
        return super().get_catalog() | ours


class AdminSite(admin.AdminSite):
    """Django's admin site, where no page logs in or sets a password by rules other than ours."""

    login_form = StaffLoginForm
    enable_nav_sidebar = False  # four links in the header, and the front page, lead everywhere

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Wrap a view as Django does, without its bug when the name of a field is empty."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "" in (request.GET.get(TO_FIELD_VAR), request.POST.get(TO_FIELD_VAR)):
                raise DisallowedModelAdminToField("The field has no name.")
            return view(request, *args, **kwargs)

        return super().admin_view(checked, cacheable)

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Serve the admin's own log-in page, which answers as ours do while a limit holds."""
        response: HttpResponse = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if form is not None:
            tell_wait(response, form)
        return response

    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return ScriptPhrases.as_view(packages=["django.contrib.admin"])(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Redirect to the one page for it: guesses of the old password are limited there."""
        return redirect("accounts:password_change")

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return redirect("admin:index")
