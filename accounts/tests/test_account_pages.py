import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User, UserSession

from .test_devices import IPHONE, WINDOWS

pytestmark = pytest.mark.django_db
PAGES = ["/account/username/", "/account/sessions/", "/account/delete/", "/password/change/"]
READ = ["/me/"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_who_is_signed_in_and_kept_by_nobody(client, alice_client, path):
    response = alice_client.get(path)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert alice_client.put(path).status_code == 405
    for method in (Client().get, Client().post):
        assert method(path)["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_a_form_without_its_token_is_refused(alice, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(path).status_code == 403


@pytest.mark.parametrize("path", ["/discover/", *READ, *PAGES])
def test_every_page_leads_to_the_others(alice_client, path):
    content = alice_client.get(path).content.decode()
    for other in [*READ, *PAGES]:
        assert f'href="{other}"' in content


@pytest.mark.parametrize("path", ["/discover/", "/settings/"])
def test_the_language_is_asked_once_and_logging_out_comes_last(alice_client, path):
    content = alice_client.get(path).content.decode()
    assert content.count('class="languages"') == 1
    items = re.findall(
        r'href="(/[^"]*)" data-nav|action="(/logout/)"', content.partition("<main")[0]
    )
    assert items[-1][1] == "/logout/"


class TestUserName:
    url = "/account/username/"

    def test_it_takes_name_and_password(self, alice_client, alice, password):
        response = alice_client.post(self.url, {"username": "艾丽丝", "password": password})
        assert response["Location"] == "/discover/"
        alice.refresh_from_db()
        assert alice.username == "艾丽丝"
        assert "艾丽丝" in alice_client.get("/discover/").content.decode()

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({"username": "alicia", "password": "wrong"}, "password"),
            ({"username": "alicia"}, "password"),
            ({"username": "", "password": "correct-horse-7"}, "username"),
            ({"username": "a b", "password": "correct-horse-7"}, "username"),
            ({"username": "BOB", "password": "correct-horse-7"}, "username"),
        ],
    )
    def test_it_says_why_not_and_keeps_the_name(self, alice_client, alice, bob, typed, field):
        response = alice_client.post(self.url, typed)
        assert response.status_code == 422
        assert list(response.context["form"].errors) == [field]
        assert response.context["request"].user.username == "alice"
        assert User.objects.get(pk=alice.pk).username == "alice"


def log_in(agent, **more):
    client = Client(headers={"user-agent": agent, "accept-language": "en"})
    typed = {"username": "alice", "password": "correct-horse-7"} | more
    assert client.post("/login/", typed).status_code == 302
    return client


class TestSessions:
    url = "/account/sessions/"

    @pytest.fixture(autouse=True)
    def two_devices(self, alice):
        self.laptop, self.phone = log_in(WINDOWS), log_in(IPHONE)

    def shown(self, client):
        return client.get(self.url).context["sessions"]

    def test_each_device_is_shown_this_one_first(self):
        devices = [(s["device"], s["is_current"]) for s in self.shown(self.laptop)]
        assert devices == [("Chrome · Windows", True), ("Safari · iPhone", False)]
        devices = [(s["device"], s["is_current"]) for s in self.shown(self.phone)]
        assert devices == [("Safari · iPhone", True), ("Chrome · Windows", False)]

    def test_equal_devices_are_told_apart(self):
        """By the time at which they signed in, which stays when another one signs out."""
        second, third = log_in(WINDOWS), log_in(WINDOWS)
        minute = timezone.localtime().replace(second=0, microsecond=0)
        times = {self.laptop: -60, second: 7, third: 8}  # seconds from that minute
        for client, seconds in times.items():
            session = UserSession.objects.filter(session=client.session.session_key)
            session.update(started_at=minute + timedelta(seconds=seconds))
        since = {name: self.since(client) for name, client in zip("123", times, strict=True)}
        before = minute - timedelta(seconds=60)
        assert since["1"] == f"{before:%Y-%m-%d %H:%M}"
        assert since["2"] == f"{minute:%Y-%m-%d %H:%M}:07"
        assert since["3"] == f"{minute:%Y-%m-%d %H:%M}:08"
        content = third.get(self.url).content.decode()
        for each in since.values():
            assert content.count(f"Signed in {each}\n") + content.count(f"Signed in {each}<") == 1
        assert content.count(f"Sign out Chrome · Windows, signed in {since['2']}") == 1
        self.laptop.post("/logout/")
        assert [self.since(second), self.since(third)] == [since["2"], since["3"]]

    def since(self, client):
        [this] = [each for each in self.shown(client) if each["is_current"]]
        assert this["device"] == "Chrome · Windows"
        return this["since"]

    def test_the_page_holds_no_session_key(self):
        content = self.laptop.get(self.url).content.decode()
        for session in Session.objects.all():
            assert session.session_key not in content

    def test_one_is_signed_out_and_its_cookie_is_worthless(self):
        [_this, phone] = self.shown(self.laptop)
        assert self.laptop.post(self.url, {"session": phone["id"]})["Location"] == self.url
        assert self.phone.get(self.url).status_code == 302
        assert self.phone.get("/api/me/").status_code == 401
        assert len(self.shown(self.laptop)) == 1

    def test_all_others_are_signed_out(self):
        third = log_in(WINDOWS)
        self.laptop.post(self.url, {"others": "1"})
        assert self.laptop.get(self.url).status_code == 200
        assert self.phone.get(self.url).status_code == third.get(self.url).status_code == 302
        assert UserSession.objects.count() == Session.objects.count() == 1

    @pytest.mark.parametrize("typed", [{}, {"session": ""}, {"session": "x"}])
    def test_what_names_no_session_ends_none(self, typed):
        self.laptop.post(self.url, typed)
        assert UserSession.objects.count() == 2

    def test_nobody_signs_out_somebody_else(self, bob):
        stranger = Client()
        stranger.force_login(bob)
        stranger.post(self.url, {"session": self.shown(self.laptop)[0]["id"]})
        stranger.post(self.url, {"others": "1"})
        assert len(self.shown(self.laptop)) == 2

    def test_an_expired_session_is_not_shown(self):
        phone = UserSession.objects.get(user_agent=IPHONE)
        Session.objects.filter(pk=phone.pk).update(expire_date="2020-01-01T00:00:00Z")
        assert len(self.shown(self.laptop)) == 1


class TestSharedComputer:
    def test_the_session_ends_with_the_browser(self, alice):
        assert log_in(WINDOWS, shared="on").cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""

    def test_elsewhere_it_lasts_a_month(self, alice):
        assert log_in(WINDOWS).cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 30 * 24 * 3600

    @pytest.mark.parametrize(("agent", "checked"), [(WINDOWS, True), (IPHONE, False)])
    def test_it_is_on_at_first_on_a_computer_only(self, client, agent, checked):
        form = client.get("/login/", headers={"user-agent": agent}).context["form"]
        assert form["shared"].value() is checked

    def test_a_refused_login_keeps_the_choice(self, client, alice):
        typed = {"username": "alice", "password": "wrong"}
        response = client.post("/login/", typed, headers={"user-agent": WINDOWS})
        assert response.context["form"]["shared"].value() is False
        response = client.post("/login/", typed | {"shared": "on"})
        assert response.context["form"]["shared"].value() is True

    def test_a_new_password_keeps_it(self, alice, password):
        client = log_in(WINDOWS, shared="on")
        new = "blue-kettle-9"
        client.post(
            "/password/change/",
            {"old_password": password, "new_password1": new, "new_password2": new},
        )
        assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""
        assert client.get("/account/sessions/").status_code == 200


@pytest.mark.parametrize("path", ["/register/", "/account/username/"])
def test_a_new_name_is_typed_at_once(alice_client, path):
    page = Client() if path == "/register/" else alice_client
    [field] = re.findall(r"<input[^>]*autofocus[^>]*>", page.get(path).content.decode())
    assert 'name="username"' in field
