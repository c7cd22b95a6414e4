from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.admin import RIGHTS, GroupAdmin, UserAdmin
from accounts.http import user_of
from accounts.models import User
from chat.models import AuditEntry
from webchat.admin import in_minutes

from . import rights, services
from .acts import ON_USERS, perform
from .queue import LookedAt, deleted_user, detail_of

NAMES_SHOWN = 50  # names of accounts in the question before a deletion
Act = AuditEntry.Act


# --- Users ---


class ModeratedUserAdmin(UserAdmin):
    """The users, with the acts of the moderators, and every change in the audit log."""

    change_form_template = "admin/accounts/user/moderated.html"

    def get_urls(self) -> list[URLPattern]:
        act = require_POST(self.admin_site.admin_view(self.act))
        route = path("<int:pk>/moderate/<str:act>/", act, name="accounts_user_moderate")
        return [route, *super().get_urls()]

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
                "mutes": services.mutes_for(about),
                "has_power": services.has_power_over(by, about),
                "may_issue_code": services.may_issue_code(by, about),
                "act_url": url[: -len("act/")],
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def act(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        if act not in ON_USERS:
            raise Http404
        page = perform(request, act, get_object_or_404(User, pk=pk), None)
        return page or redirect("admin:accounts_user_change", pk)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        services.note(by=user_of(request), act=Act.ADDED, about=[obj])
        return super().log_addition(request, obj, message)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            obj.rights_before = rights.rights_of(obj.pk)  # type: ignore[attr-defined]
            obj.is_edited = not set(RIGHTS).issuperset(form.changed_data)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Log a change, and say in words when somebody's rights are others now.

        The words name the person, so they are not for the log, which outlives an account.
        """
        before = getattr(obj, "rights_before", None)  # none where a password is set
        after = rights.rights_of(obj.pk)
        act = before and rights.change(before, after)
        if act is None or obj.is_edited:  # type: ignore[attr-defined]
            services.note(by=user_of(request), act=Act.EDITED, about=[obj])
        if act is not None:
            services.note(by=user_of(request), act=act, about=[obj])
            messages.warning(request, rights.words_of(act, after) % {"name": obj.username})
        return super().log_change(request, obj, message)

    def log_deletion_of(self, request: HttpRequest, obj: User) -> None:
        services.note(by=user_of(request), act=Act.DELETED, about=[obj])
        super().log_deletion_of(request, obj)


# --- Groups ---


admin.site.unregister(Group)


@admin.register(Group)
class AuditedGroupAdmin(GroupAdmin):
    """The groups, with every change in the audit log: it is one of the rights of all members."""

    def log_addition(self, request: HttpRequest, obj: Group, message: Any) -> Any:
        services.note_group(by=user_of(request), group=obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Group, message: Any) -> Any:
        if message:  # otherwise nothing is changed
            services.note_group(by=user_of(request), group=obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Group]) -> Any:
        for group in queryset:
            services.note_group(by=user_of(request), group=group)
        return super().log_deletions(request, queryset)


# --- The audit log ---


@admin.register(AuditEntry)
class AuditEntryAdmin(LookedAt):
    list_display = [in_minutes(AuditEntry, "at"), "who", "act", "about_whom", "report", "words"]
    list_display_links = None
    list_filter = ["act", "at"]
    search_fields = ["=actor_number", "=about_number"]
    search_help_text = gettext_lazy("The user name or the number of whom it concerns")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.visible_to(user_of(request)).with_names()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        user = User.objects.named(search_term).first() if search_term else None
        term = str(user.pk) if user else search_term
        return super().get_search_results(request, queryset, term)

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name or deleted_user(entry.actor_number)

    @admin.display(description=gettext_lazy("about whom"))
    def about_whom(self, entry: AuditEntry) -> str:
        if entry.about_number is None:
            return ""
        return entry.about_name or deleted_user(entry.about_number)

    @admin.display(description=gettext_lazy("detail"))
    def words(self, entry: AuditEntry) -> str:
        return detail_of(entry)

    @admin.display(description=gettext_lazy("report"))
    def report(self, entry: AuditEntry) -> str:
        if entry.report_number is None:
            return ""
        url = reverse("admin:chat_report_change", args=[entry.report_number])
        return format_html('<a href="{}">#{}</a>', url, entry.report_number)
