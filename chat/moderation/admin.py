from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.admin import UserAdmin
from accounts.models import User
from chat.models import Announcement, AuditEntry, Report
from chat.presentation import minute
from webchat.text import PlainTextField

from . import services
from .forms import ANNOUNCEMENT_LENGTH, WarnForm

NAMES_SHOWN = 50  # of the accounts that a deletion asks about
Act = AuditEntry.Act
MUTES = {
    "1": gettext_lazy("1 hour"),
    "24": gettext_lazy("1 day"),
    "168": gettext_lazy("7 days"),
}


def _warn(by: User, about: User, report: Report | None, data: Any) -> str:
    form = WarnForm(data)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    services.warn(by=by, about=about, report=report, words=form.cleaned_data["words"])
    return _("%(name)s is warned, and has to confirm it.")


def _mute(by: User, about: User, report: Report | None, data: Any) -> str:
    if data.get("hours") not in MUTES:
        raise ValidationError(_("Choose for how long."), "invalid")
    services.mute(by=by, about=about, report=report, hours=data["hours"])
    return _("%(name)s is muted.")


def _unmute(by: User, about: User, report: Report | None, data: Any) -> str:
    services.unmute(by=by, about=about)
    return _("%(name)s can send again.")


def _ban(by: User, about: User, report: Report | None, data: Any) -> str:
    services.ban(by=by, about=about, report=report)
    return _("%(name)s is banned.")


def _unban(by: User, about: User, report: Report | None, data: Any) -> str:
    services.unban(by=by, about=about)
    return _("%(name)s can log in again.")


def _sign_out(by: User, about: User, report: Report | None, data: Any) -> str:
    services.sign_out(by=by, about=about)
    return _("%(name)s is signed out everywhere.")


def _issue_code(by: User, about: User, report: Report | None, data: Any) -> str:
    code = services.issue_reset_code(by=by, about=about)
    words = _("With this code %(name)s chooses a new password; it is shown only now:")
    return f"{words} {code}"


# Each does it, and answers with what is said of it.
ON_USERS: dict[str, Callable[[User, User, Report | None, Any], str]] = {
    "warn": _warn,
    "mute": _mute,
    "unmute": _unmute,
    "ban": _ban,
    "unban": _unban,
    "sign_out": _sign_out,
    "issue_code": _issue_code,
}


def _perform(request: HttpRequest, act: str, about: User | None, report: Report | None) -> None:
    """Do it and say so, or say why not; PermissionDenied is for who may not (403)."""
    by = _moderator(request)
    try:
        if about is None:
            raise ValidationError(_("This account is gone already."), "not_found")
        words = ON_USERS[act](by, about, report, request.POST) % {"name": about.username}
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, words)


def _moderator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (admin_view lets nobody else through)
    return request.user


class LookedAt(admin.ModelAdmin):
    """Nothing here is added, changed or deleted by a form."""

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
    """The queue is what is open, unless one asks for the rest."""

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
    ordering = ["id"]  # who waits longest comes first

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
            services.look(by=_moderator(request), report=report)
            extra_context = (extra_context or {}) | self._context(_moderator(request), report)
        return super().change_view(request, object_id, form_url, extra_context)

    def decide(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        report = get_object_or_404(Report.objects.select_related("about"), pk=pk)
        if act in ("dismiss", "remove"):
            self._decide(request, act, report)
        elif act in ON_USERS:
            if not request.user.has_perm("chat.decide_report"):
                raise PermissionDenied
            _perform(request, act, report.about, report)
        else:
            raise Http404
        return redirect("admin:chat_report_change", pk)

    def _decide(self, request: HttpRequest, act: str, report: Report) -> None:
        by = _moderator(request)
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
            "mutes": MUTES,
            "now": timezone.now(),
            "may_decide": by.has_perm("chat.decide_report"),
            "has_power": about is not None and services.has_power_over(by, about),
            "act_url": reverse("admin:chat_report_decide", args=[report.pk, "act"])[: -len("act/")],
        }


# --- Users ---

admin.site.unregister(User)


@admin.register(User)
class ModeratedUserAdmin(UserAdmin):
    """With the acts of the moderators, and every change in the audit log."""

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
        # To ban is more than a mark: sessions end, and friends are told.
        return [*super().get_readonly_fields(request, obj), "is_active"]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or request.user.is_superuser or not obj.is_staff
        )

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        users = list(objs)
        names, counts, refused, protected = super().get_deleted_objects(users, request)
        refused |= {str(user) for user in users if not self.has_delete_permission(request, user)}
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
        about = self.get_object(request, object_id)
        if about is not None and services.has_power_over(_moderator(request), about):
            url = reverse("admin:accounts_user_moderate", args=[about.pk, "act"])
            extra_context = (extra_context or {}) | {
                "about": about,
                "mutes": MUTES,
                "now": timezone.now(),
                "has_power": True,
                "act_url": url[: -len("act/")],
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def act(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        if act not in ON_USERS:
            raise Http404
        _perform(request, act, get_object_or_404(User, pk=pk), None)
        return redirect("admin:accounts_user_change", pk)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        services.note(by=_moderator(request), act=Act.ADDED, about=[obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        services.note(by=_moderator(request), act=Act.EDITED, about=[obj])
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        services.note(by=_moderator(request), act=Act.DELETED, about=queryset)
        return super().log_deletions(request, queryset)


# --- Announcements ---


class AnnouncementForm(ModelForm):
    text = PlainTextField(
        label=gettext_lazy("Text"),
        max_length=ANNOUNCEMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
        help_text=gettext_lazy("Everyone is shown it once, and again when it is changed."),
    )

    class Meta:
        model = Announcement
        fields = ["text"]


@admin.register(Announcement)
class AnnouncementAdmin(admin.ModelAdmin):
    form = AnnouncementForm
    list_display = ["beginning", "created_at", "changed_at"]
    search_fields = ["text"]

    @admin.display(description=gettext_lazy("text"))
    def beginning(self, announcement: Announcement) -> str:
        return announcement.text[:60]

    def save_model(self, request: HttpRequest, obj: Announcement, form: Form, change: bool) -> None:
        if not change or form.changed_data:
            services.announce(by=_moderator(request), announcement=obj)

    def delete_model(self, request: HttpRequest, obj: Announcement) -> None:
        services.withdraw(by=_moderator(request), announcement=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> None:
        for announcement in queryset:
            services.withdraw(by=_moderator(request), announcement=announcement)


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
