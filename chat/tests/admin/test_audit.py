"""Deleting, and the audit log."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import RetiredUsername, User
from chat.models import AuditEntry
from chat.moderation import services
from tests.cast import make_user, say

from .conftest import AUDIT, USERS, acts, client_of, user_page

# Deleting


def test_a_deletion_counts_and_lists_no_text_and_no_endless_names(desk, alice, bob):
    say(alice, bob, "geheim")
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    page = desk.get(url)
    assert "geheim" not in page.content.decode()
    counts = {str(what): number for what, number in page.context["model_count"]}
    assert (counts["messages"], counts["friends"]) == (1, 1)
    many = [make_user(f"user{number}").pk for number in range(60)]
    data = {"action": "delete_selected", "_selected_action": many}
    page = desk.post(USERS, data)
    assert len(page.context["deletable_objects"][0]) == 51
    assert page.context["deletable_objects"][0][-1] == "and 10 more"
    desk.post(USERS, data | {"post": "yes"})
    assert RetiredUsername.objects.count() == 60
    assert acts() == ["deleted"] * 60


# The audit log


def test_the_audit_log_is_read_and_found_by_name(desk, moderator, alice, bob):
    services.sign_out(by=moderator, about=alice)
    services.mute(by=moderator, about=bob, hours="168")
    page = desk.get(AUDIT)
    assert [entry.about_name for entry in page.context["cl"].result_list] == ["bob", "alice"]
    found = desk.get(AUDIT, {"q": "ALICE"}).context["cl"].result_list
    assert [entry.act for entry in found] == ["signed_out"]


def test_nobody_edits_the_audit_log_not_even_a_superuser(alice):
    boss = User.objects.create_superuser("boss")
    services.sign_out(by=boss, about=alice)
    entry = AuditEntry.objects.get()
    client = client_of(boss)
    for name in ("change", "delete"):
        url = reverse(f"admin:chat_auditentry_{name}", args=[entry.pk])
        assert client.post(url, {"detail": "nothing", "post": "yes"}).status_code == 403
    assert client.get(reverse("admin:chat_auditentry_add")).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    client.post(AUDIT, data)
    assert acts() == ["signed_out"]


def test_what_the_forms_do_to_users_is_written_down_too(alice):
    client = client_of(User.objects.create_superuser("boss"))
    new = {"usable_password": "true", "password1": "blue-kettle-9", "password2": "blue-kettle-9"}
    client.post(reverse("admin:accounts_user_add"), new | {"username": "emil"})
    client.post(user_page(alice), {"email": "a@b.example"})
    client.post(reverse("admin:auth_user_password_change", args=[alice.pk]), new)
    assert acts() == ["added", "edited", "edited"]
