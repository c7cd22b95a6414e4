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


async def heads_of_two_requests(config) -> list[str]:
    async def stopping_at_its_end(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        worker.alive = False

    loop = asyncio.get_running_loop()
    worker = worker_for(stopping_at_its_end, loop, config)
    clients = Clients(
        Connections(9, loop.time), is_serving=lambda: worker.alive, end_sockets=lambda: None
    )
    server = await loop.create_server(lambda: adapter.Protocol(worker, clients, b""), "127.0.0.1")
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    heads = []
    for _request in range(2):
        writer.write(REQUEST)
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
    assert await reader.read() == b""
    assert (worker.nr, worker.nr_conns) == (2, 0)
    writer.close()
    server.close()
    return heads


def test_a_stop_during_an_answer_leaves_time_for_a_request_that_can_be_told(config):
    first, second = asyncio.run(asyncio.wait_for(heads_of_two_requests(config), 10))
    assert "connection: close" not in first
    assert "connection: close" in second
