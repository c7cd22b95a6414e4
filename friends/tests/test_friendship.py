from __future__ import annotations

import pytest
from django.test import Client

from chat.models import EventLog, Message
from friends.models import Block, Friendship
from tests.cast import Api, befriend, error_of, make_user, say


def kinds_after(user, head):
    return [event["kind"] for event in Api(user).get("events/", after=head).json()["events"]]


def test_a_removed_friend_is_gone_on_both_sides_and_their_chat_with_them(alice, bob):
    message = say(bob, alice, "嗨")
    head = EventLog.objects.head()
    assert Api(alice).post("friends/bob/remove/").json() == {}
    assert not Friendship.objects.exists()
    for user, other in [(alice, "bob"), (bob, "alice")]:
        api = Api(user)
        assert api.friend_names() == []
        assert api.get("conversations/").json()["conversations"] == []
        assert api.unread() == {}
        assert error_of(api.get(f"conversations/{other}/messages/")) == (404, "not_found")
        assert error_of(api.say(other, "hi")) == (404, "not_found")
        assert error_of(api.post(f"conversations/{other}/read/", up_to=message.id))[0] == 404
        assert api.client.get(f"/chat/{other}/").status_code == 404
        assert api.client.get(f"/contacts/{other}/").status_code == 404
        assert kinds_after(user, head) == ["friend_removed"]
    assert error_of(Api(alice).post("friends/bob/remove/")) == (404, "not_found")


def test_friends_again_find_their_history_again(alice, bob):
    message = say(bob, alice, "嗨")
    Api(bob).post("friends/alice/remove/")
    head = EventLog.objects.head()
    befriend(alice, bob)
    assert Api(alice).texts("bob") == ["嗨"]
    assert Api(alice).unread() == {"bob": 1}
    told = Api(alice).get("events/", after=head).json()["events"]
    [conversation] = [e["conversation"] for e in told if e["kind"] == "conversation_changed"]
    assert conversation["last_message"]["id"] == message.id
    assert conversation["unread"] == 1


def test_a_remark_is_the_owners_own(alice, bob):
    head = EventLog.objects.head()
    answer = Api(alice).post("friends/bob/remark/", remark=" 老王 ")
    friend = {"username": "bob", "remark": "老王", "blocked": False, "avatar": None}
    assert answer.json() == {"friend": friend}
    assert Api(alice).get("conversations/").json()["conversations"][0]["remark"] == "老王"
    assert Api(bob).get("friends/").json()["friends"][0]["remark"] == ""
    [event] = Api(alice).get("events/", after=head).json()["events"]
    assert (event["kind"], event["old_username"]) == ("friend_changed", "bob")
    assert kinds_after(bob, head) == []
    assert error_of(Api(alice).post("friends/bob/remark/", remark="字" * 17)) == (400, "too_long")
    assert error_of(Api(alice).post("friends/bob/remark/", remark=7)) == (400, "invalid")
    assert Api(alice).post("friends/bob/remark/", remark="").json()["friend"]["remark"] == ""


def test_a_block_stops_both_from_writing_and_stores_nothing(alice, bob):
    head = EventLog.objects.head()
    assert Api(alice).post("friends/bob/block/").json()["friend"]["blocked"] is True
    assert error_of(Api(bob).say("alice", "hi")) == (403, "blocked")
    assert error_of(Api(alice).say("bob", "hi")) == (403, "blocked")
    assert not Message.objects.exists()
    # The target is still a friend and is told nothing.
    assert Api(bob).friend_names() == ["alice"]
    assert Api(bob).get("friends/").json()["friends"][0]["blocked"] is False
    assert kinds_after(bob, head) == []
    assert kinds_after(alice, head) == ["friend_changed"]

    assert Api(alice).post("friends/bob/unblock/").json()["friend"]["blocked"] is False
    assert Api(bob).say("alice", "hi").status_code == 201


def test_a_retry_of_what_was_sent_before_the_block_is_still_that_message(alice, bob):
    client_id = "00000000-0000-4000-8000-000000000001"
    sent = Api(bob).say("alice", "hi", client_id).json()
    Api(alice).post("friends/bob/block/")
    again = Api(bob).say("alice", "hi", client_id)
    assert (again.status_code, again.json()) == (200, sent)


def test_requests_of_the_blocked_are_accepted_and_never_shown(alice, carol):
    head = EventLog.objects.head()
    Api(alice).post("friends/carol/block/")
    assert Api(alice).get("friends/requests/").json()["received"] == []
    assert kinds_after(alice, head) == ["request_changed"]

    [waiting] = Api(carol).get("friends/requests/").json()["sent"]
    assert Api(carol).post(f"friends/requests/{waiting['id']}/withdraw/").status_code == 200
    head = EventLog.objects.head()
    assert Api(carol).post("friends/requests/", username="alice").status_code == 201
    assert Api(alice).get("friends/requests/").json()["received"] == []
    assert kinds_after(alice, head) == []
    [waiting] = Api(carol).get("friends/requests/").json()["sent"]
    for act in ("accept", "decline"):
        assert error_of(Api(alice).post(f"friends/requests/{waiting['id']}/{act}/"))[0] == 404
    page = Client()
    page.force_login(alice)
    assert "carol" not in page.get("/contacts/requests/").content.decode()

    Api(alice).post("friends/carol/unblock/")
    assert len(Api(alice).get("friends/requests/").json()["received"]) == 1


def test_an_ex_friend_stays_blocked_and_can_be_unblocked(alice, bob):
    Api(alice).post("friends/bob/block/")
    Api(alice).post("friends/bob/remove/")
    assert Block.objects.count() == 1
    answer = Api(alice).post("friends/bob/unblock/")
    friend = {"username": "bob", "remark": "", "blocked": False, "avatar": None}
    assert answer.json() == {"friend": friend}
    assert not Block.objects.exists()
    assert error_of(Api(alice).post("friends/bob/unblock/")) == (404, "not_found")


@pytest.mark.parametrize("act", ["remove", "remark", "block", "unblock"])
def test_strangers_and_nobody_are_404(alice, bob, mallory, act):
    for name in ("mallory", "nobody", "alice", "../evil"):
        path = f"friends/{name}/{act}/"
        assert error_of(Api(alice).post(path, remark="x")) == (404, "not_found")
        page = Client()
        page.force_login(alice)
        assert page.post(f"/contacts/{name}/{act}/", {"remark": "x"}).status_code == 404


def test_the_plain_forms_of_a_contact_do_what_the_api_does(alice, bob):
    page = Client()
    page.force_login(alice)
    assert page.post("/contacts/bob/remark/", {"remark": "字" * 17}).status_code == 422
    assert page.post("/contacts/bob/remark/", {"remark": "老王"}).status_code == 302
    assert "老王" in page.get("/contacts/").content.decode()
    for act in ("block", "unblock", "remove"):
        assert page.get(f"/contacts/bob/{act}/").status_code == 405
        assert page.post(f"/contacts/bob/{act}/").status_code == 302
    assert not Friendship.objects.exists()


def test_the_admin_ends_a_friendship_on_both_sides(alice, bob, admin_client):
    from django.contrib.admin.sites import site

    assert site.is_registered(Friendship)
    assert not site.is_registered(Message)
    make_user("zoe")
    row = Friendship.objects.get(owner=alice)
    assert admin_client.get("/admin/friends/friendship/?q=ali").status_code == 200
    answer = admin_client.post(f"/admin/friends/friendship/{row.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not Friendship.objects.exists()
