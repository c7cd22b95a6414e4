"""One gate measures, cleans and folds text, at a bounded cost."""

from __future__ import annotations

import ast
import unicodedata
from pathlib import Path

import pytest
from django import forms
from django.contrib import auth
from django.core.exceptions import ValidationError

from accounts.lookalikes import resembles_staff
from accounts.models import Attempt, User
from accounts.names import NOBODY, username_key
from webchat.base import text as gate

from .conftest import MANY, of

ROOT = Path(__file__).resolve().parents[2]


def test_nobody_but_the_gate_normalizes():
    found = {
        f"{path.relative_to(ROOT)}"
        for app in ("webchat", "accounts", "friends", "chat")
        for path in (ROOT / app).rglob("*.py")
        if "tests" not in path.parts and calls(path, "unicodedata", "normalize")
    }
    assert found == {"webchat/base/text.py"}


def calls(path: Path, module: str, name: str) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and ast.unparse(node) == f"{module}.{name}")
        or (isinstance(node, ast.ImportFrom) and node.module == module)
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_the_gate_knows_every_character_that_is_or_becomes_a_mark():
    for code in range(0x110000):
        character = chr(code)
        first = unicodedata.normalize("NFKD", character)[0]
        assert bool(unicodedata.combining(first)) == bool(
            gate.RUN_OF_MARKS.fullmatch(character * (gate.MARKS_AT_MOST + 1))
        ), hex(code)


def test_of_marks_in_a_row_thirty_stay():
    text = "a" + "\u0301" * 30
    assert gate.normalize("NFD", text) == text
    assert gate.normalize("NFD", text + "\u0301" * 1000 + "b") == text + "b"
    assert gate.clean_text(text, most=100)
    with pytest.raises(ValidationError) as refusal:
        gate.clean_text(text + "\u0301", most=100)
    assert refusal.value.code == "invalid"


def test_a_limit_counts_the_letters_and_not_how_they_were_typed():
    assert gate.clean_text("각" * 10, most=10) == "각" * 10
    assert gate.clean_text("\u1100\u1161\u11a8" * 10, most=10) == "각" * 10
    assert gate.clean_text("\u03b1\u0313\u0300\u0345" * 10, most=10) == "\u1f82" * 10
    for text in ("a" * 11, "a" * 1_000_000):
        with pytest.raises(ValidationError) as refusal:
            gate.clean_text(text, most=10)
        assert (refusal.value.code, refusal.value.params) == ("too_long", {"limit": 10})


def test_no_browser_cuts_what_the_gate_would_refuse():
    class Form(forms.Form):
        words = gate.PlainTextField(max_length=3)

    form = Form({"words": "😀" * 4})
    assert form.errors["words"].data[0].code == "too_long"
    page = str(form["words"])
    assert "😀" * 4 in page
    assert "maxlength" not in page


def test_what_is_too_long_for_a_name_is_nobody(db, django_assert_max_num_queries):
    for typed in ("a" * 65, "a" + "\u0301\u0327" * MANY, "\ufdfa" * MANY):
        assert username_key(typed) == NOBODY
        assert gate.fold(typed, most=64) is None
        assert not resembles_staff("\u0301" + typed * 2)
        with django_assert_max_num_queries(0):
            assert User.objects.known_as(typed + "x" * 254) is None


def test_a_password_has_a_limit_wherever_one_is_chosen(db, alice):
    long = "Blaue-Wolke7" * 86
    said = "A password has at most 1024 characters."
    register = {"username": "dora", "password1": long, "password2": long}
    assert said in of().post("/register/", register).content.decode()
    alice.set_password("old-one-7")
    alice.save()
    change = {"old_password": "old-one-7", "new_password1": long, "new_password2": long}
    assert said in of(alice).post("/password/change/", change).content.decode()


def test_a_guess_that_cannot_be_right_counts_like_any_other(db):
    for username, password in [("a" * 200, "x"), ("alice", "x" * 1025)]:
        before = Attempt.objects.count()
        assert auth.authenticate(username=username, password=password) is None
        assert Attempt.objects.count() == before + 1
