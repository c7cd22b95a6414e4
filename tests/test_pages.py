"""Every page: its visitors, its methods, and its cost."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver

from accounts.models import User
from friends import services
from friends.models import FriendRequest
from tests.cast import befriend, make_user, say

READ = [
    "/",
    "/announcements/",
    "/chat/bob/",
    "/chat/bob/files/",
    "/chat/bob/report/",
    "/contacts/",
    "/contacts/bob/",
    "/contacts/requests/",
    "/connection/",
    "/discover/",
]
WRITE = [
    "/chat/bob/arrange/",
    "/chat/bob/file/",
    "/contacts/requests/1/accept/",
    "/contacts/requests/1/decline/",
    "/contacts/requests/1/withdraw/",
    "/contacts/bob/remove/",
    "/contacts/bob/remark/",
    "/contacts/bob/block/",
    "/contacts/bob/unblock/",
    "/notices/confirm/",
]
BOTH = ["/chat/bob/", "/chat/bob/report/", "/contacts/requests/"]
VIEWS = ("friends.views", "chat.views", "chat.files", "chat.moderation.views", "chat.notices.views")
OF_ONE_PERSON = [path for path in READ + WRITE if "bob" in path]


def of(user: User, **options) -> Client:
    client = Client(headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


def routes(resolver: URLResolver | None = None, before: str = "/") -> set[str]:
    """Yield the pages of friends and chat, with bob and the first request filled in."""
    found = set()
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= routes(pattern, route)
        elif pattern.lookup_str.startswith(VIEWS):
            found.add(route.replace("<str:username>", "bob").replace("<int:pk>", "1"))
    return found


def test_every_page_is_tested_here():
    assert routes() == {*READ, *WRITE}


@pytest.mark.parametrize("path", [*READ, *WRITE])
def test_who_is_not_logged_in_is_led_to_the_login_and_back(db, path):
    assert Client().get(path)["Location"] == f"/login/?next={path}"
    assert Client().post(path)["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", READ)
def test_a_page_is_read(alice, bob, path):
    client = of(alice)
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert "no-store" in client.get(path)["Cache-Control"]


ALSO = ["/settings/", "/export/", "/search/", "/account/sessions/", "/password/change/"]
TAB = re.compile(r'data-tab="(\w+)" aria-current="page"')
LIST = re.compile(r'id="list" class="list-pane" data-view="(\w+)"')


@pytest.mark.parametrize("path", READ + ALSO)
def test_the_tab_of_the_list_beside_a_page_is_marked(alice, bob, path):
    html = of(alice).get(path).content.decode()
    [beside] = LIST.findall(html)
    assert TAB.findall(html) == [beside]


@pytest.mark.parametrize("path", [path for path in READ if path not in BOTH])
def test_a_page_without_a_form_of_its_own_takes_no_post(alice, bob, path):
    assert of(alice).post(path).status_code == 405


@pytest.mark.parametrize("path", WRITE)
def test_an_act_is_no_page(alice, bob, carol, path):
    for method in ("get", "put", "delete"):
        assert getattr(of(alice), method)(path).status_code == 405


@pytest.mark.parametrize("path", BOTH)
def test_nothing_else_is_understood(alice, bob, path):
    for method in ("put", "patch", "delete"):
        assert getattr(of(alice), method)(path).status_code == 405


@pytest.mark.parametrize("path", [*WRITE, *BOTH])
def test_a_form_without_its_token_is_refused(alice, bob, path):
    assert of(alice, enforce_csrf_checks=True).post(path).status_code == 403


def visit(client: Client, path: str, name: str) -> int:
    """Read a page, or perform an act, under another name."""
    address = path.replace("bob", quote(name, safe=""))
    if path in WRITE:
        file = SimpleUploadedFile("x.txt", b"x")
        data = {"remark": "x", "file": file, "client_id": str(uuid4())}
        return client.post(address, data).status_code
    return client.get(address).status_code


@pytest.mark.parametrize("path", OF_ONE_PERSON)
@pytest.mark.parametrize("name", ["mallory", "nobody", "alice", "../bob", "bob\0", "b" * 3000])
def test_strangers_nobody_and_oneself_have_no_pages(alice, bob, mallory, path, name):
    assert visit(of(bob), path, "alice") in (200, 302, 422)
    assert visit(of(alice), path, name) == 404


@pytest.mark.parametrize("path", OF_ONE_PERSON)
def test_an_ex_friend_has_no_pages_any_more(alice, bob, path):
    services.remove(friendship=bob.friendships.get())
    assert visit(of(alice), path, "bob") == 404
    if path == "/chat/bob/":
        assert of(alice).post(path, {"text": "hi"}).status_code == 404


@pytest.mark.parametrize("path", ["/chat/bob/", "/contacts/bob/"])
def test_a_page_knows_a_friend_in_any_case_and_width(alice, bob, path):
    for name in ("BOB", "Ｂｏｂ"):
        assert of(alice).get(path.replace("bob", quote(name))).status_code == 200


# Writing without scripts


def test_a_message_is_sent_by_a_plain_form(alice, bob):
    client = of(alice)
    form = client.get("/chat/bob/").context["form"]
    typed = {"text": " 你好\r\n<b>吗</b> ", "client_id": form["client_id"].value(), "up_to": ""}
    for _twice in range(2):  # a reload of what was posted
        assert client.post("/chat/bob/", typed)["Location"] == "/chat/bob/"
    answer = client.get("/chat/bob/")
    assert [message.text for message in answer.context["thread"]] == ["你好\n<b>吗</b>"]
    assert "&lt;b&gt;吗&lt;/b&gt;" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("   ", "The message is empty."),
        ("", "This field is required."),
        ("bad \x1b here", "The text contains a character that is not allowed."),
        ("字" * 4001, "A message has at most 4000 characters."),
    ],
)
def test_what_cannot_be_sent_comes_back_as_it_was_typed(alice, bob, text, sentence):
    client_id = "00000000-0000-4000-8000-000000000001"
    answer = of(alice).post("/chat/bob/", {"text": text, "client_id": client_id})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert f">{text}</textarea>" in answer.content.decode()
    assert client_id in answer.content.decode()
    assert answer.context["thread"] == []


def test_a_refusal_comes_back_with_its_sentence_and_with_what_was_typed(alice, bob):
    services.block(owner=alice, target=bob)
    client_id = "00000000-0000-4000-8000-000000000001"
    for user, path, sentence in [
        (bob, "/chat/alice/", "The message was sent, but the other side refused it."),
        (alice, "/chat/bob/", "You have blocked this friend. Unblock them to write."),
    ]:
        answer = of(user).post(path, {"text": "hi there", "client_id": client_id})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert ">hi there</textarea>" in answer.content.decode()


def test_to_answer_is_to_have_read_what_stood_on_the_page_and_nothing_later(alice, bob):
    first = say(bob, alice, "1")
    say(bob, alice, "2")
    client_id = "00000000-0000-4000-8000-000000000001"
    typed = {"text": "hi", "client_id": client_id, "up_to": first.id}
    assert of(alice).post("/chat/bob/", typed).status_code == 302
    assert of(alice).get("/").context["shell"]["unread"] == 1


def test_who_only_reads_says_so_with_a_button(alice, bob):
    last = say(bob, alice, "1")
    client = of(alice)
    assert client.get("/").context["shell"]["unread"] == 1
    answer = client.post("/chat/bob/", {"action": "read", "up_to": last.id})
    assert answer["Location"] == "/chat/bob/"
    assert client.get("/").context["shell"]["unread"] == 0


def test_older_messages_are_a_link_away(alice, bob, settings):
    settings.SEND_RATE = None
    ids = [say(bob, alice, f"{number}").id for number in range(51)]
    page = of(alice).get("/chat/bob/")
    assert [m.id for m in page.context["thread"]] == ids[1:]
    assert f'href="?before={ids[1]}"' in page.content.decode()
    older = of(alice).get(f"/chat/bob/?before={ids[1]}")
    assert [m.id for m in older.context["thread"]] == ids[:1]
    assert not older.context["more"]
    for nonsense in ("x", "", "-1", "9" * 30, "１"):
        assert of(alice).get("/chat/bob/", {"before": nonsense}).status_code in (200, 404)


# Cost


def test_the_number_of_queries_does_not_grow_with_the_rows(alice, bob, settings):
    settings.SEND_RATE = None

    def grow(tag: str, number: int) -> None:
        for index in range(number):
            friend = make_user(f"friend{tag}{index}")
            befriend(friend, alice)
            say(friend, alice, "嗨")
            services.ask(sender=make_user(f"asker{tag}{index}"), username="alice")
            asked = make_user(f"asked{tag}{index}")
            FriendRequest.objects.create(sender=alice, recipient=asked)  # more than a day allows
            say(bob, alice, "嗨")

    def count() -> dict[str, int]:
        counts = {}
        for path in READ:
            with CaptureQueriesContext(connection) as queries:
                assert of(alice).get(path).status_code == 200
            counts[path] = len(queries)
        return counts

    grow("a", 4)
    few = count()
    grow("b", 36)
    assert FriendRequest.objects.count() == 80
    assert count() == few


def test_a_request_for_a_part_of_a_page_leaves_the_notices_to_the_next_page(alice, bob):
    browser = of(alice)
    browser.post("/contacts/bob/remove/")
    words = "<bdi>bob</bdi> is no longer your friend."
    assert words not in browser.get("/contacts/", headers={"x-keep-messages": "yes"}).text
    assert words in browser.get("/contacts/").text
    assert words not in browser.get("/contacts/").text


def test_a_page_outside_the_chat_names_its_owner_if_it_has_one(alice):
    """Its scripts keep what the owner has not sent, and forget everything else."""
    named = f'data-user-id="{alice.pk}"'
    assert named in of(alice).get("/terms/").text
    assert "data-user-id" not in Client().get("/terms/").text
    User.objects.update(must_change_password=True)
    assert named in of(alice).get("/password/change/").text
