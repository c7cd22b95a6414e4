"""Text that costs more than its length, or that nothing can hold, wherever text is taken."""

from __future__ import annotations

import ast
import json
import unicodedata
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib import admin, auth
from django.core.exceptions import ValidationError
from django.forms import CharField
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import forms as account_forms
from accounts.lookalikes import resembles_staff
from accounts.models import Attempt, User
from accounts.names import NOBODY, username_key
from chat import forms as chat_forms
from chat.moderation import forms as moderation_forms
from chat.sending.drafts import Draft
from friends import forms as friend_forms
from tests.cast import Api
from webchat.admin import BoundedAdmin
from webchat.base import text as gate

ROOT = Path(__file__).resolve().parent.parent
MANY = 2_500
HOSTILE = {
    "marks out of order": "a" + "\u0301\u0327" * MANY,
    "marks in heaps of thirty": ("a" + "\u0301\u0327" * 15) * (MANY // 31),
    "letters that become marks": "\u0f73" * MANY,
    "half-width voice marks": "\uff9e\u0301" * MANY,
    "one that becomes eighteen": "\ufdfa" * MANY,
    "sharp s": "ß" * MANY,
    "joiners": "👩" + "\u200d" * MANY,
    "the other direction": "\u202e\u2066" * MANY,
    "a NUL": "a\0b",
    "digits": "9" * 100_000,
    "digits of a number": "9" * 40,
    "a number that is none": "1e999",
    "beyond the basic plane": "𠮷" * MANY,
    "jamo": "\u1100\u1161\u11a8" * MANY,
    "nested": "[" * MANY,
    "percent signs": "%s%(x)d%00" * 100,
    "an address": "a" * MANY + "@" + "b." * MANY,
    "spaces": " " * MANY + "x",
    "a few words": "a " * 2_000,
    "short, with a mark": "a\u0301\u0327",
}
# Only JSON can hold these.
LONE = {"a lone surrogate": "bob\ud800", "a pair in the wrong order": "\udc00\ud800"}
NORMALIZED_AT_MOST = 18 * gate.TYPED_FOR_ONE * 4000  # characters: what a message may come to

texts = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
texts_of_json = pytest.mark.parametrize(
    "text", [*HOSTILE.values(), *LONE.values()], ids=[*HOSTILE, *LONE]
)


class Watch:
    """Stands for the module, and sees what is given to it."""

    def __init__(self) -> None:
        self.longest = 0

    def normalize(self, form: str, text: str) -> str:
        self.longest = max(self.longest, len(text))
        assert not gate.RUN_OF_MARKS.search(text), "a run of marks came through"
        return unicodedata.normalize(form, text)

    def __getattr__(self, name: str):
        return getattr(unicodedata, name)


@pytest.fixture(autouse=True)
def watch(monkeypatch):
    watch = Watch()
    monkeypatch.setattr(gate, "unicodedata", watch)
    yield watch
    assert watch.longest <= NORMALIZED_AT_MOST


def of(user: User | None = None) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    if user is not None:
        client.force_login(user)
    return client


# The rule


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


# Every form


MODULES = (account_forms, friend_forms, moderation_forms, chat_forms)
FORMS = [
    form
    for module in MODULES
    for form in vars(module).values()
    if getattr(form, "base_fields", None) and form.__module__ == module.__name__
]
# Measured elsewhere: by `clean_message`, by the validators of passwords, by the hasher.
ELSEWHERE = {"text", "old_password", "password1", "password2", "new_password1", "new_password2"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_field_for_text_knows_how_much_it_takes(form):
    for name, field in form.base_fields.items():
        if isinstance(field, CharField) and name not in ELSEWHERE:
            with pytest.raises(ValidationError):
                field.clean("字" * 200_000)


# Without an account


@texts
def test_a_stranger_can_type_anything(db, settings, text):
    settings.MAIL_MODE = "console"
    settings.REGISTRATION, settings.REGISTRATION_CODE = "code", "sesame"
    forms = {
        "/login/": ["username", "password", "next"],
        "/admin/login/": ["username", "password", "next"],
        "/register/": ["username", "email", "password1", "password2", "registration_code"],
        "/register/verify/": ["name", "code", "action"],
        "/password/forgot/": ["username"],
        "/password/reset/": ["username", "code", "token", "new_password1", "new_password2"],
        "/discover/language/": ["language", "next"],
        "/logout/": ["next"],
    }
    client = of()
    for path, fields in forms.items():
        assert client.post(path, dict.fromkeys(fields, text)).status_code < 500, path
        for field in fields:  # and one by one, with what else is asked
            typed = dict.fromkeys(fields, "nobody-7") | {field: text}
            assert client.post(path, typed).status_code < 500, (path, field)
    for path in ["/api/username-available/", "/login/", "/register/verify/", "/password/reset/"]:
        query = dict.fromkeys(["username", "next", "name", "code", "token"], text)
        assert client.get(path, query).status_code < 500, path


@texts
def test_headers_may_hold_anything(db, text):
    text = text[:8000]
    value = text.replace("\0", "").encode("utf-8").decode("latin-1")
    for name in ("Accept-Language", "User-Agent", "X-Request-ID", "X-User-ID", "Referer", "Origin"):
        for path in ("/login/", "/api/me/"):
            assert of().get(path, headers={name: value}).status_code < 500, name
    for name in ("django_language", "sessionid", "csrftoken"):
        client = of()
        client.cookies[name] = value[:3000]
        assert client.get("/login/").status_code < 500, name
        assert client.post("/login/", {"username": "a"}).status_code < 500, name


# With an account


@texts
def test_a_person_can_type_anything(alice, bob, settings, text):
    settings.MAIL_MODE = "console"
    forms = {
        "/password/change/": ["old_password", "new_password1", "new_password2"],
        "/account/username/": ["username", "password"],
        "/account/email/": ["email", "password"],
        "/account/email/?code": ["code"],
        "/account/delete/": ["password"],
        "/account/sessions/": ["session"],
        "/settings/": ["theme", "text_size"],
        "/contacts/requests/": ["username", "note"],
        "/contacts/bob/remark/": ["remark"],
        "/chat/bob/": ["text", "client_id", "up_to", "action"],
        "/chat/bob/report/": ["reason", "message"],
        "/notices/confirm/": ["notice", "up_to", "next"],
    }
    client = of(alice)
    for path, fields in forms.items():
        for typed in [dict.fromkeys(fields, text), *({field: text} for field in fields)]:
            assert client.post(path, typed).status_code < 500, (path, list(typed))
    client_id = str(uuid4())
    for typed in (
        {"text": text, "client_id": client_id},
        {"text": "hi", "client_id": client_id, "up_to": text},
        {"action": "read", "up_to": text},
    ):
        assert client.post("/chat/bob/", typed).status_code < 500
    for path in ("/search/", "/chat/bob/", "/chat/bob/report/", "/api/search/", "/api/events/"):
        for name in ("q", "before", "after", "at", "limit", "message"):
            assert client.get(path, {name: text}).status_code < 500, (path, name)
    messages = "/api/conversations/bob/messages/"
    for name in ("before", "after", "limit"):
        assert client.get(messages, {name: text}).status_code < 500, name


@texts
def test_an_address_may_hold_anything(alice, bob, text):
    client = of(alice)
    for route in ("chat:conversation", "chat:report", "friends:contact", "chat:api_messages"):
        path = reverse(route, args=["bob"]).replace("bob", "{}")
        for name in {text, text[:60], "/" + text[:60], text[:60] + "/.."}:
            assert client.get(path.format(percent(name))).status_code < 500, route
    digits = "9" * min(len(text), 5000)
    for path in ("attachments/{}/", "api/messages/{}/recall/", "api/friends/requests/{}/accept/"):
        for number in (digits, text):
            url = "/" + path.format(percent(number))
            assert client.get(url).status_code < 500
            assert client.post(url, "{}", content_type="application/json").status_code < 500


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


# JSON


@texts_of_json
def test_the_api_takes_anything_for_a_text(alice, bob, text):
    api = Api(alice)
    client_id = str(uuid4())
    bodies = {
        "conversations/bob/messages/": [
            {"text": text, "client_id": client_id},
            {"text": "hi", "client_id": text},
            {"text": "hi", "client_id": client_id, "quote": text},
        ],
        "conversations/bob/read/": [{"up_to": text}],
        "conversations/bob/pin/": [{"on": text}],
        "friends/requests/": [{"username": text}, {"username": "mallory", "note": text}],
        "friends/bob/remark/": [{"remark": text}],
        "friends/bob/report/": [{"reason": text}],
        "announcements/seen/": [{"up_to": text}],
    }
    for path, of_path in bodies.items():
        for body in of_path:
            answer = api.post(path, **body)
            assert answer.status_code < 500, (path, body.keys())
            assert "error" in answer.json() or answer.status_code < 400
        answer = api.send(path, json.dumps({text: 1}))
        assert answer.status_code < 500, path


JUNK = [
    "[" * 30_000,
    '{"up_to":' * 3_000,
    '{"up_to": 1e999}',
    '{"up_to": -1e999}',
    '{"up_to": NaN}',
    '{"up_to": Infinity}',
    f'{{"up_to": {"9" * 30_000}}}',
    f'{{"up_to": {"9" * 4_000}}}',
    f'{{"up_to": "{"9" * 4_000}"}}',
    f'{{"up_to": 0.{"9" * 30_000}}}',
    '{"up_to": {}}',
    '{"up_to": [1]}',
    '{"up_to": 1, "up_to": "x"}',
    '{"up_to": "\\ud800"}',
    '"\\ud800"',
    '{"\\ud800": "\\ud800"}',
    "null",
    "",
]


@pytest.mark.parametrize("body", JUNK, ids=lambda body: body[:16])
def test_a_body_may_be_anything(alice, bob, body):
    api = Api(alice)
    for path in ("conversations/bob/read/", "conversations/bob/messages/", "friends/requests/"):
        for content in (body, body.encode("utf-16"), body.encode() + b"\xed\xa0\x80"):
            answer = api.send(path, content)
            assert answer.status_code < 500
            assert answer.json()


@texts_of_json
def test_a_frame_may_hold_anything(settings, text):
    client_id = str(uuid4())
    for fields in (
        {"to": text, "text": "hi", "client_id": client_id},
        {"to": "bob", "text": text, "client_id": client_id},
        {"to": "bob", "text": "hi", "client_id": text},
        {"to": "bob", "text": "hi", "client_id": client_id, "quote": text},
    ):
        with suppress(ValidationError):
            Draft.parse(1, **fields)


# The admin


def test_every_page_of_the_admin_is_bounded():
    for model, page in admin.site._registry.items():
        assert isinstance(page, BoundedAdmin), model


QUERIES = [
    {"p": "9" * 20},
    {"p": "9" * 5000},
    {"o": "9" * 20},
    {"o": "-1.99.x"},
    {"e": "1"},
    {"all": ""},
    {"_popup": "1", "_to_field": "id"},
    {"id__exact": "9e99"},
    {"id__exact": "9" * 30},
    {"id__in": "1," * 900},
    {"pk__gt": "9" * 30},
    {"date_joined__gte": "x"},
    {"date_joined__gte": "99999-01-01"},
    {"date_joined__gte": "0001-01-01 00:00:00+14:00"},
    {"date_joined__year": "9" * 30},
    {"created_at__year": "9999"},
    {"created_at__year": "1"},
    {"created_at__year": "9" * 30},
    {"created_at__year": "2024", "created_at__month": "99"},
    {"created_at__gte": "x"},
    {"at__gte": "x"},
    {"is_active__exact": "x"},
    {"outcome__exact": "9" * 5000},
    {"act__exact": "\0"},
    {"nonsense": "x"},
]


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root-user", password="x")


def lists() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: str(query)[:40])
def test_a_list_of_the_admin_takes_any_query(root, alice, bob, query):
    for path in ("/admin/accounts/user/", "/admin/chat/report/", "/admin/friends/friendship/"):
        assert of(root).get(path, query, follow=True).status_code < 500, path


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_a_field_without_a_name_is_a_bad_request(root, alice, page):
    path = reverse(f"admin:accounts_user_{page}", args=[alice.pk])
    assert of(root).get(path).status_code in (200, 403)
    assert of(root).get(path, {"_to_field": ""}).status_code == 400
    assert of(root).post(path, {"_to_field": ""}).status_code == 400


@texts
def test_the_admin_can_be_asked_and_told_anything(root, alice, text):
    client = of(root)
    for path in lists():
        assert client.get(path, {"q": text}).status_code < 500, path
        assert client.get(f"{path}{percent(text[:500])}/change/").status_code < 500, path
    user = reverse("admin:accounts_user_change", args=[alice.pk])
    fields = ["username", "email", "password", "password1", "password2", "words", "hours"]
    action = {"action": "delete_selected", "_selected_action": text}
    assert client.post("/admin/accounts/user/", action).status_code < 500
    told = dict.fromkeys([*fields, "muted_until_0", "muted_until_1", "groups", "text"], text)
    for path in (
        user,
        reverse("admin:accounts_user_add"),
        reverse("admin:auth_user_password_change", args=[alice.pk]),
        reverse("admin:password_change"),
        reverse("admin:chat_announcement_add"),
        reverse("admin:auth_group_add"),
        reverse("admin:accounts_user_moderate", args=[alice.pk, "warn"]),
        reverse("admin:accounts_user_moderate", args=[alice.pk, "mute"]),
    ):
        assert client.post(path, told).status_code < 500, path


def test_the_admin_says_how_much_it_searches_for(root):
    client = of(root)
    page = client.get("/admin/accounts/user/", {"q": "a " * 9}).content.decode()
    assert "Search for at most 8 words." in page
    page = client.get("/admin/accounts/user/", {"q": "a" * 101}).content.decode()
    assert "Search for at most 100 characters." in page
    assert "root-user" in client.get("/admin/accounts/user/", {"q": "ROOT user"}).content.decode()


def test_what_completes_a_field_is_bounded_as_well(root):
    page = admin.site._registry[User]
    request = RequestFactory().get("/")
    for words in ("a " * 500, "a" * 101):
        found, _distinct = page.get_search_results(request, User.objects.all(), words)
        assert not found.exists()
