from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.admin import UserAdmin
from accounts.http import user_of
from accounts.models import User
from chat.models import AuditEntry, Report
from webchat.admin import BoundedAdmin
from webchat.base.times import minute

from . import services
from .acts import ON_USERS, perform

NAMES_SHOWN = 50  # names of accounts in the question before a deletion
Act = AuditEntry.Act


class LookedAt(BoundedAdmin):
    """A read-only admin: no form adds, changes or deletes anything."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# --- Reports ---


class StateFilter(admin.SimpleListFilter):
    """A filter that shows the open reports, unless others are asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("closed", _("Decided")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        if self.value() == "all":
            return queryset
        return queryset.filter(closed_at__isnull=self.value() != "closed")

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Open")}
        yield from others


@dataclass(frozen=True, slots=True)
class Line:
    """A message of a snapshot, as the moderator sees it."""

    sender: str
    text: str
    time: str
    state: str
    is_reported: bool
    is_of_reported_person: bool


def _lines(report: Report) -> list[Line]:
    return [
        Line(
            sender=each["sender"],
            text=each["text"],
            time=minute(datetime.fromisoformat(each["sent_at"])),
            state=each["state"],
            is_reported=each["id"] == report.message_number,
            is_of_reported_person=each["sender_number"] == report.about_number,
        )
        for each in report.snapshot
    ]


@admin.register(Report)
class ReportAdmin(LookedAt):
    change_form_template = "admin/chat/report/report.html"
    list_display = ["what", "about", "reporter", "created_at", "closed_at", "outcome"]
    list_filter = [StateFilter, "outcome", "created_at"]
    list_select_related = ["about", "reporter"]
    search_fields = ["about__username_key", "reporter__username_key"]
    ordering = ["id"]  # the longest wait comes first

    @admin.display(description=gettext_lazy("kind"))
    def what(self, report: Report) -> str:
        return _("A message") if report.message_number else _("The person")

    def get_urls(self) -> list[URLPattern]:
        decide = require_POST(self.admin_site.admin_view(self.decide))
        return [
            path("<int:pk>/decide/<str:act>/", decide, name="chat_report_decide"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        report = self.get_object(request, object_id)
        if report is not None and self.has_view_permission(request, report):
            services.look(by=user_of(request), report=report)
            extra_context = (extra_context or {}) | self._context(user_of(request), report)
        return super().change_view(request, object_id, form_url, extra_context)

    def decide(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        report = get_object_or_404(Report.objects.select_related("about"), pk=pk)
        if act in ("dismiss", "remove"):
            self._decide(request, act, report)
        elif act in ON_USERS:
            if not request.user.has_perm("chat.decide_report"):
                raise PermissionDenied
            perform(request, act, report.about, report)
        else:
            raise Http404
        return redirect("admin:chat_report_change", pk)

    def _decide(self, request: HttpRequest, act: str, report: Report) -> None:
        by = user_of(request)
        try:
            if act == "dismiss":
                services.dismiss(by=by, report=report)
                words = _("The report is dismissed.")
            else:
                services.remove_message(by=by, report=report)
                words = _("The message is removed.")
        except ValidationError as error:
            messages.error(request, error.messages[0])
        else:
            messages.success(request, words)

    def _context(self, by: User, report: Report) -> dict[str, Any]:
        others = Report.objects.filter(about_number=report.about_number).exclude(pk=report.pk)
        about = report.about
        return {
            "title": str(report),
            "subtitle": None,
            "lines": _lines(report),
            "others": others.count(),
            "about": about,
            "mutes": services.MUTES,
            "now": timezone.now(),
            "may_decide": by.has_perm("chat.decide_report"),
            "may_close": services.may_decide(by, report),
            "has_power": about is not None and services.has_power_over(by, about),
            "may_issue_code": about is not None and services.may_issue_code(by, about),
            "act_url": reverse("admin:chat_report_decide", args=[report.pk, "act"])[: -len("act/")],
        }


# --- Users ---

admin.site.unregister(User)


@admin.register(User)
class ModeratedUserAdmin(UserAdmin):
    """The users, with the acts of the moderators, and every change in the audit log."""

    change_form_template = "admin/accounts/user/moderated.html"
    list_display = ["username", "email", "is_active", "muted_until", "is_staff", "date_joined"]
    list_filter = [*UserAdmin.list_filter, "muted_until"]

    def get_urls(self) -> list[URLPattern]:
        act = require_POST(self.admin_site.admin_view(self.act))
        route = path("<int:pk>/moderate/<str:act>/", act, name="accounts_user_moderate")
        return [route, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        fields = ["username", "email", "is_active", "muted_until", "last_login", "date_joined"]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        # A ban is more than a flag: sessions end, and friends are told.
        return [*super().get_readonly_fields(request, obj), "is_active"]

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        names, counts, refused, protected = super().get_deleted_objects(objs, request)
        if len(names) > NAMES_SHOWN:
            more = len(names) - NAMES_SHOWN
            names = [
                *names[:NAMES_SHOWN],
                ngettext("and %(number)s more", "and %(number)s more", more) % {"number": more},
            ]
        return names, counts, refused, protected

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        by, about = user_of(request), self.get_object(request, object_id)
        if about is not None:
            url = reverse("admin:accounts_user_moderate", args=[about.pk, "act"])
            extra_context = (extra_context or {}) | {
                "about": about,
                "mutes": services.MUTES,
                "now": timezone.now(),
                "has_power": services.has_power_over(by, about),
                "may_issue_code": services.may_issue_code(by, about),
                "act_url": url[: -len("act/")],
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def act(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        if act not in ON_USERS:
            raise Http404
        perform(request, act, get_object_or_404(User, pk=pk), None)
        return redirect("admin:accounts_user_change", pk)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        services.note(by=user_of(request), act=Act.ADDED, about=[obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        services.note(by=user_of(request), act=Act.EDITED, about=[obj])
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        services.note(by=user_of(request), act=Act.DELETED, about=queryset)
        return super().log_deletions(request, queryset)


# --- The audit log ---


@admin.register(AuditEntry)
class AuditEntryAdmin(LookedAt):
    list_display = ["at", "who", "act", "about_whom", "report", "detail"]
    list_display_links = None
    list_filter = ["act", "at"]
    search_fields = ["=actor_number", "=about_number"]
    search_help_text = gettext_lazy("The user name or the number of whom it concerns")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.with_names()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        user = User.objects.named(search_term).first() if search_term else None
        term = str(user.pk) if user else search_term
        return super().get_search_results(request, queryset, term)

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name or f"#{entry.actor_number}"

    @admin.display(description=gettext_lazy("about whom"))
    def about_whom(self, entry: AuditEntry) -> str:
        if entry.about_number is None:
            return ""
        return entry.about_name or f"#{entry.about_number}"

    @admin.display(description=gettext_lazy("report"))
    def report(self, entry: AuditEntry) -> str:
        if entry.report_number is None:
            return ""
        url = reverse("admin:chat_report_change", args=[entry.report_number])
        return format_html('<a href="{}">#{}</a>', url, entry.report_number)
