"""The commands in the papers: each is executed somewhere, and the same in both languages.

Most are by deploy/check-install.sh, on a machine that it boots; here they are only looked at.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser

import pytest
from django.core.management import get_commands, load_command_class

from .environment import ROOT

sys.path.insert(0, str(ROOT / "deploy/machine"))
import recipes

# Blocks of the README, by their last line, and what executes those.
ELSEWHERE = {
    "tar -xzf webchat-*.tar.gz": "tests/test_archive.py",
    "sh deploy/run.sh": "tests/test_run.py",
    "sh deploy/test.sh --all": ".ci/run",
}
PAPERS = [*recipes.PAPERS, "README.zh-hans.md"]
IN_ENGLISH = {paper: paper.replace(".zh-hans", "") for paper in PAPERS}
COMMAND = re.compile(r"\.venv/bin/python manage\.py(?: (.*))?")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def all_blocks(names=PAPERS):
    return [(name, block) for name in names for block in recipes.blocks(read(name))]


def test_blocks_are_found_in_lists_too_and_remarks_are_no_commands():
    listed = "1. So:\n\n   ```sh\n   # first\n   ls -l  # all\n   ```\n"
    text = f"{listed}\n```nginx\n  a;\n```\n```ini\nb\n```\n"
    first, second = recipes.blocks(text)
    assert first.text == "# first\nls -l  # all\n"
    assert first.commands == ["ls -l"]
    assert (second.language, second.name) == ("nginx", "a;")


@pytest.mark.parametrize("paper", PAPERS)
def test_both_languages_have_the_same_commands(paper):
    chinese, english = (
        [block.commands for block in recipes.blocks(read(name))]
        for name in (paper, IN_ENGLISH[paper])
    )
    assert chinese
    assert chinese == english


def test_every_block_is_executed_somewhere():
    for paper, block in all_blocks(recipes.PAPERS):
        assert block.name in recipes.RECIPES, f"{paper}: no recipe for {block.name}"
    for paper, block in all_blocks(["README.zh-hans.md"]):
        assert block.name in ELSEWHERE, f"{paper}: nothing executes {block.name}"
    for file in ELSEWHERE.values():
        assert (ROOT / file).is_file()


def test_no_two_blocks_share_a_recipe_and_no_recipe_is_left_over():
    names = [block.name for _paper, block in all_blocks(recipes.PAPERS)]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    assert set(names) == set(recipes.RECIPES)


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_stands_around_a_block_is_there(place):
    shell = "".join(read(f"deploy/machine/{name}.sh") for name in ("docs", "looks", "states"))
    there = set(re.findall(r"^(\w+)\(\) \{", shell, re.MULTILINE)) | {"test", "grep", "touch", "!"}
    for recipe in recipes.RECIPES.values():
        for step in filter(None, getattr(recipe, place).split("; ")):
            assert step.split()[0] in there, step


def test_every_block_is_whole_and_has_no_gaps_to_fill_in():
    for paper, block in all_blocks():
        assert not re.search(r"<[\w-]+>|…|\b(FILE|NAME|DIR)\b", block.text), (paper, block.text)
        if block.language == "sh":
            sh = shutil.which("dash") or "sh"
            subprocess.run([sh, "-n"], input=block.text, text=True, check=True)


def typed_commands():
    """Yield each command of manage.py in a block or between backquotes, as words."""
    for paper in [*PAPERS, *IN_ENGLISH.values()]:
        for line in [line for _paper, block in all_blocks([paper]) for line in block.commands]:
            if found := COMMAND.search(line.split(" >")[0]):
                yield paper, shlex.split(found[1] or "")
        for typed in re.findall(r"`manage\.py ([^`…]+)`", read(paper)):
            yield paper, shlex.split(typed)


def test_commands_have_the_options_that_the_papers_give_them(monkeypatch):
    def refuse(_self, message):
        raise AssertionError(message)

    monkeypatch.setattr(ArgumentParser, "error", refuse)
    seen = set()
    for paper, words in typed_commands():
        if words:
            command = load_command_class(get_commands()[words[0]], words[0])
            parser = command.create_parser("manage.py", words[0])
            parser.called_from_command_line = True
            assert parser.parse_args(words[1:]), paper
            seen.add(words[0])
    assert {"restore", "import_roster", "nightly", "export_all"} - seen <= {"nightly"}


@pytest.mark.parametrize("paper", [*PAPERS, *IN_ENGLISH.values()])
def test_links_lead_to_a_heading_that_is_there(paper):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", read(paper)):
        file, _hash, anchor = link.partition("#")
        target = (ROOT / paper).parent / file if file else ROOT / paper
        assert target.is_file(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in map(anchor_of, headings), link


def anchor_of(heading):
    """Name a heading as GitHub does in links."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


# --- The execution ---


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("plan\nQQ 邮箱地址 / QQ mail address []: ", "10001@qq.com"),
        ("再输入一次：", "ox-Battery-59"),
        ("12 条消息…？[y/N] ", "y"),
        ("端口 / Port [465]: ", ""),
        ("备份 45%", None),
        ("done:\n", None),
    ],
)
def test_questions_are_answered_and_nothing_else(output, answer):
    assert recipes.answer_to(output) == answer


def test_a_block_is_executed_on_a_terminal_until_its_first_failure(tmp_path):
    script = "test -t 0\nprintf '新密码：'\nread -r word\necho \"got $word\"\npwd\nfalse\necho on"
    code, output = recipes.execute(script, tmp_path)
    assert code == 1
    assert "got ox-Battery-59" in output
    assert str(tmp_path) in output
    assert "\non" not in output
