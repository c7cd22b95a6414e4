import sys
from pathlib import Path

import pytest

from chat.media import workshop
from chat.media.orders import Kind, Order


@pytest.fixture
def folder(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return tmp_path


@pytest.fixture
def order(folder):
    def make(content, kind=Kind.PICTURE, box=None):
        source = folder / "source"
        source.write_bytes(content)
        return Order(kind, str(source), str(folder / "target"), str(folder / "preview"), box)

    return make


@pytest.fixture
def standing_in(monkeypatch):
    """Have another script run in place of the work."""

    def replace(script):
        monkeypatch.setattr(workshop, "COMMAND", (sys.executable, "-c", script))

    return replace


@pytest.fixture
def asked(monkeypatch):
    """List what each process is asked for."""
    orders = []
    line = workshop._line

    def note(order, seconds):
        orders.append(order)
        return line(order, seconds)

    monkeypatch.setattr(workshop, "_line", note)
    return orders


@pytest.fixture(autouse=True)
def no_bytes_are_left(tmp_path):
    """Have no file in the folder that a test has not read: pytest keeps three runs of them."""
    yield
    for path in tmp_path.glob("[stp]*"):
        if path.is_file() and path.stat().st_size > 1024**2:
            Path(path).unlink()
