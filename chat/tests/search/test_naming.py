"""Files are found by their names, by those who see them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import User
from chat.models import Attachment, Message, Report
from chat.moderation.services import remove_message
from chat.search import finding, naming
from chat.search.index import build_all
from tests.cast import Api, befriend, make_user, say

from ..media.cast import ready, send
from .conftest import fill, search


def give(sender, name, to="bob", **facts):
    """Send a file, and return the id of its message."""
    upload = ready(sender, name=name, **({"kind": "file", "preview": False} | facts))
    return send(sender, to, upload=upload.client_id).json()["message"]["id"]


def ids(user, typed, **more):
    return [found["message"]["id"] for found in search(user, typed, **more)["messages"]]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("第三章 实验报告（最终版）.pdf", "实验"),
        ("第三章 实验报告（最终版）.pdf", "最终版 第三章"),
        ("第三章 实验报告（最终版）.pdf", "PDF"),
        ("第三章 实验报告（最终版）.pdf", "（最终"),
        ("Ｒｅｐｏｒｔ.docx", "report"),
        ("café.zip", "CAFÉ"),
        ("𠮷野家.txt", "𠮷"),
        ('a "b" c.txt', '"b"'),
    ],
)
@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_file_is_found_by_any_words_of_its_name(alice, bob, name, typed, is_indexed):
    pk = give(alice, name)
    fill(alice, bob, 300, "x")
    if is_indexed:
        assert build_all()
    for reader in (alice, bob):
        [found] = search(reader, typed)["messages"]
        assert found["message"]["id"] == pk
        assert found["message"]["attachment"]["name"] == name


def test_pictures_and_films_too_but_no_voices_whose_names_nobody_chose(alice, bob):
    picture = give(alice, "假期 海边.jpg", kind="picture")
    film = give(alice, "假期 旅行.mp4", kind="video")
    give(alice, "假期 语音.webm", kind="voice")
    assert ids(bob, "假期") == [film, picture]


def test_the_words_are_in_one_name_or_in_one_text(alice, bob):
    give(alice, "报告.pdf")
    say(alice, bob, "今天 pdf")
    assert ids(bob, "报告 今天") == []
    assert len(ids(bob, "pdf")) == 2


def test_the_excerpt_is_of_the_name(alice, bob):
    give(alice, "计算机二班-20231234-张三-第三次实验报告.docx")
    [found] = search(bob, "实验")["messages"]
    excerpt = found["excerpt"]
    assert excerpt["hit"] == "实验"
    assert excerpt["before"].endswith("第三次")
    assert excerpt["after"] == "报告.docx"


def test_texts_and_names_come_in_one_order_page_by_page(alice, bob, index):
    expected = []
    for n in range(12):
        made = give(alice, f"猫粮 {n}.pdf") if n % 3 else say(bob, alice, f"猫粮 {n}").id
        expected.insert(0, made)
    fill(alice, bob, 300)
    build_all()
    first = search(alice, "猫粮", limit=5)
    assert ([each["message"]["id"] for each in first["messages"]], first["more"]) == (
        expected[:5],
        True,
    )
    rest = search(alice, "猫粮", limit=50, before=expected[4])
    assert ([each["message"]["id"] for each in rest["messages"]], rest["more"]) == (
        expected[5:],
        False,
    )


def test_more_files_than_are_read_at_once(alice, bob, monkeypatch):
    monkeypatch.setattr(naming, "NAMES_AT_ONCE", 2)
    made = [give(alice, f"报告 {n}.pdf") for n in range(7)]
    assert ids(bob, "报告") == made[::-1]


def test_strangers_ex_friends_and_whoever_has_hidden_it_find_nothing(alice, bob, mallory):
    dora = make_user("dora")
    befriend(mallory, dora)
    pk = give(alice, "秘密.pdf")
    assert ids(alice, "秘密") == ids(bob, "秘密") == [pk]
    assert ids(mallory, "秘密") == ids(dora, "秘密") == []
    Api(bob).post(f"messages/{pk}/hide/")
    assert (ids(bob, "秘密"), ids(alice, "秘密")) == ([], [pk])
    Api(alice).post("conversations/bob/hide/", on=True)
    assert ids(alice, "秘密") == []
    Api(alice).post("conversations/bob/hide/", on=False)
    assert ids(alice, "秘密") == [pk]
    Api(bob).post("friends/alice/remove/")
    assert ids(alice, "秘密") == []


def test_a_hidden_one_takes_no_place_among_those_that_are_asked_for(alice, bob):
    first, second, third = (give(alice, f"报告 {n}.pdf") for n in range(3))
    Api(bob).post(f"messages/{third}/hide/")
    found = search(bob, "报告", limit=1)
    assert ([each["message"]["id"] for each in found["messages"]], found["more"]) == (
        [second],
        True,
    )
    assert ids(bob, "报告", before=second) == [first]


def test_with_a_friend_only_that_chat_is_searched(alice, bob):
    dora = make_user("dora")
    befriend(alice, dora)
    first, second = give(alice, "报告.pdf"), give(alice, "报告.pdf", to="dora")
    assert ids(alice, "报告") == [second, first]
    assert ids(alice, "报告", **{"with": "bob"}) == [first]


@pytest.mark.parametrize("is_indexed", [True, False])
def test_what_was_recalled_or_removed_is_found_by_nobody(alice, bob, is_indexed):
    recalled, removed = give(alice, "秘密 一.pdf"), give(alice, "秘密 二.pdf")
    fill(alice, bob, 300)
    if is_indexed:
        build_all()
    assert ids(bob, "秘密") == [removed, recalled]
    Api(alice).post(f"messages/{recalled}/recall/")
    assert ids(alice, "秘密") == ids(bob, "秘密") == [removed]
    Api(bob).post(f"messages/{removed}/report/", reason="beleidigend")
    judge = User.objects.create_superuser("judge")
    remove_message(by=judge, report=Report.objects.get())
    assert ids(alice, "秘密") == ids(bob, "秘密") == []


def test_an_imported_file_is_found_too(alice, bob, index):
    """It came without the ways of sending, into messages that have been indexed for long."""
    [pk, *_others] = Message.objects.values_list("pk", flat=True)
    Message.objects.filter(pk=pk).update(text="", sent_at=timezone.now())
    conversation = Message.objects.get(pk=pk).conversation
    Attachment.objects.create(
        message_id=pk, conversation=conversation, file="x", name="旧 课件.ppt"
    )
    build_all()
    assert ids(bob, "课件") == [pk]


def test_time_runs_out_honestly(alice, bob, monkeypatch):
    give(alice, "报告.pdf")

    def take_long(query, chats):
        raise finding.TookTooLong

    monkeypatch.setattr(finding, "find_named", take_long)
    answer = Api(bob).get("search/", q="报告")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_the_page_names_the_kind(alice, bob):
    give(alice, "报告.pdf")
    give(alice, "报告.jpg", kind="picture")
    client = Api(bob, headers={"accept-language": "zh-cn"}).client
    page = client.get("/search/?q=报告&with=alice").content.decode()
    assert "[文件] <mark>报告</mark>.pdf" in page
    assert "[图片] <mark>报告</mark>.jpg" in page
