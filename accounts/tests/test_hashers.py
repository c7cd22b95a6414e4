import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.hashers import AT_ONCE, Argon2Hasher
from accounts.passwords import PASSWORD_AT_MOST


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
