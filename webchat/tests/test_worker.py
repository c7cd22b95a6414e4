from __future__ import annotations

import ast
import inspect
import resource
from pathlib import Path

import pytest
from gunicorn.asgi.parser import PythonProtocol
from gunicorn.asgi.protocol import ASGIProtocol, BodyReceiver
from gunicorn.asgi.websocket import WebSocketProtocol
from gunicorn.workers.gasgi import ASGIWorker

from tests.environment import ROOT
from webchat.serving import adapter, connections, doorway, worker

# Internals of gunicorn that the adapter uses: an upgrade that renames one needs a look.
PRIVATE = {
    ASGIProtocol: {
        *("_awaiting_request", "_keepalive_timeout", "_max_buffer_size", "_request_ready"),
        *("_body_receiver", "_callback_parser"),
    },
    PythonProtocol: {"_body_remaining"},
    WebSocketProtocol: set(),
    ASGIWorker: set(),
}
OF_A_CONNECTION = [
    "self._awaiting_request",
    "self._max_buffer_size",
    "self._request_ready.set()",
    "self._request_ready.clear()",
    "self._close_transport()",
    "self._finishing_calls",
    "self.req_count",
    "self.app = worker.asgi",
    "self.worker = worker",
    "self.transport = transport",
    "await self.app(scope, ",
]
# What it does with the class that ours stands in for, and how a connection is left to ours.
OF_AN_UPGRADE = [
    "from gunicorn.asgi.websocket import WebSocketProtocol\n",
    "WebSocketProtocol(\n            self.transport, scope, self.app, self.log,\n",
    "max_message_size=self.cfg.websocket_max_message_size,\n            drain=",
    "self._websocket = ws_protocol",
    "await ws_protocol.run()",
    "self._websocket.feed_data(data)",
    "self._websocket.feed_eof()",
    "if self.transport and not self._closed:",
    "if self._conn_lost_handled:",
    "self.worker.nr_conns -= 1",
]
OF_THE_WORKER = [
    "self.asgi = self.app.wsgi()",
    "self.loop = ",
    "await self.loop.create_server(",
    "while self.alive:",
]


@pytest.mark.parametrize("name", OF_A_CONNECTION)
def test_gunicorn_has_what_is_used_of_its_inside(name):
    assert name in inspect.getsource(ASGIProtocol)


@pytest.mark.parametrize("name", OF_AN_UPGRADE)
def test_gunicorn_hands_a_socket_over_as_is_expected(name):
    assert name in inspect.getsource(ASGIProtocol)


def test_what_stands_in_for_gunicorns_socket_has_what_is_called_of_it():
    for name in ("run", "feed_data", "feed_eof"):
        ours, its = getattr(adapter.Upgrade, name), getattr(WebSocketProtocol, name)
        assert inspect.signature(ours).parameters.keys() == inspect.signature(its).parameters.keys()
    made = inspect.signature(adapter.Upgrade).parameters
    assert made.keys() == inspect.signature(WebSocketProtocol).parameters.keys()


@pytest.mark.parametrize("name", OF_THE_WORKER)
def test_gunicorn_has_what_is_used_of_its_worker(name):
    assert name in inspect.getsource(ASGIWorker)


def private_names(source):
    """Return the attributes with an underscore that a module uses or defines."""
    nodes = list(ast.walk(ast.parse(source)))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    made = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in used | made if name.startswith("_") and not name.endswith("__")}


@pytest.mark.parametrize("owner", PRIVATE)
def test_the_adapter_uses_no_other_private_name(owner):
    # A name of ours that is also one of gunicorn's would replace it unseen.
    its = private_names(inspect.getsource(owner))
    assert len(its) > 2
    assert private_names(inspect.getsource(adapter)) & its == PRIVATE[owner]


def test_nobody_but_the_adapter_uses_one():
    for app in ("webchat", "accounts", "friends", "chat", "deploy"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts and path != Path(adapter.__file__):
                found = private_names(path.read_text(encoding="utf-8"))
                assert not found & set.union(*PRIVATE.values()), path


def test_a_body_is_counted_and_waits_as_is_expected():
    parsing = inspect.getsource(PythonProtocol._parse_body)
    assert "self._body_remaining -= chunk_size" in parsing
    assert "if self._body_remaining <= 0:\n            self._state = 'complete'" in parsing
    assert "return self._buffered" in inspect.getsource(BodyReceiver.buffered.fget)


def test_closing_an_idle_connection_wakes_whoever_waits_for_its_request():
    source = inspect.getsource(ASGIProtocol._keepalive_timeout)
    assert "_close_transport" in source
    assert "_request_ready.set" in source


def test_the_body_that_waits_is_measured_against_the_bound_that_is_set():
    assert "self._max_buffer_size" in inspect.getsource(ASGIProtocol._is_buffer_full)
    assert "self._max_buffer_size" in inspect.getsource(ASGIProtocol.data_received)


@pytest.mark.parametrize(
    ("limit", "at_most"),
    [(1024, 864), (256, 128), (65_536, 8_000), (resource.RLIM_INFINITY, 8_000)],
)
def test_connections_stay_below_the_limit_of_open_files(monkeypatch, limit, at_most):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert worker.connections_at_most() == at_most
    uncounted = connections.RESERVED // 4 + 3 * doorway.LET_IN_AT_ONCE
    assert 12 * 3 + 8 * 2 + uncounted < connections.RESERVED


@pytest.mark.parametrize(
    ("soft", "hard", "asked"),
    [
        (1024, 4096, (4096, 4096)),
        (1024, 10**6, (65_536, 10**6)),
        (1024, resource.RLIM_INFINITY, (65_536, resource.RLIM_INFINITY)),
        (1024, 1024, None),
        (10**6, 10**6, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_limit_of_open_files_is_raised_where_there_is_more(monkeypatch, soft, hard, asked):
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: given.append(limits))
    worker.raise_open_files()
    assert given == ([asked] if asked else [])


def test_a_sandbox_that_forbids_it_stops_nothing(monkeypatch):
    def forbid(which, limits):
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", forbid)
    worker.raise_open_files()
