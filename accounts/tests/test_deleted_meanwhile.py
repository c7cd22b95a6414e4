"""An account is deleted in one tab while another tab is in the middle of something."""

import pytest
from django.contrib.sessions.models import Session

from accounts import services
from accounts.forms import OwnPasswordForm, SettingsForm
from accounts.models import User
from friends import api as friends_api

pytestmark = pytest.mark.django_db
ONLINE = {"theme": "auto", "text_size": "normal"}


@pytest.fixture
def deleting(monkeypatch, alice):
    """Delete alice's account just before a method runs."""

    def patch(owner, name):
        original = getattr(owner, name)

        def go(*args, **kwargs):
            services.delete_account(user=User.objects.get(pk=alice.pk))
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, go)

    return patch


def test_a_new_name_finds_nobody_and_leads_to_the_login(alice_client, deleting, password):
    deleting(OwnPasswordForm, "clean_password")
    typed = {"username": "alicia", "password": password}
    assert alice_client.post("/account/username/", typed)["Location"] == "/login/"
    assert not User.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_saved_settings_bring_nobody_back(alice_client, deleting):
    deleting(SettingsForm, "_post_clean")
    assert alice_client.post("/settings/", ONLINE)["Location"] == "/login/"
    assert not User.objects.exists()


def test_settings_save_nothing_but_themselves(alice_client, alice, monkeypatch):
    clean = SettingsForm._post_clean

    def rename_and_clean(form):
        services.rename(user=User.objects.get(pk=alice.pk), username="alicia")
        clean(form)

    monkeypatch.setattr(SettingsForm, "_post_clean", rename_and_clean)
    assert alice_client.post("/settings/", ONLINE | {"theme": "dark"}).status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.theme) == ("alicia", "dark")


@pytest.mark.django_db(transaction=True)
def test_the_api_says_that_there_is_no_session(alice_client, bob, deleting):
    deleting(friends_api, "fill")
    response = alice_client.post(
        "/api/friends/requests/", {"username": "bob", "note": ""}, content_type="application/json"
    )
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"


def test_any_other_fault_is_still_a_fault(alice_client, monkeypatch, password):
    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.views.services.rename", fail)
    with pytest.raises(RuntimeError):
        alice_client.post("/account/username/", {"username": "alicia", "password": password})
