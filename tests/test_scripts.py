"""The scripts: their own tests, run by node, and the rules for their code."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from webchat.scripts import Joiner
from webchat.storage import LATE
from webchat.storage import SCRIPTS as ENTRIES

from .environment import ROOT

SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
PLAIN = {
    "js/admin.js",
    "js/pictures.js",
    "js/print.js",
    "js/tick_all.js",
}  # no modules, for the pages of the admin
TESTS = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))
# What page.mjs needs, which tells node how a browser finds modules.
HAS_LOADERS = 'process.exit("register" in require("module") ? 0 : 1)'
PAGE = ROOT / "tests" / "js" / "page.mjs"


@pytest.fixture(scope="module")
def node():
    found = shutil.which("node")
    if found is None or subprocess.run([found, "--eval", HAS_LOADERS]).returncode:
        message = "Node 18.19 is missing: apt-get install nodejs"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return found


def test_there_are_tests_to_run():
    assert len(TESTS) > 5


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_scripts_pass_their_own_tests(node, path):
    # In the environment, so that it also applies to the processes that the runner starts.
    environment = {**os.environ, "NODE_OPTIONS": f"--import={PAGE.as_uri()}"}
    result = subprocess.run(
        [node, "--test", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\S+ pass [1-9]", result.stdout, re.MULTILINE), result.stdout


NAMES_OF_THEIR_OWN = {
    "js/app.js": 'import { say as speak } from "./page/say.js";\n'
    'import * as all from "./page/say.js";\n'
    'import { LIMIT } from "./limit.js";\n'
    'const say = "mine";\n'
    "console.log(say, speak(), all.say(), LIMIT);\n",
    "js/page/say.js": 'import { LIMIT } from "../limit.js";\n'
    'console.log("say");\n'
    "export function say() {\n  return `${LIMIT} ${mine}`;\n}\n"
    'const mine = "theirs";\n',
    "js/limit.js": 'console.log("limit");\nexport const LIMIT = 7;\n',
}


def test_each_joined_module_runs_once_with_names_of_its_own(node):
    joined = Joiner(NAMES_OF_THEIR_OWN, NAMES_OF_THEIR_OWN.__getitem__).join("js/app.js")
    command = [node, "--input-type=module", "--eval", joined]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    assert output.splitlines() == ["limit", "say", "mine 7 theirs 7 theirs 7"]


def test_the_scripts_of_the_pages_run_joined(node, tmp_path):
    modules = {str(path.relative_to(ROOT / "static")): path for path in SCRIPTS}
    used, joiners = set(), {}
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for entry in (*ENTRIES, *LATE):
        beside = joiners.get(LATE.get(entry))
        joiner = Joiner(modules, lambda name: modules[name].read_text(encoding="utf-8"), beside)
        joiners[entry] = joiner
        # A script that comes later imports the first one by its name.
        script = tmp_path / Path(entry).name
        script.write_text(joiner.join(entry), encoding="utf-8")
        used |= joiner.names
        command = [node, f"--import={PAGE.as_uri()}", script]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert result.returncode == 0, result.stderr
    assert used == set(modules) - PLAIN


def test_what_comes_later_is_not_in_the_first_script():
    modules = {str(path.relative_to(ROOT / "static")): path for path in SCRIPTS}
    joiner = Joiner(modules, lambda name: modules[name].read_text(encoding="utf-8"))
    joiner.join("js/app.js")
    later = {f"js/chat/{name}.js" for name in ("tools", "search", "emoji", "selecting")}
    assert joiner.names.isdisjoint(later | set(LATE))


def test_the_pages_before_the_log_in_load_no_script_of_the_chat():
    modules = {str(path.relative_to(ROOT / "static")): path for path in SCRIPTS}
    joiner = Joiner(modules, lambda name: modules[name].read_text(encoding="utf-8"))
    joiner.join("js/card.js")
    assert not [name for name in joiner.names if name.startswith(("js/chat/", "js/live/"))]


def lines(path: Path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def test_imports_come_first_and_find_their_modules():
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        *before, code = re.split(r"^import\b[^;]*?from \"(\.[^\"]+)\";$", text, flags=re.M)
        imports = before[1::2]
        assert not re.search(r"^import\b", code, re.M), path
        assert all(re.fullmatch(r"(//.*\n|\s)*", text) for text in before[::2]), path
        assert all((path.parent / name).is_file() for name in imports), path


# Younger than 2021 in one of the browsers, so that they fail on a lab PC of three years' age.
YOUNG = re.compile(
    r"\.(at|findLast|findLastIndex|toSorted|toReversed|toSpliced|checkVisibility|isWellFormed)\("
    r"|\b(canParse|AbortSignal|structuredClone|hasOwn|reportError|randomUUID|requestIdleCallback)\b"
    r"|\b(BroadcastChannel|showModal|showPopover|scheduler|navigation|Segmenter|groupBy|submitter)\b"
    r"|\b(withResolvers|fromAsync|requestSubmit|static \{)|\(\?<[=!]|/[a-z]*v[a-z]*\.(test|exec)\("
)


def test_what_a_browser_may_lack_is_filled_in_or_not_used():
    older = (ROOT / "static" / "js" / "page" / "older.js").read_text(encoding="utf-8")
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        code = re.sub(r"(?<!\S)//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        names = {re.sub(r"\W", "", found[0]) for found in YOUNG.finditer(code)}
        assert all(f'"{name}"' in older for name in names), (path.name, names)


def test_every_request_can_be_given_up():
    """A network that swallows everything must become an error, by `page/patience.js`."""
    for path in SCRIPTS:
        _before, *calls = re.split(r"(?<![#\w])fetch\(", path.read_text(encoding="utf-8"))
        calls = [call.split(";")[0] for call in calls]
        assert all(re.search(r"signal|\.\.\.options", call) for call in calls), (path.name, calls)


def test_the_computers_clock_is_read_in_one_place():
    """It may step: durations go by `performance.now()`, the present time by `page/clock.js`."""
    reads = re.compile(r"\bDate\.now\(|new Date\(\)")
    found = [path.name for path in SCRIPTS if reads.search(path.read_text(encoding="utf-8"))]
    assert found == ["clock.js"]


def test_no_script_writes_markup():
    """Nothing turns the text that people type into elements."""
    markup = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b")
    found = [
        f"{path.name}:{n}" for path in SCRIPTS for n, line in lines(path) if markup.search(line)
    ]
    assert not found
