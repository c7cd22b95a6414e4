"""Leave out of scripts what only readers of their source need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_letters

# Comments on lines of their own or behind code; indents.
COMMENT = re.compile(
    r"^\s*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/)(?:\n|\Z)|(?<=[;,{\[(]) // [^\"'`\n]*$", re.MULTILINE
)
INDENT = re.compile(r"^ +", re.MULTILINE)
TEMPLATE_OF_LINES = re.compile(r'^(?:"[^"\n]*"|[^`"\n]|`[^`\n]*`)*`[^`\n]*$', re.MULTILINE)
TEXT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)""")
# Between others of these, blanks keep signs apart: a - -b.
BLANKS = re.compile(r" ?([=<>!&|?:,;{}()\[\]]+) ?")
OWN = re.compile(r"^(?:static |async |get |set |\*)*#(\w+)", re.MULTILINE)
USE = re.compile(
    r"(?:(?<=\.)|(?<=^)|(?<=^\*)|(?<=^static )|(?<=^async )|(?<=^get )|(?<=^set )"
    r"|(?<=^static async )|(?<=^static get )|(?<=^static set )|(?<=^async \*))#(\w+)"
)
NAME = re.compile(r"#(\w+)")
IN = re.compile(r"#(\w+) in\b")
CONTINUED = (";", "{", ",", "(", "[")


def shorten(script: str) -> str:
    """Return a module without comments and blanks, and with short names for what is private.

    It takes the form that the formatter writes. Raise ValueError for what it cannot read: a
    template over several lines, a private name where a pattern could be.
    """
    script = INDENT.sub("", COMMENT.sub("", script))
    if template := TEMPLATE_OF_LINES.search(script):
        raise ValueError(f"a template ends on another line: {template[0]}")
    names = _short_names(script)
    return "".join(_line(line, names) for line in script.splitlines()).rstrip("\n")


def _line(line: str, names: dict[str, str]) -> str:
    if not line:
        return ""
    parts = TEXT.split(line)
    code = "".join(parts[::2])
    # A comment, a pattern or a template within a template could hold anything.
    if "/" in code or line.count("`") > 2:
        if names.keys() & IN.findall(line):
            raise ValueError(f"a private name is not told from a pattern: {line}")
        return _renamed(USE, line, names) + "\n"
    parts[::2] = [_renamed(NAME, BLANKS.sub(r"\1", part), names) for part in parts[::2]]
    parts[1::2] = [_renamed(USE, part, names) for part in parts[1::2]]
    return "".join(parts) + ("" if parts[-1].endswith(CONTINUED) else "\n")


def _renamed(pattern: re.Pattern[str], text: str, names: dict[str, str]) -> str:
    return pattern.sub(lambda found: f"#{names.get(found[1], found[1])}", text)


def _short_names(script: str) -> dict[str, str]:
    """Name what is private to the module's classes, the shortest for what is named most."""
    own = set(OWN.findall(script))
    used = Counter(name for name in NAME.findall(script) if name in own)
    return dict(zip((name for name, _times in used.most_common()), _words(), strict=False))


def _words() -> Iterator[str]:
    for length in count(1):
        yield from map("".join, product(ascii_letters, repeat=length))
