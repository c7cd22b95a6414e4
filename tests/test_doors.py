"""The doors: each address that logs in, or changes a password, a mail or the key of a session.

A walk tries every address with all that its form could want, and recognizes the doors by their
effect. A new one fails here until it is in the tables, and follows the rules of all doors.
"""

from __future__ import annotations

import ast
from unittest import mock

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.utils.http import urlencode

from accounts import budgets
from accounts.limits import OWN_PASSWORD
from accounts.mail import codes
from accounts.mail.codes import Purpose
from accounts.models import User, UserSession
from tests.cast import make_user
from tests.test_imports import ROOT, modules
from tests.test_visitors import ROWS, make_world

PASSWORD, NEW, CODE = "blaue-Wolke-7", "gruene-Wiese-8", 123456
PATHS = sorted({row for _method, row, *_ in ROWS})
WALKERS = ["anonymous", "friend", "steward", "root"]
USERS_PASSWORD = "/admin/accounts/user/{alice}/password/"

# The doors that begin a session, or change its key, by visitor.
NEW_KEY = {
    "anonymous": {"/login/", "/admin/login/"},
    "friend": {"/password/change/"},
    "steward": {"/password/change/"},
    # Django's view also changes the key of whoever sets somebody's password.
    "root": {"/password/change/", USERS_PASSWORD},
}
SETS_PASSWORD = {
    "anonymous": {"/password/reset/"},
    "friend": {"/password/reset/", "/password/change/"},
    "steward": {"/password/reset/", "/password/change/"},
    "root": {"/password/reset/", "/password/change/", USERS_PASSWORD},
}
SETS_MAIL = {
    "anonymous": set(),
    "friend": {"/account/email/"},
    "steward": {"/account/email/"},
    "root": {"/account/email/", "/admin/accounts/user/{alice}/change/"},
}
# Logged-in people type their own password again.
ASKS_PASSWORD = {"/password/change/", "/account/username/", "/account/delete/", "/account/email/"}


@pytest.fixture
def world(db, settings):
    settings.MAIL_MODE = "smtp"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    world = make_world()
    world.visitors["steward"] = make_user("steward")
    User.objects.filter(username="steward").update(is_staff=True)
    # All permissions, but not those of a superuser.
    world.visitors["steward"].user_permissions.set(Permission.objects.all())
    with mock.patch("accounts.mail.codes.secrets.randbelow", return_value=CODE):
        for user in world.visitors.values():
            for purpose in (Purpose.RESET, Purpose.EMAIL):
                codes.issue(user=user, purpose=purpose, email=f"{user.username}@new.example")
    return world


def everything(username, password=PASSWORD, code=CODE):
    """Return data that satisfies any form with these fields."""
    new = ("new_password1", "new_password2", "password1", "password2")
    old = ("password", "old_password")
    texts = {"username": username, "email": "taken@over.example"}
    flags = {"usable_password": "true", "post": "yes"}
    if code:  # the form for a code is beside the one for a password
        texts["code"] = str(code)
    return texts | flags | dict.fromkeys(new, NEW) | dict.fromkeys(old, password)


def knock(world, kind, row, methods=("get", "post"), **options):
    """Try one address with everything; returns whether the session has a new key."""
    client = Client(headers={"accept-language": "en"})
    if kind != "anonymous":
        client.force_login(world.visitors[kind])
    key = client.session.session_key
    path = row.format(**world.things, told=world.things["secret"])
    body = everything("root" if kind == "anonymous" else kind, **options)
    if "get" in methods:
        client.get(f"{path}?{urlencode(body)}")
    client.post(path, body)
    return SESSION_KEY in client.session and client.session.session_key != key


def changed(before, column):
    """Tell whether the column has changed for anybody who is not deleted."""
    now = dict(User.objects.values_list("pk", column))
    return any(now[pk] != value for pk, value in before.items() if pk in now)


def owned():
    """Return the sessions of accounts, by key."""
    decoded = {each.pk: each.get_decoded() for each in Session.objects.all()}
    return {key: int(data[SESSION_KEY]) for key, data in decoded.items() if SESSION_KEY in data}


def listed():
    return dict(UserSession.objects.values_list("session", "user"))


@pytest.mark.sweeps
@pytest.mark.parametrize("kind", WALKERS)
def test_every_door_is_known_and_no_session_passes_by_the_list_of_devices(world, kind):
    doors = {"new_key": set(), "password": set(), "email": set()}
    passwords = dict(User.objects.values_list("pk", "password"))
    emails = dict(User.objects.values_list("pk", "email"))
    for row in PATHS:
        with transaction.atomic():
            found = {
                "new_key": knock(world, kind, row),
                "password": changed(passwords, "password"),
                "email": changed(emails, "email"),
            }
            assert owned() == listed(), row
            for what in (what for what, is_so in found.items() if is_so):
                doors[what].add(row)
                assert sign_out_elsewhere() == {}, row
            transaction.set_rollback(True)
    assert doors == {
        "new_key": NEW_KEY[kind],
        "password": SETS_PASSWORD[kind],
        "email": SETS_MAIL[kind],
    }


def sign_out_elsewhere():
    """Sign each person out from a device of their own; returns the sessions that survive."""
    used = []
    for user in User.objects.filter(pk__in=owned().values(), must_change_password=False):
        other = Client()
        other.force_login(user)
        other.post("/account/sessions/", {"others": "1"})
        used.append(other.session.session_key)
    return {key: owner for key, owner in owned().items() if key not in used}


@pytest.mark.sweeps
@pytest.mark.parametrize("kind", ["friend", "root"])
def test_every_door_that_takes_one_s_own_password_takes_ten_wrong_ones(world, kind):
    user, asked = world.visitors[kind], []
    real = User.check_password

    def check(self, raw_password):
        if self.pk == user.pk:
            asked.append(raw_password)
        return real(self, raw_password)

    found = set()
    with mock.patch.object(User, "check_password", check):
        for row in PATHS:
            with transaction.atomic():
                asked.clear()
                budgets.forget_all()  # all POSTs together have a limit, too
                knock(world, kind, row, ["post"], password="wrong", code=None)
                if asked:
                    found.add(row)
                    for _again in range(OWN_PASSWORD.most + 2):
                        knock(world, kind, row, ["post"], password="wrong", code=None)
                    assert len(asked) <= OWN_PASSWORD.most, row
                transaction.set_rollback(True)
    found.discard("/admin/login/")  # a log-in, and limited as one
    assert found == ASKS_PASSWORD


# No other code calls the functions that open a door.

CALLS = {
    "login": {"accounts/services.py", "accounts/admin_site.py"},
    "authenticate": {"accounts/backends.py", "accounts/services.py"},
    "update_session_auth_hash": {"accounts/services.py"},
    "cycle_key": {"accounts/session_store.py"},
    "set_password": {
        "accounts/services.py",
        "accounts/models.py",
        "accounts/mail/services.py",
        "accounts/backends.py",  # of nobody, so that an unknown name takes as long
    },
    "set_unusable_password": set(),
    "check_password": {"accounts/forms.py", "accounts/backends.py"},
}
SETS = {
    "password": {"accounts/services.py"},
    "email": {"accounts/models.py", "accounts/services.py", "accounts/mail/services.py"},
}
# These are about people in older data, before there is an account.
NO_ACCOUNTS = {"chat/legacy/opening.py", "chat/legacy/people.py"}


def calls_and_sets(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            yield from [name.removeprefix("a")] if name.removeprefix("a") in CALLS else []
            yield from [name] if name in CALLS else []
            if name == "update":
                yield from (f".{each.arg}" for each in node.keywords if each.arg in SETS)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from [f".{node.attr}"] if node.attr in SETS else []


def test_what_opens_a_door_is_called_in_its_place_only():
    allowed = CALLS | {f".{name}": places | NO_ACCOUNTS for name, places in SETS.items()}
    for package in ("webchat", "accounts", "friends", "chat"):
        for path in modules(package):
            place = path.relative_to(ROOT).as_posix()
            for name in calls_and_sets(path.read_text(encoding="utf-8")):
                assert place in allowed[name], f"{name} in {place}"


@pytest.mark.parametrize(
    "source",
    [
        "auth.login(request, user)",
        "await alogin(request, user)",
        "user.set_password('x')",
        "request.session.cycle_key()",
        "user.password = make_password('x')",
        "User.objects.filter(pk=1).update(email='x')",
    ],
)
def test_a_door_of_one_s_own_would_be_found(source):
    assert list(calls_and_sets(f"async def f():\n    {source}"))
