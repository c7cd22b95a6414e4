"""The contacts in the order of their names."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import read_unread_names
from friends import services
from friends.listing import FriendshipRow
from friends.models import Friendship
from friends.presentation import by_letter
from tests.cast import befriend, make_user

NAMES = ["张三", "阿明", "bob", "Anna", "Émile", "李雷", "9527", "ｚｏｅ", "韩梅梅", "アキラ"]


@pytest.fixture
def page(alice):
    client = Client()
    client.force_login(alice)
    return client


def shown(user):
    return {
        letter.name: [friendship.name for friendship in letter.friends]
        for letter in by_letter(Friendship.objects.load(user))
    }


def test_friends_stand_in_pinyin_order_under_their_letters(alice):
    for name in NAMES:
        befriend(alice, make_user(name))
    read_unread_names()
    letters = shown(alice)
    assert letters == {
        "A": ["阿明", "Anna"],
        "B": ["bob"],
        "E": ["Émile"],
        "H": ["韩梅梅"],
        "L": ["李雷"],
        "Z": ["张三", "ｚｏｅ"],
        "#": ["9527", "アキラ"],
    }
    assert list(letters) == [*"ABEHLZ", "#"]


def test_the_name_of_each_friend_is_spelled_once(alice, monkeypatch):
    for name in NAMES:
        befriend(alice, make_user(name))
    spelled = []
    spelling = FriendshipRow.spelling.fget
    monkeypatch.setattr(
        FriendshipRow,
        "spelling",
        property(lambda self: spelled.append(self.name) or spelling(self)),
    )
    shown(alice)
    assert sorted(spelled) == sorted(NAMES)


def test_a_remark_decides_where_a_friend_stands(alice, bob):
    services.set_remark(friendship=Friendship.objects.of(alice).get(), remark="老王")
    assert shown(alice) == {"L": ["老王"]}
    services.set_remark(friendship=Friendship.objects.of(alice).get(), remark="")
    assert shown(alice) == {"B": ["bob"]}


def test_a_name_that_is_not_read_yet_stands_at_the_end(alice):
    befriend(alice, make_user("张三"))
    User.objects.filter(username="张三").update(pinyin="")
    assert shown(alice) == {"#": ["张三"]}


def test_the_page_leads_to_each_letter_without_scripts(page, alice, bob):
    befriend(alice, make_user("9527"))
    content = page.get("/contacts/").content.decode()
    links = re.findall(r'<a href="#(letter-[^"]+)"', content)
    assert links == ["letter-B", "letter-other"]
    for link in links:
        assert f'id="{link}"' in content


def test_the_rows_hold_what_the_filter_compares(page, alice, bob):
    services.set_remark(friendship=Friendship.objects.of(alice).get(), remark="老王")
    content = page.get("/contacts/").content.decode()
    [row] = re.findall(r'<li class="row" data-username="bob"[^>]*>', content)
    assert 'data-remark="老王"' in row
    assert 'data-readings="lao/老 wang/yu/王"' in row


def test_more_friends_take_no_more_queries(page, alice, bob):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert page.get("/contacts/").status_code == 200
        return len(captured)

    queries()
    before = queries()
    for number in range(5):
        befriend(alice, make_user(f"friend{number}"))
    assert queries() == before


@pytest.mark.parametrize(("path", "count"), [("requests/", 1), ("", 0)])
def test_the_name_of_a_new_friend_is_typed_at_once(page, path, count):
    content = page.get(f"/contacts/{path}").content.decode()
    fields = re.findall(r"<input[^>]*autofocus[^>]*>", content)
    assert ['name="username"' in field for field in fields] == [True] * count


@pytest.mark.parametrize(
    ("path", "said"),
    [("remark", "已保存"), ("block", "已拉黑"), ("unblock", "已解除拉黑")],
)
def test_what_was_done_with_a_friend_is_said(page, bob, path, said):
    answer = page.post(f"/contacts/bob/{path}/", {"remark": "B"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [said]
