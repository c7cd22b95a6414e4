"""The `--help` of every command of ours: whole, with an example, in both languages."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.utils import translation
from django.utils.translation import gettext as _

from webchat.base.tables import width

HAN = re.compile("[一-鿿]")
OURS = ("webchat", "accounts", "friends", "chat")
COMMANDS = sorted((app, name) for name, app in get_commands().items() if app in OURS)
# Which options are said elsewhere: by Django, for all of its commands.
DJANGOS = set(BaseCommand().create_parser("", "")._option_string_actions)


def texts(app: str, name: str, language: str) -> dict[str, str]:
    """Return what the help says, by the option or argument that it is about."""
    with translation.override(language):
        command = load_command_class(app, name)
        parser = command.create_parser("manage.py", name)
        found = {"help": parser.description, "example": parser.epilog}
        for action in parser._actions:
            if not DJANGOS.intersection(action.option_strings):
                found["/".join(action.option_strings) or action.dest] = action.help and _(
                    action.help
                )
        return {what: str(words or "") for what, words in found.items()}


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_everything_is_explained_and_in_chinese(app, name):
    found = texts(app, name, "zh-hans")
    assert {what: words for what, words in found.items() if not HAN.search(words)} == {}
    assert f"manage.py {name}" in found["example"]


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_everything_is_explained_in_english(app, name):
    for what, words in texts(app, name, "en").items():
        assert re.search("[a-z]{2}", words), what
        # Columns of a list, and below the first line of an example people, have Chinese names.
        own = words.splitlines()[0] if what == "example" else words.replace("用户名,姓名,邮箱", "")
        assert not HAN.search(own), what


def test_commands_are_found_at_all():
    assert {("accounts", "users"), ("chat", "stats"), ("webchat", "doctor")} <= set(COMMANDS)


@pytest.mark.parametrize(("app", "name"), COMMANDS)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_helps_stand_in_one_column(monkeypatch, app, name, language):
    monkeypatch.setenv("COLUMNS", "100")
    with translation.override(language):
        told = load_command_class(app, name).create_parser("manage.py", name).format_help()
    rows = re.findall(r"^(  (?:-|\S+ ).*?  +)\S", told.partition("\n\n示例")[0], re.MULTILINE)
    rows = [row for row in rows if "manage.py" not in row]
    assert len(rows) >= 3
    assert len({width(row) for row in rows}) == 1, told
