from importlib import import_module
from unittest import mock

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.mail import codes
from accounts.middleware import SeenMiddleware
from accounts.models import OneTimeCode, User, UserSession
from webchat.serving import turns

pytestmark = pytest.mark.django_db


def log_in(client, username, password, **more):
    return client.post("/login/", {"username": username, "password": password} | more)


def is_signed_in(client):
    return client.get("/password/change/").status_code == 200


@pytest.mark.parametrize("typed", ["José", "JOSÉ", "Jose\u0301", "Ｊｏｓé", " José "])
def test_a_name_logs_in_in_any_case_width_and_normal_form(client, make_user, password, typed):
    make_user("José")
    response = log_in(client, typed, password)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("username", "typed"),
    [
        ("alice", "wrong"),
        ("nobody", "correct-horse-7"),
        ("", ""),
        ("a\x00", "x"),
        ("x" * 9999, "x"),
    ],
)
def test_a_wrong_login_comes_back_with_the_name_and_without_the_password(
    client, alice, username, typed
):
    response = log_in(client, username, typed)
    assert response.status_code == 422
    form = response.context["form"]
    assert form.errors
    assert form["username"].value() == username
    assert 'value="correct' not in response.content.decode()
    assert not is_signed_in(client)


def test_wrong_name_and_wrong_password_are_told_alike(client, alice, password):
    messages = {
        str(log_in(client, name, word).context["form"].errors)
        for name, word in [("alice", "wrong"), ("nobody", password)]
    }
    assert len(messages) == 1


def test_a_name_nobody_has_costs_as_much_as_a_wrong_password(client, db):
    with mock.patch.object(User, "set_password", autospec=True) as hashing:
        log_in(client, "nobody", "whatever-1")
    assert hashing.call_count == 1


def test_a_banned_person_cannot_log_in_and_is_out_at_once(client, alice, password):
    log_in(client, "alice", password)
    assert is_signed_in(client)
    User.objects.update(is_active=False)
    assert not is_signed_in(client)
    assert log_in(client, "alice", password).status_code == 422


def test_login_leads_where_one_wanted_to_go(client, alice, password):
    asked = client.get("/password/change/")
    assert asked["Location"] == "/login/?next=/password/change/"
    assert client.get(asked["Location"]).context["next"] == "/password/change/"
    response = log_in(client, "alice", password, next="/password/change/")
    assert response["Location"] == "/password/change/"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "\thttps://evil.example",
    ],
)
def test_login_leads_to_no_other_site(client, alice, password, evil):
    assert client.get("/login/", {"next": evil}).context["next"] == ""
    assert log_in(client, "alice", password, next=evil)["Location"] == "/"
    assert client.get("/login/", {"next": evil})["Location"] == "/"


def test_a_wrong_login_keeps_where_one_wanted_to_go(client, alice):
    response = log_in(client, "alice", "wrong", next="/contacts/")
    assert response.context["next"] == "/contacts/"


def test_the_name_can_be_filled_in_by_the_address(client):
    response = client.get("/login/", {"username": "王伟"})
    assert response.context["form"]["username"].value() == "王伟"


def test_who_is_signed_in_goes_on_to_the_chats(alice_client):
    assert alice_client.get("/login/")["Location"] == "/"
    assert alice_client.post("/login/")["Location"] == "/"
    assert alice_client.get("/login/?next=/login/")["Location"] == "/login/"


def test_logging_out_takes_a_post(alice_client):
    assert alice_client.get("/logout/").status_code == 405
    assert is_signed_in(alice_client)
    response = alice_client.post("/logout/")
    assert response["Location"] == "/login/"
    assert not is_signed_in(alice_client)
    assert not UserSession.objects.exists()


def test_who_is_logged_out_may_log_out_again(client, db):
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"


def test_another_person_at_the_same_browser_starts_afresh(alice_client, bob):
    alice_client.force_login(bob)
    assert [session.user for session in UserSession.objects.all()] == [bob]


def test_pages_of_a_person_are_not_kept_by_caches(alice_client):
    for page in ("/password/change/", "/account/delete/"):
        assert "no-store" in alice_client.get(page)["Cache-Control"]


@pytest.mark.parametrize("path", ["/chat/login", "/chat/login/"])
def test_the_old_address_of_the_login_leads_to_it(client, db, path):
    assert client.get(path)["Location"] == "/login/"
    assert client.get(path + "?next=/contacts/")["Location"] == "/login/?next=/contacts/"


@pytest.mark.parametrize("path", ["/chat/register", "/chat/register/"])
def test_the_old_address_of_the_registration_leads_to_it(client, db, path):
    assert client.get(path)["Location"] == "/register/"


class TestAdmin:
    """The admin's own pages keep the rules of ours."""

    url = "/admin/login/"

    @pytest.fixture(autouse=True)
    def root(self, make_user):
        return make_user("root", is_staff=True, is_superuser=True)

    def log_in(self, client, password, **more):
        return client.post(self.url, {"username": "root", "password": password} | more)

    def test_a_session_stands_among_the_devices(self, client, root, password):
        assert self.log_in(client, password).status_code == 302
        assert [each.session_id for each in root.sessions.all()] == [client.session.session_key]

    @pytest.mark.parametrize(
        "evil", ["https://evil.example/", "//evil.example/", "/\\evil.example"]
    )
    def test_it_leads_to_no_other_site(self, client, password, evil):
        assert self.log_in(client, password, next=evil)["Location"] == "/"

    @pytest.mark.parametrize("why", [{"is_active": False}, {"unverified_since": timezone.now()}])
    def test_who_may_not_log_in_does_not_here_either(self, client, root, password, why):
        User.objects.update(**why)
        assert self.log_in(client, password).status_code == 200
        assert not UserSession.objects.exists()
        assert client.get("/admin/")["Location"].startswith("/admin/login/")

    def test_its_page_for_one_s_password_is_ours(self, client, root, password):
        client.force_login(root)
        old = {"old_password": password, "new_password1": "blue-kettle-9"}
        for path in ("/admin/password_change/", "/admin/password_change/done/"):
            for method in (client.get, client.post):
                answer = method(path, old | {"new_password2": "blue-kettle-9"})
                assert answer["Location"] in ("/password/change/", "/admin/")
        root.refresh_from_db()
        assert root.check_password(password)


def test_a_session_of_who_has_not_proved_their_mail_opens_nothing(alice_client):
    User.objects.update(unverified_since=timezone.now())
    assert not is_signed_in(alice_client)
    assert alice_client.get("/api/me/").status_code == 401


def test_a_new_key_keeps_the_device(alice_client, alice):
    before = alice.sessions.get()
    session = alice_client.session
    session.cycle_key()
    after = alice.sessions.get()
    assert after.session_id == session.session_key != before.session_id
    for fact in ("started_at", "address", "user_agent"):
        assert getattr(after, fact) == getattr(before, fact)


def test_a_session_made_by_any_code_stands_among_the_devices(alice_client, alice):
    UserSession.objects.all().delete()
    session = alice_client.session
    session["anything"] = 1
    session.save()
    assert alice.sessions.get().session_id == session.session_key
    alice.delete()
    session.create()
    session.save()  # nobody's any more
    assert not UserSession.objects.exists()


def test_an_upgrade_ends_what_stood_in_no_list(alice_client, alice, bob):
    """It also ends the codes that a moderator may have read; not those that went by mail."""
    lost = Client()
    lost.force_login(bob)
    UserSession.objects.filter(user=bob).delete()
    anonymous = Client().session
    anonymous["verifying"] = 1
    anonymous.save()
    codes.issue_spoken(user=alice)
    OneTimeCode.objects.update(purpose=codes.Purpose.RESET)  # as they were then
    codes.issue(user=bob, purpose=codes.Purpose.RESET, email="bob@example.com")
    import_module("accounts.migrations.0007_doors").shut(apps, None)
    assert is_signed_in(alice_client)
    assert not is_signed_in(lost)
    assert Session.objects.filter(pk=anonymous.session_key).exists()
    assert [code.user for code in OneTimeCode.objects.all()] == [bob]


class TestPasswordChange:
    url = "/password/change/"

    def change(self, client, old, new, again=None):
        data = {"old_password": old, "new_password1": new, "new_password2": again or new}
        return client.post(self.url, data)

    def test_keeps_this_session_and_ends_the_others(self, client, alice, password):
        other = Client()
        for browser in (client, other):
            log_in(browser, "alice", password)
            assert is_signed_in(browser)
        response = self.change(client, password, "blue-kettle-9")
        assert response.status_code == 302
        assert Session.objects.count() == UserSession.objects.count() == 1
        assert is_signed_in(client)
        assert not is_signed_in(other)
        alice.refresh_from_db()
        assert alice.check_password("blue-kettle-9")

    def test_leaves_other_people_signed_in(self, alice_client, bob, password):
        bobs = Client()
        log_in(bobs, "bob", password)
        self.change(alice_client, password, "blue-kettle-9")
        assert is_signed_in(bobs)

    @pytest.mark.parametrize(
        ("old", "new", "again", "field"),
        [
            ("wrong", "blue-kettle-9", None, "old_password"),
            ("correct-horse-7", "short", None, "new_password2"),
            ("correct-horse-7", "blue-kettle-9", "blue-kettle-8", "new_password2"),
        ],
    )
    def test_refuses_with_the_reason(self, alice_client, alice, password, old, new, again, field):
        response = self.change(alice_client, old, new, again)
        assert response.status_code == 422
        assert list(response.context["form"].errors) == [field]
        alice.refresh_from_db()
        assert alice.check_password(password)

    def test_is_for_who_is_signed_in(self, client, db):
        assert client.get(self.url)["Location"] == "/login/?next=/password/change/"
        assert self.change(client, "a", "b")["Location"].startswith("/login/")

    def test_knows_get_and_post_only(self, alice_client):
        assert alice_client.put(self.url).status_code == 405


class TestLanguage:
    url = "/discover/language/"

    def test_is_kept_in_a_cookie(self, client, db):
        response = client.post(self.url, {"language": "en", "next": "/login/"})
        assert response["Location"] == "/login/"
        assert client.get("/login/")["Content-Language"] == "en"
        client.post(self.url, {"language": "zh-hans"})
        assert client.get("/login/")["Content-Language"] == "zh-hans"

    def test_goes_back_to_no_other_site(self, client, db):
        response = client.post(self.url, {"language": "en", "next": "//evil.example/"})
        assert response["Location"] == "/"

    @pytest.mark.parametrize("language", ["", "xx", "fr", "en\r\nX: y", "../en"])
    def test_that_we_do_not_speak_is_refused(self, client, db, language):
        response = client.post(self.url, {"language": language})
        assert response.status_code == 400
        assert not response.cookies

    def test_knows_post_only(self, client, db):
        assert client.get(self.url).status_code == 405


def told_server(client, path, **more):
    """Return the user that the server is told of; Django's own client has no use for it."""
    return client.get(path, **more).wsgi_request.environ.get("webchat.user_id")


def test_the_server_learns_whose_connection_it_is(alice_client, alice):
    assert told_server(alice_client, "/") == alice.pk
    assert told_server(alice_client, "/api/me/") == alice.pk
    assert told_server(Client(), "/") is None
    assert told_server(Client(), "/login/") is None


def test_a_session_that_has_ended_makes_nobody_a_person(alice_client, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert told_server(alice_client, "/") is None
    Session.objects.all().delete()
    assert told_server(alice_client, "/api/me/") is None


@pytest.mark.parametrize("path", ["/healthz", "/login/", "/", "/api/me/", "/language/"])
def test_the_database_is_asked_nothing_for_that(alice_client, path, monkeypatch):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            alice_client.get(path)
        return len(captured)

    queries()
    told = queries()
    monkeypatch.setattr(SeenMiddleware, "_tell_server", lambda self, request: None)
    assert told == queries()


def test_a_session_that_has_ended_takes_no_more_turns_of_its_account(client, alice, password):
    log_in(client, "alice", password)
    client.get("/")
    key = client.session.session_key
    assert turns._known[key] == alice.pk
    client.post("/logout/")
    assert key not in turns._known
    turns.introduce(key, alice.pk)
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    client.get("/login/")
    assert key not in turns._known


@pytest.mark.django_db(transaction=True)
def test_a_log_in_syncs_the_disk_three_times(client, alice, password):
    """The guess before the password is checked, its end, and all that a session consists of."""
    with CaptureQueriesContext(connection) as queries:
        assert log_in(client, "alice", password).status_code == 302
    begun = [each["sql"] for each in queries if each["sql"].startswith("BEGIN")]
    assert len(begun) == 3
    assert is_signed_in(client)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_rolled_back_is_saved_again(client, alice):
    session = client.session
    session["word"] = "first"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        session.save()
        raise ZeroDivisionError
    session.save()
    assert client.session.__class__(session.session_key)["word"] == "first"


@pytest.mark.django_db(transaction=True)
def test_a_change_inside_a_value_of_a_session_is_saved(client):
    session = client.session
    session["words"] = ["first"]
    session.save()
    session["words"].append("second")
    session.save()
    assert client.session.__class__(session.session_key)["words"] == ["first", "second"]
