import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.hashers import AT_ONCE, Argon2Hasher
from accounts.passwords import PASSWORD_AT_MOST
from accounts.services import register


class Gauge:
    """A stand-in for the slow part, which measures how many are in it at once."""

    def __init__(self, monkeypatch):
        self.inside = self.peak = 0
        self.lock = Lock()
        monkeypatch.setattr(Argon2PasswordHasher, "verify", self.work)
        monkeypatch.setattr(Argon2PasswordHasher, "encode", self.work)

    def work(self, *args):
        with self.lock:
            self.inside += 1
            self.peak = max(self.peak, self.inside)
        time.sleep(0.01)
        with self.lock:
            self.inside -= 1
        return "done"


def test_a_password_beyond_the_limit_is_never_hashed(monkeypatch):
    gauge = Gauge(monkeypatch)
    hasher, long = Argon2Hasher(), "字" * (PASSWORD_AT_MOST + 1)
    assert hasher.verify(long, "x") is False
    with pytest.raises(ValueError, match="longer"):
        hasher.encode(long, "salt")
    assert gauge.peak == 0
    assert hasher.verify(long[1:], "x") == "done"


def test_a_class_that_logs_in_hashes_a_few_at_once(monkeypatch):
    gauge = Gauge(monkeypatch)
    with ThreadPoolExecutor(AT_ONCE + 6) as threads:
        logins = [threads.submit(Argon2Hasher().verify, "x", "y") for _login in range(AT_ONCE + 6)]
        newcomers = [threads.submit(Argon2Hasher().encode, "x", "y") for _one in range(3)]
    assert all(each.result() == "done" for each in logins + newcomers)
    assert gauge.peak == AT_ONCE


def test_a_hash_that_cannot_be_read_keeps_nobody_waiting():
    for _each in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="unpack"):
            Argon2Hasher().verify("x", "nonsense")


COMPOSED, DECOMPOSED = "caf\u00e9-W\u00f6lke-77", "cafe\u0301-Wo\u0308lke-77"
WIDE = "ｃａｆ\u00e9－Ｗ\u00f6ｌｋｅ－７７"
FORMS = [COMPOSED, DECOMPOSED, WIDE]


@pytest.fixture
def in_earnest(db, settings):
    settings.PASSWORD_HASHERS = ["accounts.hashers.Argon2Hasher"]


@pytest.mark.parametrize("given", FORMS)
@pytest.mark.parametrize("typed", FORMS)
def test_a_password_is_one_in_every_unicode_form(in_earnest, given, typed):
    register(username="alice", password=given)
    right = Client().post("/login/", {"username": "alice", "password": typed})
    assert right.status_code == 302
    wrong = Client().post("/login/", {"username": "alice", "password": typed + "\u0301"})
    assert wrong.status_code == 422


@pytest.mark.parametrize("given", FORMS)
def test_a_hash_of_what_was_typed_goes_on_working(given):
    hasher = Argon2Hasher()
    old = Argon2PasswordHasher.encode(hasher, given, hasher.salt())
    assert hasher.verify(given, old)
    assert not hasher.verify(given + "x", old)


@pytest.mark.parametrize(("typed", "looks"), [("blaue-Wolke-7", 1), ("天空", 1), (DECOMPOSED, 2)])
@pytest.mark.parametrize("name", ["alice", "nobody", "nobody@example.com"])
def test_a_wrong_password_is_looked_at_once_if_it_has_one_form(
    in_earnest, monkeypatch, typed, looks, name
):
    register(username="alice", password="blaue-Wolke-8")
    done = []
    for work in ("verify", "encode"):
        real = getattr(Argon2PasswordHasher, work)
        monkeypatch.setattr(
            Argon2PasswordHasher,
            work,
            lambda *args, real=real: done.append(1) or real(*args),
        )
    Client().post("/login/", {"username": name, "password": typed})
    assert len(done) == looks


@pytest.mark.parametrize(
    "typed", ["ｐａｓｓｗｏｒｄ", "①②③④⑤⑥⑦⑧", "e\u0301" * 4, "ｗｏｌｋｅ＿７７", "x" * 1025]
)
def test_the_rules_judge_the_form_that_is_hashed(db, typed):
    user = register(username="wolke_77", password="blaue-Wolke-7")
    with pytest.raises(ValidationError):
        validate_password(typed, user)
