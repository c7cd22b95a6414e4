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
        (
            "class A {\n  #half = 1;\n  has = (x) => #half in x && 1 / 2;\n}",
            "a private name is not told from a pattern",
        ),
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
            "function say(){go();}",
        ),
        (
            'say("http://a.example/"); // it is "near"\n',
            'say("http://a.example/"); // it is "near"',
        ),
        (
            "/** A. */ const a = 1;\nfunction b() {}\n/** C. */ const c = 1;\n",
            "/** A. */ const a = 1;\nfunction b(){}\n/** C. */ const c = 1;",
        ),
        ("const a = `x; // y`;\n", "const a=`x; // y`;"),
        ('const FENCE = "```";\n', 'const FENCE = "```";'),
        ("a = b - -c ? [d] : (e, f);\n", "a=b - -c?[d]:(e,f);"),
        ("say(\"a , b\", 'c = d');\n", "say(\"a , b\",'c = d');"),
        ("const a = /x = y/.test(b);\n", "const a = /x = y/.test(b);"),
        ("const a = `x ${b ? `c = d` : ``}`;\n", "const a = `x ${b ? `c = d` : ``}`;"),
        ("// the last line", ""),
    ],
)
def test_comments_and_indents_stay_with_those_who_read_the_source(script, left):
    inner = joined({"js/app.js": script}).partition("=> {\n")[2].partition("\nreturn {")[0]
    assert inner.strip("\n") == left


def test_what_is_private_gets_a_short_name_in_code_alone():
    script = (
        "class Place {\n  #name = 1;\n  static #all = [];\n  async #load() {\n"
        "    this.#name += `#name ${this.#name}`.length;\n    return /#name/.test(this.#name);\n"
        '  }\n  is(other) {\n    return #name in other && other.#load("#name");\n  }\n}\n'
    )
    text = joined({"js/app.js": script})
    assert "class Place{#a=1;static #c=[];async #b(){" in text
    assert "this.#a +=`#name ${this.#a}`.length;" in text
    assert "return /#name/.test(this.#a);" in text
    assert 'return #a in other&&other.#b("#name");' in text


def test_the_script_beside_another_shares_its_modules():
    modules = {
        "js/app.js": 'import { say } from "./say.js";\nsay();\n',
        "js/late.js": 'import { say } from "./say.js";\nimport { go } from "./go.js";\ngo(say);\n',
        "js/say.js": "export function say() {}\n",
        "js/go.js": "export function go() {}\n",
    }
    app = Joiner(modules, modules.__getitem__)
    app.join("js/app.js")
    late = Joiner(modules, modules.__getitem__, beside=app)
    text = late.join("js/late.js")
    assert text.startswith('import { $modules } from "./app.js";\n')
    assert late.names == {"js/late.js", "js/go.js"}
    assert "const{say}=$modules[0];const{go}=$modules[2];" in text
