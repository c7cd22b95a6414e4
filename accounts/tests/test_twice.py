"""A form that is sent twice, or from a tab that another has made out of date."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import OneTimeCode, User, UserSession

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db


class Tab:
    """A page with a form, in a browser whose cookies other tabs share."""

    def __init__(self, browser: Client, path: str) -> None:
        self.browser, self.path = browser, path
        self.token = browser.get(path).context["csrf_token"]

    def send(self, **typed):
        data = {"csrfmiddlewaretoken": str(self.token)} | typed
        return self.browser.post(self.path.partition("?")[0], data)

    def log_in(self, name="alice", **more):
        return self.send(username=name, password=PASSWORD, **more)

    def register(self, name="eva", password=PASSWORD):
        return self.send(username=name, password1=password, password2=password)


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


def test_the_second_click_on_log_in_leads_to_the_chats(browser, alice):
    tab = Tab(browser, "/login/")
    assert tab.log_in()["Location"] == "/"
    again = tab.log_in()
    assert (again.status_code, again["Location"]) == (302, "/")
    assert UserSession.objects.count() == 1


def test_the_second_click_leads_where_the_first_one_did(browser, alice):
    tab = Tab(browser, "/login/?next=/contacts/")
    for _click in range(3):
        assert tab.log_in(next="/contacts/")["Location"] == "/contacts/"
    assert tab.log_in(next="http://evil.example/")["Location"] == "/"


def test_a_second_tab_leads_to_the_chats(browser, alice):
    first, second = Tab(browser, "/login/"), Tab(browser, "/login/")
    first.log_in()
    assert second.log_in()["Location"] == "/"
    assert "alice" not in messages_of(browser)


def test_a_second_tab_with_another_name_says_whose_chats_they_are(browser, alice, bob):
    first, second = Tab(browser, "/login/"), Tab(browser, "/login/")
    first.log_in()
    assert second.log_in("bob")["Location"] == "/"
    assert "alice" in messages_of(browser)


def messages_of(browser):
    return " ".join(map(str, browser.get("/").context["messages"]))


def test_a_log_in_page_from_before_is_shown_again_with_the_name(browser, alice):
    stale = Tab(browser, "/login/")
    Tab(browser, "/login/").log_in()
    del browser.cookies[settings.SESSION_COOKIE_NAME]
    answer = stale.log_in(shared="on", next="/contacts/")
    assert answer.status_code == 403
    form = answer.context["form"]
    assert (form["username"].value(), form["shared"].value()) == ("alice", True)
    assert PASSWORD not in answer.content.decode()
    assert "页面已过期" in answer.content.decode()
    fresh = Tab.__new__(Tab)
    fresh.browser, fresh.path, fresh.token = browser, "/login/", answer.context["csrf_token"]
    assert fresh.log_in(next="/contacts/")["Location"] == "/contacts/"


def test_the_second_click_on_the_admin_s_log_in_leads_to_the_admin(browser, make_user):
    make_user("root", is_staff=True, is_superuser=True)
    tab = Tab(browser, "/admin/login/")
    assert tab.log_in("root").status_code == 302
    assert tab.log_in("root")["Location"] == "/admin/"


def test_nothing_is_done_with_a_wrong_token(browser, alice):
    Tab(browser, "/login/")
    forged = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": "x" * 32}
    assert browser.post("/login/", forged).status_code == 403
    assert settings.SESSION_COOKIE_NAME not in browser.cookies
    forged = {"username": "eva", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post("/register/", forged).status_code == 403
    assert not User.objects.filter(username="eva").exists()


def test_a_registration_page_from_before_keeps_the_name_and_asks_for_the_passwords(browser, alice):
    stale = Tab(browser, "/register/")
    browser.cookies[settings.CSRF_COOKIE_NAME] = "z" * 32
    answer = stale.register("eva")
    assert answer.status_code == 403
    assert answer.context["form"]["username"].value() == "eva"
    assert answer.content.decode().count("请重新输入密码") == 2


@pytest.mark.parametrize("length", [254, 255, 1000, 1001])
def test_a_page_from_before_keeps_a_field_as_a_whole_or_not_at_all(browser, settings, length):
    settings.REGISTRATION, settings.MAIL_MODE = "code", "console"
    stale = Tab(browser, "/register/")
    browser.cookies[settings.CSRF_COOKIE_NAME] = "z" * 32
    words = "长" * length
    answer = stale.send(username=words, email=words, registration_code=words)
    form = answer.context["form"]
    shown = {name: form[name].value() for name in ("username", "email", "registration_code")}
    assert shown == {
        "username": words if length <= 254 else None,
        "email": words if length <= 254 else None,
        "registration_code": words if length <= 1000 else None,
    }


def test_a_registration_page_after_a_log_in_leads_to_the_chats(browser, alice):
    stale = Tab(browser, "/register/")
    Tab(browser, "/login/").log_in()
    assert stale.register("eva")["Location"] == "/"
    assert not User.objects.filter(username="eva").exists()


def test_the_second_click_on_register_is_a_success_too(browser):
    tab = Tab(browser, "/register/")
    for _click in range(3):
        answer = tab.register()
        assert (answer.status_code, answer["Location"]) == (302, "/register/done/")
    assert User.objects.count() == 1


def test_the_second_click_needs_no_session(browser):
    """The answer to the first click, with its cookie, may never have arrived."""
    tab = Tab(browser, "/register/")
    tab.register()
    browser.cookies.pop(settings.SESSION_COOKIE_NAME)
    assert tab.register()["Location"] == "/register/done/"
    assert browser.get("/register/done/").context["username"] == "eva"


def test_another_browser_with_the_same_name_and_password_is_refused(browser):
    """A class that is told an example must not share one account."""
    Tab(browser, "/register/").register()
    other = Client(enforce_csrf_checks=True)
    assert Tab(other, "/register/").register().status_code == 422


@pytest.mark.parametrize(("name", "password"), [("eva", "gruene-Wiese-8"), ("alice", PASSWORD)])
def test_another_password_or_name_is_refused(browser, alice, name, password):
    tab = Tab(browser, "/register/")
    tab.register()
    assert tab.register(name, password).status_code == 422


def test_much_later_the_name_is_simply_taken(browser):
    tab = Tab(browser, "/register/")
    tab.register()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert tab.register().status_code == 422


def test_the_second_click_with_mail_waits_for_the_same_code(browser, settings):
    settings.MAIL_MODE = "console"
    tab = Tab(browser, "/register/")
    typed = {"username": "eva", "password1": PASSWORD, "password2": PASSWORD, "email": "e@x.org"}
    assert tab.send(**typed)["Location"] == "/register/verify/"
    code = OneTimeCode.objects.get().digest
    assert tab.send(**typed)["Location"] == "/register/verify/"
    assert User.objects.count() == 1
    assert OneTimeCode.objects.get().digest == code


NEW = "gruene-Wiese-8"


def change_password(tab, old=PASSWORD, new=NEW, again=NEW):
    return tab.send(old_password=old, new_password1=new, new_password2=again)


@pytest.fixture
def inside(browser, alice):
    """A page on which to change the password."""
    Tab(browser, "/login/").log_in()
    return Tab(browser, "/password/change/")


def test_a_password_that_is_changed_twice_is_a_success_and_no_guess(inside, alice):
    for _click in range(12):  # more than the wrong guesses that one has
        answer = change_password(inside)
        assert (answer.status_code, answer["Location"]) == (302, "/discover/")
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert UserSession.objects.count() == 1


def test_only_the_same_form_is_a_success_again(inside):
    change_password(inside)
    assert change_password(inside, again="gruene-Wiese-9").status_code == 422
    assert change_password(inside, new=PASSWORD, again=PASSWORD).status_code == 422
    assert change_password(inside, new="other-Wiese-8", again="other-Wiese-8").status_code == 422


def test_another_session_learns_nothing_of_the_new_password(inside, alice):
    change_password(inside)
    other = Client(enforce_csrf_checks=True)
    Tab(other, "/login/").send(username="alice", password=NEW)
    assert change_password(Tab(other, "/password/change/"), old="wrong").status_code == 422
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert change_password(inside).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_account_and_two_successes():
    page = Client(enforce_csrf_checks=True)
    token = str(Tab(page, "/register/").token)
    secret = page.cookies[settings.CSRF_COOKIE_NAME].value
    ready, answers = threading.Barrier(2), []

    def click():
        browser = Client(enforce_csrf_checks=True)
        browser.cookies[settings.CSRF_COOKIE_NAME] = secret
        typed = {"username": "eva", "password1": PASSWORD, "password2": PASSWORD}
        ready.wait()
        answers.append(browser.post("/register/", typed | {"csrfmiddlewaretoken": token}))
        connection.close()

    threads = [threading.Thread(target=click) for _click in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer["Location"] for answer in answers] == ["/register/done/"] * 2
    assert User.objects.count() == 1


def test_a_refused_name_says_that_the_passwords_must_be_typed_again(client, alice):
    typed = {"username": "alice", "password1": PASSWORD, "password2": PASSWORD}
    answer = client.post("/register/", typed)
    assert answer.status_code == 422
    assert answer.content.decode().count("请重新输入密码") == 2
