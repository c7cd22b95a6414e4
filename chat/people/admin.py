"""The users in the admin as an administrator of a class needs them, with the pages beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.admin import DATES, PERSON
from accounts.http import user_of
from accounts.models import User
from chat.moderation import rights
from chat.moderation.admin import ModeratedUserAdmin
from webchat.base.times import minute

from . import codes, enrolling, pictures, services, waiting
from .person import facts, role_of

Page = Callable[[HttpRequest, dict[str, Any]], HttpResponse]

admin.site.unregister(User)  # of `accounts`, which knows nothing of reports and devices


class StandingFilter(admin.SimpleListFilter):
    """A filter by what the column of the same name says."""

    title = gettext_lazy("state")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", _("Waits to be let in")),
            ("muted", _("Muted")),
            ("banned", _("Banned")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        users: Any = queryset
        chosen = {"waiting": users.waiting, "muted": users.muted, "banned": users.banned}
        return chosen.get(self.value() or "", users.all)()


@admin.register(User)
class PersonAdmin(ModeratedUserAdmin):
    """The users, with who waits, a list to import, codes, and what is known of a person."""

    change_list_template = "admin/people/list.html"
    list_display = [*PERSON, "email", "standing", *DATES, "role"]
    list_filter = [StandingFilter, "is_staff", "date_joined"]
    actions = ["issue_codes", "delete_selected"]

    def get_urls(self) -> list[URLPattern]:
        device = require_POST(self.admin_site.admin_view(self.sign_out_device))
        return [
            path("waiting/", self._page(waiting.page), name="accounts_user_waiting"),
            path("roster/", self._page(enrolling.page), name="accounts_user_roster"),
            path("pictures/", self._page(pictures.page), name="accounts_user_pictures"),
            path("codes/", self._page(codes.page), name="accounts_user_codes"),
            path("<int:pk>/device/", device, name="accounts_user_device"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return []  # all of it stands above

    @admin.display(description=gettext_lazy("state"))
    def standing(self, user: User) -> str:
        if user.unverified_since is not None:
            return _("Waits to be let in")
        if not user.is_active:
            return _("Banned")
        if user.is_muted:
            return _("Muted until %(until)s") % {"until": minute(user.muted_until)}
        return _("In good standing")

    @admin.display(description=gettext_lazy("role"))
    def role(self, user: User) -> str:
        return role_of(user)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        by = user_of(request)
        may = {
            "may_see_waiting": rights.may_let_in(by),
            "may_enrol": rights.may_enrol(by),
            "may_issue_codes": rights.may_issue_codes(by),
        }
        return super().changelist_view(request, (extra_context or {}) | may)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        about = self.get_object(request, object_id)
        if about is not None and self.has_view_permission(request, about):
            known = facts(by=user_of(request), about=about)
            extra_context = (extra_context or {}) | known
        return super().change_view(request, object_id, form_url, extra_context)

    def sign_out_device(self, request: HttpRequest, pk: int) -> HttpResponse:
        about = get_object_or_404(User, pk=pk)
        public_id = request.POST.get("device", "")
        if services.sign_out_device(by=user_of(request), about=about, public_id=public_id):
            messages.success(request, _("The device is signed out."))
        else:
            messages.info(request, _("That device is signed out already."))
        return redirect("admin:accounts_user_change", pk)

    def has_code_permission(self, request: HttpRequest) -> bool:
        return rights.may_issue_codes(user_of(request))

    @admin.action(permissions=["code"], description=gettext_lazy("Issue reset codes …"))
    def issue_codes(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
        """Show the page for codes, with the names of those who are chosen."""
        names = queryset.values_list("username", flat=True)[: codes.PEOPLE_AT_MOST]
        if (number := queryset.count()) > codes.PEOPLE_AT_MOST:
            words = _("The codes of the first %(shown)d of %(number)d: take the others after them.")
            facts = {"shown": codes.PEOPLE_AT_MOST, "number": number}
            messages.warning(request, words % facts)
        return codes.ask(request, self._context(request), names)

    def _page(self, page: Page) -> Any:
        def view(request: HttpRequest) -> HttpResponse:
            return page(request, self._context(request))

        return self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(view))

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"opts": self.opts}
