"""The socket of a real server: messages, and frames that make no sense."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed


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
    with people["mallory"].open() as live:  # no other test counts mallory's notes of typing
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
