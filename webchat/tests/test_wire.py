"""A wire on a transport that records, or on a real one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from webchat.serving import frames, wire
from webchat.serving.wire import MESSAGES_AHEAD, MESSAGES_IN_A_ROW, UNREAD_FRAMES, Wire

from .wires import Transport, client_frame

MOST = 32 * 1024


class Reader:
    def __init__(self, its_wire):
        self.wire = its_wire
        self.heard = []
        self.losses = 0
        self.times_writable = 0
        its_wire.attach(self)

    def received(self, text):
        self.heard.append(text)
        if text == "hold":
            self.wire.hold()
        elif text == "end":
            self.wire.end(4429)
        elif text == "fail":
            raise LookupError("broken")

    def writable(self):
        self.times_writable += 1

    def lost(self):
        self.losses += 1


def play(scene):
    async def run():
        transport = Transport()
        its_wire = Wire(transport, MOST)
        reader = Reader(its_wire)
        its_wire.release()
        async with asyncio.timeout(10):
            await scene(its_wire, transport, reader)

    asyncio.run(run())


def texts(*some):
    return b"".join(client_frame(frames.TEXT, text.encode()) for text in some)


async def turns(number=3):
    for _turn in range(number):
        await asyncio.sleep(0)


def test_messages_are_given_at_once_and_binary_ones_as_nothing():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("a", "下午") + client_frame(frames.BINARY, b"x"))
        assert reader.heard == ["a", "下午", ""]
        assert transport.written == b""

    play(scene)


def test_only_so_many_are_given_in_a_row():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts(*"x" * (2 * MESSAGES_IN_A_ROW + 1)))
        assert len(reader.heard) == MESSAGES_IN_A_ROW
        its_wire.data_received(texts("last"))
        assert len(reader.heard) == MESSAGES_IN_A_ROW
        await turns()
        assert reader.heard[-1] == "last"
        assert len(reader.heard) == 2 * MESSAGES_IN_A_ROW + 2

    play(scene)


def test_who_is_held_gets_nothing_while_pings_are_answered_and_then_all_in_order():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("hold", "a") + client_frame(frames.PING, b"?"))
        assert reader.heard == ["hold"]
        assert transport.written == frames.frame(frames.PONG, b"?")
        its_wire.data_received(texts("b"))
        its_wire.hold()
        its_wire.release()
        await turns()
        assert reader.heard == ["hold"]
        its_wire.release()
        await turns()
        assert reader.heard == ["hold", "a", "b"]

    play(scene)


def test_what_a_held_reader_has_not_taken_is_bounded():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("hold"))
        sent = 0
        while transport.is_reading:
            its_wire.data_received(texts("x" * 1000))
            sent += 1
            assert sent < 200
        assert sent > MESSAGES_AHEAD
        its_wire.release()
        await turns(2 + sent // MESSAGES_IN_A_ROW)
        assert transport.is_reading
        assert len(reader.heard) == 1 + sent

    play(scene)


def test_the_longest_message_fits_behind_a_held_reader():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("hold", *"x" * MESSAGES_AHEAD, "y" * MOST)[:-1])
        assert transport.is_reading
        its_wire.release()
        its_wire.data_received(texts("y" * MOST)[-1:])
        await turns(5)
        assert len(reader.heard) == 2 + MESSAGES_AHEAD

    play(scene)


def test_what_came_before_a_close_or_a_cut_is_still_received():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("hold", "a") + client_frame(frames.CLOSE, b"\x03\xe9"))
        assert transport.written == frames.close_frame(1001)
        assert transport.closed == "closed"
        assert reader.losses == 1
        its_wire.connection_lost(None)
        its_wire.release()
        await turns()
        assert reader.heard == ["hold", "a"]
        assert reader.losses == 1

    async def cut(its_wire, transport, reader):
        its_wire.data_received(texts("hold", *"x" * 2 * MESSAGES_AHEAD))
        transport.closed = "lost"
        its_wire.connection_lost(ConnectionResetError())
        its_wire.write([b"too late"])
        its_wire.release()
        await turns(2 + 2 * MESSAGES_AHEAD // MESSAGES_IN_A_ROW)
        assert len(reader.heard) == 1 + 2 * MESSAGES_AHEAD
        assert reader.losses == 1

    play(scene)
    play(cut)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x81\x02hi", 1002),
        (client_frame(frames.TEXT, b"\xff\xfe"), 1007),
        (client_frame(frames.TEXT, "ä".encode()[:1], final=False) + client_frame(0, b"a"), 1007),
        (b"\x81\xfe\xff\xff", 1009),
    ],
)
def test_who_breaks_the_protocol_is_told_why_and_left(raw, code):
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("a") + raw + texts("b"))
        assert reader.heard == ["a"]
        assert transport.written[2:4] == code.to_bytes(2, "big")
        assert transport.written[0] == 0x88
        assert transport.closed == "closed"
        assert reader.losses == 1

    play(scene)


def test_a_character_may_be_cut_between_two_parts():
    async def scene(its_wire, transport, reader):
        first, last = "é".encode()[:1], "é".encode()[1:]
        its_wire.data_received(client_frame(frames.TEXT, first, final=False))
        its_wire.data_received(client_frame(frames.CONTINUATION, last))
        assert reader.heard == ["é"]

    play(scene)


def test_after_our_close_nothing_is_received_or_written_and_the_answer_ends_it():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("hold", "a"))
        its_wire.end(1012)
        its_wire.end(4401)
        its_wire.write([frames.text_frame("late")])
        its_wire.release()
        its_wire.data_received(texts("b") + client_frame(frames.PING))
        await turns()
        assert transport.written == frames.close_frame(1012)
        assert reader.heard == ["hold"]
        assert its_wire.is_closing
        assert not transport.closed
        its_wire.data_received(client_frame(frames.CLOSE, b"\x03\xf4"))
        assert transport.closed == "closed"

    play(scene)


@pytest.mark.parametrize(("unsent", "end"), [(0, "closed"), (1, "aborted")])
def test_who_does_not_take_the_rest_is_cut_off(monkeypatch, unsent, end):
    monkeypatch.setattr(wire, "CLOSE_SECONDS", 0.0)

    async def scene(its_wire, transport, _reader):
        transport.unsent = unsent
        its_wire.data_received(client_frame(frames.CLOSE, b"\x03\xe8"))
        assert its_wire.is_closing
        assert transport.closed == "closed"
        await turns()
        await turns()
        assert transport.closed == end

    play(scene)


def test_a_peer_that_does_not_answer_the_close_is_left_after_a_while(monkeypatch):
    monkeypatch.setattr(wire, "CLOSE_SECONDS", 0.01)

    async def scene(its_wire, transport, reader):
        its_wire.end(1012)
        await asyncio.sleep(0.1)
        assert transport.closed == "closed"
        assert reader.losses == 1

    play(scene)


def test_a_close_within_a_row_ends_the_row():
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("end", "a", "b"))
        assert reader.heard == ["end"]

    play(scene)


def test_a_reader_that_fails_costs_its_own_connection(caplog):
    async def scene(its_wire, transport, reader):
        its_wire.data_received(texts("fail", "a"))
        await turns()
        assert transport.written == frames.close_frame(1011)
        assert reader.heard == ["fail"]

    play(scene)
    assert "could not be served" in caplog.text


FLOODS = [
    client_frame(frames.PING),
    client_frame(frames.PONG),
    client_frame(frames.CONTINUATION, final=False),
]


@pytest.mark.parametrize("one", FLOODS, ids=["pings", "pongs", "parts"])
def test_a_flood_that_nobody_reads_is_cut(one, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(wire.time, "monotonic", lambda: now[0])

    async def scene(its_wire, transport, reader):
        its_wire.data_received(client_frame(frames.TEXT, final=False))
        for _number in range(2 * UNREAD_FRAMES):
            now[0] += 0.2
            its_wire.data_received(one)
        assert not transport.closed, "slowly, it is no flood"
        now[0] += 60
        its_wire.data_received(one * (UNREAD_FRAMES - 1))
        assert not transport.closed
        its_wire.data_received(one)
        assert transport.closed == "aborted"
        assert reader.losses == 1

    play(scene)


def test_whatever_is_sent_on_after_our_close_is_a_flood():
    async def scene(its_wire, transport, reader):
        its_wire.end(4429)
        its_wire.data_received(texts(*"x" * UNREAD_FRAMES))
        assert transport.closed == "aborted"

    play(scene)


def test_who_waits_to_write_goes_on_or_learns_that_it_is_over():
    async def scene(its_wire, transport, reader):
        await its_wire.drain()
        its_wire.pause_writing()
        waiting = asyncio.create_task(its_wire.drain())
        await turns()
        assert not waiting.done()
        its_wire.resume_writing()
        await waiting
        assert reader.times_writable == 1
        its_wire.pause_writing()
        waiting = asyncio.create_task(its_wire.drain())
        await turns()
        its_wire.connection_lost(None)
        with pytest.raises(ConnectionResetError):
            await waiting
        with pytest.raises(ConnectionResetError):
            await its_wire.drain()

    play(scene)


def test_a_reader_that_comes_too_late_learns_of_it_at_once():
    async def scene():
        late = Wire(Transport(), MOST)
        late.keep(texts("a"))
        late.connection_lost(None)
        assert Reader(late).losses == 1

    asyncio.run(scene())


def test_bytes_that_come_before_the_handshake_is_over_wait_for_a_reader():
    async def scene():
        transport = Transport()
        early = Wire(transport, MOST)
        early.keep(texts("a") + client_frame(frames.PING))
        assert transport.written == b""
        reader = Reader(early)
        early.release()
        await turns()
        assert reader.heard == ["a"]
        assert transport.written == frames.frame(frames.PONG, b"")
        while transport.is_reading:
            early.hold()
            early.keep(texts("x" * 1000))

    asyncio.run(scene())


def test_on_a_real_connection_a_reader_that_pauses_is_full_until_it_reads_on():
    async def scene():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        transport, _protocol = await loop.connect_accepted_socket(asyncio.Protocol, ours)
        its_wire = Wire(transport, MOST)
        transport.set_protocol(its_wire)
        reader = Reader(its_wire)
        its_wire.release()
        while not its_wire.is_full:
            its_wire.write([frames.text_frame("x" * 10_000)])
        theirs.setblocking(False)
        while its_wire.is_full:
            with pytest.raises(BlockingIOError):
                while theirs.recv(1 << 20):
                    pass
            await asyncio.sleep(0)
        assert reader.times_writable == 1
        theirs.send(texts("a"))
        theirs.close()
        for _turn in range(1000):
            await asyncio.sleep(0)
        assert (reader.heard, reader.losses) == (["a"], 1)

    asyncio.run(asyncio.wait_for(scene(), 10))
