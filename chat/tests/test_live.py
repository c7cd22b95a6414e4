"""The socket of a real server, frame by frame."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live import Person, settle
from tests.server import Server

NAMES = ["alice", "bob", "carol", "dora", "emil", "fred", "gina", "hans", "mallory"]
NAMES += ["flora", "flint"]  # who flood
PAIRS = [
    ("alice", "bob"),
    ("alice", "carol"),
    ("alice", "dora"),
    ("emil", "fred"),
    ("gina", "hans"),
]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off") as server:
        yield settle(server, NAMES, PAIRS)


@pytest.fixture
def alice(people) -> Person:
    return people["alice"]


@pytest.fixture
def bob(people) -> Person:
    return people["bob"]


def head(person: Person) -> int:
    return person.get("me/").json()["last_event"]


# The handshake


def test_without_after_it_is_live_from_the_head(alice):
    with alice.open() as live:
        assert live.next() == {"type": "hello", "username": "alice", "last_event": head(alice)}
        assert live.next() == {"type": "caught_up"}
        assert live.is_silent()


def test_what_was_missed_comes_in_order_before_what_is_live(alice, bob):
    after = head(bob)
    for number in range(3):
        assert alice.say("bob", f"m{number}").status_code == 201
    with bob.open(after) as live:
        hello = live.expect("hello")
        live.expect("caught_up")
        missed = [f for f in live.frames if f["type"] == "event"]
        assert [f["message"]["text"] for f in missed] == ["m0", "m1", "m2"]
        assert after < missed[0]["id"] < missed[1]["id"] < missed[2]["id"] == hello["last_event"]
        alice.say("bob", "live")
        event = live.expect("message")
        assert event["id"] > hello["last_event"]
        assert event["message"]["text"] == "live"
        assert event["message"]["with"] == "alice"


@pytest.mark.parametrize("after", ["x", "", "-1", str(2**70), "10000000"])
def test_an_after_that_the_log_does_not_know_is_a_reset(alice, after):
    with alice.open(after) as live:
        assert live.next()["type"] == "hello"
        assert live.next() == {"type": "reset"}


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null"])
def test_a_foreign_origin_is_refused_at_the_handshake(alice, origin):
    with pytest.raises(InvalidStatus) as refused:
        alice.open(origin=origin)
    assert refused.value.response.status_code == 403


def test_the_own_origin_is_welcome(alice):
    with alice.open(origin=alice.server.url) as live:
        assert live.next()["type"] == "hello"


@pytest.mark.parametrize("cookie", ["", "sessionid=nonsense", "sessionid=" + "a" * 32, ";;=;"])
def test_without_a_session_it_is_closed_with_4401(alice, cookie):
    with Person(alice.server, "nobody", "x").open(cookie=cookie) as live:
        assert live.close_code() == 4401


def test_a_page_of_somebody_else_gets_no_socket(alice, bob):
    def whose(person: Person) -> str:
        page = httpx.get(f"{person.server.url}/", headers={"Cookie": person.cookie})
        return re.search(r'data-user-id="(\d+)"', page.text)[1]

    with alice.open(f"{head(alice)}&user={whose(alice)}") as live:
        assert live.next()["type"] == "hello"
    for other in (whose(bob), "", "x"):
        with alice.open(f"{head(alice)}&user={other}") as live:
            assert live.close_code() == 4401


def test_the_eleventh_socket_of_a_person_is_closed(people):
    hans = people["hans"]
    sockets = [hans.open() for _number in range(10)]
    for live in sockets:
        live.expect("caught_up")
    with hans.open() as live:
        assert live.close_code() == 4429
    sockets.pop().socket.close()
    with hans.open() as live:
        live.expect("caught_up")
    for live in sockets:
        live.socket.close()


# Sending


def test_a_message_is_acknowledged_and_told_to_both_and_a_retry_is_the_same(alice, bob):
    with alice.open() as mine, bob.open() as theirs:
        mine.expect("caught_up")
        theirs.expect("caught_up")
        client_id = mine.say("BOB", " 你好 ")
        ack = mine.expect("ack")
        assert ack["client_id"] == ack["message"]["client_id"] == client_id
        assert ack["message"]["text"] == "你好"
        assert ack["message"]["with"] == "bob"
        assert [f["message"] for f in mine.frames if f["type"] == "event"] == [ack["message"]]
        received = theirs.expect("message")["message"]
        assert received == ack["message"] | {"with": "alice"}
        mine.say("bob", "你好", client_id)
        assert mine.expect("ack") == ack
        assert mine.is_silent()
        assert theirs.is_silent()
        assert bob.texts("alice").count("你好") == 1


def test_refusals_are_error_frames_with_the_id_of_the_send(alice):
    with alice.open() as live:
        live.expect("caught_up")
        stands = live.say("bob", "steht")
        live.expect("ack")
        sends = [
            ({"to": "mallory", "text": "hi"}, "not_found"),
            ({"to": "nobody", "text": "hi"}, "not_found"),
            ({"to": "bob", "text": ""}, "invalid"),
            ({"to": "bob", "text": "a\ud800"}, "invalid"),
            ({"to": "bob", "text": 7}, "invalid"),
            ({"to": None, "text": "hi"}, "invalid"),
            ({"to": "bob", "text": "字" * 4001}, "too_long"),
            ({"to": "bob", "text": "anders", "client_id": stands}, "duplicate_id"),
            ({"to": "carol", "text": "steht", "client_id": stands}, "duplicate_id"),
        ]
        for fields, code in sends:
            frame = {"type": "send", "client_id": str(uuid4())} | fields
            live.send(frame)
            error = live.expect("error")
            assert (error["client_id"], error["code"]) == (frame["client_id"], code)
            assert error["message"]
        live.send({"type": "send", "to": "bob", "text": "hi"})
        assert live.expect("error")["client_id"] is None


@pytest.mark.parametrize(
    "lone", ["\ud800", "\udc00\ud800", "a\udfff", "3f0c9b1e-6d5a-4a53-9d0e-5f2b7c1a9e4\ud800"]
)
@pytest.mark.parametrize("field", ["client_id", "to", "text", "quote", "type", "x\ud800"])
def test_a_lone_surrogate_makes_no_socket_deaf(people, field, lone):
    client_id = str(uuid4())
    frame = {"type": "send", "client_id": client_id, "to": "bob", "text": "hi"} | {field: lone}
    with people["mallory"].open() as live:  # whose notes of typing no other test counts
        live.expect("caught_up")
        live.send(json.dumps(frame))
        if field.isascii():
            error = live.expect("error")
            knows_whose = field not in ("client_id", "type")
            assert error["client_id"] == (client_id if knows_whose else None)
        for frame in ({"type": "typing", "to": lone}, {"type": "read", "with": lone, "up_to": 1}):
            live.send(json.dumps(frame))
        live.send({"type": "ping"})
        live.expect("pong")


@pytest.mark.parametrize(
    "text", ["a" + "\u0301\u0327" * 5000, "\u0f73" * 10_000, "\ufdfa" * 10_000]
)
def test_a_heap_of_marks_is_refused_like_any_other_text(people, text):
    with people["mallory"].open() as live:
        live.expect("caught_up")
        client_id = str(uuid4())
        frame = {"type": "send", "client_id": client_id, "to": "bob", "text": text}
        live.send(json.dumps(frame, ensure_ascii=False))
        assert live.expect("error")["client_id"] == client_id
        live.send(json.dumps({"type": "typing", "to": text}, ensure_ascii=False))
        live.send({"type": "ping"})
        live.expect("pong")


JUNK = [
    "",
    "{",
    "[]",
    "7",
    "null",
    '"x"',
    "{}",
    '{"type": []}',
    '{"type": "dance"}',
    "[" * 5000,
    '{"type":' * 4000,
    '{"type": NaN}',
    '{"type": "read", "with": "bob", "up_to": NaN}',
    '{"type": "read", "with": "bob", "up_to": 1e999}',
    f'{{"type": "read", "with": "bob", "up_to": {"9" * 30_000}}}',
    f'{{"type": "read", "with": "bob", "up_to": "{"9" * 30_000}"}}',
    b"\x00\xff",
    b'{"type": "ping"}',
    '{"type": "read"}',
    '{"type": "read", "with": "bob", "up_to": "x"}',
    '{"type": "read", "with": 7, "up_to": 1}',
]


def test_junk_costs_an_error_frame_and_nothing_else(alice):
    with alice.open() as live:
        live.expect("caught_up")
        for junk in JUNK:
            live.send(junk)
            error = live.expect("error")
            assert (error["client_id"], error["code"]) == (None, "invalid"), junk
        live.send({"type": "ping"})
        assert live.expect("pong") == {"type": "pong"}


def test_who_sends_200_bad_frames_at_once_is_closed(people):
    with people["fred"].open() as live:
        live.expect("caught_up")
        try:
            for _number in range(250):
                live.send("junk")
        except ConnectionClosed:
            pass
        assert live.close_code() == 4429


def test_a_frame_over_32_kib_ends_the_connection(people):
    with people["fred"].open() as live:
        live.expect("caught_up")
        live.send('{"type": "ping", "x": "' + "x" * 33_000 + '"}')
        assert live.close_code() == 1009


# Reading and typing


def test_reading_is_told_to_the_own_sockets_only(alice, bob):
    alice.say("bob", "lies das")
    with bob.open() as one, bob.open() as other, alice.open() as writer:
        for live in (one, other, writer):
            live.expect("caught_up")
        one.send({"type": "read", "with": "alice", "up_to": 2**80})
        event = one.expect("read")
        assert (event["with"], event["unread"]) == ("alice", 0)
        assert other.expect("read") == event
        assert writer.is_silent()
        one.send({"type": "read", "with": "mallory", "up_to": 1})
        assert one.expect("error")["code"] == "not_found"
        assert bob.get("unread_counts/").json() == {}


def test_typing_is_told_to_a_friend_and_to_nobody_else(alice, bob, people):
    with alice.open() as writer, bob.open() as friend, people["mallory"].open() as stranger:
        for live in (writer, friend, stranger):
            live.expect("caught_up")
        writer.send({"type": "typing", "to": "mallory"})
        writer.send({"type": "typing", "to": "bob"})
        assert friend.expect("typing") == {"type": "typing", "from": "alice"}
        assert stranger.is_silent()


def test_typing_is_told_so_often_whoever_it_is_for_and_from_however_many_sockets(people):
    hers, friends = people["alice"], ("bob", "carol")
    sockets = [hers.open() for _number in range(3)]
    listening = [people[name].open() for name in friends]
    try:
        for live in (*sockets, *listening):
            live.expect("caught_up")
        for _round in range(20):
            for live in sockets:
                for name in friends:
                    live.send({"type": "typing", "to": name})
        heard = 0
        for live in listening:
            while not live.is_silent(1):
                heard += 1
        # Ten, and one a second more.
        assert 5 <= heard <= 20
    finally:
        for live in (*sockets, *listening):
            live.socket.close()


def test_a_flood_of_frames_is_refused_and_then_ends_the_connection(people):
    with people["mallory"].open() as live:
        live.expect("caught_up")
        for _frame in range(4000):
            live.send({"type": "ping"})
        assert live.close_code() == 4429
        refused = [frame for frame in live.frames if frame["type"] == "error"]
        assert {frame["code"] for frame in refused} == {"rate_limited"}
        assert refused[0]["retry_after"] > 0
        assert sum(frame["type"] == "pong" for frame in live.frames) >= 1000


# What ends a right ends it here, too


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
            f"Session.objects.filter(pk={gina.cookie.split(';')[0][10:]!r}).delete()",
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
        for _time in range(30):  # three seconds, of the five that gunicorn reads on
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
