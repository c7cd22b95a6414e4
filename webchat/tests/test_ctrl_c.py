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


def test_another_thread_hears_no_signals_anyway():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(undisturbed().__enter__).result() is None
