"""The progress of a long command, also where there is nothing to do."""

from __future__ import annotations

import io

import pytest
from django.core.management.base import OutputWrapper

from webchat.base import progress
from webchat.base.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch):
    """Each step is long enough after the one before to be shown."""
    monkeypatch.setattr(progress, "BAR_SECONDS", 0)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_of_nothing_there_is_no_part_to_show(at_once, stream):
    out = stream()
    with Progress(OutputWrapper(out), "Files", 0) as shown:
        shown.step(0)
        shown.step(7)  # of a pipe, whose length nobody knows
    assert out.getvalue() == ""


def test_a_terminal_has_a_bar_and_a_pipe_has_lines(at_once):
    for out, half in ((Terminal(), " 50%"), (io.StringIO(), "Files: 1/2\n")):
        with Progress(OutputWrapper(out), "Files", 2) as shown:
            shown.step()
            assert out.getvalue().endswith(half)
        assert out.getvalue().endswith("\n")
