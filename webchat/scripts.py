"""Join the modules of the pages' script, so that a browser asks once instead of fifty times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from posixpath import dirname, join, normpath

# The forms that our modules keep to, as the formatter writes them.
IMPORT = re.compile(
    r'^import (?:\* as (?P<all>\w+)|(?P<names>\{[^}]*\})) from "(?P<path>\.[^"]+)";$', re.MULTILINE
)
EXPORT = re.compile(
    r"^export (?P<text>(?:async )?(?:function|class|const) (?P<name>\w+)(?=[ (]))", re.MULTILINE
)
# What only readers of the source need: comments on lines of their own or behind code; indents.
COMMENT = re.compile(
    r"^\s*(?://.*|/\*\*[\s\S]*?\*/)(?:\n|\Z)|(?<=[;,{\[(]) // [^\"'`\n]*$", re.MULTILINE
)
INDENT = re.compile(r"^ +", re.MULTILINE)
TEMPLATE_OF_LINES = re.compile(r'^(?:"[^"\n]*"|[^`"\n]|`[^`\n]*`)*`[^`\n]*$', re.MULTILINE)
OTHER = re.compile(r"^\s*(?:import|export)\b.*|\bimport(?:\(|\.meta).*", re.MULTILINE)


class Joiner:
    """The modules that one module needs, as one module.

    Each becomes a function that is called at once and returns what the module exports. They come
    in the order in which a browser runs modules: what is imported before what imports it.
    """

    def __init__(self, names: Iterable[str], read: Callable[[str], str]) -> None:
        """Make one of modules with these names, below the static files; `read` gives their text."""
        self._known = set(names)
        self._read = read
        self._functions: dict[str, str] = {}

    @property
    def names(self) -> set[str]:
        """The modules that are joined so far."""
        return set(self._functions)

    def join(self, entry: str) -> str:
        """Return the text. Raise ValueError for another form of import or export, and a circle."""
        self._add(entry, ())
        return "const $modules = {};\n" + "".join(self._functions.values())

    def _add(self, name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"{name} imports itself by way of {importers[-1]}.")
        if name in self._functions:
            return
        if name not in self._known:
            raise ValueError(f"{importers[-1]} imports {name}, which is missing.")
        script = self._read(name)
        for found in IMPORT.finditer(script):
            self._add(_imported(name, found), (*importers, name))
        exports = ", ".join(found["name"] for found in EXPORT.finditer(script))
        script = IMPORT.sub(lambda found: _constant(name, found), EXPORT.sub(r"\g<text>", script))
        if other := OTHER.search(script):
            raise ValueError(f"{name} cannot be joined: {other[0].strip()}")
        script = INDENT.sub("", COMMENT.sub("", script))
        if template := TEMPLATE_OF_LINES.search(script):
            raise ValueError(
                f"{name} cannot be joined, a template ends on another line: {template[0]}"
            )
        self._functions[name] = (
            f'$modules["{name}"] = (() => {{\n{script}\nreturn {{ {exports} }};\n}})();\n'
        )


def _imported(name: str, found: re.Match[str]) -> str:
    return normpath(join(dirname(name), found["path"]))


def _constant(name: str, found: re.Match[str]) -> str:
    target = found["all"] or re.sub(r"\sas\s+", ": ", found["names"])
    return f'const {target} = $modules["{_imported(name, found)}"];'
