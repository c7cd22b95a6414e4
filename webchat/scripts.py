"""Join the modules of the pages' script, so that a browser asks once instead of fifty times."""

from __future__ import annotations

import re
from collections.abc import Callable
from posixpath import dirname, join, normpath

IMPORT = re.compile(
    r'^import (?:\* as (?P<all>\w+)|(?P<names>\{[^}]*\})) from "(?P<path>\..+)";', re.M
)
EXPORT = re.compile(r"^export (?P<text>(?:async )?(?:function|class|const) (?P<name>\w+))", re.M)
LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.M)


class Joiner:
    """The modules that one module needs, as one module.

    Each becomes a function that is called at once and returns what the module exports. They come
    in the order in which a browser runs modules: what is imported before what imports it. The
    scripts keep to the few forms that this reads, which are those that it names above.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read  # the text of a module, by its name below the static files
        self._functions: dict[str, str] = {}

    @property
    def names(self) -> set[str]:
        """The modules that are joined so far."""
        return set(self._functions)

    def join(self, entry: str) -> str:
        """Return the module. Raise ValueError for a form that is not known, and for a circle."""
        self._add(entry, ())
        return "const modules = {};\n" + "".join(self._functions.values())

    def _add(self, name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"{name} imports itself by way of {importers[-1]}.")
        if name in self._functions:
            return
        script = self._read(name)
        for found in IMPORT.finditer(script):
            self._add(_imported(name, found), (*importers, name))
        exports = ", ".join(found["name"] for found in EXPORT.finditer(script))
        script = IMPORT.sub(lambda found: _constant(name, found), EXPORT.sub(r"\g<text>", script))
        if unknown := LEFT_OVER.search(script):
            raise ValueError(f"{name} cannot be joined: {unknown[0]}")
        self._functions[name] = (
            f'modules["{name}"] = (() => {{\n{script}return {{ {exports} }};\n}})();\n'
        )


def _imported(name: str, found: re.Match[str]) -> str:
    return normpath(join(dirname(name), found["path"]))


def _constant(name: str, found: re.Match[str]) -> str:
    target = found["all"] or found["names"].replace(" as ", ": ")
    return f'const {target} = modules["{_imported(name, found)}"];'
