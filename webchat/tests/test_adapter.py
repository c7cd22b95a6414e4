"""A connection of gunicorn's protocol with a worker that stops at the worst moment."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest

from webchat.serving import adapter
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
