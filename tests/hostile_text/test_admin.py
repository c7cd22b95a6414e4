"""The admin takes any text, and bounds its searches."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import User
from webchat.admin import BoundedAdmin

from .conftest import of, percent, texts


def test_every_page_of_the_admin_is_bounded():
    for model, page in admin.site._registry.items():
        assert isinstance(page, BoundedAdmin), model


QUERIES = [
    {"p": "9" * 20},
    {"p": "9" * 5000},
    {"o": "9" * 20},
    {"o": "-1.99.x"},
    {"e": "1"},
    {"all": ""},
    {"_popup": "1", "_to_field": "id"},
    {"id__exact": "9e99"},
    {"id__exact": "9" * 30},
    {"id__in": "1," * 900},
    {"pk__gt": "9" * 30},
    {"date_joined__gte": "x"},
    {"date_joined__gte": "99999-01-01"},
    {"date_joined__gte": "0001-01-01 00:00:00+14:00"},
    {"date_joined__year": "9" * 30},
    {"created_at__year": "9999"},
    {"created_at__year": "1"},
    {"created_at__year": "9" * 30},
    {"created_at__year": "2024", "created_at__month": "99"},
    {"created_at__gte": "x"},
    {"at__gte": "x"},
    {"is_active__exact": "x"},
    {"outcome__exact": "9" * 5000},
    {"act__exact": "\0"},
    {"nonsense": "x"},
]


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root-user", password="x")


def lists() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


@pytest.mark.sweeps
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: str(query)[:40])
def test_a_list_of_the_admin_takes_any_query(root, alice, bob, query):
    for path in ("/admin/accounts/user/", "/admin/chat/report/", "/admin/friends/friendship/"):
        assert of(root).get(path, query, follow=True).status_code < 500, path


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_a_field_without_a_name_is_a_bad_request(root, alice, page):
    path = reverse(f"admin:accounts_user_{page}", args=[alice.pk])
    assert of(root).get(path).status_code in (200, 403)
    assert of(root).get(path, {"_to_field": ""}).status_code == 400
    assert of(root).post(path, {"_to_field": ""}).status_code == 400


@pytest.mark.sweeps
@texts
def test_the_admin_can_be_asked_and_told_anything(root, alice, text):
    client = of(root)
    for path in lists():
        assert client.get(path, {"q": text}).status_code < 500, path
        assert client.get(f"{path}{percent(text[:500])}/change/").status_code < 500, path
    user = reverse("admin:accounts_user_change", args=[alice.pk])
    fields = ["username", "email", "password", "password1", "password2", "words", "hours"]
    action = {"action": "delete_selected", "_selected_action": text}
    assert client.post("/admin/accounts/user/", action).status_code < 500
    told = dict.fromkeys([*fields, "muted_until_0", "muted_until_1", "groups", "text"], text)
    for path in (
        user,
        reverse("admin:accounts_user_add"),
        reverse("admin:auth_user_password_change", args=[alice.pk]),
        reverse("admin:password_change"),
        reverse("admin:chat_announcement_add"),
        reverse("admin:auth_group_add"),
        reverse("admin:accounts_user_moderate", args=[alice.pk, "warn"]),
        reverse("admin:accounts_user_moderate", args=[alice.pk, "mute"]),
    ):
        assert client.post(path, told).status_code < 500, path


def test_the_admin_says_how_much_it_searches_for(root):
    client = of(root)
    page = client.get("/admin/accounts/user/", {"q": "a " * 9}).content.decode()
    assert "Search for at most 8 words." in page
    page = client.get("/admin/accounts/user/", {"q": "a" * 101}).content.decode()
    assert "Search for at most 100 characters." in page
    assert "root-user" in client.get("/admin/accounts/user/", {"q": "ROOT user"}).content.decode()


def test_what_completes_a_field_is_bounded_as_well(root):
    page = admin.site._registry[User]
    request = RequestFactory().get("/")
    for words in ("a " * 500, "a" * 101):
        found, _distinct = page.get_search_results(request, User.objects.all(), words)
        assert not found.exists()
