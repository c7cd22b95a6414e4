"""The devices that an account is signed in on."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import sessions
from accounts.models import UserSession

pytestmark = pytest.mark.django_db

CHROME = "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
WINDOWS = CHROME.format(system="Windows NT 10.0; Win64; x64") + "Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)
WECHAT = (
    CHROME.format(system="Linux; Android 15; 23127PN0CC") + "Mobile Safari/537.36 XWEB/1380"
    " MMWEBSDK/20240301 MicroMessenger/8.0.48 Language/zh_CN"
)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (WINDOWS, "Chrome · Windows"),
        (WINDOWS + " Edg/141.0.0.0", "Edge · Windows"),
        (IPHONE, "Safari · iPhone"),
        (WECHAT, "WeChat · Android"),
        (CHROME.format(system="X11; Linux x86_64") + "Safari/537.36", "Chrome · Linux"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox · Linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.0 Safari/605.1",
            "Safari · macOS",
        ),
        ("curl/8.14.1", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_device_is_told_in_plain_words(agent, device, english):
    assert sessions.describe_device(agent) == device


@pytest.mark.parametrize(("agent", "mobile"), [(WINDOWS, False), (IPHONE, True), (WECHAT, True)])
def test_a_phone_is_known(rf, agent, mobile):
    assert sessions.is_mobile(rf.get("/", headers={"user-agent": agent})) is mobile


def test_a_login_notes_device_and_address(client, alice, password):
    client.post(
        "/login/",
        {"username": "alice", "password": password},
        headers={"user-agent": WINDOWS + "x" * 300},
        REMOTE_ADDR="192.0.2.7",
    )
    session = UserSession.objects.get()
    assert session.address == "192.0.2.7"
    assert session.user_agent.startswith(WINDOWS)
    assert len(session.user_agent) == 255


def test_a_peer_without_an_address_can_log_in(client, alice, password):
    client.post("/login/", {"username": "alice", "password": password}, REMOTE_ADDR="")
    assert UserSession.objects.get().address is None


class TestSeen:
    @pytest.fixture(autouse=True)
    def long_ago(self, alice_client):
        sessions.write_seen()
        self.then = timezone.now() - timedelta(hours=1)
        UserSession.objects.update(last_seen_at=self.then)

    def seen_at(self):
        return UserSession.objects.get().last_seen_at

    def test_a_visit_writes_nothing_by_itself(self, alice_client, django_assert_max_num_queries):
        alice_client.get("/password/change/")
        assert self.seen_at() == self.then

    def test_visits_are_written_down_together(self, alice_client):
        for _number in range(3):
            alice_client.get("/password/change/")
        sessions.write_seen()
        assert timezone.now() - self.seen_at() < timedelta(minutes=1)

    def test_an_open_socket_is_seen_without_a_visit(self):
        sessions.write_seen([UserSession.objects.get().session_id])
        assert self.seen_at() > self.then

    def test_nobody_is_seen_twice_for_one_visit(self, alice_client, django_assert_num_queries):
        alice_client.get("/password/change/")
        sessions.write_seen()
        with django_assert_num_queries(0):
            sessions.write_seen()

    def test_who_was_not_here_is_not_seen(self):
        Client().get("/login/")
        sessions.write_seen()
        assert self.seen_at() == self.then


def test_the_name_of_a_session_on_a_page_is_not_its_key(alice_client, alice):
    session = UserSession.objects.get()
    [shown] = sessions.list_of(alice, session.session_id)
    assert session.session_id not in str(shown)
    assert shown["is_current"]


def test_fifty_sessions_stay_and_the_oldest_ends_with_the_log_in_beyond(alice, bob, password):
    devices = [Client() for _number in range(sessions.SESSIONS_AT_MOST)]
    for device in devices:
        device.force_login(alice)
    other = Client()
    other.force_login(bob)
    assert alice.sessions.count() == sessions.SESSIONS_AT_MOST
    newest = Client()
    newest.post("/login/", {"username": "alice", "password": password})
    assert alice.sessions.count() == sessions.SESSIONS_AT_MOST
    assert newest.get("/contacts/").status_code == 200
    assert devices[0].get("/contacts/").status_code == 302
    assert devices[1].get("/contacts/").status_code == 200
    assert other.get("/contacts/").status_code == 200


def test_a_log_in_that_fails_ends_no_session(alice, monkeypatch):
    devices = [Client() for _number in range(3)]
    for device in devices:
        device.force_login(alice)
    monkeypatch.setattr(sessions, "SESSIONS_AT_MOST", 3)
    Client().post("/login/", {"username": "alice", "password": "wrong"})
    assert alice.sessions.count() == 3
