"""Everybody who may not have a file, at every address that could give it away."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import User
from accounts.services import delete_account
from chat.models import Attachment, Report, Upload
from chat.models.files import parts_folder
from chat.moderation import services as moderation
from friends import services as friends
from tests.cast import Api, befriend, error_of, make_user
from webchat import lent

from .cast import PREVIEW, ready, send

NAME = "geheim-7f3a.jpg"
CONTENT = b"\xff\xd8\xff only for two" * 50
LENT = "/~files/"


@dataclass
class World:
    """Bob has sent alice a picture, which she has reported; the viewer's session is from before."""

    alice: User
    bob: User
    mallory: User
    boss: User
    pk: int
    url: str
    tag: str
    preview_tag: str


@pytest.fixture
def world(alice, bob, mallory):
    upload = ready(bob, CONTENT, name=NAME)
    message = send(bob, "alice", upload=upload.client_id).json()["message"]
    Api(alice).post(f"messages/{message['id']}/report/", reason="x")
    url = message["attachment"]["url"]
    tags = [of(alice).get(each)["ETag"] for each in (url, f"{url}preview/")]
    boss = User.objects.create_superuser("boss")
    return World(alice, bob, mallory, boss, message["id"], url, *tags)


def of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def body(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


# Who is it, and what has happened: each returns the session of the viewer.


def is_friend(world: World) -> Client:
    return of(world.alice)


def is_sender(world: World) -> Client:
    return of(world.bob)


def was_blocked(world: World) -> Client:
    friends.block(owner=world.bob, target=world.alice)
    return of(world.alice)


def has_blocked(world: World) -> Client:
    friends.block(owner=world.alice, target=world.bob)
    return of(world.alice)


def is_stranger(world: World) -> Client:
    return of(world.mallory)


def is_friend_of_both(world: World) -> Client:
    for one in (world.alice, world.bob):
        befriend(world.mallory, one)
    return of(world.mallory)


def was_removed(world: World) -> Client:
    client = of(world.alice)
    friends.remove(friendship=world.bob.friendships.get(friend=world.alice))
    return client


def has_removed(world: World) -> Client:
    client = of(world.bob)
    friends.remove(friendship=world.bob.friendships.get(friend=world.alice))
    return client


def has_hidden(world: World) -> Client:
    Api(world.alice).post(f"messages/{world.pk}/hide/")
    return of(world.alice)


def has_put_the_chat_away(world: World) -> Client:
    Api(world.alice).post("conversations/bob/hide/", on=True)
    return of(world.alice)


def recalled(world: World) -> Client:
    assert Api(world.bob).post(f"messages/{world.pk}/recall/").status_code == 200
    return of(world.alice)


def has_recalled(world: World) -> Client:
    recalled(world)
    return of(world.bob)


def removed_by_a_moderator(world: World) -> Client:
    moderation.remove_message(by=world.boss, report=Report.objects.get())
    return of(world.alice)


def removed_for_its_sender(world: World) -> Client:
    removed_by_a_moderator(world)
    return of(world.bob)


def sender_is_deleted(world: World) -> Client:
    delete_account(user=world.bob)
    return of(world.alice)


def logged_out(world: World) -> Client:
    client = of(world.alice)
    client.logout()
    return client


def nobody(world: World) -> Client:
    return Client()


def banned(world: World) -> Client:
    client = of(world.alice)
    moderation.ban(by=world.boss, about=world.alice)
    return client


def deleted(world: World) -> Client:
    client = of(world.alice)
    delete_account(user=world.alice)
    return client


Case = Callable[[World], Client]
MAY: list[Case] = [is_friend, is_sender, was_blocked, has_blocked]
GONE: list[Case] = [
    is_stranger,
    is_friend_of_both,
    was_removed,
    has_removed,
    has_hidden,
    has_put_the_chat_away,
    recalled,
    has_recalled,
    removed_by_a_moderator,
    removed_for_its_sender,
    sender_is_deleted,
]
NO_SESSION: list[Case] = [logged_out, nobody, banned, deleted]


def name_of(case: Case) -> str:
    return case.__name__


# The file itself


@pytest.fixture
def behind_nginx(monkeypatch):
    """Let nginx send every file that it is asked for."""
    monkeypatch.setattr(lent, "place_of", lambda request, path, found: f"{LENT}{path.name}")


def asked(world: World) -> list[tuple[str, str, dict[str, str]]]:
    """List the ways to ask for the file and its preview: method, address, headers."""
    heads = [("head", url, {"range": "bytes=0-1"}) for url in (world.url, f"{world.url}preview/")]
    return heads + [
        ("get", url, headers)
        for url, tag in ((world.url, world.tag), (f"{world.url}preview/", world.preview_tag))
        for headers in (
            {},
            {"range": "bytes=0-1"},
            {"range": "bytes=0-1", "if-range": tag},
            {"range": "bytes=99999999-"},
            {"if-none-match": tag},
            {"if-none-match": "*"},
            {"if-match": tag},
            {"if-modified-since": "Fri, 31 Dec 2100 00:00:00 GMT"},
            {"x-sends-files": "on"},
            {"x-accel-redirect": LENT, "x-original-url": url},
        )
    ]


@pytest.mark.parametrize("case", MAY, ids=name_of)
def test_who_may_have_it_gets_it_in_every_way(world, case):
    client = case(world)
    found = [
        (method, getattr(client, method)(url, headers=headers).status_code)
        for method, url, headers in asked(world)
    ]
    assert set(found) == {("head", 200), *(("get", each) for each in (200, 206, 304, 416))}
    assert body(client.get(world.url)) == CONTENT
    assert body(client.get(f"{world.url}preview/")) == PREVIEW


@pytest.mark.parametrize("case", [*GONE, *NO_SESSION], ids=name_of)
def test_nobody_else_learns_a_thing_in_any_way(world, behind_nginx, case):
    assert of(world.alice).get(world.url)["X-Accel-Redirect"].startswith(LENT)
    client = case(world)
    for method, url, headers in asked(world):
        response = getattr(client, method)(url, headers=headers)
        assert response.status_code == (302 if case in NO_SESSION else 404), (url, headers)
        said = body(response).decode() + str(response.headers)
        for secret in (NAME, LENT, world.tag, world.preview_tag, "image/webp", "Content-Range"):
            assert secret not in said, (method, url, headers, secret)
        assert case in NO_SESSION or "no-store" in response["Cache-Control"]


# What is told about it


def in_the_export(client: Client) -> bytes:
    response = client.post("/export/")
    content = body(response)
    if response.status_code != 200:
        return content
    archive = zipfile.ZipFile(io.BytesIO(content))
    return b"".join(name.encode() + archive.read(name) for name in archive.namelist())


PLACES: dict[str, Callable[[Client], bytes]] = {
    address: lambda client, address=address: body(client.get(address))
    for address in (
        "/",
        "/chat/{friend}/",
        "/chat/{friend}/files/",
        "/chat/{friend}/files/?kind=file",
        "/search/?q=geheim",
        "/api/conversations/",
        "/api/conversations/{friend}/messages/",
        "/api/conversations/{friend}/files/",
        "/api/conversations/{friend}/files/?kind=media",
        "/api/search/?q=geheim",
        "/api/events/?after=0",
    )
} | {"the export": in_the_export}
TELLING = {
    "/chat/{friend}/",
    "/chat/{friend}/files/",
    "/api/conversations/{friend}/messages/",
    "/api/conversations/{friend}/files/",
    "/api/conversations/{friend}/files/?kind=media",
    "/api/conversations/",
    "/api/events/?after=0",
    "the export",
}


def told(world: World, client: Client, friend: str) -> set[str]:
    """Collect the places that name the file, its address or its content."""
    secrets = (NAME.encode(), f"/attachments/{world.pk}/".encode(), CONTENT, PREVIEW)
    found = set()
    for place in PLACES:
        said = (
            in_the_export(client) if place == "the export"
            else body(client.get(place.format(friend=friend)))
        )  # fmt: skip
        if any(secret in said for secret in secrets):
            found.add(place)
    return found


@pytest.mark.parametrize("case", MAY, ids=name_of)
def test_every_place_tells_those_who_may_know(world, case):
    friend = "alice" if case is is_sender else "bob"
    assert told(world, case(world), friend) >= TELLING


@pytest.mark.parametrize("case", [*GONE, *NO_SESSION], ids=name_of)
def test_no_place_tells_anybody_else(world, case):
    client = case(world)
    # The log goes on telling what happened in a chat that one may bring back oneself.
    but = {"/api/events/?after=0"} if case is has_put_the_chat_away else set()
    for friend in ("bob", "alice"):
        assert told(world, client, friend) == but


@pytest.mark.parametrize("case", [recalled, removed_by_a_moderator, was_removed], ids=name_of)
def test_a_quote_shows_nothing_of_what_is_gone(world, case):
    answer = Api(world.alice).post(
        "conversations/bob/messages/", text="schön", quote=world.pk, client_id=str(uuid4())
    )
    quote = answer.json()["message"]["quote"]
    assert quote["attachment"] == {
        "kind": "picture", "name": NAME, "preview": f"{world.url}preview/",
    }  # fmt: skip
    assert told(world, case(world), "bob") == set()


# What could be done with it


def post(client: Client, path: str, **data) -> HttpResponseBase:
    return client.post(f"/api/{path}", json.dumps(data), content_type="application/json")


@pytest.mark.parametrize("case", [*MAY, *GONE], ids=name_of)
def test_only_who_sees_it_sends_it_on(world, case):
    client = case(world)
    dora = make_user("dora")
    viewer = User.objects.get(pk=client.session["_auth_user_id"])
    befriend(viewer, dora)
    before = Attachment.objects.count()
    answer = post(client, "conversations/dora/messages/", forward=world.pk, client_id=str(uuid4()))
    if case in MAY:
        assert answer.status_code == 201
        assert Attachment.objects.count() == before + 1
    else:
        assert error_of(answer) == (404, "not_found")
        assert Attachment.objects.count() == before
        assert NAME not in answer.content.decode()


def test_what_was_sent_on_outlives_its_source_for_those_two_alone(world):
    dora = make_user("dora")
    befriend(world.alice, dora)
    sent = send(world.alice, "dora", forward=world.pk).json()["message"]
    recalled(world)
    url = sent["attachment"]["url"]
    for user in (world.alice, dora):
        for which in ("", "preview/"):
            assert of(user).get(url + which).status_code == 200
            assert of(user).get(world.url + which).status_code == 404
    assert of(world.bob).get(url).status_code == 404
    assert error_of(send(dora, "alice", forward=world.pk)) == (404, "not_found")
    assert send(dora, "alice", forward=sent["id"]).status_code == 201


@pytest.mark.parametrize("case", [*GONE, is_sender], ids=name_of)
def test_only_who_was_sent_it_reports_it_and_keeps_it_so(world, case):
    client = case(world)
    answer = post(client, f"messages/{world.pk}/report/", reason="x")
    if case in (is_sender, has_recalled, removed_for_its_sender):
        assert error_of(answer)[0] in (400, 404)
    elif case in (recalled, removed_by_a_moderator):
        assert answer.status_code == 200, "it was reported before"
    else:
        assert error_of(answer) == (404, "not_found")
    assert Report.objects.count() == 1


# The file of a report


@pytest.mark.parametrize("which", ["file", "preview"])
def test_what_was_reported_is_for_those_who_decide(world, which):
    report = Report.objects.get()
    url = f"/admin/chat/report/{report.pk}/{which}/"
    clerk, moderator = make_user("clerk"), make_user("moderator")
    moderator.groups.add(Group.objects.get(name="管理员"))
    User.objects.filter(pk__in=[clerk.pk, moderator.pk]).update(is_staff=True)
    recalled(world)
    for user, status in (
        (world.alice, 302),
        (world.bob, 302),
        (world.mallory, 302),
        (clerk, 403),
        (moderator, 200),
    ):
        for headers in ({}, {"range": "bytes=0-1"}, {"if-none-match": "*"}):
            response = of(user).get(url, headers=headers)
            is_theirs = user is moderator
            wanted = {200, 206, 304} if is_theirs else {status}
            assert response.status_code in wanted, (user, headers)
            assert response.has_header("ETag") == is_theirs
    assert of(moderator).get(world.url).status_code == 404, "the chat itself is closed to them"
    assert Client().get(url).status_code == 302
    User.objects.filter(pk=world.bob.pk).update(is_staff=True)
    world.bob.groups.add(Group.objects.get(name="管理员"))
    assert of(world.bob).get(url).status_code == 403, "a report of oneself"


# What is on its way


@pytest.fixture
def part(alice):
    """An upload of alice's, of which half is there."""
    parts_folder().mkdir(exist_ok=True)
    facts = {"announced_size": 10, "received": 5, "state": "open", "name": NAME}
    upload = ready(alice, **facts)
    upload.part_path.write_bytes(b"01234")
    return upload


def asking(client: Client, upload: Upload) -> dict[str, HttpResponseBase]:
    path = f"/api/uploads/{upload.client_id}/"
    octets = {"content_type": "application/octet-stream"}
    return {
        "look": client.get(path),
        "head": client.head(path),
        "put": client.put(f"{path}?offset=5", b"56789", **octets),
        "put again": client.put(f"{path}?offset=0", b"01234", **octets),
        "finish": client.post(f"{path}finish/", "{}", content_type="application/json"),
        "delete": client.delete(path),
        "send": post(client, "conversations/bob/messages/", upload=str(upload.client_id),
                     client_id=str(uuid4())),
    }  # fmt: skip


@pytest.mark.parametrize("state", ["open", "ready"])
@pytest.mark.parametrize("who", ["friend", "stranger", "nobody", "banned"])
def test_an_upload_is_nobody_elses(alice, bob, mallory, part, who, state):
    Upload.objects.update(state=state)
    befriend(mallory, bob)
    client = Client() if who == "nobody" else of(bob if who == "friend" else mallory)
    if who == "banned":
        client = of(alice)
        moderation.ban(by=User.objects.create_superuser("boss"), about=alice)
    before = Upload.objects.values().get()
    for what, answer in asking(client, part).items():
        assert answer.status_code == (401 if who in ("nobody", "banned") else 404), what
        assert NAME not in body(answer).decode(), what
    assert Upload.objects.values().get() == before
    assert part.part_path.read_bytes() == b"01234"
    assert not Attachment.objects.exists()


def test_the_same_id_of_another_person_is_another_file(alice, bob, part):
    facts = {"id": str(part.client_id), "name": "mine.txt", "size": 3, "kind": "file"}
    answer = post(of(bob), "uploads/", **facts)
    assert (answer.status_code, answer.json()["received"]) == (201, 0)
    assert Upload.objects.count() == 2
    assert of(alice).get(f"/api/uploads/{part.client_id}/").json()["received"] == 5


def test_what_is_not_sent_yet_has_no_address(alice, bob):
    upload = ready(alice, CONTENT, name=NAME)
    client = of(alice)
    for pk in (upload.pk, 0, 2**63 - 1, 2**63):
        assert client.get(f"/attachments/{pk}/").status_code == 404
    for place in ("attachments/", "previews/", "uploads/", "~files/attachments/", "static/../"):
        assert client.get(f"/{place}{upload.file}").status_code == 404
