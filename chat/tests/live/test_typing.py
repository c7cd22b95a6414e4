"""The socket of a real server: reading and typing."""

from __future__ import annotations


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
        # Ten, and one more a second.
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
