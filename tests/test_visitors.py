"""Every address with every kind of visitor, and the answers that visitors.txt lists.

The person in the addresses is alice; `banned` and `ex_friend` were friends of hers, she has blocked
`blocked`, `blocker` blocks her, `moderator` is in the group and a stranger to her. An outcome is
the status, or `login` for a redirect to that page.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve

from accounts import budgets
from accounts.models import User
from chat.models import Announcement, AuditEntry, Notice, Report, Upload
from chat.models.files import attachments_folder, new_name
from chat.moderation import services as moderation
from chat.notices.services import announce
from chat.tests.test_attachments import attach
from friends import services
from friends.models import Friendship
from tests.cast import Api, befriend, make_user, say

HEAD, *ROWS = [line.split() for line in (Path(__file__).parent / "visitors.txt").open()]
KINDS = HEAD[2:]
# The data of a POST; other rows post nothing, as an old page or a stranger's script would.
BODIES: dict[str, dict[str, Any]] = {
    "/api/conversations/alice/messages/": {"text": "hi"},
    "/api/conversations/alice/messages/hide/": {"ids": [1]},
    "/api/conversations/alice/read/": {"up_to": 1},
    "/api/conversations/alice/pin/": {"on": True},
    "/api/conversations/alice/mute/": {"on": True},
    "/api/conversations/alice/unread/": {"on": True},
    "/api/friends/requests/": {"username": "alice"},
    "/api/friends/alice/remark/": {"remark": "A"},
    "/api/friends/alice/report/": {"reason": "rude"},
    "/api/messages/{secret}/report/": {"reason": "rude"},
    "/api/messages/{told}/report/": {"reason": "rude"},
    "/api/announcements/seen/": {"up_to": 1},
    "/api/uploads/": {"id": str(uuid4()), "name": "x.pdf", "size": 9, "kind": "file"},
    "/chat/alice/": {"text": "hi"},
    "/chat/alice/report/": {"reason": "rude"},
    "/contacts/requests/": {"username": "alice"},
    "/contacts/alice/remark/": {"remark": "A"},
    "/discover/language/": {"language": "en"},
}


@dataclass(frozen=True)
class World:
    visitors: dict[str, User]
    things: dict[str, int | str | UUID]
    told: dict[str, int]  # alice's message to each of them


def make_world() -> World:
    alice, bob, carol = (make_user(name) for name in ("alice", "bob", "carol"))
    people = {kind: make_user(kind) for kind in KINDS if kind != "anonymous"}
    boss = User.objects.create_superuser("boss")
    told = {}
    befriend(alice, bob)
    for kind in ("banned", "ex_friend", "blocked", "blocker", "friend"):
        befriend(people[kind], alice)
        told[kind] = say(alice, people[kind], f"nur für {kind}").id
    services.remove(friendship=people["ex_friend"].friendships.get())
    services.block(owner=alice, target=people["blocked"])
    services.block(owner=people["blocker"], target=alice)
    people["moderator"].groups.add(Group.objects.get(name="管理员"))
    User.objects.filter(username__in=("moderator", "root")).update(is_staff=True)
    User.objects.filter(username="root").update(is_superuser=True)
    secret = attach(alice, bob).message_id
    Api(bob).post(f"messages/{secret}/report/", reason="rude")
    moderation.warn(by=boss, about=bob, words="lass das")
    announcement = Announcement(text="Wartung")
    announce(by=boss, announcement=announcement)
    return World(
        visitors=people,
        told=told,
        things={
            "alice": alice.pk,
            "secret": secret,
            "request": services.ask(sender=carol, username="alice").pk,
            "notice": Notice.objects.get(user=bob).pk,
            "report": Report.objects.get().pk,
            "group": Group.objects.get().pk,
            "friendship": Friendship.objects.get(owner=alice, friend=bob).pk,
            "announcement": announcement.pk,
            "entry": AuditEntry.objects.latest("pk").pk,
            "upload": begin_upload(bob).client_id,
            "face": give_face(alice),
        },
    )


def begin_upload(owner: User) -> Upload:
    facts = {"name": "x.pdf", "announced_size": 9, "announced_kind": "file", "part": "x"}
    return Upload.objects.create(owner=owner, client_id=uuid4(), **facts)


def give_face(user: User) -> str:
    name = new_name()
    (attachments_folder() / name).write_bytes(b"a face")
    User.objects.filter(pk=user.pk).update(face=name)
    return name


def outcome(response: HttpResponse) -> str:
    location = response.get("Location", "")
    return "login" if "/login/?next=" in location else str(response.status_code)


def visit(world: World, kind: str, method: str, row: str, **options: Any) -> str:
    things = world.things | {"told": world.told.get(kind, world.things["secret"])}
    path, body = row.format(**things), BODIES.get(row, {})
    client = Client(headers={"accept-language": "en"}, **options)
    if kind != "anonymous":
        client.force_login(world.visitors[kind])
    if kind == "banned":
        moderation.ban(by=User.objects.get(username="boss"), about=world.visitors[kind])
    if method == "GET":
        return outcome(client.get(path))
    if method == "PUT":
        piece = {"data": b"x", "content_type": "application/octet-stream"}
        return outcome(client.put(f"{path}?offset=0", **piece))
    if method == "DELETE":
        return outcome(client.delete(path))
    body = body | ({"client_id": str(uuid4())} if "text" in body else {})
    if path.startswith("/api/"):
        return outcome(client.post(path, json.dumps(body), content_type="application/json"))
    return outcome(client.post(path, body))


def routes(resolver: URLResolver | None = None, before: str = "") -> set[str]:
    found = set()
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern).replace("^", "")
        found |= routes(pattern, route) if isinstance(pattern, URLResolver) else {route}
    return found


def test_every_address_has_its_row():
    ids = {"upload": str(uuid4()), "face": "0" * 32}
    paths = [re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "1"), row[1]) for row in ROWS]
    assert {resolve(path).route.replace("^", "") for path in paths} == routes()


@pytest.mark.sweeps
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_visitor_gets_what_the_table_says(db, kind):
    world = make_world()
    found = {}
    for method, row, *_ in ROWS:
        with transaction.atomic():
            found[method, row] = visit(world, kind, method, row)
            transaction.set_rollback(True)
    column = HEAD.index(kind)
    assert found == {(row[0], row[1]): row[column] for row in ROWS}


@pytest.mark.parametrize("kind", ["friend", "root"])
def test_nothing_is_posted_without_its_token(db, kind):
    world = make_world()
    posts = [(row[0], row[1]) for row in ROWS if row[0] != "GET" and "nothing" not in row[1]]
    found = {post: visit(world, kind, *post, enforce_csrf_checks=True) for post in posts}
    # These only lead on whoever is logged in already: see accounts/outdated.py.
    doors = ["/login/", "/register/", *(["/admin/login/"] if kind == "root" else [])]
    leads_on = {("POST", door): "302" for door in doors}
    assert found == dict.fromkeys(posts, "403") | leads_on


SENT = {
    "/chat/alice/",
    "/api/conversations/alice/messages/",
}  # SEND_RATE counts the POSTs to these
ASKED_BY_MACHINES = {"/healthz", "/readyz"}


def outcomes(world, kind, **options):
    """Collect the answers of all addresses, each from the same state."""
    found = {}
    for method, row, *_ in ROWS:
        with transaction.atomic():
            found[method, row] = visit(world, kind, method, row, **options)
            transaction.set_rollback(True)
    return found


def test_a_flood_of_anything_meets_the_budget_of_its_account(db):
    world = make_world()
    budgets.REQUESTS.charge(world.visitors["root"].pk, 10**6)
    found = outcomes(world, "root")
    open_to = {row for _method, row in found if found[_method, row] != "429"}
    assert open_to == ASKED_BY_MACHINES


def test_all_that_is_posted_has_a_budget_but_for_messages(db):
    world = make_world()
    budgets.WRITES.charge(world.visitors["root"].pk, 10**6)
    found = outcomes(world, "root")
    refused = {each for each, answer in found.items() if answer == "429"}
    charged = ("POST", "DELETE")  # pieces have a budget of their own
    assert refused == {each for each in found if each[0] in charged and each[1] not in SENT}


def test_a_flood_from_an_address_without_a_session_meets_its_budget(db):
    world = make_world()
    budgets.REQUESTS_BY_ADDRESS.charge("203.0.113.7", 10**6)
    found = outcomes(world, "anonymous", REMOTE_ADDR="203.0.113.7")
    assert {row for method, row in found if found[method, row] != "429"} == ASKED_BY_MACHINES
    assert "429" not in outcomes(world, "anonymous", REMOTE_ADDR="198.51.100.9").values()
