"""The first parts of our own addresses, like `chat` of `chat/bob/`.

They are read from the text of the urlconf, because the settings need them, and it can be imported
only after these.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

BESIDE_THE_URLCONF = {"live", "static"}  # answered before Django is asked


def first_parts(root: Path) -> set[str]:
    """Of all that the `urls.py` of the project and of its apps answer."""
    found = set(BESIDE_THE_URLCONF)
    for file in root.glob("*/urls.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        lists = {
            node.targets[0].id: node.value
            for node in body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        found.update(_parts_of(lists["urlpatterns"], lists))
    return found - {""}  # an include of an app


def _parts_of(patterns: ast.expr, lists: dict[str, ast.expr]) -> Iterator[str]:
    for item in patterns.elts if isinstance(patterns, ast.List) else ():
        match item:
            case ast.Starred(value=ast.Name(id=name)):
                yield from _parts_of(lists[name], lists)
            case ast.Call(args=[ast.Constant(value=str(route)), *_]):
                yield re.split("[/?$]", route.removeprefix("^"))[0]
