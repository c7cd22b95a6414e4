"""A stop of `prune` between two chores."""

from __future__ import annotations

import signal

import pytest

from chat.management.commands.prune import Command
from webchat.base.pruning import Chore, CtrlC


def test_a_stop_while_a_chore_counts_begins_no_other():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = []

    def count(label):
        begun.append(label)
        signal.raise_signal(signal.SIGINT)
        return 0

    chores = [Chore(each, lambda each=each: count(each), lambda: (n for n in ())) for each in "ab"]
    try:
        with pytest.raises(KeyboardInterrupt), CtrlC() as ctrl_c:
            Command()._work(chores, {}, ctrl_c)
    finally:
        signal.signal(signal.SIGINT, before)
    assert begun == ["a"]
