"""The queue of reports in the admin: a row for each message or person, and a page for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest, user_of
from accounts.models import User
from chat.delivery import deliver_evidence
from chat.models import AuditEntry, Evidence, Report
from webchat.admin import BoundedAdmin, BoundedChangeList, in_minutes
from webchat.base.times import minute

from . import services
from .acts import ON_USERS, perform

EXCERPT = 40  # characters of a message or a reason in a row
OTHERS_SHOWN = 20  # reports of the same message or person, with their reasons, the open ones first
DONE_SHOWN = 20  # acts about one message or person


def name_of(user: User | None, number: int | None) -> str:
    """Return a name; of somebody who deleted the account the number, if it is kept."""
    if user is not None:
        return user.username
    return deleted_user(number) if number else _("Deleted user")


def detail_of(entry: AuditEntry) -> str:
    """Return the detail in the reader's language: that of a mute is its hours."""
    if entry.act != AuditEntry.Act.MUTED:
        return entry.detail
    return str(services.MUTES.get(entry.detail.removesuffix(" h"), entry.detail))


def deleted_user(number: int) -> str:
    return _("Deleted user #%(number)s") % {"number": number}


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


class Queue(BoundedChangeList):
    """A page of the list, whose rows know how many reports they stand for: one query for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        about = {report.about_number for report in rows}
        tally = Report.objects.filter(about_number__in=about).tally()
        for report in rows:
            report.tally = tally[report.about_number, report.message_number]
        self.result_list = rows


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
    list_display = [
        "what",
        "why",
        "about_whom",
        "reports",
        "reporters",
        in_minutes(Report, "created_at"),
        "decision",
    ]
    list_filter = [StateFilter, "outcome", "created_at"]
    list_select_related = ["about", "reporter"]
    search_fields = ["about__username_key", "reporter__username_key", "reason"]
    search_help_text = gettext_lazy("User name, or words of a reason")
    ordering = ["id"]  # the longest wait comes first

    def get_list_display(self, request: HttpRequest) -> Any:
        is_open = StateFilter.parameter_name not in request.GET
        return [name for name in self.list_display if name != "decision" or not is_open]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Queue]:
        return Queue

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Report], search_term: str
    ) -> tuple[QuerySet[Report], bool]:
        """Search in all reports, and show one of each message or person that has such a report."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        is_open = StateFilter.parameter_name not in request.GET
        reports: Any = found
        return reports.visible_to(user_of(request)).one_each(newest=not is_open), may_repeat

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, extra_context)
        shown = getattr(answer, "context_data", {}).get("cl")
        if shown is not None and shown.result_list:
            services.look_at_list(by=user_of(request))
        return answer

    @admin.display(description=gettext_lazy("report"))
    def what(self, report: Report) -> str:
        if report.message_number is None:
            return _("The person")
        text = next((line.text for line in _lines(report) if line.is_reported), "")
        if not text:  # recalled before it was reported
            return _("A message")
        return _("“%(text)s”") % {"text": Truncator(text).chars(EXCERPT)}

    @admin.display(description=gettext_lazy("reason"))
    def why(self, report: Report) -> str:
        return Truncator(report.reason).chars(EXCERPT)

    @admin.display(description=gettext_lazy("about"))
    def about_whom(self, report: Report) -> str:
        return name_of(report.about, report.about_number)

    @admin.display(description=gettext_lazy("times reported"))
    def reports(self, report: Report) -> str:
        tally = report.tally
        if tally.still_open in (0, tally.number):
            return str(tally.number)
        counts = {"open": tally.still_open, "all": tally.number}
        return _("%(open)s open of %(all)s") % counts

    @admin.display(description=gettext_lazy("reported by"))
    def reporters(self, report: Report) -> str:
        name, others = name_of(report.reporter, None), report.tally.people - 1
        if others < 1:
            return name
        words = ngettext("%(name)s and %(n)d more", "%(name)s and %(n)d more", others)
        return words % {"name": name, "n": others}

    @admin.display(description=gettext_lazy("outcome"))
    def decision(self, report: Report) -> str:
        return str(report.get_outcome_display()) or _("Open")

    def get_urls(self) -> list[URLPattern]:
        decide = require_POST(self.admin_site.admin_view(self.decide))
        see = self.admin_site.admin_view
        return [
            path("<int:pk>/decide/<str:act>/", decide, name="chat_report_decide"),
            path("<int:pk>/file/", see(self.file), name="chat_report_file"),
            path("<int:pk>/preview/", see(self.preview), name="chat_report_preview"),
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
            extra_context = (extra_context or {}) | _context(user_of(request), report)
        return super().change_view(request, object_id, form_url, extra_context)

    @method_decorator(require_safe)
    def file(self, request: HttpRequest, pk: int, *, is_preview: bool = False) -> HttpResponseBase:
        """Serve the file of a report to those who may see the report."""
        report = get_object_or_404(Report, pk=pk)
        found = services.look_at_file(by=user_of(request), report=report)
        if found is None:
            raise Http404
        return deliver_evidence(cast(UserRequest, request), found, is_preview=is_preview)

    def preview(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self.file(request, pk, is_preview=True)

    def decide(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        report = get_object_or_404(Report.objects.select_related("about"), pk=pk)
        if act in DECISIONS:
            _decide(request, act, report)
        elif act in ON_USERS:
            if not request.user.has_perm("chat.decide_report"):
                raise PermissionDenied
            if page := perform(request, act, report.about, report):
                return page
        else:
            raise Http404
        return redirect("admin:chat_report_change", pk)


# Each with the message about it.
DECISIONS = {
    "dismiss": (services.dismiss, gettext_lazy("The report is dismissed.")),
    "settle": (services.settle, gettext_lazy("The report is closed.")),
    "remove": (services.remove_message, gettext_lazy("The message is removed.")),
}


def _decide(request: HttpRequest, act: str, report: Report) -> None:
    service, words = DECISIONS[act]
    try:
        service(by=user_of(request), report=report)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, words)


def _context(by: User, report: Report) -> dict[str, Any]:
    about = report.about
    act_url = reverse("admin:chat_report_decide", args=[report.pk, "act"])[: -len("act/")]
    done = AuditEntry.objects.about_report(report).with_names()[:DONE_SHOWN]
    return _neighbours(by, report) | {
        "title": str(report),
        "subtitle": None,
        "lines": _lines(report),
        "evidence": _shown_file(report),
        "about": about,
        "about_name": name_of(about, report.about_number),
        "reporter_name": name_of(report.reporter, None),
        "mutes": services.mutes_for(about) if about else {},
        "done": [(entry, detail_of(entry)) for entry in done],
        "is_removed": services.is_removed(report),
        "done_already": report.is_open and services.done_already(report),
        "may_decide": by.has_perm("chat.decide_report"),
        "may_close": services.may_decide(by, report),
        "has_power": about is not None and services.has_power_over(by, about),
        "may_issue_code": about is not None and services.may_issue_code(by, about),
        "act_url": act_url,
    }


def _shown_file(report: Report) -> dict[str, Any] | None:
    """Return what the page says of the file of a report, where it is still there."""
    found = Evidence.objects.of(report).first()
    if found is None:
        return None
    address = reverse("admin:chat_report_file", args=[report.pk])
    picture = reverse("admin:chat_report_preview", args=[report.pk]) if found.preview else address
    return {
        "name": found.name,
        "size": found.size,
        "url": address,
        "picture": picture if found.is_picture else "",
        "width": found.width,
        "height": found.height,
    }


def _neighbours(by: User, report: Report) -> dict[str, Any]:
    """Return the other reports of the same subject, how many others of the person, the next."""
    same = Report.objects.about_the_same(report).exclude(pk=report.pk).select_related("reporter")
    others = Report.objects.filter(about_number=report.about_number).besides(report).one_each()
    waiting = Report.objects.open().visible_to(by).besides(report).one_each()
    query = urlencode({"state": "all", "q": report.about.username}) if report.about else ""
    return {
        "others": others.count(),
        "others_url": query and f"{reverse('admin:chat_report_changelist')}?{query}",
        "same": same.order_by(F("closed_at").desc(nulls_first=True), "pk")[:OTHERS_SHOWN],
        "next": services.next_open(by=by, after=report),
        "waiting": waiting.count(),
    }
