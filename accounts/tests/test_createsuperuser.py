"""The first command of every administrator, at a terminal that speaks their language."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "blaue-Wolke-7"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Let these lines and passwords be typed; returns what is shown, prompts of passwords too."""

    def run(lines, *passwords, language="zh-hans", **options):
        shown, waiting = io.StringIO(), list(passwords)
        monkeypatch.setattr("sys.stdin", Terminal(lines))
        monkeypatch.setattr(
            "getpass.getpass", lambda prompt: shown.write(prompt) and waiting.pop(0)
        )
        with translation.override(language):
            call_command("createsuperuser", stdout=shown, stderr=shown, **options)
        return shown.getvalue()

    return run


def test_it_asks_for_a_name_and_twice_for_a_password(terminal):
    shown = terminal("admin\n", PASSWORD, PASSWORD)
    assert shown == "用户名：新密码：再输入一次：admin 现在是超级用户了。\n"
    user = User.objects.get(username="admin")
    assert user.is_superuser
    assert user.is_staff
    assert user.check_password(PASSWORD)


def test_what_is_wrong_is_said_and_asked_again(terminal, alice):
    shown = terminal("ALICE\n\nteacher\n", "short", PASSWORD, "other", PASSWORD, PASSWORD)
    assert "已被注册" in shown
    assert "两次输入的不一样" in shown
    assert shown.count("用户名：") == 3
    assert User.objects.get(username="teacher").check_password(PASSWORD)


@pytest.mark.parametrize("lines", ["", "\n\n\n\nteacher\n", "a b\n" * 9])
def test_nobody_is_asked_for_ever(terminal, lines):
    with pytest.raises(CommandError, match="没有"):
        terminal(lines)
    assert not User.objects.exists()


def test_a_name_that_was_given_is_not_asked_for_again(terminal, alice):
    with pytest.raises(CommandError, match="already registered"):
        terminal("teacher\n", language="en", username="alice")
    assert "用户名" not in terminal("", PASSWORD, PASSWORD, username="teacher")


def test_a_name_taken_meanwhile_is_no_traceback(terminal, alice, monkeypatch):
    monkeypatch.setattr(User, "full_clean", lambda self, exclude: None)
    with pytest.raises(CommandError, match="已被注册"):
        terminal("alice\n", PASSWORD, PASSWORD)


def test_without_a_terminal_the_way_for_scripts_is_named(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("teacher\n"))
    with pytest.raises(CommandError, match="--no-input"):
        call_command("createsuperuser")


def test_without_a_password_nobody_can_log_in(monkeypatch):
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    call_command("createsuperuser", interactive=False, username="teacher", stdout=io.StringIO())
    assert not User.objects.get(username="teacher").has_usable_password()
