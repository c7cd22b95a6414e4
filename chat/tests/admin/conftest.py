"""The moderator, a report, and the addresses of their pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from chat.models import AuditEntry, Report
from tests.cast import Api, make_user, say

QUEUE = reverse("admin:chat_report_changelist")
USERS = reverse("admin:accounts_user_changelist")
AUDIT = reverse("admin:chat_auditentry_changelist")
FRONT = reverse("admin:index")


def client_of(user, **options):
    client = Client(headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


@pytest.fixture
def moderator(db):
    user = make_user("moderator")
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="管理员"))
    return user


@pytest.fixture
def desk(moderator):
    """The moderator's browser."""
    return client_of(moderator)


@pytest.fixture
def report(alice, bob):
    say(alice, bob, "davor")
    message = say(bob, alice, "böse <b>Worte</b>")
    say(alice, bob, "danach")
    Api(alice).post(f"messages/{message.id}/report/", reason="beleidigend")
    return Report.objects.get()


def page_of(report):
    return reverse("admin:chat_report_change", args=[report.pk])


def decide(report, act):
    return reverse("admin:chat_report_decide", args=[report.pk, act])


def user_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def moderate(user, act):
    return reverse("admin:accounts_user_moderate", args=[user.pk, act])


def acts():
    return list(AuditEntry.objects.order_by("id").values_list("act", flat=True))


def report_state(report):
    report.refresh_from_db()
    return report.outcome
