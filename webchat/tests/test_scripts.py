"""The modules of the pages' script, joined into one."""

import pytest

from webchat.scripts import Joiner


def joined(modules: dict[str, str]) -> str:
    return Joiner(modules, modules.__getitem__).join("js/app.js")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('import say from "./say.js";', "cannot be joined: import say"),
        ('import "./say.js";', "cannot be joined: import"),
        ('import { say } from "elsewhere";', "cannot be joined: import"),
        ('  import { say } from "./say.js";', "cannot be joined: import"),
        ('import { say } from "./say.js"; import { do } from "./do.js";', "cannot be joined"),
        ('import { say } from "./say.js"; // "twice"', "cannot be joined"),
        ('const later = () => import("./say.js");', "cannot be joined: import"),
        ("const here = import.meta.url;", "cannot be joined: import"),
        ("export default say;", "cannot be joined: export default"),
        ("export let count = 1;", "cannot be joined: export let"),
        ("export const $ = 1;", "cannot be joined: export const"),
        ("export const { a, b } = pair;", "cannot be joined: export const"),
        ('export { say } from "./say.js";', "cannot be joined: export"),
        ('import { app } from "./app.js";', "imports itself"),
        ("say(`two\nlines`);", "a template ends on another line"),
        ('import { gone } from "./gone.js";', "imports js/gone.js, which is missing"),
    ],
)
def test_what_cannot_be_joined_is_named(line, reason):
    modules = {"js/app.js": f"{line}\n", "js/say.js": "export function say() {}\n"}
    with pytest.raises(ValueError, match=reason) as refused:
        joined(modules)
    assert "js/app.js" in str(refused.value)


def test_a_comment_at_the_end_ends_nothing_else():
    assert '// "the" end\nreturn {  };' in joined({"js/app.js": 'say(); // "the" end'})


@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("// Why.\nsay(); // at once\n", "say();"),
        (
            "/** What it\n * promises. */\nfunction say() {\n  // so\n  go();\n}\n",
            "function say() {\ngo();\n}",
        ),
        (
            'say("http://a.example/"); // it is "near"\n',
            'say("http://a.example/"); // it is "near"',
        ),
        ("const a = `x; // y`;\n", "const a = `x; // y`;"),
        ('const FENCE = "```";\n', 'const FENCE = "```";'),
        ("// the last line", ""),
    ],
)
def test_comments_and_indents_stay_with_those_who_read_the_source(script, left):
    inner = joined({"js/app.js": script}).partition("=> {\n")[2].partition("\nreturn {")[0]
    assert inner.strip("\n") == left
