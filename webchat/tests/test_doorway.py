"""Newcomers come in, whatever is before them in the kernel's queue."""

from __future__ import annotations

import asyncio
import inspect
import re
import socket

import pytest
from gunicorn.workers.gasgi import ASGIWorker

from webchat.serving import doorway
from webchat.serving.doorway import Doorway

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
FLOODING, QUIET = "127.0.0.2", "127.0.0.3"


class Hall:
    """The room that they come into: all who did, in order, each with its socket still open."""

    def __init__(self, room=1_000):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.came = []
        self.said = []
        self.room = room
        self.number, self.breaks_at = -1, None
        self.outside = []

    async def let_in(self, sock, said):
        self.number += 1
        if self.number == self.breaks_at:
            raise OSError("gone")
        self.came.append(sock)
        self.said.append(said)

    def knock(self, *, source=FLOODING, says=b"", hangs_up=False):
        sock = socket.create_connection(self.listener.getsockname(), source_address=(source, 0))
        sock.sendall(says)
        if hangs_up:
            sock.close()
        self.outside.append(sock)
        return sock

    def places(self):
        return [sock.getpeername()[0] for sock in self.came]

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for sock in (self.listener, *self.came, *self.outside):
            sock.close()


def play(hall, scene, **options):
    async def run():
        door = Doorway(hall.listener, hall.let_in, lambda: hall.room, **options)
        try:
            await scene(door)
        finally:
            door.close()
            await door.wait_closed()

    with hall:
        asyncio.run(asyncio.wait_for(run(), 10))


async def until(condition):
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def test_a_newcomer_does_not_stand_behind_all_that_one_address_has_opened():
    hall = Hall()
    for _number in range(200):
        hall.knock(says=REQUEST)
    hall.knock(source=QUIET, says=REQUEST)

    async def scene(_door):
        await until(lambda: len(hall.came) == 201)
        rounds = 200 // doorway.TAKEN_AT_ONCE + 2
        assert hall.places().index(QUIET) <= rounds * doorway.LET_IN_AT_ONCE

    play(hall, scene)


@pytest.mark.parametrize("says", [b"", b"GET / HTTP/1.1\r\nHost"])
@pytest.mark.parametrize("later", [False, True])
def test_who_hangs_up_without_a_request_is_not_let_in(monkeypatch, says, later):
    monkeypatch.setattr(doorway, "WAIT_SECONDS", 0.3)
    hall = Hall()
    gone = [hall.knock(says=says, hangs_up=not later) for _number in range(20)]
    hall.knock(source=QUIET, says=REQUEST)

    async def scene(door):
        await until(lambda: hall.came)
        for sock in gone:
            sock.close()
        await asyncio.sleep(0.6)
        assert hall.places() == [QUIET]
        await door.wait_closed()

    play(hall, scene)


def test_a_request_that_comes_in_pieces_is_handed_on_whole():
    hall = Hall()
    sock = hall.knock(says=REQUEST[:5])

    async def scene(_door):
        await asyncio.sleep(0.05)
        assert not hall.came
        sock.sendall(REQUEST[5:])
        await until(lambda: hall.came)
        assert hall.said == [REQUEST]

    play(hall, scene)


def test_who_has_asked_and_closed_one_half_is_let_in():
    hall = Hall()
    hall.knock(says=REQUEST).shutdown(socket.SHUT_WR)
    hall.knock(says=b"x" * doorway.HEAD_BYTES).shutdown(socket.SHUT_WR)

    async def scene(_door):
        await until(lambda: len(hall.came) == 2)
        assert hall.said == [REQUEST, b"x" * doorway.HEAD_BYTES]

    play(hall, scene)


def test_who_says_nothing_is_let_in_after_a_while(monkeypatch):
    monkeypatch.setattr(doorway, "WAIT_SECONDS", 0.2)
    hall = Hall()
    hall.knock()
    hall.knock(says=b"GET /")

    async def scene(_door):
        await asyncio.sleep(0.1)
        assert not hall.came
        await until(lambda: len(hall.came) == 2)
        assert hall.said == [b"", b"GET /"]

    play(hall, scene)


def test_where_there_is_no_room_who_says_nothing_gives_way():
    hall = Hall(room=10)
    for _number in range(60):
        hall.knock()
    hall.knock(source=QUIET, says=REQUEST)

    async def scene(_door):
        await until(lambda: hall.came)
        assert hall.places() == [QUIET]

    play(hall, scene)


def test_who_is_turned_away_comes_from_where_most_are():
    hall = Hall(room=50)
    hall.knock(source=QUIET)
    for _number in range(60):
        hall.knock()

    async def scene(door):
        await asyncio.sleep(0.1)
        assert QUIET in door._places
        assert door._waiting <= 50

    play(hall, scene)


def test_from_one_network_only_so_many_stand_here():
    hall = Hall()
    for _number in range(40):
        hall.knock()
    hall.knock(source=QUIET)

    async def scene(door):
        await asyncio.sleep(0.1)
        assert 15 <= len(door._places[FLOODING]) < 15 + doorway.TAKEN_AT_ONCE
        assert len(door._places[QUIET]) == 1

    play(hall, scene, may_come_from=lambda _place: 15)


def test_where_there_is_tls_nothing_is_read():
    hall = Hall()
    hall.knock(says=REQUEST)

    async def scene(_door):
        await until(lambda: hall.came)
        assert hall.said == [b""]
        assert hall.came[0].recv(100) == REQUEST

    play(hall, scene, listens=False)


def test_an_error_at_the_door_closes_the_connection_and_lets_the_others_in():
    hall = Hall()
    hall.breaks_at = 0
    for _number in range(3):
        hall.knock(says=REQUEST)

    async def scene(_door):
        await until(lambda: len(hall.came) == 2)

    play(hall, scene)


def test_where_there_is_no_room_whoever_asks_waits_outside():
    hall = Hall(room=5)
    for _number in range(40):
        hall.knock(says=REQUEST)

    async def scene(door):
        most = 0
        while len(hall.came) < 40:
            most = max(most, door._waiting)
            await asyncio.sleep(0)
        assert most <= 5

    play(hall, scene)


def test_a_closed_door_takes_nobody_but_who_stood_in_it():
    hall = Hall()
    for _number in range(30):
        hall.knock()
    address = hall.listener.getsockname()

    async def scene(door):
        await asyncio.sleep(0.1)
        assert not hall.came, "they are listened to"
        door.close()
        await door.wait_closed()
        await asyncio.sleep(0.02)
        assert len(hall.came) == 30
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    play(hall, scene)


def test_gunicorn_asks_of_its_server_what_a_doorway_can():
    source = inspect.getsource(ASGIWorker)
    assert "self.loop.create_server(" in source
    assert "sock=sock.sock" in source
    assert set(re.findall(r"\bserver\.(\w+)", source)) == {"close", "wait_closed"}
