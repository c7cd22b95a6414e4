"""Imports go chat → friends → accounts → webchat, and never back; each folder as in the map."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "friends", "chat")  # each may import those before it
PACKAGES = ("webchat", *APPS)
ENTRY = "webchat.asgi"  # the only module in its package that knows an app
# Of our code, these import nothing but each other, one way.
FOUNDATIONS = {"webchat.database": (), "webchat.base": ("webchat.database",)}

# One row: | `folder/` | its content | `may/` `import/*` |
ROW = re.compile(r"^\| `([\w/.]+)` \| [^|]+ \|([^|]*)\|$", re.MULTILINE)

LOAD = re.compile(r"\{% load ([\w ]+) %\}")

# Words of SQLite in names, modules and texts of the code.
KNOWLEDGE = re.compile(
    r"(?<!lib)sqlite|PRAGMA|settings_dict|data_version|json_(each|extract|group|array)|instr\("
    r"|progress_handler|wal_checkpoint|secure_delete|busy_timeout|CREATE TRIGGER"
    r"|\bBEGIN (IMMEDIATE|DEFERRED|EXCLUSIVE)|-(wal|shm)\b"
)
EXCEPTIONS = {
    "webchat.doctor": "the name of a check, by which scripts know it",
}


def modules(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
            yield path


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path, source=None):
    """Find the full names of the modules that a module imports, anywhere in the file."""
    module = name_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text() if source is None else source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *filter(None, [node.module])])
            # In `from chat import services` the name is a module, in most others it is not.
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def uphill(path, source=None):
    """Find our modules that a module imports though they are above it."""
    module = name_of(path)
    package = module.partition(".")[0]
    names = imports(path, source)
    for foundation, below in FOUNDATIONS.items():
        if is_in(module, foundation):
            ours = {name for name in names if is_in(name, *PACKAGES) and name != "webchat"}
            return {name for name in ours if not is_in(name, foundation, *below)}
    if module == ENTRY:
        return set()
    forbidden = APPS[APPS.index(package) + 1 :] if package in APPS else APPS
    return {name for name in names if is_in(name, *forbidden)}


def is_in(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def looks_up(path, source=None):
    """Find the tag libraries above its app that a template loads though they know our code.

    Such a tag asks in the middle of a page. One that only changes how a value looks knows none.
    """
    app = path.relative_to(ROOT / "templates").parts[0]
    if app not in APPS:  # the frame of all pages, and the admin's
        return set()
    above = APPS[APPS.index(app) + 1 :]
    found = set()
    for names in LOAD.findall(path.read_text() if source is None else source):
        for name in names.split():
            libraries = [ROOT / each / "templatetags" / f"{name}.py" for each in above]
            found |= {
                name_of(library)
                for library in libraries
                if library.exists() and any(is_in(each, *PACKAGES) for each in imports(library))
            }
    return found


def rows():
    """Read the places that the map lets each place import."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    return {place: re.findall("`([^`]+)`", names) for place, names in ROW.findall(text)}


MAP = rows()


def place_of(path):
    """Find the row for a file: its own, or that of its folder."""
    file = path.relative_to(ROOT).as_posix()
    return file if file in MAP else f"{path.parent.relative_to(ROOT).as_posix()}/"


def place_of_name(name):
    """Find the place of an imported name; None if it is not ours."""
    if not is_in(name, *PACKAGES):
        return None
    path = ROOT.joinpath(*name.split("."))
    if path.is_dir():
        return place_of(path / "__init__.py")
    if path.with_suffix(".py").exists():
        return place_of(path.with_suffix(".py"))
    return place_of_name(name.rpartition(".")[0])  # a name in a module


def astray(path, source=None):
    """Find the places that a module imports from against the map."""
    own = place_of(path)
    # A file with a row of its own may still import from its folder.
    allowed = {own, f"{path.parent.relative_to(ROOT).as_posix()}/", *MAP.get(own, ())}
    found = {place for name in imports(path, source) if (place := place_of_name(name))}
    return {place for place in found if not any(covers(each, place) for each in allowed)}


def covers(allowed, place):
    return place.startswith(allowed[:-1]) if allowed.endswith("*") else place == allowed


def knowledge(path, source=None):
    """Find the words of SQLite in a module's code; comments and docstrings may use them."""
    tree = ast.parse(path.read_text() if source is None else source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words += [node.value] if id(node) not in docstrings else []
        elif isinstance(node, ast.alias):
            words.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            words.append(node.module or "")
        elif isinstance(node, ast.Name):
            words.append(node.id)
        elif isinstance(node, ast.Attribute):
            words.append(node.attr)
    return {found[0] for word in words if (found := KNOWLEDGE.search(word))}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_one_above_it(package):
    paths = list(modules(package))
    assert len(paths) > 5
    assert {name_of(path): found for path in paths if (found := uphill(path))} == {}


def test_no_template_asks_an_app_above_its_own():
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert len(templates) > 50
    assert {path.name: found for path in templates if (found := looks_up(path))} == {}


@pytest.mark.parametrize("app", ["accounts", "friends"])
def test_a_template_that_asks_an_app_above_would_be_found(app):
    path = ROOT / "templates" / app / "page.html"
    assert looks_up(path, "{% load i18n moderation %}") == {"chat.templatetags.moderation"}
    assert not looks_up(path, "{% load chat_display i18n %}")
    assert not looks_up(ROOT / "templates/chat/page.html", "{% load moderation %}")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_imports_only_what_the_map_says(package):
    assert {name_of(path): found for path in modules(package) if (found := astray(path))} == {}


def test_the_map_allows_nothing_that_nobody_needs():
    used = defaultdict(set)
    for package in PACKAGES:
        for path in modules(package):
            names = imports(path)
            used[place_of(path)] |= {place for name in names if (place := place_of_name(name))}
    needless = {
        (place, allowed)
        for place, names in MAP.items()
        for allowed in names
        if not any(covers(allowed, each) for each in used[place])
    }
    assert needless == set()


def test_the_map_knows_every_folder_and_no_other():
    """A package that contains nothing but folders needs no row."""
    used = {
        f"{path.parent.relative_to(ROOT).as_posix()}/"
        for package in PACKAGES
        for path in modules(package)
        if path.name != "__init__.py" or path.read_text().strip()
    }
    folders = {place for place in MAP if place.endswith("/")}
    assert {place for place in folders if place.partition("/")[0] in PACKAGES} == used
    named = {name.rstrip("*") for names in MAP.values() for name in names}
    assert [place for place in {*MAP, *named} if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_database_folder_knows_which_database_it_is(package):
    found = {name_of(path) for path in modules(package) if knowledge(path)}
    outside = {name for name in found if not is_in(name, "webchat.database")}
    assert outside == {name for name in EXCEPTIONS if is_in(name, package)}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("friends/models.py", "import chat.models"),
        ("friends/services.py", "def f():\n    from chat.log import writing"),
        ("accounts/receivers.py", "from friends.models import Block"),
        ("accounts/models.py", "from chat.models import Message as M"),
        ("webchat/base/api.py", "import accounts"),
        ("webchat/base/api.py", "from webchat import settings"),
        ("webchat/base/api.py", "from ..middleware import client_address"),
        ("webchat/database/wal.py", "from webchat.base import text"),
        ("webchat/database/wal.py", "from friends.models import Block"),
        ("webchat/health.py", "from chat.models import Message"),
    ],
)
def test_an_import_that_goes_up_would_be_found(module, source):
    assert uphill(ROOT / module, source)


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("chat/live/feed.py", "from ..log import reading", "chat.log.reading"),
        ("chat/live/feed.py", "from . import frames", "chat.live.frames"),
        ("chat/live/__init__.py", "from .hub import Hub", "chat.live.hub"),
        ("chat/api.py", "from .models import Message", "chat.models"),
    ],
)
def test_relative_imports_are_understood(module, source, found):
    assert found in imports(ROOT / module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("webchat/health.py", "from .doctor import data"),
        ("webchat/health.py", "def f():\n    from chat.live.engine import Engine"),
        ("chat/models/events.py", "from chat import services"),
        ("chat/search/index.py", "from ..live.engine import Engine"),
        ("friends/models.py", "from accounts.mail.codes import make_code"),
    ],
)
def test_an_import_that_the_map_does_not_have_would_be_found(module, source):
    assert astray(ROOT / module, source)


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "from sqlite3 import Error",
        "name = connection.settings_dict",
        "cursor.execute('PRAGMA user_version')",
        "SQL = f'{words} FROM json_each(%s)'",
        "cursor.execute('BEGIN IMMEDIATE')",
    ],
)
def test_knowledge_of_the_database_would_be_found(source):
    assert knowledge(ROOT / "chat/views.py", source)


def test_a_comment_may_speak_of_the_database():
    assert not knowledge(ROOT / "chat/views.py", '"""As sqlite3 has it."""\nx = 1  # PRAGMA')
