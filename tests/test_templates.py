"""Templates fit on one screen, like the rest of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "templates"
COLUMNS = 160
TEMPLATES = sorted(path for path in ROOT.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_is_wider_than_a_screen(path):
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS] == []
