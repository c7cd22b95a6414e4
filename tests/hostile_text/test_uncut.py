"""No browser cuts what is typed: the server refuses what is too long, and keeps it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User

from .conftest import of
from .test_forms import FORMS

pytestmark = pytest.mark.django_db

OPEN = ["/login/", "/register/", "/password/forgot/", "/password/reset/", "/admin/login/"]
INSIDE = [
    "/",
    "/chat/bob/",
    "/search/",
    "/search/?with=bob",
    "/contacts/",
    "/contacts/bob/",
    "/chat/bob/report/",
    "/discover/",
    "/settings/",
    "/password/change/",
    "/account/username/",
    "/account/email/",
    "/account/delete/",
]


@pytest.fixture(autouse=True)
def every_field(settings):
    settings.REGISTRATION, settings.MAIL_MODE = "code", "console"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_no_field_of_a_form_has_a_maxlength(form):
    assert [name for name, field in form.base_fields.items() if "maxlength" in attrs(field)] == []


def attrs(field):
    return field.widget.attrs


@pytest.mark.parametrize("path", OPEN)
def test_no_page_before_the_log_in_has_one(path):
    answer = Client().get(path)
    assert answer.status_code == 200
    assert "maxlength" not in answer.content.decode()


@pytest.mark.parametrize("path", INSIDE)
def test_no_page_has_one(alice, bob, path):
    answer = of(alice).get(path)
    assert answer.status_code == 200
    assert "maxlength" not in answer.content.decode()


def test_nor_have_the_acts_of_the_moderators(alice):
    root = User.objects.create_superuser("root", password="blaue-Wolke-7")
    page = of(root).get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    [words] = [part.partition(">")[0] for part in page.split("<textarea")[1:]]
    assert 'name="words"' in words
    assert "maxlength" not in words


@pytest.mark.parametrize("path", ["add/", "{pk}/change/"])
def test_nor_have_the_accounts_in_the_admin(alice, path):
    root = User.objects.create_superuser("root", password="blaue-Wolke-7")
    page = of(root).get(f"/admin/accounts/user/{path.format(pk=alice.pk)}").content.decode()
    assert 'name="username"' in page or 'name="email"' in page
    assert "maxlength" not in page


@pytest.mark.parametrize("length", [101, 3000])
@pytest.mark.parametrize("path", ["/search/", "/search/?with=bob"])
def test_a_search_that_is_too_long_says_so_and_stays(alice, bob, path, length):
    query = {"q": "𠮷" * length} | ({"with": "bob"} if "with" in path else {})
    page = of(alice).get("/search/", query).content.decode()
    assert "at most 100 characters" in page
    assert f'value="{query["q"]}"' in page


@pytest.mark.parametrize(
    ("path", "field", "most"),
    [
        ("/login/", "username", 254),
        ("/admin/login/", "username", 254),
        ("/register/", "email", 254),
        ("/register/", "registration_code", 1000),
        ("/password/forgot/", "username", 254),
        ("/password/reset/", "code", 32),
        ("/account/email/", "email", 254),
    ],
)
def test_what_is_too_long_for_a_field_is_refused_with_a_sentence_and_kept(alice, path, field, most):
    words = "𠮷" * (most + 1)
    answer = (of(alice) if path.startswith("/account") else of()).post(path, {field: words})
    form = answer.context["form"]
    assert f"at most {most} characters" in str(form[field].errors)
    assert form[field].value() == words
    assert words in answer.content.decode()


@pytest.mark.parametrize("path", ["/login/", "/account/delete/"])
def test_a_password_that_is_too_long_is_refused_before_it_is_hashed(alice, path, monkeypatch):
    monkeypatch.setattr(User, "check_password", None)
    answer = (of(alice) if path.startswith("/account") else of()).post(
        path, {"username": "alice", "password": "9" * 100_000}
    )
    assert "at most 1024 characters" in str(answer.context["form"]["password"].errors)
    assert "9" * 100 not in answer.content.decode()
