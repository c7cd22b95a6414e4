"""Join the modules of the pages' script, so that a browser asks once instead of fifty times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from posixpath import basename, dirname, join, normpath

from .shortening import shorten

# The forms that our modules keep to, as the formatter writes them.
IMPORT = re.compile(
    r'^import (?:\* as (?P<all>\w+)|(?P<names>\{[^}]*\})) from "(?P<path>\.[^"]+)";$', re.MULTILINE
)
EXPORT = re.compile(
    r"^export (?P<text>(?:async )?(?:function|class|const) (?P<name>\w+)(?=[ (]))", re.MULTILINE
)
# A script that is asked for by an address of the page stays apart.
OTHER = re.compile(r"^\s*(?:import|export)\b.*|\bimport(?:\([^a-z]|\.meta).*", re.MULTILINE)


class Joiner:
    """The modules that one module needs, as one module.

    Each becomes a function that is called at once and returns what the module exports. They come
    in the order in which a browser runs modules: what is imported before what imports it.
    """

    def __init__(
        self, names: Iterable[str], read: Callable[[str], str], beside: Joiner | None = None
    ) -> None:
        """Make one of modules with these names, below the static files; `read` gives their text.

        The modules of the script `beside` it, from the same folder, are not joined again.
        """
        self._known = set(names)
        self._read = read
        self._beside = beside
        self._functions: dict[str, str] = {}
        self._numbers: dict[str, int] = beside._numbers if beside else {}
        self._entry = ""

    @property
    def names(self) -> set[str]:
        """The modules that are joined so far."""
        return set(self._functions)

    def join(self, entry: str) -> str:
        """Return the text. Raise ValueError for another form of import or export, and a circle."""
        self._entry = entry
        self._add(entry, ())
        if self._beside:
            start = f'import {{ $modules }} from "./{basename(self._beside._entry)}";\n'
        else:
            start = "export const $modules = [];\n"
        return start + "".join(self._functions.values())

    def _add(self, name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"{name} imports itself by way of {importers[-1]}.")
        if name in self._functions or (self._beside and name in self._beside.names):
            return
        if name not in self._known:
            raise ValueError(f"{importers[-1]} imports {name}, which is missing.")
        script = self._read(name)
        for found in IMPORT.finditer(script):
            self._add(_imported(name, found), (*importers, name))
        exports = ", ".join(found["name"] for found in EXPORT.finditer(script))
        script = IMPORT.sub(
            lambda found: self._constant(name, found), EXPORT.sub(r"\g<text>", script)
        )
        if other := OTHER.search(script):
            raise ValueError(f"{name} cannot be joined: {other[0].strip()}")
        try:
            script = shorten(script)
        except ValueError as error:
            raise ValueError(f"{name} cannot be joined, {error}") from None
        self._functions[name] = (
            f"{self._place(name)} = (() => {{\n{script}\nreturn {{ {exports} }};\n}})();\n"
        )

    def _place(self, name: str) -> str:
        return f"$modules[{self._numbers.setdefault(name, len(self._numbers))}]"

    def _constant(self, name: str, found: re.Match[str]) -> str:
        target = found["all"] or re.sub(r"\sas\s+", ": ", found["names"])
        return f"const {target} = {self._place(_imported(name, found))};"


def _imported(name: str, found: re.Match[str]) -> str:
    return normpath(join(dirname(name), found["path"]))
