"""An accepted request becomes a chat."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from friends import services
from friends.models import FriendRequest, Friendship
from tests.cast import say


@pytest.fixture
def page(alice):
    client = Client()
    client.force_login(alice)
    return client


def test_accepting_leads_to_the_chat_which_says_so(page, carol):
    pk = FriendRequest.objects.get().pk
    answer = page.post(f"/contacts/requests/{pk}/accept/")
    assert answer["Location"] == "/chat/carol/"
    content = page.get("/chat/carol/").content.decode()
    words = re.search(r'<p id="thread-empty"[^>]*>(.*?)</p>', content, re.DOTALL)[1]
    assert re.sub(r"<[^>]+>", "", words).strip() == "你已添加了carol，现在可以开始聊天了"


def test_asking_somebody_who_has_asked_leads_to_the_chat_too(page, carol):
    answer = page.post("/contacts/requests/", {"username": "carol", "note": ""})
    assert answer["Location"] == "/chat/carol/"


@pytest.mark.parametrize("ask", [True, False])
def test_where_the_two_have_talked_before_a_notice_says_so(page, alice, bob, ask):
    say(bob, alice, "damals")
    services.remove(friendship=Friendship.objects.of(alice).get())
    services.ask(sender=bob, username="alice")
    path = "" if ask else f"{FriendRequest.objects.get(sender=bob).pk}/accept/"
    answer = page.post(f"/contacts/requests/{path}", {"username": "bob", "note": ""})
    assert answer["Location"] == "/chat/bob/"
    chat = page.get("/chat/bob/")
    assert [*map(str, chat.context["messages"])] == ["你已添加了bob，现在可以开始聊天了"]
    assert [*page.get("/chat/bob/").context["messages"]] == []


def test_a_new_friend_is_told_of_once(page, carol):
    page.post(f"/contacts/requests/{FriendRequest.objects.get().pk}/accept/")
    assert [*page.get("/chat/carol/").context["messages"]] == []


def test_accepting_what_was_withdrawn_says_so(page, alice, carol):
    waiting = FriendRequest.objects.get()
    page.get("/contacts/")
    real = services.accept

    def late(*, request):
        services.withdraw(request=FriendRequest.objects.get(pk=request.pk))
        return real(request=request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "accept", late)
        answer = page.post(f"/contacts/requests/{waiting.pk}/accept/")
    assert answer["Location"] == "/contacts/requests/"
