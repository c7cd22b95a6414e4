from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from webchat.admin import BoundedAdmin, in_minutes

from . import services
from .models import FriendRequest, Friendship


class ByServices(BoundedAdmin):
    """An admin that shows and deletes rows; making them is the users' own affair."""

    date_hierarchy = "created_at"
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(FriendRequest)
class FriendRequestAdmin(ByServices):
    list_display = ["sender", "recipient", in_minutes(FriendRequest, "created_at")]
    list_select_related = ["sender", "recipient"]
    list_filter = ["created_at"]
    search_fields = ["sender__username_key", "recipient__username_key"]

    def delete_model(self, request: HttpRequest, obj: FriendRequest) -> None:
        services.withdraw(request=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FriendRequest]) -> None:
        for waiting in queryset.select_related("sender", "recipient"):
            services.withdraw(request=waiting)


@admin.register(Friendship)
class FriendshipAdmin(ByServices):
    list_display = ["owner", "friend", in_minutes(Friendship, "created_at")]
    list_select_related = ["owner", "friend"]
    list_filter = ["created_at"]
    search_fields = ["owner__username_key", "friend__username_key"]

    def delete_model(self, request: HttpRequest, obj: Friendship) -> None:
        services.remove(friendship=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Friendship]) -> None:
        for friendship in queryset.select_related("owner", "friend"):
            services.remove(friendship=friendship)
