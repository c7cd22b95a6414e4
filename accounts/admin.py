from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, auth
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from . import services
from .models import User
from .names import username_key

COUNT_LABELS = {
    "friends": _("friends"),
    "requests": _("friend requests"),
    "conversations": _("conversations"),
    "messages": _("messages"),
}


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("username",)
        # Django's field would store the NFKC form instead of what was typed.
        field_classes = {"username": forms.CharField}


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type[forms.Field]] = {}


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    form = UserForm
    add_form = NewUserForm
    list_display = ["username", "email", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff", "is_superuser", "date_joined"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["username_key"]
    search_fields = ["username", "username_key", "email"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (
            None,
            {"fields": ["username", "password", "must_change_password", "email", "is_active"]},
        ),
        (
            _("Permissions"),
            {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "usable_password", "password1", "password2"]})]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        return super().get_search_results(request, queryset, username_key(search_term))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [*super().get_readonly_fields(request, obj)]
        if obj is not None:
            # A new name also concerns the old one and everybody's open pages.
            fields.append("username")
        if not request.user.is_superuser:
            # Or whoever may edit users could make a superuser of themselves.
            fields += ["is_staff", "is_superuser", "groups", "user_permissions"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Names and numbers: what people wrote to each other is not for this page."""
        users = list(objs)
        counts: dict[Any, int] = {User._meta.verbose_name_plural: len(users)}
        for what, count in services.summarize(users).items():
            counts[COUNT_LABELS[what]] = count
        refused = set() if self.has_delete_permission(request) else {User._meta.verbose_name}
        refused |= {str(user) for user in users if not _may_touch(request, user)}
        return [str(user) for user in users], counts, refused, []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._delete(request, queryset)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Say it by number: the answer waits in a session, which outlives the account."""
        return super().response_delete(request, f"#{obj_id}", obj_id)

    def _delete(self, request: HttpRequest, users: Iterable[User]) -> None:
        users = list(users)
        is_own = request.user in users
        with transaction.atomic():
            for user in users:
                services.delete_account(user=user)
        if is_own:
            auth.logout(request)  # or the answer would be stored in a session that is gone


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or request.user.is_superuser or not user.is_superuser
