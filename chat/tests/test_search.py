"""Search: friends by any of their names, messages by any of their words."""

from __future__ import annotations

import sqlite3
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from accounts.services import delete_account, register
from chat.models import Conversation, Message, SearchFilter, SearchSegment
from chat.search.grams import blocks_that_may_hold, hash_text, make_filter, probes_of
from chat.search.index import Builder, build_all
from friends.services import block, read_unread_remarks, set_remark
from tests.cast import Api, befriend, error_of, make_user, say
from webchat.database.bulk import insert


@pytest.fixture(autouse=True)
def no_rate(settings):
    settings.SEND_RATE = None


def search(user, typed, **more):
    response = Api(user).get("search/", q=typed, **more)
    assert response.status_code == 200, response.content
    return response.json()


def texts(user, typed, **more):
    return [found["message"]["text"] for found in search(user, typed, **more)["messages"]]


def names(user, typed):
    return [friend["username"] for friend in search(user, typed)["friends"]]


def fill(sender, friend, count, words="第{n}条消息，还没有什么可说的，再见"):
    """Messages enough for some blocks, without the ways of the world."""
    conversation = Conversation.objects.open_between(sender, friend)
    now = str(timezone.now())
    rows = [
        (conversation.pk, sender.pk, words.format(n=n), uuid4().hex, b"0" * 16, now)
        for n in range(count)
    ]
    names = ("conversation", "sender", "text", "client_id", "digest", "sent_at")
    return insert(Message, names, rows)


def segments():
    return list(SearchSegment.objects.order_by("pk"))


@pytest.fixture
def index(alice, bob):
    """A conversation with two hundred messages before what the test says, and most in blocks."""
    fill(alice, bob, 600)
    assert build_all() > 1
    assert SearchFilter.objects.exists()


# What is found


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("明天下午三点开会", "下午"),
        ("明天下午三点开会", "下"),
        ("明天下午三点开会", "三点开"),
        ("明天下午三点开会，记得带上电脑", "电脑 下午"),
        ("Das Meeting ist um drei", "meet"),
        ("Das Meeting ist um drei", "EETING"),
        ("用python写的", "python"),
        ("用python写的", "用p"),
        ("Добрый вечер", "добрый"),
        ("café crème", "CAFÉ"),
        ("100% sicher_oder\\nicht", "100%"),
        ("100% sicher_oder\\nicht", "r_o"),
        ("100% sicher_oder\\nicht", "\\n"),
        ("家人 👨‍👩‍👧‍👦 都好", "👨‍👩‍👧‍👦"),
        ("שלום עולם", "עולם"),
        ("𠮷野家", "𠮷野"),
        ("한국어로 말해요", "한국"),
        ("erste Zeile\nzweite Zeile", "zweite"),
        ('er sagte "nein" (laut)', '"nein" ('),
        ("a' OR 1=1 --", "' OR"),
    ],
)
@pytest.mark.parametrize("is_indexed", [True, False])
def test_words_are_found_wherever_they_stand(alice, bob, said, typed, is_indexed):
    message = say(alice, bob, said)
    fill(alice, bob, 300, "x")
    say(bob, alice, "ganz etwas anderes 别的")
    if is_indexed:
        build_all()
        assert segments()[0].through > message.id
    for reader in (alice, bob):
        assert texts(reader, typed) == [said]


def test_what_is_not_there_is_not_found(alice, bob, index):
    say(alice, bob, "明天下午三点开会")
    for typed in ("下三", "午后", "开会 昨天", "100%%", "_天", "NEAR(", "*", "龘"):
        assert texts(alice, typed) == []


def test_the_newest_come_first_and_the_rest_page_by_page(alice, bob, index):
    dora = make_user("dora")
    befriend(alice, dora)
    fill(alice, dora, 300)
    build_all()
    said = [say(bob if n % 2 else dora, alice, f"猫粮 {n}") for n in range(12)]
    fill(alice, bob, 300)
    build_all()
    first = search(alice, "猫粮", limit=5)
    assert [m["message"]["id"] for m in first["messages"]] == [m.id for m in said[:-6:-1]]
    assert first["more"] is True
    rest = search(alice, "猫粮", limit=50, before=said[7].id)
    assert [m["message"]["id"] for m in rest["messages"]] == [m.id for m in said[6::-1]]
    assert rest["more"] is False
    assert search(alice, "消息", limit=50)["more"] is True


def test_each_hit_comes_with_what_stands_around_it(alice, bob):
    say(bob, alice, "很长的开头。" * 10 + "带上\n电脑和Meeting笔记" + "，很长的结尾" * 20)
    [found] = search(alice, "meeting")["messages"]
    excerpt = found["excerpt"]
    assert excerpt["hit"] == "Meeting"
    assert excerpt["before"].startswith("…")
    assert excerpt["before"].endswith("带上 电脑和")
    assert excerpt["after"].startswith("笔记，很长")
    assert excerpt["after"].endswith("…")
    assert found["message"]["with"] == "bob"


def test_a_friend_is_found_by_name_and_by_remark(alice, bob):
    assert names(alice, "BO") == ["bob"]
    assert names(alice, "小王") == []
    friendship = alice.friendships.get(friend=bob)
    set_remark(friendship=friendship, remark="小 王")
    assert names(alice, "小王") == names(alice, "小 王") == ["bob"]
    assert names(bob, "小王") == []


@pytest.mark.parametrize("typed", ["z", "zs", "ZS", "zhang", "zhangsan", "Zhang San", "san", "张"])
def test_a_friend_is_found_by_pinyin_in_full_and_by_initials(alice, typed):
    zhang = register(username="张三", password="blaue-Wolke-7")
    befriend(alice, zhang)
    assert names(alice, typed) == ["张三"]
    for nothing in ("s", "sz", "zhangs an x", "lisi"):
        assert names(alice, nothing) == []


def test_a_remark_is_read_too_and_only_for_whose_it_is(alice, bob):
    set_remark(friendship=alice.friendships.get(friend=bob), remark="重庆小王")
    for typed in ("chongqing", "cqxw", "zqx", "xiaowang"):
        assert names(alice, typed) == ["bob"]
        assert names(bob, typed) == []
    set_remark(friendship=alice.friendships.get(friend=bob), remark="")
    assert names(alice, "cqxw") == []


def test_remarks_that_came_unread_are_read_later(alice, bob):
    alice.friendships.update(remark="张三")
    bob.friendships.update(remark="Alice")
    assert names(alice, "zs") == []
    read_unread_remarks()
    assert names(alice, "zs") == ["bob"]
    alice.friendships.update(remark_pinyin="", remark_initials="")
    import_module("friends.migrations.0002_pinyin").read_all(apps, None)
    assert names(alice, "zhangsan") == ["bob"]


# Who finds what


def test_the_words_of_others_are_not_found(alice, bob, mallory):
    dora = make_user("dora")
    befriend(dora, mallory)
    say(dora, mallory, "秘密花园")
    assert texts(dora, "秘密") == ["秘密花园"]
    assert texts(alice, "秘密") == []
    assert names(alice, "dora") == []


def test_an_ex_friend_finds_nothing_until_they_are_friends_again(alice, bob, index):
    say(alice, bob, "秘密花园")
    Api(alice).post("friends/bob/remove/")
    for user in (alice, bob):
        assert search(user, "秘密") == {"friends": [], "messages": [], "more": False}
    assert names(alice, "bob") == []
    befriend(bob, alice)
    assert texts(alice, "秘密") == texts(bob, "秘密") == ["秘密花园"]


def test_a_block_leaves_both_what_they_have(alice, bob):
    say(alice, bob, "秘密花园")
    block(owner=alice, target=bob)
    assert texts(alice, "秘密") == texts(bob, "秘密") == ["秘密花园"]
    [friend] = search(alice, "bob")["friends"]
    assert friend["blocked"] is True
    assert search(bob, "alice")["friends"][0]["blocked"] is False


def test_what_one_has_hidden_the_other_still_finds(alice, bob, index):
    message = say(alice, bob, "秘密花园")
    assert Api(bob).post(f"messages/{message.id}/hide/").status_code == 200
    assert texts(bob, "秘密") == []
    assert texts(alice, "秘密") == ["秘密花园"]
    Api(alice).post("conversations/bob/hide/", on=True)
    assert texts(alice, "秘密") == texts(alice, "消息") == []
    say(bob, alice, "秘密来信")
    assert texts(alice, "秘密") == ["秘密来信"]
    assert texts(bob, "消息", limit=1)


@pytest.mark.parametrize("typed", ["秘密", "花园 秘密", "密"])
@pytest.mark.parametrize("is_indexed", [True, False])
def test_what_was_recalled_or_removed_is_found_by_nobody(alice, bob, typed, is_indexed):
    recalled, removed = say(alice, bob, "秘密花园 一"), say(alice, bob, "秘密花园 二")
    fill(alice, bob, 300)
    if is_indexed:
        build_all()
    assert len(texts(bob, typed)) == 2
    assert Api(alice).post(f"messages/{recalled.id}/recall/").status_code == 200
    Message.objects.filter(pk=removed.id).update(removed_at=timezone.now())
    for user in (alice, bob):
        assert texts(user, typed) == []


# The index


def holds(words):
    """Whether any filter may hold these words."""
    for segment in segments():
        rows = SearchFilter.objects.filter(segment=segment)
        parts = {part: bytes(bits) for part, bits in rows.values_list("part", "bits")}
        if parts and blocks_that_may_hold(parts, probes_of([words]), len(segment.ends)):
            return True
    return False


CHANGES = {
    "recalled": "UPDATE chat_message SET text = '', recalled_at = '2026-01-01' WHERE id = ?",
    "removed": "UPDATE chat_message SET removed_at = '2026-01-01' WHERE id = ?",
    "deleted": "DELETE FROM chat_message WHERE id = ?",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_any_connection_takes_the_words_out_at_once(alice, bob, change):
    message = say(alice, bob, "魑魅魍魉")
    fill(alice, bob, 300)
    build_all()
    assert holds("魑魅")
    with sqlite3.connect(connection.settings_dict["NAME"], timeout=5) as other:
        other.execute(CHANGES[change], [message.id])
    other.close()
    assert not holds("魑魅")
    assert not holds("消息")  # the whole segment is read itself until it is made anew
    assert len(texts(alice, "消息", limit=50)) == 50
    assert Builder().build(at_most=100) > 0
    assert not holds("魑魅")
    assert holds("消息")


def test_a_message_that_comes_in_between_is_found(alice, bob, index):
    [segment] = segments()
    Message.objects.filter(pk=segment.ends[0] - 5).delete()
    build_all()
    conversation = Conversation.objects.get()
    Message.objects.create(
        id=segment.ends[0] - 5,
        conversation=conversation,
        sender=alice,
        text="迟到的消息",
        client_id=uuid4(),
        digest=b"",
        sent_at=timezone.now(),
    )
    assert texts(bob, "迟到") == ["迟到的消息"]
    build_all()
    assert texts(bob, "迟到") == ["迟到的消息"]


def test_nothing_is_left_of_a_deleted_account(alice, bob, index):
    dora = make_user("dora")
    befriend(alice, dora)
    fill(alice, dora, 600)
    build_all()
    delete_account(user=bob)
    [segment] = segments()
    assert segment.conversation.other_id(alice.pk) == dora.pk
    delete_account(user=dora)
    assert segments() == []
    assert not SearchFilter.objects.exists()


def test_blocks_grow_with_the_conversation_and_reach_every_message(alice, bob):
    builder = Builder()
    for number in range(5):
        fill(alice, bob, 150, "在{n}，再写一条长一点的消息给你看看")
        builder.build(at_most=10**6)
        assert len(texts(bob, "在149", limit=50)) == number + 1
    total = Message.objects.count()
    found, before = 0, None
    while True:
        page = search(alice, "长一点", limit=50, **({"before": before} if before else {}))
        found += len(page["messages"])
        if not page["more"]:
            break
        before = page["messages"][-1]["message"]["id"]
    assert found == total


def test_a_full_segment_is_followed_by_another(alice, bob):
    fill(alice, bob, 256 * 17, "x")
    build_all()
    assert [len(segment.ends) for segment in segments()] == [15, 2]
    assert build_all() == 0
    message = say(alice, bob, "y")
    assert texts(bob, "y") == ["y"]
    Message.objects.filter(pk=message.id - 1).update(text="z")
    assert texts(bob, "z") == ["z"]


def test_the_builder_makes_a_few_blocks_at_a_time(alice, bob):
    fill(alice, bob, 256 * 40, "x")
    builder = Builder()
    assert builder.build(at_most=2) == 15
    assert builder.build(at_most=100) == 25
    assert builder.build(at_most=100) == 0


def test_the_builder_comes_to_every_conversation_in_the_end(alice):
    friends = [make_user(f"freund{n}") for n in range(25)]
    for friend in friends:
        befriend(friend, alice)
        fill(alice, friend, 260, "x")
    builder = Builder()
    made = [builder.build(at_most=1000) for _second in range(6)]
    assert sum(made) == len(friends)
    assert max(made) < 15
    assert builder.is_idle


def test_two_builders_make_one_index(alice, bob):
    """As two workers do: what one has read is made by the other before it writes."""
    fill(alice, bob, 300)
    one, other = Builder(), Builder()
    assert one.build(at_most=100) > 0
    before = [segment.ends for segment in segments()]
    assert other.build(at_most=100) == 0
    assert [segment.ends for segment in segments()] == before


def test_the_triggers_are_there_after_every_migration(db):
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'chat!_search!_%' ESCAPE '!'"
            " AND type = 'trigger'"
        )
        assert cursor.fetchone() == (3,)
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)


@hypothesis(max_examples=200)
@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 12))
def test_a_filter_never_denies_what_a_text_holds(text, start, length):
    words = text[start : start + length].split()
    made = make_filter(hash_text(text))
    assert blocks_that_may_hold(dict(enumerate(made)), probes_of(words), 1) == [0]


def test_a_filter_denies_most_of_what_is_not_there():
    made = make_filter(set().union(*(hash_text(f"第{n}条消息来自{n * 7}") for n in range(200))))
    wrong = [
        chr(n) + chr(n + 1)
        for n in range(0x5000, 0x5800, 2)
        if blocks_that_may_hold(dict(enumerate(made)), probes_of([chr(n) + chr(n + 1)]), 1)
    ]
    assert len(wrong) < 30


# Visitors, and what they type


def test_only_who_is_logged_in_searches(alice, bob):
    assert error_of(Api().get("search/", q="x")) == (401, "not_authenticated")
    assert error_of(Api(alice).post("search/", q="x")) == (405, "method_not_allowed")
    answer = Client().get("/search/", {"q": "x"})
    assert (answer.status_code, answer.url) == (302, "/login/?next=/search/%3Fq%3Dx")
    assert Api(alice).client.post("/search/").status_code == 405


@pytest.mark.parametrize("typed", ["", "   ", "\n"])
def test_nothing_typed_is_nothing_found(alice, bob, typed):
    say(alice, bob, "hallo")
    assert search(alice, typed) == {"friends": [], "messages": [], "more": False}
    assert Api(alice).get("search/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "code"), [("a\0b", "invalid"), ("\x1b[0m", "invalid"), ("x" * 101, "too_long")]
)
def test_what_cannot_be_searched_is_refused(alice, bob, typed, code):
    assert error_of(Api(alice).get("search/", q=typed)) == (400, code)
    page = Api(alice).client.get("/search/", {"q": typed})
    assert page.status_code == 200
    assert b"alert" in page.content


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", ""])
def test_a_limit_that_is_none_is_refused(alice, limit):
    assert error_of(Api(alice).get("search/", q="x", limit=limit)) == (400, "invalid")
    assert error_of(Api(alice).get("search/", q="x", before="x")) == (400, "invalid")
    assert search(alice, "x", limit=10**30, before=10**30)["messages"] == []


@pytest.mark.parametrize(
    "typed",
    ['"', "'", "AND", "a OR b", "a*", "NEAR(a b, 2)", "-x", "text:x", "(", "%", "_", "\\"]
    + ["😀", "‮שלום", "\ufffe", "￿", "a" * 100, "一" * 100, "x y " * 25],
)
def test_junk_is_words_like_any_other(alice, bob, index, typed):
    assert texts(alice, typed) == []
    say(alice, bob, typed)
    assert texts(bob, typed) == [typed.strip()]


def test_the_page_shows_the_same_without_scripts(alice, bob):
    message = say(bob, alice, "<b>明天</b>下午")
    page = Api(alice).client.get("/search/", {"q": "明天"}).content.decode()
    assert f'href="/chat/bob/?at={message.id}"' in page
    assert "&lt;b&gt;<mark>明天</mark>&lt;/b&gt;下午" in page
    page = Api(alice).client.get("/search/", {"q": "bob"}).content.decode()
    assert 'href="/chat/bob/"' in page
    page = Api(alice).client.get("/search/", {"q": "nichts davon"}).content.decode()
    assert "search-none" in page


def test_the_number_of_queries_does_not_grow(alice, bob, django_assert_max_num_queries):
    for n in range(15):
        friend = make_user(f"freund{n}")
        befriend(alice, friend)
        say(alice, friend, f"gleiche Worte {n}")
    api = Api(alice)
    api.get("search/", q="Worte")
    with django_assert_max_num_queries(12):
        assert len(api.get("search/", q="Worte").json()["messages"]) == 15
