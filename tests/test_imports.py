"""chat → friends → accounts → webchat, and never back."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "friends", "chat")  # each may import those before it
# What the house does for every app: it knows none of them.
PLUMBING = {
    "webchat.admin",
    "webchat.base.api",
    "webchat.base.errors",
    "webchat.environment",
    "webchat.logs",
    "webchat.middleware",
    "webchat.settings",
    "webchat.database.snapshot",
    "webchat.base.text",
}


def modules(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
            yield path


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path, source=None):
    """The full names of the modules that one imports, wherever in the file it does."""
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
            # `from chat import services` names a module, `from chat.models import Message` none.
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def uphill(path, source=None):
    """The apps that a module imports though they stand above it."""
    package = name_of(path).partition(".")[0]
    if name_of(path) in PLUMBING:
        forbidden = set(APPS)
    elif package in APPS:
        forbidden = set(APPS[APPS.index(package) + 1 :])
    else:
        forbidden = set()
    return {name for name in imports(path, source) if name.partition(".")[0] in forbidden}


@pytest.mark.parametrize("package", ["webchat", *APPS])
def test_no_module_imports_one_above_it(package):
    paths = list(modules(package))
    assert len(paths) > 5
    assert {name_of(path): found for path in paths if (found := uphill(path))} == {}


def test_the_plumbing_is_there():
    assert {name_of(path) for path in modules("webchat")} >= PLUMBING


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("friends/models.py", "import chat.models"),
        ("friends/services.py", "def f():\n    from chat.log import writing"),
        ("accounts/receivers.py", "from friends.models import Block"),
        ("accounts/models.py", "from chat.models import Message as M"),
        ("webchat/base/api.py", "import accounts"),
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
