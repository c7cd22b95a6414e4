"""A clock that stands still, and visitors who come often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.limits import Limit
from accounts.mail import sending
from accounts.models import Attempt
from tests.cast import at_once

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
THREE = Limit("three", 3, timedelta(minutes=10))
NEW = "blue-kettle-9"


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def by_mail(settings, monkeypatch):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", at_once)


def log_in(username, password, address=HERE, path="/login/", **headers):
    client = Client(headers={"accept-language": "en"} | headers, REMOTE_ADDR=address)
    return client.post(path, {"username": username, "password": password})


def statuses(count, act):
    return [act(number).status_code for number in range(count)]


def fill(claim, count):
    """Count it as if it had been done that often already."""
    Attempt.objects.bulk_create(
        Attempt(limit=claim.limit.name, key=claim.key, at=timezone.now()) for _each in range(count)
    )


def wait_of(answer):
    assert answer.status_code == 429
    return int(answer["Retry-After"])


def register(number, address=HERE, **more):
    fields = {"username": f"new{number}", "password1": NEW, "password2": NEW}
    return Client(REMOTE_ADDR=address).post("/register/", fields | more)
