"""Floods below the application: frames that nobody reads, bodies in tiny pieces."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.live import Person, open_raw, settle
from tests.server import Server

MASK = b"\0\0\0\0"
PING, PONG = b"\x89\x80" + MASK, b"\x8a\x80" + MASK
PARTS = b"\x00\x80" + MASK  # empty parts of a message that never ends
FLOOD_SECONDS = 4
NORMAL_SECONDS = 2  # for an answer on a busy machine; usually it is 0.05


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture(scope="module")
def mallory(server: Server) -> Person:
    return settle(server, ["mallory"], [])["mallory"]


def flood(begin: Callable[[], socket.socket], what: bytes, closed: list[bool]) -> None:
    until = time.monotonic() + FLOOD_SECONDS
    try:
        with begin() as one:
            one.settimeout(1)
            while time.monotonic() < until:
                with contextlib.suppress(TimeoutError):
                    one.sendall(what * 2000)
                with contextlib.suppress(BlockingIOError):
                    one.recv(65536, socket.MSG_DONTWAIT)
    except OSError:
        closed.append(True)


def slowest_beside(server: Server, floods: list[threading.Thread]) -> float:
    for each in floods:
        each.start()
    slowest = 0.0
    with httpx.Client(base_url=server.url, timeout=20) as client:
        while any(each.is_alive() for each in floods):
            began = time.monotonic()
            assert client.get("/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.1)
    return slowest


@pytest.mark.faults
@pytest.mark.parametrize("frame", [PING, PONG, PARTS], ids=["pings", "pongs", "parts"])
def test_frames_that_nobody_reads_end_their_connection(server, mallory, frame):
    first = b"\x01\x80" + MASK if frame == PARTS else b""
    closed: list[bool] = []

    def begin() -> socket.socket:
        one = open_raw(server, mallory.cookie)
        one.sendall(first)
        return one

    floods = [threading.Thread(target=flood, args=(begin, frame, closed)) for _one in range(8)]
    assert slowest_beside(server, floods) < NORMAL_SECONDS
    assert len(closed) == 8


@pytest.mark.faults
def test_a_body_in_crumbs_ends_its_connection(server):
    lines = ["POST /login/ HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "", ""]
    head = "\r\n".join(lines)
    closed: list[bool] = []

    def begin() -> socket.socket:
        one = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        one.sendall(head.encode())
        return one

    crumbs = b"1\r\na\r\n"
    floods = [threading.Thread(target=flood, args=(begin, crumbs, closed)) for _one in range(8)]
    assert slowest_beside(server, floods) < NORMAL_SECONDS
    assert len(closed) == 8
