"""The fuzzer: its draws are repeatable, and it finds the faults that it should."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace

import pytest

from tests.environment import ROOT

sys.path.append(str(ROOT / "bench"))

import hostile_text
from fuzz_aim import Aim
from fuzz_judge import Sample, faults, growth, read_log
from fuzz_targets import FormReader, read_rows
from fuzz_wire import Answer, Shot, frame

PAGE = Shot("GET /x/", "q", "html", "…", 1, "friend1", "GET", "/x/?q=1", [("A", "\xff")], b"\xff")
API = replace(PAGE, target="/api/x/")
SOCKET = replace(PAGE, method="WS")
OURS = {"x-request-id": "1", "content-type": "application/json"}
HTML = {"x-request-id": "1", "content-type": "text/html"}
REFUSED = json.dumps({"error": {"code": "invalid", "message": "No."}}).encode()
LINE = "2026-11-26 05:25:26,139 ERROR b22b1eed0e448950 django.request "


def test_a_seed_draws_the_same_texts_again_and_another_draws_others():
    for strategy in (hostile_text.TEXTS, hostile_text.JSON):
        drawn = hostile_text.draw(strategy, 5, 15)
        assert drawn == hostile_text.draw(strategy, 5, 15)
        assert drawn != hostile_text.draw(strategy, 6, 15)


def test_a_recipe_makes_its_text():
    texts = [*hostile_text.draw(hostile_text.TEXTS, 7, 30), *hostile_text.WORST]
    assert [text.text for text in texts] == [eval(text.recipe) for text in texts]


def test_a_shot_comes_back_from_the_file_as_it_was():
    assert Shot.from_json(json.loads(json.dumps(PAGE.as_json()))) == PAGE


def test_every_address_of_the_table_is_aimed_at():
    lines = (ROOT / "tests/visitors.txt").read_text().splitlines()[1:]
    rows = {(row.method, row.path) for row in read_rows()}
    assert {tuple(line.split()[:2]) for line in lines} <= rows


def test_uploads_are_begun_gone_on_with_and_ended():
    aim = Aim(random.Random(7), {"told_by_name": {}, "told": 1})
    text, fragment = (
        replace(hostile_text.draw(strategy, 5, 1)[0], text=each)
        for strategy, each in ((hostile_text.TEXTS, "é0"), (hostile_text.JSON, '"é0"'))
    )
    shots = [aim._upload(text, fragment) for _shot in range(200)]
    asked = {(shot.method, shot.place) for shot in shots}
    assert asked == {
        ("POST", "name"),
        ("POST", "extra"),
        ("PUT", "offset"),
        ("PUT", "piece"),
        ("PUT", "type"),
        ("POST", "finish"),
        ("DELETE", "give up"),
    }
    ids = {shot.target.split("/")[3] for shot in shots if shot.method == "PUT"}
    begun = {json.loads(shot.body)["id"] for shot in shots if shot.place == "name"}
    assert ids == begun
    bodies = {shot.body for shot in shots if shot.place == "piece"}
    assert "é0".encode() in bodies


def test_the_fields_of_a_form_are_read_with_their_values():
    reader = FormReader()
    reader.feed(
        '<form method="post" action="/a/"><input name="a" value="1"><textarea name="b"></textarea>'
        '<select name="c"><option value="2"><option value="3" selected></select></form>'
        '<form><button name="d" value="4"></button></form>'
    )
    assert reader.forms == [("POST", "/a/", {"a": "1", "b": "", "c": "3"}), ("GET", "", {"d": "4"})]


@pytest.mark.parametrize(
    ("shot", "answer", "found"),
    [
        (PAGE, Answer(200, 0.1, HTML, b"&lt;x-canary&gt;"), []),
        (PAGE, Answer(200, 0.1, HTML, b"<x-canary>"), ["reflected"]),
        (PAGE, Answer(500, 0.1, HTML), ["status 500"]),
        (PAGE, Answer(503, 0.1, HTML), ["503 without Retry-After"]),
        (PAGE, Answer(503, 0.1, HTML | {"retry-after": "2"}), []),
        (PAGE, Answer(302, 0.1, HTML | {"x-canary": "1"}), ["header split"]),
        (PAGE, Answer(0, 20.0, {}, b"", "TimeoutError"), ["no answer (TimeoutError)"]),
        (replace(PAGE, is_broken=True), Answer(0, 2.0, {}, b"", "TimeoutError"), []),
        (API, Answer(400, 0.1, OURS, REFUSED), []),
        (API, Answer(404, 0.1, OURS, REFUSED), ["not the shape of an error"]),
        (API, Answer(400, 0.1, OURS, REFUSED[:-1] + b', "received": 7}'), []),
        (API, Answer(400, 0.1, OURS, b"{}"), ["not the shape of an error"]),
        (API, Answer(400, 0.1, {"content-type": "text/plain"}, b"Bad Request"), []),
        (SOCKET, Answer(101, 0.1, {}, b'{"type": "error"}\n'), []),
        (SOCKET, Answer(101, 20.0, {}, b"", "TimeoutError"), ["deaf (TimeoutError)"]),
        (SOCKET, Answer(4429, 0.1), []),
        (SOCKET, Answer(1011, 0.1), ["closed with 1011"]),
        (SOCKET, Answer(1007, 0.1), ["closed with 1007"]),
        (replace(SOCKET, is_broken=True), Answer(1007, 0.1), []),
    ],
)
def test_an_answer_is_judged(shot, answer, found):
    assert [*faults(shot, answer)] == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (LINE + "Not Found: /nothing/", []),
        ("[2026-11-26 05:47:06 +0800] [7] [INFO] Booting worker", []),
        ("2026 forged", ["log line of its own"]),
        (LINE + "said x-canary", ["text in the log"]),
        (LINE + "red \x1b[31m", ["control in the log"]),
        (
            LINE
            + 'x | Traceback (most recent call last): |   File "/srv/chat/api.py", line 7, in f'
            " | builtins.ValueError: no",
            ["log: builtins.ValueError from chat/api.py:7"],
        ),
    ],
)
def test_a_line_of_the_log_is_judged(tmp_path, line, found):
    log = tmp_path / "log"
    log.write_text("before\n" + line + "\n")
    blots, end = read_log(log, len("before\n"))
    assert [blot.kind for blot in blots] == found
    assert end == log.stat().st_size


def test_what_grows_is_found_and_what_warms_up_is_not():
    flat = [Sample(10.0 * n, 7, 50 if n < 18 else 100, 30) for n in range(60)]
    assert [*growth(flat)] == []
    assert [*growth([each._replace(memory=50 + n) for n, each in enumerate(flat)])] != []
    assert [*growth([each._replace(files=10 + n) for n, each in enumerate(flat)])] != []


def test_a_frame_carries_its_length():
    assert frame(b"a") == b"\x81\x81\0\0\0\0a"
    assert frame(b"a" * 200)[:4] == b"\x81\xfe\x00\xc8"
    assert frame(b"a" * 70_000)[:10] == b"\x81\xff" + (70_000).to_bytes(8, "big")
