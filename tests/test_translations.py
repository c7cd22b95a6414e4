"""The Chinese of the interface is complete, and compiled from the present source."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import django
import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils import translation

from .environment import ROOT

CATALOGUE = "locale/zh_Hans/LC_MESSAGES/django"
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd]|\{\w+\}")
TEMPLATE_CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
TRANSLATED_BLOCK = re.compile(r"\{% blocktranslate.*?endblocktranslate %\}", re.DOTALL)
# Blocks that fill attributes, which nobody reads.
ATTRIBUTE_BLOCK = re.compile(
    r"\{% block \w+_(?:class|view|attributes) %\}.*?endblock %\}", re.DOTALL
)
SHOWN_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
NAMES = ["webchat"]  # the same in every language


class Entry(dict):
    """A .po entry: `msgid`, `msgid_plural`, `msgctxt`, `msgstr` or `msgstr[0]`, and its flags."""

    def __init__(self):
        self.flags = set()

    @property
    def key(self):
        context = f"{self['msgctxt']}\x04" if "msgctxt" in self else ""
        return context + self["msgid"]

    @property
    def translations(self):
        return [text for name, text in self.items() if name.startswith("msgstr")]


def parse(path):
    """Parse the entries of a .po file, but for its header, by key."""
    entries = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        entry = Entry()
        name = None
        for line in block.splitlines():
            if line.startswith("#,"):
                entry.flags |= {flag.strip() for flag in line[2:].split(",")}
            elif match := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
                name, text = match.groups()
                entry[name] = ast.literal_eval(text)
            elif line.startswith('"'):
                entry[name] += ast.literal_eval(line)
        if entry.get("msgid"):
            entries[entry.key] = entry
    return entries


class Words(HTMLParser):
    """The words that a template would show untranslated."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_data(self, data):
        self.found += re.findall(r"[A-Za-z]{2,}.*", data)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES:
                self.handle_data(value or "")


@pytest.fixture(scope="module")
def written():
    return parse(ROOT / f"{CATALOGUE}.po")


@pytest.fixture(scope="module")
def compiled():
    with (ROOT / f"{CATALOGUE}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_every_text_has_its_translation(written):
    assert "Chats" in written
    for key, entry in written.items():
        assert entry.translations, key
        assert all(entry.translations), key


def test_no_translation_is_a_guess(written):
    assert [key for key, entry in written.items() if "fuzzy" in entry.flags] == []


def test_every_translation_keeps_the_placeholders(written):
    for entry in written.values():
        wanted = set(PLACEHOLDER.findall(entry.get("msgid_plural", entry["msgid"])))
        for text in entry.translations:
            assert set(PLACEHOLDER.findall(text)) == wanted, text


def test_the_compiled_catalogue_is_the_written_one(written, compiled):
    expected = {}
    for key, entry in written.items():
        if "msgid_plural" in entry:
            expected |= {
                (key, int(name[7:-1])): text
                for name, text in entry.items()
                if name.startswith("msgstr[")
            }
        else:
            expected[key] = entry["msgstr"]
    # The empty key is the header's.
    assert {key: text for key, text in compiled._catalog.items() if key} == expected


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="xgettext is not installed")
def test_the_catalogue_holds_just_the_texts_that_the_code_says(written, tmp_path):
    # In a copy, as makemessages writes beside the templates that it reads.
    for app in ROOT.glob("*/apps.py"):
        shutil.copytree(app.parent, tmp_path / app.parent.name)
    for name in ("templates", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "manage.py", tmp_path)
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-obsolete"],
        cwd=tmp_path,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings"},
        check=True,
        capture_output=True,
    )
    said = parse(tmp_path / f"{CATALOGUE}.po")
    assert sorted(said.keys() - written.keys()) == [], "not yet in the catalogue"
    assert sorted(written.keys() - said.keys()) == [], "no longer said"


def test_no_template_shows_words_that_are_not_translated():
    paths = sorted((ROOT / "templates").rglob("*.html"))
    assert paths
    for path in paths:
        words = Words()
        template = path.read_text(encoding="utf-8")
        for unread in (TRANSLATED_BLOCK, ATTRIBUTE_BLOCK, TEMPLATE_CODE):
            template = unread.sub("", template)
        words.feed(template)
        words.close()
        assert [word for word in words.found if word not in NAMES] == [], path


@pytest.mark.parametrize("app", ["conf", "contrib/auth", "contrib/admin"])
def test_what_django_itself_says_is_chinese_too(app, compiled):
    folder = Path(django.__file__).parent / app / "locale"
    with (folder / "zh_Hans/LC_MESSAGES/django.mo").open("rb") as file:
        theirs = gettext.GNUTranslations(file)
    said = parse(folder / "en/LC_MESSAGES/django.po")
    translated = {
        key if isinstance(key, str) else key[0]
        for catalogue in (theirs, compiled)
        for key, text in catalogue._catalog.items()
        if text
    }
    assert said
    assert sorted(said.keys() - translated) == [], "to be added to webchat/phrases.py"


def test_our_words_for_what_django_says_are_shown():
    with translation.override("zh-hans"), pytest.raises(ValidationError) as refused:
        MinimumLengthValidator().validate("kurz")
    assert refused.value.messages == ["密码太短，至少需要 8 个字符。"]
