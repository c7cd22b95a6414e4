"""The page with one's own code, which leads a friend to the form with one's name."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import card
from friends.models import FriendRequest
from webchat.base import addresses
from webchat.environment import Site

pytestmark = pytest.mark.django_db
PATH = "/contacts/requests/?username=alice"


@pytest.fixture
def at_home(monkeypatch):
    monkeypatch.setattr(addresses, "lan_addresses", lambda: ["192.168.1.5", "10.0.0.2"])


def address(settings, host, **more):
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory().get("/me/", headers={"host": host}, **more)
    return card.address_for_others(request, PATH)


def test_it_shows_who_one_is(alice_client, alice):
    alice.email = "alice@example.com"
    alice.save()
    page = alice_client.get("/me/").content.decode()
    assert "alice@example.com" in page
    assert '<svg viewBox="0 0 ' in page
    assert "style=" not in page


def test_it_is_for_oneself_and_only_to_read(alice_client):
    assert Client().get("/me/")["Location"] == "/login/?next=/me/"
    assert alice_client.post("/me/").status_code == 405
    assert "no-store" in alice_client.get("/me/")["Cache-Control"]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("192.168.1.7:8000", "http://192.168.1.7:8000"),
        ("pc.local", "http://pc.local"),
        ("localhost:8000", "http://192.168.1.5:8000"),
        ("127.0.0.1", "http://192.168.1.5"),
        ("[::1]:8000", "http://192.168.1.5:8000"),
    ],
)
def test_the_code_leads_other_devices_here(settings, at_home, host, shown):
    assert address(settings, host) == shown + PATH


def test_without_a_network_it_is_the_address_as_it_is(settings, monkeypatch):
    monkeypatch.setattr(addresses, "lan_addresses", list)
    assert address(settings, "localhost:8000") == "http://localhost:8000" + PATH


def test_a_public_server_names_its_own_address(settings, at_home):
    settings.SITE = Site("https", "www.example.com", None, "")
    assert address(settings, "localhost:8000") == "https://www.example.com" + PATH


def test_the_code_opens_the_form_with_the_name_and_asks_nobody(alice_client, bob):
    url = reverse("friends:request_create")
    form = alice_client.get(url, {"username": "bob"}).context["form"]
    assert form["username"].value() == "bob"
    assert not FriendRequest.objects.exists()


@pytest.mark.parametrize("name", ["x" * 1_000, "<b>", "\x00", "~17", ""])
def test_a_code_may_hold_anything(alice_client, name):
    answer = alice_client.get(reverse("friends:request_create"), {"username": name})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode()
