"""Friends are found by any of their names, messages by any of their words."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from accounts.services import register
from chat.search.index import build_all
from friends.services import read_unread_remarks, set_remark
from tests.cast import befriend, make_user, say

from .conftest import fill, names, search, segments, texts


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


@pytest.mark.parametrize("typed", ["sunwq", "swenq", "SunWQ", "孙wq", "sun w q", "shanchangle"])
def test_a_friend_is_found_by_mixtures_and_by_every_reading(alice, typed):
    for name in ("孙文清", "单长乐"):
        befriend(alice, register(username=name, password="blaue-Wolke-7"))
    assert len(names(alice, typed)) == 1


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
    alice.friendships.update(remark_pinyin="zhangsan")
    import_module("friends.migrations.0003_units").forget_readings(apps, None)
    assert names(alice, "zhsan") == []
    read_unread_remarks()
    assert names(alice, "zhsan") == ["bob"]
