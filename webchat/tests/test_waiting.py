"""A request that waits for something on the loop, and is run once more then."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from webchat.serving.bridge import WsgiBridge

from .peer import Peer, Stream, run, scope


class Waiting:
    """An application that waits for a future once, and answers with its outcome."""

    def __init__(self, seconds=5.0, outcome="done"):
        self.future = Future()
        self.seconds = seconds
        self.outcome = outcome
        self.bodies = []
        self.threads = set()

    def __call__(self, environ, start_response):
        self.bodies.append(environ["wsgi.input"].read())
        self.threads.add(threading.get_ident())
        waited = environ.get("webchat.waited")
        if waited is None:
            environ["webchat.wait"](self.future, self.seconds)
            if self.outcome is not None:
                self.settle()
            said = b"not yet"
        else:
            assert "webchat.wait" not in environ
            said = repr(waited.exception() if waited.done() else None).encode()
        start_response("200 OK", [("Content-Length", str(len(said)))])
        return [said]

    def settle(self):
        timer = threading.Timer(0.05, lambda: self.future.set_result(self.outcome))
        timer.start()


def test_the_second_answer_goes_out_and_the_first_does_not():
    application = Waiting()
    peer = run(application, method="POST", peer_body=(b"{}",))
    assert peer.content == b"None"
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1
    assert application.bodies == [b"{}", b"{}"]


def test_both_runs_are_of_the_same_request():
    """As Django does, the first run writes into its environ."""
    paths = []

    class Changing(Waiting):
        def __call__(self, environ, start_response):
            paths.append((environ["PATH_INFO"], environ["CONTENT_LENGTH"]))
            environ["PATH_INFO"] = environ["PATH_INFO"].encode("latin-1").decode()
            return super().__call__(environ, start_response)

    run(Changing(), method="POST", peer_body=(b"{}",), raw_path=b"/chat/%E7%94%B2/file/")
    assert paths == [("/chat/\xe7\x94\xb2/file/", "2")] * 2


def test_the_time_has_an_end():
    application = Waiting(seconds=0.05, outcome=None)
    assert run(application).content == b"None"
    assert len(application.bodies) == 2


def test_a_failure_belongs_to_the_application():
    application = Waiting(outcome=None)
    application.future.set_exception(OSError(28, "full"))
    assert b"full" in run(application).content


def test_no_thread_waits():
    """More requests wait than there are threads, and another one is answered meanwhile."""
    application = Waiting(outcome=None)

    def plain(environ, start_response):
        if environ["PATH_INFO"] == "/plain":
            start_response("200 OK", [("Content-Length", "2")])
            return [b"ok"]
        return application(environ, start_response)

    async def many():
        wsgi = WsgiBridge(plain, 1)
        peers = [Peer() for _number in range(5)]
        tasks = [asyncio.create_task(wsgi(scope(), each.receive, each.send)) for each in peers]
        for _number in range(500):
            await asyncio.sleep(0.01)
            if len(application.bodies) == 5:
                break
        other = Peer()
        await asyncio.wait_for(wsgi(scope(raw_path=b"/plain"), other.receive, other.send), 5)
        assert other.content == b"ok"
        assert all(each.sent == [] for each in peers)
        application.future.set_result(None)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        await asyncio.to_thread(wsgi._threads.shutdown)
        return [each.content for each in peers]

    assert asyncio.run(many()) == [b"None"] * 5


def test_an_error_of_the_second_run_reaches_the_server():
    class Failing(Waiting):
        def __call__(self, environ, start_response):
            if "webchat.waited" in environ:
                raise RuntimeError("the second time")
            return super().__call__(environ, start_response)

    with pytest.raises(RuntimeError, match="the second time"):
        run(Failing())


def test_the_first_answer_is_dropped_unread():
    application = Waiting()
    first = Stream(10_000)

    def long_at_first(environ, start_response):
        answer = application(environ, start_response)
        return answer if "webchat.waited" in environ else first(environ, start_response)

    assert run(long_at_first).content == b"None"
    assert (first.given, first.closed.is_set()) == (0, True)


def test_a_stop_answers_those_that_wait():
    application = Waiting(seconds=600, outcome=None)

    async def stopped():
        wsgi = WsgiBridge(application, 1)
        peer = Peer()
        task = asyncio.create_task(wsgi(scope(), peer.receive, peer.send))
        while not task.done():
            await asyncio.sleep(0.01)
            wsgi.end_waits()
        await asyncio.to_thread(wsgi._threads.shutdown)
        return peer.content

    assert asyncio.run(asyncio.wait_for(stopped(), 5)) == b"None"
    assert not application.future.done()


def test_nothing_is_run_again_for_somebody_who_has_left():
    application = Waiting()
    connection = SimpleNamespace(has_gone=True)
    peer = run(application, method="POST", **{"webchat.connection": connection})
    assert peer.sent == []
    assert len(application.bodies) == 1
