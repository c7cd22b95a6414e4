import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import services, signals
from accounts.models import RetiredUsername, User, UserSession

pytestmark = pytest.mark.django_db
URL = "/account/delete/"


@pytest.fixture
def summary():
    """Stand in for an app above, which knows what else would go."""

    def count(users, **kwargs):
        return {"messages": 7 * len(users)}

    signals.account_summary.connect(count)
    yield
    signals.account_summary.disconnect(count)


def test_the_page_says_what_will_go(alice_client, summary):
    response = alice_client.get(URL)
    assert response.status_code == 200
    assert response.context["counts"]["messages"] == 7


def test_deletion_takes_the_password(alice_client, alice):
    for typed in ({"password": "wrong"}, {"password": ""}, {}):
        response = alice_client.post(URL, typed)
        assert response.status_code == 422
        assert list(response.context["form"].errors) == ["password"]
    assert User.objects.filter(pk=alice.pk).exists()
    assert alice_client.get(URL).status_code == 200


def test_after_it_one_is_logged_out_and_told(alice_client, alice, password):
    response = alice_client.post(URL, {"password": password}, follow=True)
    assert response.redirect_chain == [("/login/", 302)]
    assert not User.objects.exists()
    assert [message.level_tag for message in response.context["messages"]] == ["success"]
    assert alice_client.get(URL).status_code == 302


def test_every_session_of_the_person_ends_and_no_other(client, alice, bob, password):
    browsers = {name: Client() for name in ("alice", "bob")} | {"alice again": client}
    for name, browser in browsers.items():
        browser.post("/login/", {"username": name.split()[0], "password": password})
    assert Session.objects.count() == UserSession.objects.count() == 3
    services.delete_account(user=alice)
    assert [link.user for link in UserSession.objects.all()] == [bob]
    assert Session.objects.count() == 1
    assert browsers["bob"].get(URL).status_code == 200
    assert browsers["alice"].get(URL).status_code == 302


def test_deleting_bob_leaves_bob_smith(bob, make_user):
    smith = make_user("bob_smith")
    services.delete_account(user=bob)
    assert list(User.objects.all()) == [smith]
    assert User.objects.named("BOB_smith").get() == smith


@pytest.mark.parametrize(
    "delete", [lambda user: user.delete(), lambda user: User.objects.filter(pk=user.pk).delete()]
)
def test_any_other_way_of_deleting_does_the_same(client, bob, delete):
    client.force_login(bob)
    delete(bob)
    assert RetiredUsername.objects.holds("bob")
    assert not Session.objects.exists()


def test_an_account_that_was_never_verified_gives_its_name_back(make_user):
    make_user("bob", unverified_since=timezone.now()).delete()
    assert not RetiredUsername.objects.exists()


def test_what_fails_half_way_leaves_everything(bob, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("accounts.models.UserSessionQuerySet.end", fail)
    with pytest.raises(RuntimeError):
        services.delete_account(user=bob)
    assert User.objects.named("bob").exists()
    assert not RetiredUsername.objects.exists()


def test_it_is_for_who_is_signed_in(client, db):
    assert client.get(URL)["Location"] == f"/login/?next={URL}"
    assert client.post(URL, {"password": "x"}).status_code == 302


def test_it_knows_get_and_post_only(alice_client):
    assert alice_client.delete(URL).status_code == 405
