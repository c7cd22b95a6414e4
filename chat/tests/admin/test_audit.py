"""Deleting, and the audit log."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import translation

from accounts import services as accounts
from accounts import traces
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


def test_what_was_not_deleted_is_not_written_down(desk, alice, bob, monkeypatch):
    real = accounts.delete_account

    def delete_account(*, user):
        if user == bob:
            raise OSError("no space left")
        real(user=user)

    monkeypatch.setattr(accounts, "delete_account", delete_account)
    data = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk], "post": "yes"}
    with pytest.raises(OSError, match="no space"):
        desk.post(USERS, data)
    assert list(AuditEntry.objects.values_list("act", "about_number")) == [("deleted", alice.pk)]
    assert User.objects.filter(pk=bob.pk).exists()


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


# Rights in words


def entries():
    return list(AuditEntry.objects.order_by("id").values_list("act", "about_number"))


@pytest.mark.parametrize(
    ("form", "act", "words"),
    [
        ({"is_staff": "on", "groups": "管理员"}, "moderator", "已将 alice 设为管理员"),
        ({"is_staff": "on"}, "staff", "已准许 alice 进入管理后台"),
        ({"is_staff": "on", "is_superuser": "on"}, "superuser", "已将 alice 设为超级用户"),
        ({"groups": "管理员"}, "rights", "已修改 alice 的权限，但还不起作用"),
    ],
)
def test_who_becomes_what_is_said_in_words_and_undone_in_words(alice, form, act, words):
    boss = User.objects.create_superuser("boss")
    client = client_of(boss)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    if "groups" in form:
        form["groups"] = Group.objects.get(name=form["groups"]).pk
    page = client.post(user_page(alice), form, follow=True).content.decode()
    assert words in page
    assert entries() == [(act, alice.pk)]
    client.post(user_page(alice), form)  # nothing is changed any more
    client.post(user_page(alice), {})
    undone = "rights" if act == "rights" else "no_staff"
    assert entries() == [(act, alice.pk), ("edited", alice.pk), (undone, alice.pk)]
    assert AuditEntry.objects.latest("pk").actor_number == boss.pk
    shown = client.get(AUDIT, {"q": "alice"}).content.decode()
    assert "boss" in shown
    with translation.override("zh-hans"):
        assert f">{AuditEntry.Act(undone).label}<" in shown.partition("<tbody>")[2]


def test_no_words_on_rights_outlive_the_account_that_they_name(alice):
    boss = User.objects.create_superuser("boss")
    client_of(boss).post(user_page(alice), {"is_staff": "on"})
    assert "alice" not in LogEntry.objects.get().get_change_message()
    LogEntry.objects.log_actions(boss.pk, [alice], CHANGE, "alice may enter the admin now")
    accounts.delete_account(user=alice)
    assert LogEntry.objects.count() == 2
    assert list(traces.find_traces("alice")) == []


def test_rights_that_a_group_gives_are_written_down(desk):
    client = client_of(User.objects.create_superuser("boss"))
    group = Group.objects.get(name="管理员")
    path = reverse("admin:auth_group_change", args=[group.pk])
    chosen = list(group.permissions.values_list("pk", flat=True))
    client.post(path, {"name": group.name, "permissions": chosen})  # nothing is changed
    assert acts() == []
    client.post(path, {"name": group.name, "permissions": chosen[1:]})
    client.post(reverse("admin:auth_group_add"), {"name": "x" * 150})
    long = Group.objects.latest("pk").pk
    client.post(reverse("admin:auth_group_delete", args=[long]), {"post": "yes"})
    details = list(AuditEntry.objects.order_by("pk").values_list("act", "detail"))
    assert details == [("rights", "管理员"), ("rights", "x" * 100), ("rights", "x" * 100)]
    assert "管理员" in desk.get(AUDIT).content.decode().partition("<tbody>")[2]


def test_the_acts_about_somebody_are_found_without_reading_the_log(alice):
    plan = AuditEntry.objects.about(alice).order_by().explain()
    assert "chat_audit_about" in plan


def test_who_was_more_before_is_not_let_into_the_admin(alice):
    client = client_of(User.objects.create_superuser("boss"))
    group = Group.objects.get(name="管理员").pk
    client.post(user_page(alice), {"is_staff": "on", "groups": group})
    page = client.post(user_page(alice), {"is_staff": "on"}, follow=True).content.decode()
    assert "The rights of alice are changed." in page
    assert entries() == [("moderator", alice.pk), ("rights", alice.pk)]


def test_rights_beside_other_changes_are_two_entries(alice):
    client = client_of(User.objects.create_superuser("boss"))
    client.post(user_page(alice), {"email": "a@b.example", "is_staff": "on"})
    assert [act for act, _about in entries()] == ["edited", "staff"]


def test_a_ban_is_no_change_of_rights(alice):
    group = Group.objects.get(name="管理员").pk
    client = client_of(User.objects.create_superuser("boss"))
    client.post(user_page(alice), {"is_staff": "on", "groups": group})
    User.objects.filter(pk=alice.pk).update(is_active=False)
    client.post(user_page(alice), {"is_staff": "on", "groups": group})
    assert [act for act, _about in entries()] == ["moderator", "edited"]


def test_a_group_that_is_called_like_a_time_keeps_its_name(desk):
    boss = User.objects.create_superuser("boss")
    client_of(boss).post(reverse("admin:auth_group_add"), {"name": "24"})
    log = desk.get(AUDIT).content.decode().partition("<tbody>")[2]
    assert ">24<" in log
    assert "1 day" not in log
