import gc
import signal

import pytest

pytest_plugins = ["tests.cast"]

# Neither modules nor tests go away before the end: the collector need not walk over them again
# and again, which takes a quarter of the time that thousands of tests are collected in.
gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.enable()


# Whoever runs the tests in the background has Ctrl+C ignored in all that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
