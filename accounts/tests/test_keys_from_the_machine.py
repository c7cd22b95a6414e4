"""Passwords and names that the maintainer gives at the machine."""

from __future__ import annotations

import getpass
import io
import signal
import sys
import warnings

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone, translation

from accounts import finding, limits, services
from accounts.mail import codes, sending
from accounts.models import OldName, RetiredUsername, User, old_name_digest
from accounts.passwords import PASSWORD_AT_MOST
from chat.models import Event, Notice
from tests.cast import Api, befriend, say
from webchat.database.stops import STOPS

pytestmark = pytest.mark.django_db
NEW = "gruene-Wiese-8"


def manage(*command: str, language: str = "en", **streams: object) -> str:
    printed = io.StringIO()
    with translation.override(language):
        call_command(*command, stdout=printed, stderr=printed, **streams)
    return printed.getvalue()


def refusal(*command: str, language: str = "en") -> str:
    with pytest.raises(CommandError) as refused:
        manage(*command, language=language)
    return str(refused.value)


@pytest.fixture
def typed(monkeypatch):
    """Let these be typed at the terminal, one after the other; returns the prompts."""

    def type_all(*words: str) -> list[str]:
        waiting, prompts = list(words), []

        def answer(prompt: str) -> str:
            prompts.append(prompt)
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr("getpass.getpass", answer)
        return prompts

    return type_all


def piped(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))


def may_log_in(username: str, password: str) -> bool:
    return Client().login(username=username, password=password)


# A password


def test_a_password_is_typed_twice_and_closes_what_the_old_one_opened(alice, typed, password):
    browser = Client()
    browser.force_login(alice)
    codes.issue_spoken(user=alice)
    prompts = typed(NEW, NEW)
    told = manage("set_password", "ALICE")
    assert len(prompts) == 2
    assert may_log_in("alice", NEW)
    assert not may_log_in("alice", password)
    assert browser.get("/account/delete/").status_code == 302
    assert not alice.codes.exists()
    assert "signed out everywhere" in told
    assert NEW not in told


@pytest.mark.parametrize("name", ["set_password", "changepassword"])
def test_the_owner_is_told_by_whom(alice, typed, name):
    typed(NEW, NEW)
    manage(name, "alice")
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.by) == (alice, Notice.Kind.PASSWORD_SET, None)
    assert Event.objects.filter(kind=Event.Kind.NOTICE, user=alice).exists()
    browser = Client(headers={"accept-language": "en"})
    browser.login(username="alice", password=NEW)
    page = browser.get("/account/sessions/").content.decode()
    assert "An administrator set a new password for your account" in page


def test_a_random_one_is_shown_once_and_has_to_be_changed(alice, typed):
    typed()
    told = manage("set_password", "alice", "--random")
    [line] = [each for each in told.splitlines() if "shown only now" in each]
    browser = Client()
    assert browser.login(username="alice", password=line.split(": ")[1])
    assert browser.get("/").headers["Location"].startswith("/password/change/")


def test_a_typed_one_need_not_be_changed(alice, typed):
    User.objects.update(must_change_password=True)
    typed(NEW, NEW)
    manage("set_password", "alice")
    assert not User.objects.get(pk=alice.pk).must_change_password


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"", b"\nand more\n"])
def test_a_script_pipes_one_line(alice, monkeypatch, end):
    piped(monkeypatch, NEW.encode() + end)
    manage("set_password", "alice", "--stdin")
    assert may_log_in("alice", NEW)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"kurz\n", b"12345678\n", b"alice\n", b"x" * (PASSWORD_AT_MOST + 1) + b"\n",
     b"\xff\xfe\xff\xfe\xff\n", b"x" * 5_000_000],
)  # fmt: skip
def test_the_rules_of_today_hold_for_a_script(alice, monkeypatch, content, password):
    piped(monkeypatch, content)
    with pytest.raises(CommandError):
        manage("set_password", "alice", "--stdin")
    assert may_log_in("alice", password)
    assert not Notice.objects.exists()


def test_a_wrong_one_may_be_typed_again_but_not_for_ever(alice, typed, password):
    typed("kurz", "anders-als-das-andere", NEW, NEW, NEW)
    assert "too short" in manage("set_password", "alice")
    assert may_log_in("alice", NEW)
    prompts = typed(*["a-b-c-d-e", "f-g-h-i-j"] * 9)
    assert refusal("set_password", "alice") == "Nothing was changed."
    assert len(prompts) == 6
    assert may_log_in("alice", NEW)


def test_the_end_of_the_input_changes_nothing(alice, typed, password, monkeypatch):
    typed(NEW)
    assert "--stdin" in refusal("set_password", "alice")
    monkeypatch.setattr(sys, "stdin", None)  # closed: <&-
    assert "--random" in refusal("set_password", "alice", "--stdin")
    assert may_log_in("alice", password)


def test_without_a_terminal_nothing_is_echoed(alice, monkeypatch, password):
    def fall_back(prompt):
        warnings.warn("Can not control echo", getpass.GetPassWarning, stacklevel=2)
        raise AssertionError("it would have been shown")

    monkeypatch.setattr("getpass.getpass", fall_back)
    assert "--random" in refusal("set_password", "alice")
    assert may_log_in("alice", password)


def test_what_still_keeps_them_out_is_said(alice, typed):
    User.objects.update(is_active=False, unverified_since=timezone.now())
    typed(NEW, NEW)
    told = manage("set_password", "alice")
    assert "alice is banned" in told
    assert "code of the mail" in told


def test_the_mail_about_it_goes_out_before_the_end(alice, typed, settings, monkeypatch):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    User.objects.update(email="alice@example.com")
    typed(NEW, NEW)
    manage("set_password", "alice")
    assert [each.to for each in mail.outbox] == [["alice@example.com"]]


def test_who_is_gone_meanwhile_is_said_to_be(alice, typed, monkeypatch):
    typed(NEW, NEW)
    monkeypatch.setattr(services, "_store_password", lambda user: (_ for _ in ()).throw(
        services.Http404))  # fmt: skip
    assert "gone already" in refusal("set_password", "alice")


def test_an_address_finds_its_owner(alice, typed):
    User.objects.update(email="alice@example.com")
    typed(NEW, NEW)
    manage("set_password", "Alice@Example.com")
    assert may_log_in("alice", NEW)


# Names that nobody has


@pytest.mark.parametrize(
    ("typed_name", "found"), [("wangwe1", "wangwei"), ("zhangsan", "张三"), ("张叁", "张三")]
)
def test_near_names_are_suggested(make_user, typed_name, found):
    make_user("wangwei")
    zhang = make_user("张三")
    User.objects.filter(pk=zhang.pk).update(pinyin="zhang san")
    for command in (["set_password", typed_name], ["rename_user", typed_name, "neu"]):
        assert f"{found}?" in refusal(*command)
        assert f"是不是 {found}" in refusal(*command, language="zh-hans")


@pytest.mark.parametrize("name", ["", "?", "x" * 100_000, "\ud800", "%s", "'; --", "nobody"])
def test_whatever_is_typed_names_nobody_in_a_sentence(alice, name):
    assert refusal("set_password", name).startswith("Nobody is called that here.")


def test_a_few_are_suggested_of_many(make_user):
    User.objects.bulk_create(
        User(username=f"wangwei{n}", username_key=f"wangwei{n}") for n in range(30)
    )
    assert len(finding.near("wangwei")) == finding.SUGGESTED_AT_MOST


# Another name


def test_a_new_name_goes_the_way_of_one_that_its_owner_chooses(alice, bob):
    befriend(alice, bob)
    say(alice, bob, "hallo")
    told = manage("rename_user", "alice", "艾丽丝")
    assert User.objects.get(pk=alice.pk).username == "艾丽丝"
    assert User.objects.get(pk=alice.pk).pinyin
    assert RetiredUsername.objects.holds("alice")
    assert Api(bob).texts("艾丽丝") == ["hallo"]
    kinds = Event.objects.values_list("kind", "user")
    assert (Event.Kind.RENAMED, alice.pk) in kinds
    assert (Event.Kind.FRIEND_CHANGED, bob.pk) in kinds
    assert "alice is 艾丽丝 from now on" in told
    assert "Asia/Shanghai" in told


def test_the_maintainer_renames_as_often_as_it_takes(alice):
    for number in range(limits.RENAMING.most + 1):
        manage("rename_user", "alice" if number == 0 else f"a-{number - 1}", f"a-{number}")
    services.rename(user=User.objects.get(pk=alice.pk), username="mine")


@pytest.mark.parametrize(
    ("name", "words"),
    [("b", "at least"), ("x" * 17, "at most"), ("x" * 999_999, "at most"), ("a b", "one script"),
     ("admın", "reserved"), ("BOB", "already"), ("gone", "already"), ("", "at least"),
     ("alice", "is called that already")],
)  # fmt: skip
def test_the_rules_of_a_registration_hold_for_a_name(alice, bob, name, words):
    RetiredUsername.objects.retire("gone")
    assert words in refusal("rename_user", "alice", name)
    assert User.objects.get(pk=alice.pk).username == "alice"
    assert not RetiredUsername.objects.holds("alice")


def test_another_case_holds_nothing_back(alice):
    told = manage("rename_user", "alice", "Alice")
    assert "Nobody can take" not in told
    assert not RetiredUsername.objects.exists()


def test_a_number_without_an_account_has_to_say_whose_password(alice, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    assert "user name" in refusal("changepassword")


def test_without_a_name_the_password_is_that_of_who_types_also_through_sudo(alice, monkeypatch):
    """Not that of the service, as which every command runs."""
    monkeypatch.setattr("getpass.getuser", lambda: "webchat")
    monkeypatch.setenv("SUDO_USER", "alice")
    assert "The new password of alice" in manage("changepassword", "--random")
    monkeypatch.delenv("SUDO_USER")
    assert "Nobody is called" in refusal("changepassword", "--random")


def test_an_old_name_that_is_nearly_another_ones_name_is_nobodys_here(alice, bob):
    OldName.objects.create(digest=old_name_digest("Alice"), user=bob)
    before = {user.pk: user.password for user in User.objects.all()}
    for command in (["set_password", "Alice", "--random"], ["rename_user", "Alice", "neu"]):
        words = refusal(*command)
        assert "alice" in words
        assert "bob" in words
    assert {user.pk: user.password for user in User.objects.all()} == before
    manage("set_password", "alice", "--random")
    manage("set_password", "ALICE", "--random")
    bob.refresh_from_db()
    assert bob.password == before[bob.pk]


@pytest.mark.parametrize("number", STOPS)
@pytest.mark.parametrize("command", ["set_password", "changepassword"])
def test_a_password_that_was_set_is_shown_whatever_stops_it(alice, monkeypatch, number, command):
    really, before = services._save_password, signal.signal(number, signal.default_int_handler)

    def stop_and_save(user):
        signal.raise_signal(number)
        really(user)

    monkeypatch.setattr(services, "_save_password", stop_and_save)
    try:
        printed = manage(command, "alice", "--random")
    finally:
        signal.signal(number, before)
    password = printed.splitlines()[0].rpartition(" ")[2]
    assert User.objects.get(pk=alice.pk).check_password(password)
