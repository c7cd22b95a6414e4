"""The modules of the pages' script, joined into one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from webchat.scripts import Joiner
from webchat.storage import SCRIPT

NODE = shutil.which("node")
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


def joined(modules: dict[str, str]) -> str:
    return Joiner(modules.__getitem__).join("js/app.js")


@pytest.mark.skipif(NODE is None, reason="Node is missing (apt-get install nodejs)")
def test_each_module_runs_once_with_names_of_its_own_after_those_that_it_imports():
    run = [str(NODE), "--input-type=module", "--eval", joined(NAMES_OF_THEIR_OWN)]
    output = subprocess.run(run, capture_output=True, text=True, check=True, timeout=20).stdout
    assert output.splitlines() == ["limit", "say", "mine 7 theirs 7 theirs 7"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('import say from "./say.js";', "cannot be joined"),
        ('import "./say.js";', "cannot be joined"),
        ('import { say } from "elsewhere";', "cannot be joined"),
        ("export default say;", "cannot be joined"),
        ("export let count = 1;", "cannot be joined"),
        ("export const { a, b } = pair;", "cannot be joined"),
        ('export { say } from "./say.js";', "cannot be joined"),
        ('import { app } from "./app.js";', "imports itself"),
    ],
)
def test_what_cannot_be_joined_is_named(line, reason):
    modules = {"js/app.js": f"{line}\n", "js/say.js": "export function say() {}\n"}
    with pytest.raises(ValueError, match=reason) as refused:
        joined(modules)
    assert "js/app.js" in str(refused.value)


def test_all_modules_of_the_pages_are_joined():
    static = Path(settings.BASE_DIR, "static")
    joiner = Joiner(lambda name: (static / name).read_text(encoding="utf-8"))
    joiner.join(SCRIPT)
    assert joiner.names == {str(path.relative_to(static)) for path in static.glob("js/**/*.js")}
