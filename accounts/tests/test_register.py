import re
import threading
import unicodedata
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.models import RetiredUsername, User

pytestmark = pytest.mark.django_db


def register(client, username, password1="blue-kettle-9", password2=None, **more):
    data = {"username": username, "password1": password1, "password2": password2 or password1}
    return client.post("/register/", data | more)


def error_codes(response, field):
    return [error.code for error in response.context["form"].errors.as_data().get(field, [])]


def test_a_newcomer_registers_and_is_led_to_the_login_with_the_name_filled_in(client):
    response = register(client, "王伟2024")
    assert response.status_code == 302
    assert response["Location"] == "/register/done/"
    page = client.get("/register/done/")
    assert page.status_code == 200
    assert page.context["username"] == "王伟2024"
    user = User.objects.get()
    assert user.check_password("blue-kettle-9")
    assert not user.is_staff
    assert not user.is_superuser


def test_registering_does_not_log_in(client):
    register(client, "alice")
    assert client.get("/password/change/").status_code == 302


def test_the_page_after_it_is_only_for_who_has_just_registered(client):
    assert client.get("/register/done/")["Location"] == "/register/"


def test_the_log_in_page_says_so_to_who_has_just_registered(client):
    assert "注册成功，请登录。" not in client.get("/login/?username=alice").content.decode()
    register(client, "alice")
    assert "注册成功，请登录。" in client.get("/login/?username=alice").content.decode()
    assert "注册成功，请登录。" not in client.get("/login/?username=bob").content.decode()


def test_the_name_is_stored_as_typed_in_nfc(client):
    register(client, "Jose\u0301")
    assert User.objects.get().username == "José"
    register(client, "ＢＯＢ")
    assert User.objects.filter(username="ＢＯＢ", username_key="bob").exists()


@pytest.mark.parametrize("again", ["alice", "ALICE", "ａｌｉｃｅ", " alice "])
def test_a_name_is_given_once_whatever_its_case_and_width(client, alice, again):
    response = register(client, again)
    assert response.status_code == 422
    assert error_codes(response, "username") == ["name_taken"]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("../evil", "invalid"),
        ("..", "invalid"),
        ("<img onerror>", "invalid"),
        ("😀😀😀", "invalid"),
        ("a", "too_short"),
        ("x" * 17, "too_long"),
        ("Admin", "reserved"),
        ("ｌｏｇｉｎ", "reserved"),
        ("系统", "reserved"),
        ("", "required"),
    ],
)
def test_a_bad_name_is_refused_with_what_was_typed(client, username, code):
    response = register(client, username)
    assert response.status_code == 422
    assert error_codes(response, "username") == [code]
    assert response.context["form"]["username"].value() == username
    assert b"blue-kettle-9" not in response.content
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ("short7!", None, "password1"),
        ("password123", None, "password1"),
        ("blue-kettle-9", "blue-kettle-8", "password2"),
    ],
)
def test_a_bad_password_is_refused(client, first, second, field):
    response = register(client, "alice", first, second)
    assert response.status_code == 422
    assert error_codes(response, field)
    assert not User.objects.exists()


def test_a_password_like_the_name_is_refused(client):
    response = register(client, "margarethe", "margarethe1")
    assert error_codes(response, "password1") == ["password_too_similar"]


def test_bad_name_and_bad_password_are_told_together(client):
    response = register(client, "..", "short")
    assert error_codes(response, "username")
    assert error_codes(response, "password1")


def test_register_knows_get_and_post_only(client):
    assert client.get("/register/").status_code == 200
    assert client.put("/register/").status_code == 405
    assert client.post("/register/done/").status_code == 405


def test_who_is_signed_in_has_no_business_there(alice_client):
    assert alice_client.get("/register/")["Location"] == "/"
    assert register(alice_client, "second")["Location"] == "/"
    assert User.objects.count() == 1


def test_registration_can_be_closed(client, settings):
    settings.REGISTRATION = "closed"
    page = client.get("/register/", headers={"accept-language": "en"}).content.decode()
    assert "Please ask the administrator for an account." in page
    assert "slip of paper" in page
    assert "<form id=" not in page
    response = register(client, "alice")
    assert response.status_code == 422
    assert error_codes(response, "__all__") == ["closed"]
    assert not User.objects.exists()


def test_registration_can_ask_for_a_code(client, settings):
    settings.REGISTRATION, settings.REGISTRATION_CODE = "code", "class-7b"
    page = client.get("/register/", headers={"accept-language": "en"}).content.decode()
    assert "Only people whom the administrator has given the registration code" in page
    assert "class-7b" not in page
    assert error_codes(register(client, "alice"), "registration_code") == ["required"]
    wrong = register(client, "alice", registration_code="class-7c")
    assert error_codes(wrong, "registration_code") == ["invalid"]
    assert not User.objects.exists()
    assert register(client, "alice", registration_code="class-7b").status_code == 302


def test_the_code_of_a_registration_is_typed_in_any_unicode_form(client, settings):
    settings.REGISTRATION, settings.REGISTRATION_CODE = "code", "café-7b"
    assert register(client, "alice", registration_code="cafe\u0301－７ｂ").status_code == 302


def test_the_name_of_a_deleted_account_is_held_back_for_30_days(client, bob):
    services.delete_account(user=bob)
    response = register(client, "ＢＯＢ")
    assert error_codes(response, "username") == ["name_taken"]
    assert register(client, "bob_smith").status_code == 302
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert register(client, "bob").status_code == 302


def test_a_retired_name_itself_is_kept_nowhere(bob):
    services.delete_account(user=bob)
    retired = RetiredUsername.objects.get()
    assert "bob" not in f"{retired.digest} {retired}"


def test_retired_names_past_their_time_are_cleared(alice, bob):
    services.delete_account(user=bob)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        services.delete_account(user=alice)
        assert RetiredUsername.objects.count() == 1
        assert RetiredUsername.objects.holds("alice")


def test_who_passed_the_check_too_late_is_refused_cleanly(alice, monkeypatch):
    monkeypatch.setattr(services, "_refuse_taken", lambda username: None)
    with pytest.raises(ValidationError) as refusal:
        services.register(username="ALICE", password="blue-kettle-9")
    assert refusal.value.code == "name_taken"


@pytest.mark.django_db(transaction=True)
def test_of_twenty_registrations_of_one_name_at_once_exactly_one_succeeds():
    assert "memory" not in str(connection.settings_dict["NAME"])
    forms = [
        "zoë",
        "ZOË",
        "zoe\u0308",
        "Zoe\u0308",
        "ｚｏë",
        "ｚｏｅ\u0308",
        "Zoë",
        "zOë",
        "zoË",
        "ＺＯË",
    ]
    assert len({unicodedata.normalize("NFC", name) for name in forms}) > 5
    outcomes = []
    start = threading.Barrier(20)

    def try_it(name):
        try:
            start.wait()
            services.register(username=name, password="blue-kettle-9")
            outcomes.append("made")
        except ValidationError as error:
            outcomes.append(error.code)
        except Exception as error:  # whatever else it is, it is not a clean refusal
            outcomes.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it, args=[name]) for name in forms * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["name_taken"] * 19
    assert User.objects.count() == 1


class TestUsernameAvailable:
    url = "/api/username-available/"

    def test_says_so_without_a_login(self, client):
        response = client.get(self.url, {"username": "王伟"})
        assert response.status_code == 200
        assert response.json() == {"available": True, "reason": None}

    @pytest.mark.parametrize("username", ["ALICE", "bob", "..", "a", "login", "", "a\x00b"])
    def test_says_why_not(self, client, alice, bob, username):
        services.delete_account(user=bob)
        answer = client.get(self.url, {"username": username}).json()
        assert answer["available"] is False
        assert answer["reason"]

    def test_takes_no_name_for_no_name(self, client):
        assert client.get(self.url).json()["available"] is False

    def test_knows_get_only(self, client):
        response = client.post(self.url)
        assert response.status_code == 405
        assert response.json()["error"]["code"] == "method_not_allowed"
        assert response.json()["error"]["message"]


def test_a_password_manager_finds_one_form_to_save_from_and_one_to_fill(client, db):
    def fields(path):
        content = client.get(path).content.decode()
        [form] = [each for each in content.split("<form")[1:] if 'type="password"' in each]
        inputs = re.findall(r'<input type="(?:text|password)"[^>]*>', form)
        return [re.search(r'autocomplete="([^"]*)"', each)[1] for each in inputs], inputs

    assert fields("/register/")[0] == ["username", "new-password", "new-password"]
    known, (name, password) = fields("/login/?username=eva")
    assert known == ["username", "current-password"]
    assert 'value="eva"' in name
    assert "autofocus" not in name
    assert "autofocus" in password
