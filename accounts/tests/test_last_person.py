"""The address in `next` is for the person whose page it was, and a lost session says why."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services, sessions
from accounts.models import User

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def mallory(make_user):
    return make_user("mallory")


REFERER = {"referer": "http://testserver/chat/bob/"}
ENDED, CHANGED, BANNED = "其他设备", "密码已修改", "该账号已被封禁"


def log_in(client, name, path="/chat/bob/"):
    typed = {"username": name, "password": PASSWORD, "next": path}
    return client.post("/login/", typed)["Location"]


def test_the_same_person_comes_back(client, alice):
    assert log_in(client, "alice") == "/chat/bob/"  # nobody was here before
    client.post("/logout/")
    assert client.get("/chat/bob/")["Location"] == "/login/?next=/chat/bob/"
    assert log_in(client, "alice") == "/chat/bob/"


def test_the_next_person_comes_to_their_own_chats(client, alice, mallory):
    log_in(client, "alice")
    client.post("/logout/")
    assert log_in(client, "mallory") == "/"
    client.post("/logout/")
    assert log_in(client, "mallory") == "/chat/bob/"


def test_it_holds_for_a_session_that_was_ended_elsewhere(client, alice, mallory):
    log_in(client, "alice")
    services.end_access(user=alice)
    assert log_in(client, "mallory") == "/"


def test_it_holds_for_those_who_logged_in_before_there_were_marks(client, alice, mallory):
    client.force_login(alice)
    client.cookies.pop(settings.LAST_PERSON_COOKIE_NAME, None)
    client.get("/")
    services.end_access(user=alice)
    assert log_in(client, "mallory") == "/"


def test_somebody_else_in_another_tab_is_not_led_to_the_page_of_the_first(client, alice, mallory):
    log_in(client, "alice")
    client.post("/logout/")
    log_in(client, "mallory")
    assert client.get("/login/", headers=REFERER)["Location"] == "/"


def test_the_log_in_page_says_that_one_was_banned_but_not_at_a_public_computer(alice):
    for shared in ("", "on"):
        client = Client()
        typed = {"username": "alice", "password": PASSWORD, "shared": shared}
        assert client.post("/login/", typed).status_code == 302
        User.objects.update(is_active=False)
        page = client.get("/login/", headers=REFERER).content.decode()
        assert (BANNED in page, ENDED in page) == (not shared, bool(shared))
        assert BANNED not in Client().get("/login/", headers=REFERER).content.decode()
        User.objects.update(is_active=True)


def test_the_log_in_page_says_why_and_leads_back(client, alice):
    log_in(client, "alice")
    sessions.end_others(user=alice, session_key=None)
    page = client.get("/login/", headers=REFERER)
    assert ENDED in page.content.decode()
    assert page.context["next"] == "/chat/bob/"
    assert page.context["form"].initial["username"] == "alice"
    assert "bob" not in page.request["QUERY_STRING"]


def test_a_public_computer_tells_the_next_person_no_name(client, alice):
    client.post("/login/", {"username": "alice", "password": PASSWORD, "shared": "on"})
    sessions.end_others(user=alice, session_key=None)
    page = client.get("/login/", headers=REFERER)
    assert ENDED in page.content.decode()
    assert "alice" not in page.content.decode()


def test_another_password_is_told_as_that(client, alice):
    log_in(client, "alice")
    services.set_password(user=alice, password="gruene-Wiese-8")
    assert CHANGED in client.get("/login/?next=/contacts/").content.decode()


def test_ones_own_new_password_is_not_news(client, alice):
    log_in(client, "alice")
    new = "gruene-Wiese-8"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/password/change/", typed).status_code == 302
    services.end_access(user=User.objects.get(pk=alice.pk))
    page = client.get("/login/", headers=REFERER).content.decode()
    assert ENDED in page
    assert CHANGED not in page


@pytest.mark.parametrize("leave", ["/logout/", "/account/delete/"])
def test_a_log_out_is_no_news(client, alice, leave):
    log_in(client, "alice")
    client.post(leave, {"password": PASSWORD})
    page = client.get("/login/", headers=REFERER)
    assert page.status_code == 200
    assert ENDED not in page.content.decode()
    assert page.context["next"] == ""


def test_a_page_that_was_only_opened_says_nothing(client, alice):
    log_in(client, "alice")
    services.end_access(user=alice)
    assert ENDED not in client.get("/login/").content.decode()
    elsewhere = {"referer": "http://evil.example/chat/bob/"}
    assert ENDED not in client.get("/login/", headers=elsewhere).content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "http://[x/",
        "http://[::1",
        "http://testserver:x/",
        "http://testserver]/",
        "http://testserver\u2100/chat/bob/",
        "//[",
        "http://testserver//[x/",
        "\x00\t\n",
        "http://testserver/" + "x" * 2000,
    ],
)
@pytest.mark.parametrize("page", ["/login/", "/register/"])
def test_a_page_before_may_have_any_address(client, alice, page, address):
    log_in(client, "alice")
    services.end_access(user=alice)
    answer = client.get(page, headers={"referer": address})
    assert answer.status_code in (200, 302)
    assert (answer.context or {}).get("next", "") == ""


@pytest.mark.parametrize(
    "mark", ["", "-", "here", "here-", "here-x", "here-9999999999999999999999-a", "here--1-", "é"]
)
def test_a_mark_may_hold_anything(client, alice, mark):
    client.cookies[settings.LAST_PERSON_COOKIE_NAME] = mark
    assert client.get("/login/?next=/contacts/").status_code == 200
    assert log_in(client, "alice") == "/chat/bob/"


def answer_to(client, mark, captured):
    client.cookies.clear()
    if mark:
        client.cookies[settings.LAST_PERSON_COOKIE_NAME] = mark
    with captured() as queries:
        page = client.get("/login/?next=/contacts/").content.decode()
    return ENDED in page, CHANGED in page, len(queries)


def test_a_mark_that_is_made_up_tells_of_no_account(client, alice):
    log_in(client, "alice")
    services.end_access(user=alice)
    ours = client.cookies[settings.LAST_PERSON_COOKIE_NAME].value
    captured = partial(CaptureQueriesContext, connection)
    assert answer_to(client, ours, captured)[:2] == (True, False)
    nothing = answer_to(client, "", captured)
    assert nothing[:2] == (False, False)
    signature = ours.rpartition(":")[2]
    for pk in (alice.pk, alice.pk + 1):
        for mark in (f"here-{pk}-x", f"here-{pk}-x:{signature}", f"here-{pk}-x:", ours + "x"):
            assert answer_to(client, mark, captured) == nothing


def test_the_second_click_leads_no_next_person_to_the_page_of_the_one_before(
    client, alice, mallory
):
    log_in(client, "alice")
    client.post("/logout/")
    assert [log_in(client, "mallory") for _click in range(3)] == ["/"] * 3
    assert client.get("/login/?next=/chat/bob/")["Location"] == "/"


def test_the_mark_ends_with_the_browser_on_a_public_computer(alice):
    for shared, age in (("on", ""), ("", settings.SESSION_COOKIE_AGE)):
        client = Client()
        client.post("/login/", {"username": "alice", "password": PASSWORD, "shared": shared})
        assert client.cookies[settings.LAST_PERSON_COOKIE_NAME]["max-age"] == age
        client.post("/logout/")
        assert client.cookies[settings.LAST_PERSON_COOKIE_NAME]["max-age"] == age
        mark = client.cookies[settings.LAST_PERSON_COOKIE_NAME].value
        assert mark.startswith(f"left-{alice.pk}-:")
