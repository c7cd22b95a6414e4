"""Mail that goes out at once, and ways to read it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.mail import sending
from tests.cast import at_once

PASSWORD = "blaue-Wolke-7"
NEW = "grüne-Wiese-8"
WANTED = {
    "username": "王伟",
    "email": "Wang@Example.com",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture(autouse=True)
def mail_at_once(settings, monkeypatch, db):
    settings.MAIL_MODE = "smtp"
    monkeypatch.setattr(sending.transaction, "on_commit", lambda begin: begin())
    monkeypatch.setattr(sending, "in_background", at_once)


@pytest.fixture
def other(django_user_model):
    return django_user_model.objects.create_user("other", "other@example.com", PASSWORD)


def digits(message=None):
    return re.search(r"\b\d{6}\b", (message or mail.outbox[-1]).body)[0]


def wrong(right):
    return f"{(int(right) + 1) % 10**6:06}"


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def log_in(client, name, password=PASSWORD):
    return client.post("/login/", {"username": name, "password": password}).status_code
