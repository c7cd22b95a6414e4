from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, auth
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
)
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms.models import ModelChoiceIterator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from webchat.admin import SEARCH_AT_MOST, BoundedAdmin
from webchat.base.text import PlainTextField, UncutEmailField, UncutField, fold
from webchat.base.times import minute

from . import services, staff
from .forms import PASSWORD_HELP
from .http import user_of
from .models import User

KEYS = ("password", "email")  # either opens an account
PERSON = ("username", "real_name")
DATES = ("last_seen", "joined")
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
VERBS = {"add": _("add"), "change": _("change"), "delete": _("delete"), "view": _("view")}
COUNT_LABELS = {
    "friends": _("friends"),
    "requests": _("friend requests"),
    "conversations": _("conversations"),
    "messages": _("messages"),
}


class RealNameField(PlainTextField):
    def to_python(self, value: Any) -> str:
        return " ".join(super().to_python(value).split())


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("username", "real_name")
        # Django's field would store the NFKC form instead of what was typed.
        field_classes = {"username": UncutField, "real_name": RealNameField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self)

    def clean_username(self) -> str:
        """Refuse names that are reserved or held back: only createsuperuser gives those."""
        return services.check_available(self.cleaned_data["username"])


class PasswordWidget(ReadOnlyPasswordHashWidget):
    """Says whether there is a password, and since when; how it is hashed concerns nobody."""

    set_at: datetime | None = None

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if not is_password_usable(value):
            summary = {"label": gettext("None: nobody can log in")}
        else:
            words = gettext("changed on %(time)s") % {"time": minute(self.set_at)}
            summary = {"label": gettext("Set"), "value": words if self.set_at else ""}
        context |= {"summary": [summary], "button_label": gettext("Set another password")}
        return context


class UserForm(UserChangeForm):
    password = ReadOnlyPasswordHashField(label=_("Password"), widget=PasswordWidget)

    class Meta:
        model = User
        fields = "__all__"
        field_classes = {
            "username": UncutField,
            "real_name": RealNameField,
            "email": UncutEmailField,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("password"):
            field.help_text = ""
            field.widget.set_at = self.instance.password_set_at


class PasswordForm(AdminPasswordChangeForm):
    """A superuser's form for another's password; see `UserAdmin.user_change_password`."""

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        _say_plainly(self)

    def save(self, commit: bool = True) -> User:
        is_usable = self.cleaned_data["set_usable_password"]
        password = self.cleaned_data["password1"] if is_usable else None
        services.set_password_of(by=self.by, about=self.user, password=password)
        return self.user


def _say_plainly(form: forms.BaseForm) -> None:
    """Say what is asked for as on our own pages; nobody logs in by a company's directory."""
    if field := form.fields.get("password1"):
        field.help_text = PASSWORD_HELP
    if field := form.fields.get("password2"):
        field.help_text = ""
    if field := form.fields.get("usable_password"):
        field.label = _("Log in with a password")
        field.help_text = _("Without a password nobody can log in to the account.")


class OfferedPermissions(ModelChoiceIterator):
    """The permissions for what the admin shows; no others have any effect."""

    def __init__(self, field: Any) -> None:
        super().__init__(field)
        types = ContentType.objects.get_for_models(*admin.site._registry)
        self.queryset = self.queryset.filter(content_type__in=list(types.values()))


class PermissionField(forms.ModelMultipleChoiceField):
    """Permissions in the reader's language: the database has them in English."""

    iterator = OfferedPermissions

    def label_from_instance(self, permission: Any) -> str:
        verb, _underscore, _model = permission.codename.partition("_")
        what = VERBS.get(verb) if permission.name.startswith(f"Can {verb} ") else None
        return f"{permission.content_type.name} | {what or gettext(permission.name)}"


class PermissionsInWords(admin.ModelAdmin):
    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionField
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(User)
class UserAdmin(BoundedAdmin, PermissionsInWords, BaseUserAdmin):
    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    list_display = [*PERSON, "email", *DATES, "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "is_superuser", "date_joined"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["username_key"]
    search_fields = ["username", "username_key", "real_name", "email"]
    search_help_text = _("User name, real name or email")
    fieldsets = [
        (None, {"fields": [*PERSON, "email", "password", "must_change_password"]}),
        (_("Staff"), {"fields": ["is_staff", "is_superuser", "groups"], "classes": ["collapse"]}),
        (_("Single permissions"), {"fields": ["user_permissions"], "classes": ["collapse"]}),
    ]
    add_fieldsets = [(None, {"fields": [*PERSON, "usable_password", "password1", "password2"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.with_last_seen().order_by(*self.ordering)

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def last_seen(self, user: User) -> str:
        return minute(user.last_seen_at) or gettext("never")

    @admin.display(description=_("joined"), ordering="date_joined")
    def joined(self, user: User) -> str:
        return minute(user.date_joined)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Search for the folded words, and as they were typed: real names are stored like that."""
        words = fold(search_term, most=SEARCH_AT_MOST) or search_term
        found, may_repeat = super().get_search_results(request, queryset, words)
        if words != search_term:
            found |= super().get_search_results(request, queryset, search_term)[0]
        return found, may_repeat

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [*super().get_readonly_fields(request, obj)]
        if obj is not None:
            # Renaming also concerns the old name and everybody's open pages.
            fields.append("username")
        if not request.user.is_superuser:
            # Otherwise anyone who may edit users could become a superuser, or anybody else.
            fields += [*RIGHTS, *KEYS]
        return fields

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or request.user.is_superuser:
            return fieldsets
        title, first = fieldsets[0]
        fields = [field for field in first["fields"] if field != "password"]
        words = _("Only superusers set a password or an email address: either opens the account.")
        return [(title, {"fields": fields, "description": words})]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_allowed = super().has_change_permission(request, obj)
        return is_allowed and _may_touch(request, obj, "change_user")

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_allowed = super().has_delete_permission(request, obj)
        return is_allowed and _may_touch(request, obj, "delete_user")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Change somebody else's password; the page for one's own asks for the old one."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("accounts:password_change")
        if not request.user.is_superuser:
            raise PermissionDenied
        bound = copy(self)  # the form has to know who sets it, and threads share this object
        form = partial(PasswordForm, by=user_of(request))
        bound.change_password_form = form  # type: ignore[assignment]
        return super(UserAdmin, bound).user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change and not request.user.is_superuser:
            obj.must_change_password = True  # otherwise its maker could read along
        if change and "email" in form.changed_data:
            services.set_email_of(by=user_of(request), about=obj, email=obj.email)
        super().save_model(request, obj, form, change)

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Return names and numbers: what people wrote to each other is not for this page."""
        users = list(objs)
        counts: dict[Any, int] = {User._meta.verbose_name_plural: len(users)}
        for what, count in services.summarize(users).items():
            counts[COUNT_LABELS[what]] = count
        refused = set() if self.has_delete_permission(request) else {User._meta.verbose_name}
        refused |= {str(user) for user in users if not self.has_delete_permission(request, user)}
        return [str(user) for user in users], counts, refused, []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._delete(request, queryset)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Name the user by number: the message waits in a session, which outlives the account."""
        return super().response_delete(request, f"#{obj_id}", obj_id)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Do nothing: each account is logged together with its deletion."""

    def log_deletion_of(self, request: HttpRequest, obj: User) -> None:
        """Log one, in the transaction of its deletion: no log tells of what did not happen."""
        super().log_deletions(request, User.objects.filter(pk=obj.pk))

    def _delete(self, request: HttpRequest, users: Iterable[User]) -> None:
        """Delete them one by one, so that those who chat wait for one at the most."""
        # One's own last, whose name the log of the others needs.
        users = sorted(users, key=lambda user: user == request.user)
        is_own = request.user in users
        for user in users:
            with transaction.atomic():
                self.log_deletion_of(request, user)
                services.delete_account(user=user)
        if is_own:
            auth.logout(request)  # otherwise a session that is gone would store the answer


def _may_touch(request: HttpRequest, user: User | None, codename: str) -> bool:
    return user is None or staff.may_touch(user_of(request), user, f"accounts.{codename}")


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(BoundedAdmin, PermissionsInWords, BaseGroupAdmin):
    """Groups, for superusers only: others who may edit them could add rights to their own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return user_of(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return user_of(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def get_deleted_objects(
        self, objs: Iterable[Group], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Return the names alone: the rows that join a group and its rights have no words."""
        groups = list(objs)
        _names, _counts, refused, protected = super().get_deleted_objects(groups, request)
        return [each.name for each in groups], {_("groups"): len(groups)}, refused, protected
