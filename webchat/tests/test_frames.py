"""The bytes of a WebSocket, however they are cut, and all that a client may get wrong."""

from __future__ import annotations

import pytest
from gunicorn.asgi.websocket import WebSocketProtocol
from hypothesis import given
from hypothesis import strategies as st

from webchat.serving import frames
from webchat.serving.frames import BrokenError, Frames

from .wires import client_frame

MOST = 32 * 1024


def take_all(taker):
    found = []
    while (one := taker.next()) is not None:
        found.append(one)
    return found


def read(*pieces):
    taker = Frames(MOST)
    found = []
    for piece in pieces:
        taker.feed(piece)
        found += take_all(taker)
    assert len(taker) == 0
    return found


def cut(raw, places):
    places = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[a:b] for a, b in zip(places, places[1:], strict=False)]


PAYLOADS = st.binary(max_size=300) | st.sampled_from([b"x" * n for n in (125, 126, 127, 4000)])
KEYS = st.binary(min_size=4, max_size=4)


@st.composite
def conversations(draw):
    """Whole messages, messages in parts, and control frames between them and their parts."""
    raw, expected = b"", []
    for _number in range(draw(st.integers(1, 4))):
        opcode = draw(st.sampled_from([frames.TEXT, frames.BINARY]))
        parts = draw(st.lists(PAYLOADS, min_size=1, max_size=4))
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            its = frames.CONTINUATION if number else opcode
            raw += client_frame(its, part, final=is_last, key=draw(KEYS))
            expected.append((opcode, b"".join(parts)) if is_last else (frames.CONTINUATION, b""))
            if draw(st.booleans()):
                kind = draw(st.sampled_from([frames.PING, frames.PONG]))
                payload = draw(st.binary(max_size=125))
                raw += client_frame(kind, payload, key=draw(KEYS))
                expected.append((kind, payload))
    return raw, expected


@given(conversations(), st.lists(st.integers(0, 20_000), max_size=12))
def test_however_the_bytes_are_cut_they_are_the_same_frames(conversation, places):
    raw, expected = conversation
    assert read(*cut(raw, places)) == expected


def test_a_frame_is_found_at_whatever_byte_it_is_split():
    for size in (0, 5, 125, 126, 300):
        raw = client_frame(frames.TEXT, b"y" * size) + client_frame(frames.PING, b"p")
        expected = [(frames.TEXT, b"y" * size), (frames.PING, b"p")]
        for place in range(len(raw) + 1):
            assert read(raw[:place], raw[place:]) == expected
        assert read(*(raw[i : i + 1] for i in range(len(raw)))) == expected


@given(payload=st.binary(max_size=300), key=KEYS)
def test_a_frame_is_unmasked_as_gunicorn_does_it(payload, key):
    assert frames.unmask(payload, key) == WebSocketProtocol._unmask(None, payload, key)


def huge(length):
    return b"\x81\xff" + length.to_bytes(8, "big")


PART = client_frame(frames.TEXT, b"a", final=False)
BROKEN = [
    (b"\x81\x05hello", 1002),
    *((client_frame(frames.TEXT, reserved=bit), 1002) for bit in (0x40, 0x20, 0x10)),
    *((client_frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    (b"\x81\xfe\x00\x7d", 1002),  # 125 bytes, written as if they needed two
    (b"\x81\xff" + (65535).to_bytes(8, "big"), 1002),
    (huge(2**63), 1002),
    (huge(2**64 - 1), 1002),
    (client_frame(frames.CONTINUATION, b"a"), 1002),
    (PART + client_frame(frames.TEXT, b"b"), 1002),
    (PART + client_frame(frames.BINARY, b"b"), 1002),
    *((client_frame(opcode, final=False), 1002) for opcode in (8, 9, 10)),
    (b"\x89\xfe\x00\x7e", 1002),  # a ping of 126 bytes
    (b"\x81\xfe\x80\x01", 1009),  # 32,769 bytes: refused by the head alone
    (huge(65536), 1009),
    (client_frame(frames.TEXT, b"x" * MOST, final=False) + client_frame(0, b"x"), 1009),
]


@pytest.mark.parametrize(("raw", "code"), BROKEN)
def test_what_breaks_the_protocol_is_refused_with_its_code(raw, code):
    with pytest.raises(BrokenError) as refused:
        read(raw)
    assert refused.value.code == code
    with pytest.raises(BrokenError) as refused:
        read(*(raw[i : i + 1] for i in range(len(raw))))
    assert refused.value.code == code


def test_the_longest_message_passes_whole_and_in_parts():
    whole = b"x" * MOST
    assert read(client_frame(frames.TEXT, whole)) == [(frames.TEXT, whole)]
    parts = client_frame(frames.TEXT, whole[:-1], final=False) + client_frame(0, b"x")
    assert read(parts)[-1] == (frames.TEXT, whole)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_noise_ends_in_a_code_or_in_waiting_for_more(noise, places):
    taker, code = Frames(MOST), None
    try:
        for piece in cut(noise, places):
            taker.feed(piece)
            take_all(taker)
    except BrokenError as error:
        code = error.code
    assert code in (None, 1002, 1009)
    assert len(taker) <= len(noise)


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_is_written_in_the_shortest_form(length, head):
    assert frames.text_frame("x" * length) == head + b"x" * length


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"", b"\x88\x02\x03\xe8"),
        (b"\x03\xe8", b"\x88\x02\x03\xe8"),
        (b"\x03\xe9bye", b"\x88\x05\x03\xe9bye"),
        (b"\x11\x31", b"\x88\x02\x11\x31"),
        (b"\x03", b"\x88\x17\x03\xeaInvalid close payload"),
        (b"\x03\xed", b"\x88\x14\x03\xeaInvalid close code"),  # 1005
        (b"\x00\x07", b"\x88\x14\x03\xeaInvalid close code"),
        (b"\x13\x88", b"\x88\x14\x03\xeaInvalid close code"),  # 5000
        (b"\x03\xe8\xff", b"\x88\x0f\x03\xefInvalid UTF-8"),
    ],
)
def test_a_close_is_answered_with_its_code_or_with_what_is_wrong(payload, answer):
    assert frames.answer_to_close(payload) == answer


def test_the_handshake_is_agreed_to_as_in_the_example_of_the_standard():
    answer = frames.agreement(b"dGhlIHNhbXBsZSBub25jZQ==")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
