"""The socket of a real server: a right that ends elsewhere ends here, too."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live import open_raw, settle
from tests.server import Server


def test_unfriended_and_blocked_take_effect_on_open_sockets(alice, people):
    carol = people["carol"]
    with alice.open() as hers, carol.open() as theirs:
        hers.expect("caught_up")
        theirs.expect("caught_up")
        assert alice.post("friends/carol/block/").status_code == 200
        theirs.say("alice", "hallo?")
        assert theirs.expect("error")["code"] == "blocked"
        theirs.send({"type": "typing", "to": "alice"})
        hers.expect("friend_changed")
        assert hers.is_silent()
        assert alice.post("friends/carol/remove/").status_code == 200
        assert theirs.expect("friend_removed")["username"] == "alice"
        theirs.say("alice", "hallo?")
        assert theirs.expect("error")["code"] == "not_found"
        theirs.send({"type": "read", "with": "alice", "up_to": 1})
        assert theirs.expect("error")["code"] == "not_found"


def test_a_logout_closes_the_sockets_of_its_session_within_5_seconds(people):
    gina = people["gina"]
    with gina.open() as live:
        live.expect("caught_up")
        gina.server.manage(
            "shell", "-c",
            "from django.contrib.sessions.models import Session\n"
            f"Session.objects.filter(pk={gina.cookie.split(';')[0].partition('=')[2]!r}).delete()",
        )  # fmt: skip
        assert live.close_code(timeout=5) == 4401


def test_a_ban_closes_the_sockets_and_a_deletion_tells_the_friends(people):
    emil, dora, alice = people["emil"], people["dora"], people["alice"]
    with emil.open() as banned, dora.open() as gone, alice.open() as friend:
        for live in (banned, gone, friend):
            live.expect("caught_up")
        emil.server.manage(
            "shell", "-c",
            "from accounts.models import User\n"
            "User.objects.filter(username='emil').update(is_active=False)\n"
            "User.objects.get(username='dora').delete()",
        )  # fmt: skip
        event = friend.expect("friend_removed")
        assert (event["username"], event["reason"]) == ("dora", "deleted")
        assert banned.close_code(timeout=5) == 4401
        assert gone.close_code(timeout=5) == 4401


def test_a_stop_closes_every_socket_with_1012(tmp_path):
    with Server(tmp_path) as server:
        person = settle(server, ["solo"], [])["solo"]
        with person.open() as live:
            live.expect("caught_up")
            assert server.stop() < 3
            assert live.close_code() == 1012


def test_a_stop_tells_those_who_sleep_and_does_not_wait_for_their_answer(tmp_path):
    with Server(tmp_path) as server:
        person = settle(server, ["solo"], [])["solo"]
        with open_raw(server, person.cookie) as asleep:
            asleep.sendall(b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}')  # answered once it is live
            while b"pong" not in asleep.recv(4096):
                pass
            assert server.stop() < 4  # the answer to a close would be waited for 5 s
            assert asleep.recv(4096) == b"\x88\x02\x03\xf4"
            assert asleep.recv(4096) == b""


def test_who_has_to_choose_a_password_has_no_socket_until_then(people):
    hans = people["hans"]

    def ask_for_a_password(is_asked: bool) -> None:
        hans.server.manage(
            "shell", "-c",
            "from accounts.models import User\n"
            f"User.objects.filter(username='hans').update(must_change_password={is_asked})",
        )  # fmt: skip

    with hans.open() as live:
        live.expect("caught_up")
        ask_for_a_password(True)
        assert live.close_code(timeout=5) == 4401
    assert hans.get("me/").status_code == 403
    with hans.open() as live:
        assert live.close_code() == 4401
    ask_for_a_password(False)
    with hans.open() as live:
        assert live.next()["type"] == "hello"


def test_who_sends_on_after_the_close_of_a_flood_is_cut_off(people):
    with people["flora"].open() as live:
        live.expect("caught_up")
        with suppress(ConnectionClosed):
            for _frame in range(250):  # a hundred after the close would take its code along
                live.send("junk")
        assert live.close_code() == 4429
    flood = people["flora"].open()
    flood.expect("caught_up")
    junk = b"\x81\x84\0\0\0\0junk" * 1000  # past the library, which would answer the close
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _time in range(30):  # three of the five seconds for which gunicorn reads on
            flood.socket.socket.sendall(junk)
            time.sleep(0.1)


def test_who_floods_again_and_again_is_not_let_in_for_a_while(people):
    codes = []
    for _flood in range(8):
        with people["flint"].open() as live:
            try:
                live.expect("caught_up")
                for _frame in range(220):
                    live.send("junk")
            except ConnectionClosed:
                pass
            codes.append((live.close_code(), len(live.frames)))
    assert {code for code, _frames in codes} == {4429}
    assert codes[0][1] > 200
    assert min(frames for _code, frames in codes) == 0, "closed before the hello"
    assert people["flint"].get("me/").status_code == 200
