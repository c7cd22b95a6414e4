"""Broken frames, a cut without a FIN, and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.cable import Cable
from tests.faults.talk import nothing_was_lost, talk
from tests.live import Person, settle
from tests.server import Server

CUT_SECONDS = 60

PAIRS = [("anna", "ben"), ("cleo", "dirk")]


def pairs_on(server: Server) -> list[tuple[Person, Person]]:
    people = settle(server, [name for pair in PAIRS for name in pair], PAIRS)
    return [(people[a], people[b]) for a, b in PAIRS]


# Broken frames

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("type", "to", "text", "client_id", "with", "up_to", "extra"), JSON),
)
COMMANDS = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.sampled_from(["send", "read", "typing", "ping", "hello", "event"]),
    FIELDS,
)
FRAMES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).filter(lambda text: text.isprintable()),
    JSON.map(json.dumps),
    COMMANDS.map(json.dumps),
    st.integers(1, 4000).map(lambda depth: "[" * depth),
    st.integers(1, 4000).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
)


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off") as server:
        yield settle(server, ["anna", "ben"], [("anna", "ben")])["anna"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(frames=st.lists(FRAMES, min_size=1, max_size=10))
def test_whatever_is_sent_the_socket_lives_and_its_neighbours_do(anna, frames):
    with anna.open() as live:
        live.expect("caught_up")
        for frame in frames:
            live.send(frame)
        live.send({"type": "ping"})
        live.expect("pong")
        live.say("ben", "noch da")
        live.expect("ack")
    assert {f["type"] for f in live.frames} <= {
        "hello", "caught_up", "error", "pong", "event", "ack", "typing",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\x05hello",  # not masked
        b"\xf1\x80\x00\x00\x00\x00",  # reserved bits
        b"\x83\x80\x00\x00\x00\x00",  # a reserved opcode
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",  # 2**64 bytes
        b"\x80\x80\x00\x00\x00\x00",  # a continuation of nothing
        b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126,  # a ping too long
        b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # not UTF-8
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(500),
    ],
)
def test_bytes_that_are_no_frames_end_that_connection_and_no_other(anna, raw):
    with anna.open() as neighbour:
        neighbour.expect("caught_up")
        live = anna.open()
        live.expect("caught_up")
        live.socket.socket.sendall(raw)
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            live.next(3)
        live.socket.socket.close()
        neighbour.send({"type": "ping"})
        neighbour.expect("pong")


# A cut without a FIN


def test_a_cut_of_a_minute_without_a_fin_loses_and_doubles_nothing(tmp_path):
    with Server(tmp_path, SEND_RATE="off") as server:
        pairs = pairs_on(server)
        direct = server.url

        async def run() -> list:
            async with Cable(server.port) as cable:
                server.url = f"http://127.0.0.1:{cable.port}"

                async def trouble() -> None:
                    await asyncio.sleep(3)
                    cable.cut()
                    await asyncio.sleep(CUT_SECONDS)
                    cable.mend()

                return await talk(pairs, CUT_SECONDS + 8, trouble, pause=0.02)

        talkers = asyncio.run(run())
        server.url = direct
        assert all(talker.connections >= 2 for talker in talkers)
        nothing_was_lost(tmp_path / "db.sqlite3", talkers)


# A clock that jumps


def test_a_clock_that_jumps_back_and_forward_reorders_and_hides_nothing(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    fake = {"CLOCK": str(clock), "PYTHONPATH": str(Path(__file__).parent / "clock")}
    data = tmp_path / "data"
    data.mkdir()
    with Server(data, **fake) as server:  # SEND_RATE as it is by default
        pairs = pairs_on(server)

        async def trouble() -> None:
            for offset in ("-3600", "86400", "0"):
                await asyncio.sleep(3)
                clock.write_text(offset)

        # Slow enough for the rate at any steady clock.
        talkers = asyncio.run(talk(pairs, 12, trouble, pause=0.5))
        assert not any(talker.refused["rate_limited"] for talker in talkers)
        nothing_was_lost(data / "db.sqlite3", talkers)
        anna, ben = pairs[0]
        times = [
            m["sent_at"]
            for m in anna.get("conversations/ben/messages/", limit=100).json()["messages"]
        ]
        assert times != sorted(times), "the clock did jump"
        assert ben.get("unread_counts/").json()["anna"] == len(talkers[0].acknowledged)
