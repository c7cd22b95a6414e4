"""The rule on whose account the staff may touch, on every page of the admin."""

import io

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services, staff
from accounts.mail import codes, sending
from accounts.models import User, UserSession
from tests.cast import at_once

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_user_changelist"
NEW = "blue-kettle-9"
SET = {"usable_password": "true", "password1": NEW, "password2": NEW}


def client_of(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def root():
    return User.objects.create_superuser("root")


@pytest.fixture
def steward(make_user):
    """Staff with every permission there is, but not a superuser."""
    user = make_user("steward", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def colleague(make_user):
    return make_user("colleague", is_staff=True, email="colleague@example.com")


def edit(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def set_password(user):
    return reverse("admin:auth_user_password_change", args=[user.pk])


def as_before(user):
    names = ["username", "password", "email", "is_staff", "is_superuser", "is_active"]
    before = User.objects.values(*names).get(pk=user.pk)
    return before == {name: getattr(user, name) for name in names}


# The rule


def test_superusers_touch_everybody_and_the_staff_only_who_is_none(root, steward, colleague, alice):
    people = {"root": root, "steward": steward, "colleague": colleague, "alice": alice}
    emperor = User.objects.create_superuser("emperor", is_staff=False)

    def touched(by, rule):
        return {name for name, about in people.items() if rule(by, about, "accounts.change_user")}

    assert touched(root, staff.may_touch) == {"root", "steward", "colleague", "alice"}
    assert touched(root, staff.may_judge) == {"steward", "colleague", "alice"}
    assert touched(steward, staff.may_touch) == touched(steward, staff.may_judge) == {"alice"}
    assert touched(alice, staff.may_touch) == set()
    assert not staff.may_touch(steward, emperor, "accounts.change_user")
    assert [name for name, about in people.items() if staff.may_set_keys(steward, about)] == []


@pytest.mark.parametrize("who", ["root", "colleague", "steward"])
def test_nothing_of_the_admin_touches_the_staff(root, steward, colleague, who):
    about, client = User.objects.get(username=who), client_of(steward)
    everything = {"username": "x", "email": "x@y.example", "is_active": "", "is_staff": ""}
    assert b"_save" not in client.get(edit(about)).content
    assert client.post(edit(about), everything).status_code == 403
    delete = reverse("admin:accounts_user_delete", args=[about.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    client.post(set_password(about), SET)
    data = {"action": "delete_selected", "_selected_action": [about.pk], "post": "yes"}
    client.post(reverse(LIST), data)
    assert as_before(about)


# The keys of an ordinary account


def test_staff_sets_neither_the_password_nor_the_mail_of_anybody(steward, alice):
    client = client_of(steward)
    page = client.get(edit(alice)).content.decode()
    assert "Only superusers set a password or an email address" in page
    assert 'name="email"' not in page
    assert set_password(alice) not in page
    assert client.get(set_password(alice)).status_code == 403
    assert client.post(set_password(alice), SET).status_code == 403
    assert client.post(edit(alice), {"email": "x@y.example", "password": "x"}).status_code == 302
    assert as_before(alice)


def test_the_services_ask_too(steward, root, alice):
    for by, about in [(steward, alice), (alice, alice), (steward, root), (root, root)]:
        with pytest.raises(PermissionDenied):
            services.set_password_of(by=by, about=about, password=NEW)
    for by, about in [(steward, alice), (alice, alice), (steward, root)]:
        with pytest.raises(PermissionDenied):
            services.set_email_of(by=by, about=about, email="x@y.example")
    assert as_before(alice)
    assert as_before(root)


def test_rights_are_given_by_superusers_only(steward, alice):
    group, right = Group.objects.get(), Permission.objects.first()
    rights = {"is_staff": "on", "is_superuser": "on", "is_active": "on"}
    rights |= {"groups": [group.pk], "user_permissions": [right.pk]}
    assert client_of(steward).post(edit(alice), rights).status_code == 302
    assert as_before(alice)
    assert not alice.groups.exists()
    assert not alice.user_permissions.exists()


def test_groups_are_for_superusers(steward, root):
    group = Group.objects.get()
    steward.groups.add(group)
    count = group.permissions.count()
    pages = {
        name: reverse(f"admin:auth_group_{name}", args=[group.pk]) for name in ("change", "delete")
    } | {"add": reverse("admin:auth_group_add")}
    every = list(Permission.objects.values_list("pk", flat=True))
    for path in pages.values():
        data = {"name": "mine", "permissions": every, "post": "yes"}
        assert client_of(steward).post(path, data).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    client_of(steward).post(reverse("admin:auth_group_changelist"), data)
    assert (Group.objects.count(), group.permissions.count()) == (1, count)
    data = {"name": group.name, "permissions": every}
    assert client_of(root).post(pages["change"], data).status_code == 302
    assert group.permissions.count() == len(every)


def test_an_account_that_staff_makes_asks_for_another_password(steward, root):
    for by, must_change in ((steward, True), (root, False)):
        name = f"of{by.username}"
        path = reverse("admin:accounts_user_add")
        assert client_of(by).post(path, SET | {"username": name}).status_code == 302
        assert User.objects.get(username=name).must_change_password is must_change


def test_a_name_that_is_taken_to_the_letter_is_refused_with_the_reason(root, alice):
    path = reverse("admin:accounts_user_add")
    answer = client_of(root).post(path, SET | {"username": "alice"})
    assert list(answer.context["adminform"].form.errors) == ["username"]


# Passwords and addresses set by a superuser


def test_a_password_that_a_superuser_sets_ends_what_the_old_one_opened(root, alice, password):
    desktop = client_of(alice)
    codes.issue_spoken(user=alice)
    browser = client_of(root)
    assert browser.post(set_password(alice), SET).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert desktop.get("/account/delete/").status_code == 302
    assert not alice.codes.exists()
    assert not alice.sessions.exists()
    # The browser of the superuser has a new key, and is still in their list.
    assert browser.session.session_key in root.sessions.values_list("session", flat=True)


def test_a_password_can_be_taken_away(root, alice):
    data = {"usable_password": "false", "unset-password": ""}
    assert client_of(root).post(set_password(alice), data).status_code == 302
    alice.refresh_from_db()
    assert not alice.has_usable_password()


@pytest.mark.parametrize("pk", ["{}", "0{}"])
def test_one_s_own_password_takes_the_old_one(root, pk):
    path = reverse("admin:auth_user_password_change", args=[pk.format(root.pk)])
    for method in ("get", "post"):
        answer = getattr(client_of(root), method)(path, SET)
        assert answer["Location"] == "/password/change/"
    assert as_before(root)


def test_another_address_of_mail_makes_the_codes_void_and_is_told_to_the_old(
    root, make_user, settings, monkeypatch
):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", at_once)
    bob = make_user("bob", email="bob@example.com")
    codes.issue_spoken(user=bob)
    assert client_of(root).post(edit(bob), {"email": "Bob@New.example"}).status_code == 302
    bob.refresh_from_db()
    assert (bob.email, bob.codes.count()) == ("bob@new.example", 0)
    client_of(root).post(set_password(bob), SET)
    assert [each.to for each in mail.outbox] == [["bob@example.com"], ["bob@new.example"]]


def test_the_command_for_a_password_ends_what_the_old_one_opened(alice, monkeypatch):
    browser = client_of(alice)
    codes.issue_spoken(user=alice)
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", "alice", stdout=io.StringIO())
    assert browser.get("/account/delete/").status_code == 302
    assert not alice.codes.exists()
    assert not UserSession.objects.exists()


# The lists and their filters


@pytest.mark.parametrize(
    "lookup",
    ["sessions__gt", "sessions", "codes__gt", "password__startswith", "sessions__session__gt",
     "user_permissions", "email__startswith", "logentry__gt"],
)  # fmt: skip
def test_a_list_of_users_compares_no_secrets(steward, alice, lookup):
    client_of(alice)
    key = alice.sessions.get().session_id
    assert client_of(steward).get(reverse(LIST), {lookup: key[:-1]}).status_code == 400


def test_a_list_of_users_is_filtered_by_what_it_offers(steward, alice):
    User.objects.filter(pk=alice.pk).update(muted_until=timezone.now())
    page = client_of(steward).get(reverse(LIST))
    filters = [
        choice["query_string"]
        for each in page.context["cl"].filter_specs
        for choice in each.choices(page.context["cl"])
    ]
    assert len(filters) > 10
    for query in filters:
        assert client_of(steward).get(reverse(LIST) + query).status_code == 200


def test_nothing_else_is_registered():
    """Neither sessions, codes, permissions nor the log of the admin."""
    assert {model._meta.label for model in admin.site._registry} == {
        "accounts.User", "auth.Group", "friends.FriendRequest", "friends.Friendship",
        "chat.Report", "chat.Announcement", "chat.AuditEntry",
    }  # fmt: skip
