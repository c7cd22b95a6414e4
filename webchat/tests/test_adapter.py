"""A connection of gunicorn's protocol: a worker that stops at the worst moment, long bodies."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from itertools import accumulate
from random import Random
from types import SimpleNamespace

import pytest

from webchat.serving import adapter
from webchat.serving.bodies import Body
from webchat.serving.bridge import WsgiBridge
from webchat.serving.clients import Clients
from webchat.serving.connections import Connections

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "1")  # read, as a number, when the module is loaded
    from gunicorn.config import Config

    return Config()


def worker_for(application, loop, config):
    log = logging.getLogger("gunicorn.error")
    log.access_log_enabled = False
    return SimpleNamespace(
        alive=True, asgi=application, cfg=config, log=log, loop=loop,
        max_requests=1000, nr=0, nr_conns=0, state={},
    )  # fmt: skip


async def heads(config, requests, stops_at) -> list[str]:
    """Return the answers' heads; the worker stops at this step of the first answer."""

    async def application(scope, receive, send):
        worker.alive &= stops_at != "before"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        worker.alive &= stops_at != "after"

    loop = asyncio.get_running_loop()
    worker = worker_for(application, loop, config)
    clients = Clients(
        Connections(9, loop.time), is_serving=lambda: worker.alive, end_sockets=lambda: None
    )
    server = await loop.create_server(lambda: adapter.Protocol(worker, clients, b""), "127.0.0.1")
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    found = []
    for _request in range(requests):
        writer.write(REQUEST)
        found.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
    assert await reader.read() == b""
    assert (worker.nr, worker.nr_conns) == (requests, 0)
    writer.close()
    server.close()
    return found


def test_a_stop_after_an_answer_began_waits_for_a_request_that_can_be_told(config):
    first, second = asyncio.run(asyncio.wait_for(heads(config, 2, stops_at="after"), 10))
    assert "connection: close" not in first
    assert "connection: close" in second


def test_a_stop_before_the_head_of_an_answer_is_told_in_it(config):
    [only] = asyncio.run(asyncio.wait_for(heads(config, 1, stops_at="before"), 10))
    assert "connection: close" in only


def told_of(environ, start_response):
    """Answer with the hash of what was sent."""
    told = hashlib.sha256(environ["wsgi.input"].read()).hexdigest().encode()
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told]


def post(body):
    return b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def converse(config, said, answers):
    """Send what is said, piece by piece, and return the answers and the bridge's protocol."""
    loop = asyncio.get_running_loop()
    bridge = WsgiBridge(told_of, threads=2)
    worker = worker_for(bridge, loop, config)
    clients = Clients(Connections(9, loop.time), is_serving=lambda: True, end_sockets=lambda: None)
    made = []

    def make():
        made.append(adapter.Protocol(worker, clients, b""))
        return made[-1]

    server = await loop.create_server(make, "127.0.0.1")
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for piece in said:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    found = []
    for _answer in range(answers):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        found.append((head, (await reader.readexactly(length)).decode()))
    at_once = made[0].transport.max_size
    writer.close()
    server.close()
    bridge.close()
    return found, at_once


@pytest.fixture
def passed(monkeypatch):
    """The sizes of the pieces of bodies that did not go through gunicorn."""
    sizes = []
    keep = Body.keep_piece

    def note(body, piece):
        is_kept = keep(body, piece)
        sizes.extend([len(piece)] * is_kept)
        return is_kept

    monkeypatch.setattr(Body, "keep_piece", note)
    return sizes


@pytest.mark.parametrize("seed", range(5))
def test_long_bodies_arrive_as_they_were_sent_and_so_does_what_follows(config, passed, seed):
    chance = Random(seed)
    bodies = [os.urandom(size) for size in (700_000, 90_000, 10, 1_048_576, 64 * 1024, 300_001)]
    said = b"".join(post(body) for body in bodies)
    cuts = sorted(chance.sample(range(1, len(said)), 40))
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    talk = asyncio.wait_for(converse(config, pieces, len(bodies)), 30)
    found, at_once = asyncio.run(talk)
    assert [told for _head, told in found] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert at_once == adapter.READ_BYTES
    assert sum(passed) > 1_000_000
    assert max(passed) <= adapter.BODY_READ_BYTES


def test_a_body_in_chunks_of_its_own_and_a_short_one_go_the_usual_way(config, passed):
    content = os.urandom(200_000)
    chunked = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    short = os.urandom(64 * 1024)
    found, _at_once = asyncio.run(
        asyncio.wait_for(converse(config, [chunked, post(short)], answers=2), 30)
    )
    assert [told for _head, told in found] == [
        hashlib.sha256(body).hexdigest() for body in (content, short)
    ]
    assert passed == []


def test_what_follows_a_long_body_is_read_in_small_pieces(config, passed, monkeypatch):
    """Parsed, a large one would hold up everybody."""
    reads = []
    receive = adapter.Protocol.data_received

    def note(protocol, data):
        reads.append(len(data))
        receive(protocol, data)

    monkeypatch.setattr(adapter.Protocol, "data_received", note)
    request, next_ones = post(bytes(500_000)), REQUEST.replace(b"/ ", b"/%b " % (b"a" * 4_000))
    said = [request + 30 * next_ones]
    asyncio.run(asyncio.wait_for(converse(config, said, answers=31), 30))
    assert max(passed) > adapter.READ_BYTES
    ends = list(accumulate(reads))
    behind = [size for size, end in zip(reads, ends, strict=True) if end > len(request)]
    assert sum(behind) > 100_000
    assert max(behind) <= adapter.READ_BYTES


@pytest.mark.parametrize(("waiting", "left", "kept"), [(0, 9, 4), (0, 4, 3), (5, 9, 0), (0, 0, 0)])
def test_a_piece_goes_past_nothing_that_waits_and_never_beyond_the_body(waiting, left, kept):
    parser = SimpleNamespace(_body_remaining=left)
    receiver = SimpleNamespace(buffered=waiting)
    line = SimpleNamespace(_callback_parser=parser, _body_receiver=receiver)
    taken = []
    keep = adapter.Protocol._pass_on(line, lambda piece: not taken.append(piece), b"abcd")
    assert (keep, parser._body_remaining) == (kept, left - kept)
    assert b"".join(taken) == b"abcd"[:kept]
    assert adapter.Protocol._pass_on(line, lambda _piece: False, b"abcd") == 0
