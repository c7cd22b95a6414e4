"""The announcements in the admin."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.http import user_of
from chat.models import Announcement
from webchat.admin import BoundedAdmin, in_minutes
from webchat.base.text import PlainTextField

from . import services

ANNOUNCEMENT_LENGTH = 2000


class AnnouncementForm(ModelForm):
    text = PlainTextField(
        label=_("Text"),
        max_length=ANNOUNCEMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
        help_text=_("Everyone is shown it once, and again when it is changed."),
    )

    class Meta:
        model = Announcement
        fields = ["text"]


@admin.register(Announcement)
class AnnouncementAdmin(BoundedAdmin):
    form = AnnouncementForm
    list_display = [
        "beginning",
        in_minutes(Announcement, "created_at"),
        in_minutes(Announcement, "changed_at"),
    ]
    search_fields = ["text"]

    @admin.display(description=_("text"))
    def beginning(self, announcement: Announcement) -> str:
        return announcement.text[:60]

    def save_model(self, request: HttpRequest, obj: Announcement, form: Form, change: bool) -> None:
        if not change or form.changed_data:
            services.announce(by=user_of(request), announcement=obj)

    def delete_model(self, request: HttpRequest, obj: Announcement) -> None:
        services.withdraw(by=user_of(request), announcement=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> None:
        for announcement in queryset:
            services.withdraw(by=user_of(request), announcement=announcement)
