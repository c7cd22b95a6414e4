import threading
import time

import pytest

from webchat.serving.threads import Threads


@pytest.fixture
def threads():
    threads = Threads(3, "test")
    yield threads
    threads.shutdown()


def do(threads, work):
    """Have it done, and wait until its thread is idle again."""
    threads.submit(work)
    for _ in range(500):
        if len(threads._idle) == 3:
            return
        time.sleep(0.01)
    raise AssertionError("a thread is still busy")


def test_one_after_another_is_done_by_one_thread(threads):
    by = set()
    for _ in range(20):
        do(threads, lambda: by.add(threading.get_ident()))
    assert len(by) == 1


def test_more_than_there_are_threads_wait_in_their_order(threads):
    gate = threading.Event()
    done = []
    for _ in range(3):
        threads.submit(gate.wait)
    for number in range(10):
        threads.submit(lambda number=number: done.append(number))
    assert done == []
    gate.set()
    do(threads, lambda: None)
    assert sorted(done) == list(range(10))


def test_work_that_fails_costs_no_thread(threads):
    def fail():
        raise SystemExit

    gate = threading.Event()
    done = threading.Event()
    for _ in range(3):
        threads.submit(gate.wait)
    for _ in range(10):
        threads.submit(fail)
    threads.submit(done.set)
    gate.set()
    assert done.wait(5)
    do(threads, fail)


def test_a_thread_that_cannot_begin_is_replaced(threads, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    never, done = threading.Event(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(5):
            with pytest.raises(RuntimeError, match="new thread"):
                threads.submit(never.set)
    gate = threading.Event()
    for _ in range(2):
        threads.submit(gate.wait)
    threads.submit(done.set)
    assert done.wait(5)
    assert not never.is_set()
    gate.set()


def test_after_the_end_nothing_begins(threads):
    gate, begun, dropped = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        gate.wait()

    for _ in range(3):
        threads.submit(work)
    threads.submit(dropped.set)
    assert begun.wait(5)
    threads.shutdown(wait=False)
    gate.set()
    threads.shutdown()
    assert not dropped.is_set()
    with pytest.raises(RuntimeError):
        threads.submit(dropped.set)
