from __future__ import annotations

import socket

import pytest

from webchat.serving.pace import UNANSWERED_SECONDS, Pace, Pulse, Reception, reception


def found(acknowledged=0, *, segment=1448, probes=0, on_their_way=0, silent=0.0):
    return Reception(probes, segment, on_their_way, int(silent * 1000), acknowledged, 0)


def cut_after(rate, lump=1, segment=1448, seconds=300):
    """Return when a reader of `rate` bytes a second, told in lumps, is cut; None: never."""
    pace = Pace(0, found(segment=segment))
    for now in range(1, seconds):
        told = int(rate * now) // lump * lump
        if not pace.is_kept(now, found(told, segment=segment)):
            return now
    return None


def test_a_reader_below_a_kilobyte_a_second_is_cut_after_thirty_seconds():
    assert cut_after(0) == 30
    assert 30 <= cut_after(14) <= 31
    assert 30 < cut_after(900) < 300


@pytest.mark.parametrize("rate", [1025, 5000, 10**9])
def test_a_reader_above_it_is_not(rate):
    assert cut_after(rate) is None
    assert cut_after(rate, lump=1448) is None


def test_one_on_the_same_machine_is_told_of_in_lumps_of_64_kb():
    assert cut_after(1100, lump=65483, segment=47616) is None
    assert cut_after(0, segment=47616) < 75


def test_what_was_taken_fast_buys_no_more_than_thirty_seconds():
    pace = Pace(0, found())
    assert pace.is_kept(1, found(10**9))
    assert pace.is_kept(30, found(10**9))
    assert not pace.is_kept(31, found(10**9))


def test_a_paused_program_answers_and_a_dead_machine_does_not():
    paused, dead, probed = Pulse(), Pulse(), Pulse()
    for now in range(100):
        assert paused.is_there(now, found(probes=now % 2, silent=now % 60))
        is_there = now < 2 * UNANSWERED_SECONDS
        assert dead.is_there(now, found(on_their_way=3, silent=now)) == is_there
        assert probed.is_there(now, found(probes=2, silent=now)) == is_there


def test_what_was_just_sent_after_a_long_silence_of_our_own_is_not_missed():
    pulse = Pulse()
    assert pulse.is_there(0, found(silent=1000))
    assert pulse.is_there(1, found(on_their_way=2, silent=1001))
    assert pulse.is_there(2, found(silent=0.1))
    assert pulse.is_there(40, found(on_their_way=2, silent=38))


def test_the_kernel_tells_what_was_taken():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        reader = socket.create_connection(listening.getsockname())
        ours, _address = listening.accept()
    with reader, ours:
        ours.sendall(b"x" * 10_000)
        assert len(reader.recv(10_000, socket.MSG_WAITALL)) == 10_000
        ours.setblocking(False)
        state = reception(ours)
        assert state.acknowledged == 10_000
        assert state.is_taken
        with pytest.raises(BlockingIOError):
            while True:
                ours.send(b"x" * 65536)
        assert not reception(ours).is_taken
        assert 500 < state.segment < 2**16
    assert reception(ours) is None


def test_a_unix_socket_tells_nothing():
    one, other = socket.socketpair()
    with one, other:
        assert reception(one) is None
