"""The JSON API: the rights of each visitor."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.db import connection

from chat.models import Message
from tests.cast import Api, error_of, say

GETS = [
    "me/",
    "conversations/",
    "conversations/bob/messages/",
    "unread_counts/",
    "friends/",
    "friends/requests/",
    "events/?after=0",
]
POSTS = [
    "conversations/bob/messages/",
    "conversations/bob/read/",
    "friends/requests/",
    "friends/requests/1/accept/",
    "friends/requests/1/decline/",
    "friends/requests/1/withdraw/",
    "friends/bob/remove/",
    "friends/bob/remark/",
    "friends/bob/block/",
    "friends/bob/unblock/",
]


def tables() -> dict[str, list[tuple]]:
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if table != "django_session":
                cursor.execute(f'SELECT * FROM "{table}"')
                found[table] = cursor.fetchall()
        return found


@pytest.mark.parametrize("path", GETS)
def test_a_get_without_a_session_is_401(db, path):
    assert error_of(Api().client.get(f"/api/{path}")) == (401, "not_authenticated")


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_a_session_is_401_whatever_the_token(db, path):
    api = Api(enforce_csrf_checks=True)
    assert error_of(api.post(path)) == (401, "not_authenticated")
    assert error_of(api.send(path, "{}", headers={"X-CSRFToken": "x" * 64}))[0] == 401


def test_a_page_of_somebody_else_neither_reads_nor_writes(alice, bob):
    """Alice's page is still open in a browser in which bob has logged in."""
    bobs = Api(bob)
    before = Message.objects.count()
    of_alice, of_bob = ({"X-User-ID": str(user.pk)} for user in (alice, bob))
    for headers, status in [(of_alice, 401), ({"X-User-ID": "x"}, 401), (of_bob, 200), ({}, 200)]:
        assert bobs.client.get("/api/me/", headers=headers).status_code == status
    body = json.dumps({"text": "in bob's name", "client_id": str(uuid4())})
    path = "conversations/alice/messages/"
    assert error_of(bobs.send(path, body, headers=of_alice)) == (401, "not_authenticated")
    assert Message.objects.count() == before
    assert bobs.send(path, body, headers=of_bob).status_code == 201


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_a_token_is_refused_and_with_one_it_is_not(alice, bob, path):
    api = Api(alice, enforce_csrf_checks=True)
    assert error_of(api.post(path)) == (403, "csrf")
    page = api.client.get("/").content.decode()
    token = re.search(r'data-csrf="(\w+)"', page)[1]
    answer = api.send(path, "{}", headers={"X-CSRFToken": token})
    assert answer.status_code == 200 or error_of(answer)[1] != "csrf"


@pytest.mark.parametrize("path", GETS)
def test_a_get_route_refuses_other_methods(alice, bob, path):
    if path in POSTS or path == "friends/requests/":
        response = Api(alice).client.delete(f"/api/{path}")
    else:
        response = Api(alice).client.post(f"/api/{path}")
    assert error_of(response) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", [p for p in POSTS if p not in GETS])
def test_a_post_route_refuses_get(alice, bob, path):
    assert error_of(Api(alice).get(path)) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["nothing/", "me", "conversations", "", "events/x/"])
def test_an_unknown_path_is_404_as_json(alice, path):
    assert error_of(Api(alice).get(path)) == (404, "not_found")
    assert error_of(Api().get(path)) == (401, "not_authenticated")


def test_no_get_changes_anything(alice, bob, carol):
    say(bob, alice, "嗨")
    before = tables()
    for path in [
        *GETS,
        "conversations/bob/messages/?before=9&limit=1",
        "username-available/?username=x",
    ]:
        assert Api(alice).client.get(f"/api/{path}").status_code == 200
    for page in [
        "/",
        "/chat/bob/",
        "/contacts/",
        "/contacts/bob/",
        "/contacts/requests/",
        "/discover/",
    ]:
        client = Api(alice).client
        before_page = tables()
        assert client.get(page).status_code == 200
        assert tables() == before_page
    after = tables()
    for each in (before, after):
        del each["chat_gone"]  # it counts sessions, which a log-in renews
    assert {k: v for k, v in after.items() if "user" not in k} == {
        k: v for k, v in before.items() if "user" not in k
    }
