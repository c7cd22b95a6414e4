"""The first parts of our own addresses, like `chat` of `chat/bob/`.

They are read from the text of the urlconf, because the settings need them, and it can only be
imported after the settings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

URLCONF = "webchat.urls"
BESIDE_THE_URLCONF = {"live", "static"}  # answered before Django is asked


def first_parts(root: Path) -> set[str]:
    """Return the first parts that the urlconf answers, with those of the apps that it includes.

    Raises ImproperlyConfigured where one is written in a way that is not understood here.
    """
    return BESIDE_THE_URLCONF | set(_parts_in(root, URLCONF))


def _parts_in(root: Path, module: str) -> Iterator[str]:
    file = root.joinpath(*module.split(".")).with_suffix(".py")
    lists = {
        node.targets[0].id: node.value.elts
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List)
    }
    for pattern in _patterns("urlpatterns", lists):
        match pattern:
            case ast.Call(args=[ast.Constant(""), ast.Call(args=[ast.Constant(str(included))])]):
                yield from _parts_in(root, included)
            case ast.Call(args=[ast.Constant(""), ast.Name() | ast.Attribute(), *_]):
                pass  # the front page
            case ast.Call(args=[ast.Constant(str(route)), *_]) if route:
                yield re.split("[/?$]", route.removeprefix("^"))[0]
            case ast.Call(args=[ast.Attribute(attr="ADMIN_PATH"), *_]):
                pass
            case _:
                words = ast.unparse(pattern)
                raise ImproperlyConfigured(f"{module}: this route is not written out: {words}")


def _patterns(name: str, lists: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """Yield the items of a list; a list inside of it gives way to its own items."""
    if name not in lists:
        raise ImproperlyConfigured(f"The list {name} of an urlconf is not written out.")
    for item in lists[name]:
        match item:
            case ast.Starred(value=ast.Name(id=other)):
                yield from _patterns(other, lists)
            case _:
                yield item
