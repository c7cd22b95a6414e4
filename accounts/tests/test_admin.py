import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts import services, signals
from accounts.models import RetiredUsername, User
from webchat import admin as bounds

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_user_changelist"


@pytest.fixture
def steward_client(make_user):
    """The browser of staff who may edit users, but are not superusers."""
    steward = make_user("steward", is_staff=True)
    for codename in ("view_user", "change_user", "delete_user"):
        steward.user_permissions.add(Permission.objects.get(codename=codename))
    client = Client()
    client.force_login(steward)
    return client


def edit(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def test_the_list_asks_as_much_for_fifty_as_for_two(
    root_client, make_user, django_assert_max_num_queries
):
    url = reverse(LIST)
    root_client.get(url)
    with django_assert_max_num_queries(50) as few:
        root_client.get(url)
    for number in range(40):
        make_user(f"user{number}")
    with django_assert_max_num_queries(len(few)):
        assert b"user39" in root_client.get(url).content


@pytest.mark.parametrize("term", ["ALICE", "ａｌｉ", "example.com"])
def test_search_finds_in_any_case_and_width(root_client, make_user, term):
    make_user("alice", email="alice@example.com")
    make_user("bob")
    found = root_client.get(reverse(LIST), {"q": term}).context["cl"].result_list
    assert [user.username for user in found] == ["alice"]


def test_a_user_is_added_as_typed(root_client):
    url = reverse("admin:accounts_user_add")
    assert root_client.get(url).status_code == 200
    data = {"usable_password": "true", "password1": "blue-kettle-9", "password2": "blue-kettle-9"}
    assert root_client.post(url, data | {"username": "ａｌｉｃｅ"}).status_code == 302
    assert User.objects.named("alice").get().username == "ａｌｉｃｅ"
    twin = root_client.post(url, data | {"username": "Alice"})
    assert list(twin.context["adminform"].form.errors) == ["username"]
    bad = root_client.post(url, data | {"username": "../evil"})
    assert list(bad.context["adminform"].form.errors) == ["username"]


def test_a_user_is_changed_but_not_renamed(root_client, alice):
    assert root_client.get(edit(alice)).status_code == 200
    response = root_client.post(edit(alice), {"username": "mallory", "email": "A@b.example"})
    assert response.status_code == 302
    alice.refresh_from_db()
    # Banning is an act of its own.
    assert (alice.username, alice.email, alice.is_active) == ("alice", "a@b.example", True)


def test_a_password_can_be_set(root_client, alice):
    url = reverse("admin:auth_user_password_change", args=[alice.pk])
    assert root_client.get(url).status_code == 200
    new = {"usable_password": "true", "password1": "blue-kettle-9", "password2": "blue-kettle-9"}
    assert root_client.post(url, new).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("blue-kettle-9")


def test_deletion_shows_names_and_numbers_and_retires_the_name(root_client, alice):
    def count(users, **kwargs):
        return {"messages": 1234}

    signals.account_summary.connect(count)
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    page = root_client.get(url)
    signals.account_summary.disconnect(count)
    assert page.status_code == 200
    assert 1234 in dict(page.context["model_count"]).values()
    assert page.context["deleted_objects"] == ["alice"]
    assert root_client.post(url, {"post": "yes"}).status_code == 302
    assert not User.objects.named("alice").exists()
    assert RetiredUsername.objects.holds("alice")


def test_who_deletes_their_own_account_is_led_to_the_login(root_client):
    root = User.objects.get()
    url = reverse("admin:accounts_user_delete", args=[root.pk])
    response = root_client.post(url, {"post": "yes"}, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0].startswith("/admin/login/")
    assert not User.objects.exists()


def test_several_are_deleted_by_the_same_rules(root_client, alice, bob):
    data = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk]}
    page = root_client.post(reverse(LIST), data)
    assert page.status_code == 200
    root_client.post(reverse(LIST), data | {"post": "yes"})
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
    assert RetiredUsername.objects.count() == 2


def fields_of(page):
    """Return the hidden fields of the page that asks whether one is sure."""
    fields = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.content.decode()
    )
    data = {name: value for name, value in fields if name != "_selected_action"}
    return data | {"_selected_action": [v for name, v in fields if name == "_selected_action"]}


def test_a_school_is_deleted_in_steps_that_the_page_names(root_client, monkeypatch):
    monkeypatch.setattr(bounds, "DELETED_AT_MOST", 4)
    User.objects.bulk_create(User(username=f"s{n}", username_key=f"s{n}") for n in range(10))
    LogEntry.objects.all().delete()
    left = []
    others = reverse(LIST) + "?is_staff__exact=0"
    for _step in range(3):
        everybody = User.objects.exclude(username="root").order_by("username_key")
        first = [user.pk for user in everybody[:1]]
        data = {"action": "delete_selected", "_selected_action": first, "select_across": "1"}
        page = root_client.post(others, data, headers={"accept-language": "en"})
        is_told = "At most 4 are deleted at a time" in page.content.decode()
        assert is_told == (everybody.count() > 4)
        done = root_client.post(others, fields_of(page), follow=True)
        assert done.status_code == 200
        left.append(everybody.count())
    assert left == [6, 2, 0]
    assert User.objects.get().username == "root"
    assert LogEntry.objects.count() == 10


def test_as_many_as_a_school_has_can_be_chosen(root_client, monkeypatch):
    monkeypatch.setattr(bounds, "DELETED_AT_MOST", 2)
    User.objects.bulk_create(User(username=f"s{n}", username_key=f"s{n}") for n in range(1500))
    chosen = list(User.objects.exclude(username="root").values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    answer = root_client.post(reverse(LIST), data, follow=True, headers={"accept-language": "en"})
    assert "At most 2 are deleted at a time" in answer.content.decode()
    assert User.objects.count() == 1 + 1498


def test_who_chooses_everybody_goes_last(root_client, alice, bob):
    everybody = list(User.objects.values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": everybody, "post": "yes"}
    answer = root_client.post(reverse(LIST), data, follow=True)
    assert "/login/" in answer.redirect_chain[-1][0]
    assert not User.objects.exists()


def test_where_one_deletion_fails_those_before_it_are_done_and_logged(root_client, monkeypatch):
    User.objects.bulk_create(User(username=f"s{n}", username_key=f"s{n}") for n in range(3))
    real = services.delete_account

    def delete(*, user):
        if user.username == "s1":
            raise OperationalError("database is locked")
        real(user=user)

    monkeypatch.setattr(services, "delete_account", delete)
    chosen = list(User.objects.exclude(username="root").values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    LogEntry.objects.all().delete()
    assert root_client.post(reverse(LIST), data).status_code == 503
    assert set(User.objects.values_list("username", flat=True)) == {"root", "s1", "s2"}
    assert LogEntry.objects.count() == 1


def test_staff_cannot_raise_themselves(steward_client, alice):
    assert steward_client.get(edit(alice)).status_code == 200
    steward_client.post(edit(alice), {"is_active": "on", "is_staff": "on", "is_superuser": "on"})
    alice.refresh_from_db()
    assert alice.is_active
    assert not alice.is_staff
    assert not alice.is_superuser


def test_staff_cannot_touch_a_superuser(steward_client):
    root = User.objects.create_superuser("root")
    assert b"_save" not in steward_client.get(edit(root)).content
    assert steward_client.post(edit(root), {"email": "x@y.example"}).status_code == 403
    for url in ("admin:auth_user_password_change", "admin:accounts_user_delete"):
        assert steward_client.get(reverse(url, args=[root.pk])).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    steward_client.post(reverse(LIST), data)
    assert User.objects.named("root").exists()


def test_the_admin_is_not_for_everyone(alice_client):
    assert alice_client.get(reverse(LIST)).status_code == 302
