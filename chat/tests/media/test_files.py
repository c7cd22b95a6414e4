"""All files of a conversation: the page, and the API."""

from __future__ import annotations

import pytest

from friends import services as friends
from tests.cast import Api, befriend, error_of, say

from .cast import ready, send

FILE = {"kind": "file", "mimetype": "application/pdf", "width": None, "height": None}
ADDRESSES = ["/api/conversations/alice/files/", "/chat/alice/files/"]


@pytest.fixture
def sent(alice, bob):
    """Two pictures, a video, a file and a voice of alice, and texts between them."""
    kinds = {
        "一.jpg": {},
        "二.mp4": {"kind": "video", "mimetype": "video/mp4", "preview": False},
        "三.pdf": FILE | {"preview": False},
        "四.webm": {"kind": "voice", "mimetype": "audio/webm", "preview": False},
        "五.jpg": {},
    }
    ids = {}
    for name, facts in kinds.items():
        upload = ready(alice, name=name, **facts)
        ids[name] = send(alice, upload=upload.client_id).json()["message"]["id"]
        say(bob, alice, "x")
    return ids


def names(user, friend="alice", **query):
    answer = Api(user).get(f"conversations/{friend}/files/", **query).json()
    return [message["attachment"]["name"] for message in answer["messages"]], answer["more"]


def test_files_by_kind_in_order(sent, bob, alice):
    assert names(bob) == (["一.jpg", "二.mp4", "三.pdf", "四.webm", "五.jpg"], False)
    assert names(bob, kind="media") == (["一.jpg", "二.mp4", "五.jpg"], False)
    assert names(alice, "bob", kind="file") == (["三.pdf"], False)
    assert names(bob, kind="voice") == (["四.webm"], False)


def test_reading_on_in_both_directions(sent, bob):
    assert names(bob, kind="media", limit=2) == (["二.mp4", "五.jpg"], True)
    assert names(bob, kind="media", limit=2, before=sent["二.mp4"]) == (["一.jpg"], False)
    assert names(bob, kind="media", limit=1, after=sent["一.jpg"]) == (["二.mp4"], True)
    assert names(bob, kind="media", after=sent["五.jpg"]) == ([], False)


@pytest.mark.parametrize(
    "query", [{"kind": "x"}, {"kind": ""}, {"limit": 0}, {"limit": "x"}, {"before": "x"}]
)
def test_nonsense_is_refused(alice, bob, query):
    assert error_of(Api(bob).get("conversations/alice/files/", **query)) == (400, "invalid")


def test_what_is_recalled_or_hidden_is_not_there(sent, alice, bob):
    Api(alice).post(f"messages/{sent['一.jpg']}/recall/")
    Api(bob).post(f"messages/{sent['五.jpg']}/hide/")
    assert names(bob, kind="media") == (["二.mp4"], False)
    assert names(alice, "bob", kind="media") == (["二.mp4", "五.jpg"], False)
    page = Api(bob).client.get("/chat/alice/files/").content.decode()
    assert "二.mp4" in page
    assert "五.jpg" not in page
    assert "一.jpg" not in page


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_and_former_friends_see_nothing(sent, alice, bob, mallory, address):
    assert Api(bob).client.get(address).status_code == 200
    assert Api(mallory).client.get(address).status_code == 404
    assert Api().client.get(address).status_code in (302, 401)
    assert Api(bob).client.post(address).status_code == 405
    friends.remove(friendship=bob.friendships.get(friend=alice))
    assert Api(bob).client.get(address).status_code == 404
    befriend(alice, bob)
    assert Api(bob).client.get(address).status_code == 200


def test_the_page_shows_them_newest_first_and_leads_to_the_chat(sent, bob):
    client = Api(bob, headers={"accept-language": "zh-cn"}).client
    page = client.get("/chat/alice/files/").content.decode()
    assert page.index("五.jpg") < page.index("一.jpg")
    assert f"/chat/alice/?at={sent['一.jpg']}#m{sent['一.jpg']}" in page
    assert "三.pdf" not in page
    page = client.get("/chat/alice/files/?kind=file").content.decode()
    assert "三.pdf" in page
    assert "一.jpg" not in page
    assert 'href="/chat/alice/files/"' in client.get("/contacts/alice/").content.decode()


def test_the_page_filters_by_name(sent, alice, bob):
    send(alice, upload=ready(alice, name="第三章 报告.pdf", **FILE).client_id)
    client = Api(bob, headers={"accept-language": "zh-cn"}).client
    page = client.get("/chat/alice/files/?kind=file&q=报告 PDF").content.decode()
    assert "第三章 报告.pdf" in page
    assert "三.pdf" not in page
    assert "五.jpg" not in page
    page = client.get("/chat/alice/files/?q=五").content.decode()
    assert "五.jpg" in page
    assert "一.jpg" not in page
    assert "没有找到" in client.get("/chat/alice/files/?q=报告").content.decode()
    assert (
        "最多搜索 100 个字" in client.get("/chat/alice/files/", {"q": "长" * 101}).content.decode()
    )
    Api(bob).post(f"messages/{sent['五.jpg']}/hide/")
    assert "五.jpg" not in client.get("/chat/alice/files/?q=五").content.decode()


def test_the_page_reads_on(alice, bob, monkeypatch):
    monkeypatch.setattr("chat.files.PAGE_SIZE", 2)
    monkeypatch.setattr(
        "chat.files.page_of.__kwdefaults__",
        {"before": None, "after": None, "limit": 2, "words": None},
    )
    ids = [send(alice, upload=ready(alice).client_id).json()["message"]["id"] for _ in range(3)]
    page = Api(bob).client.get("/chat/alice/files/").content.decode()
    assert f"?kind=media&amp;before={ids[1]}" in page
    page = Api(bob).client.get(f"/chat/alice/files/?before={ids[1]}").content.decode()
    assert f'data-id="{ids[0]}"' in page
    assert f'data-id="{ids[1]}"' not in page


def test_the_number_of_queries_does_not_grow(alice, bob, django_assert_max_num_queries):
    for _number in range(2):
        send(alice, upload=ready(alice).client_id)
    client = Api(bob).client
    client.get("/chat/alice/files/")
    with django_assert_max_num_queries(20) as few:
        client.get("/chat/alice/files/")
    for _number in range(5):
        send(alice, upload=ready(alice).client_id)
    with django_assert_max_num_queries(20) as many:
        client.get("/chat/alice/files/")
    assert len(many) == len(few)
