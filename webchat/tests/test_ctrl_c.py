"""Ctrl+C and SIGTERM wait for the end of a batch, and none of them is lost."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from webchat.base.pruning import CtrlC
from webchat.base.terminal import Terminated
from webchat.database.stops import STOPS, undisturbed


@pytest.fixture(autouse=True)
def handlers():
    """Handlers as a command has them, whatever the tests were started from."""
    before = {each: signal.signal(each, signal.default_int_handler) for each in STOPS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_one_that_comes_after_the_last_batch_is_not_lost(number, error):
    with pytest.raises(error), CtrlC():
        signal.raise_signal(number)
    assert signal.getsignal(number) == signal.default_int_handler


def test_it_is_raised_once_and_hides_no_other_failure():
    with CtrlC() as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.check()
    with pytest.raises(KeyError), CtrlC():
        signal.raise_signal(signal.SIGINT)
        raise KeyError


def test_a_second_one_does_not_wait():
    with pytest.raises(KeyboardInterrupt), CtrlC():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it has waited")


@pytest.mark.parametrize("number", STOPS)
def test_what_was_ignored_stays_ignored(number):
    signal.signal(number, signal.SIG_IGN)
    with CtrlC() as ctrl_c:
        signal.raise_signal(number)
        ctrl_c.check()
    assert signal.getsignal(number) == signal.SIG_IGN


@pytest.mark.parametrize("number", STOPS)
def test_what_is_undisturbed_goes_on_to_its_end_and_nothing_comes_later(number):
    with undisturbed():
        signal.raise_signal(number)
    assert signal.getsignal(number) == signal.default_int_handler


def test_a_stop_while_stops_are_shut_out_leaves_all_handlers_as_they_were(monkeypatch):
    """Ctrl+C is ignored first; the next stop may come before the others are."""
    before, really = [signal.getsignal(each) for each in STOPS], signal.signal

    def stop(number, handler):
        if handler == signal.SIG_IGN and number == STOPS[1]:
            raise Terminated(number)
        return really(number, handler)

    monkeypatch.setattr(signal, "signal", stop)
    with pytest.raises(Terminated), undisturbed():
        pytest.fail("it was stopped before")
    assert [signal.getsignal(each) for each in STOPS] == before


def test_a_stop_while_a_guard_begins_waits_for_its_end(monkeypatch):
    before, really = signal.getsignal(signal.SIGINT), signal.signal

    def change_and_stop(number, handler):
        found = really(number, handler)
        if number == STOPS[1] and signal.getsignal(signal.SIGINT) != before:
            monkeypatch.setattr(signal, "signal", really)
            signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(signal, "signal", change_and_stop)
    done = []
    with pytest.raises(KeyboardInterrupt), CtrlC():
        done.append(True)
    assert done
    assert signal.getsignal(signal.SIGINT) == before


def test_another_thread_hears_no_signals_anyway():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(undisturbed().__enter__).result() is None
