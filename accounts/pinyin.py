"""The readings of Chinese names, so that people find each other by typing letters.

pypinyin costs a process some 20 MB, and nobody registers twice: it runs in a process of its own,
`python -m accounts.pinyin`, which takes a list of names as JSON and ends.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore

SECONDS_AT_MOST = 10  # a tenth of one, on a machine that has nothing else to do
PROCESSES_AT_MOST = 2  # at once, of a worker
WAIT_SECONDS = 2.0  # for one of them to end; after that the engine reads the name, within a minute
NICENESS = 10  # those who chat go first
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN = re.compile(f"[{_HAN}]")
UNITS = re.compile(f"[{_HAN}]|[^{_HAN}]+")  # a character, or what stands between two
READINGS_OF_ONE = 3  # rarer ones of a character occur in no name
LETTERS_AT_MOST = 800  # sixteen characters with three readings take 400
# Between units, the ways to type one, and names: in `Friendship.readings`.
UNIT, WAY, NAME = " ", "/", ";"
APOSTROPHES = re.compile("['’]")  # between syllables, as input methods write xi'an
DOUBLE_INITIALS = ("zh", "ch", "sh")
# How characters are read that open a name as a surname, where that is not their first reading.
SURNAMES = dict(
    pair.split(":")
    for pair in """
    单:shan 曾:zeng 仇:qiu 区:ou 解:xie 查:zha 朴:piao 盖:ge 翟:zhai 缪:miao 乐:yue 种:chong 覃:qin
    召:shao 员:yun 折:she 秘:bi 卜:bu 薄:bo 阚:kan 郇:xun 乜:nie 句:gou 粘:nian 都:du 洗:xian 隗:wei
    能:nai 单于:chan 尉迟:yu 万俟:mo 澹台:tan
    單:shan 區:ou 蓋:ge 繆:miao 樂:yue 種:chong 員:yun 祕:bi 闞:kan 單于:chan 尉遲:yu
    萬俟:mo 澹臺:tan
    """.split()
)

# A name as it may be typed, unit by unit: `chong/zhong/重 qing/庆`. Empty for a name without
# Chinese characters, which is typed as it is written.
Reading = str
UNREAD: Reading = ""

_processes = BoundedSemaphore(PROCESSES_AT_MOST)
logger = logging.getLogger(__name__)


def read_names(names: Sequence[str]) -> list[Reading]:
    """Return the readings of names; all of them empty if no process is free in time."""
    chinese = [name for name in names if needs_reading(name)]
    found = dict(zip(chinese, _ask_in_turn(chinese), strict=True)) if chinese else {}
    return [found.get(name, UNREAD) for name in names]


def read_name(name: str) -> Reading:
    [reading] = read_names([name])
    return reading


def needs_reading(name: str) -> bool:
    return HAN.search(name) is not None


def _ask_in_turn(names: Sequence[str]) -> list[Reading]:
    if not _processes.acquire(timeout=WAIT_SECONDS):
        return [UNREAD] * len(names)
    try:
        return _ask(names)
    finally:
        _processes.release()


def _ask(names: Sequence[str]) -> list[Reading]:
    from webchat.base.text import fold  # the other process does without it, and without Django

    try:
        answer = subprocess.run(
            [sys.executable, "-m", "accounts.pinyin"],
            input=json.dumps([fold(name, most=len(name)) for name in names]),
            capture_output=True,
            check=True,
            cwd=Path(__file__).resolve().parent.parent,
            # Whole words are of no use here, and take most of its memory.
            env=os.environ | {"PYPINYIN_NO_PHRASES": "true"},
            text=True,
            timeout=SECONDS_AT_MOST,
        )
        return [str(reading) for reading in json.loads(answer.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError):
        logger.exception("Names could not be read; they are tried again later")
        return [UNREAD] * len(names)


def spells(typed: str, readings: str) -> bool:
    """Return whether letters spell one of the names from some unit on, in full or by initials.

    One letter must begin a name, since every other name holds it. `static/js/chat/matching.js`
    has the same rule.
    """
    typed = typed.replace("ü", "v")
    # A name may hold an apostrophe itself.
    return any(_spell(each, readings) for each in {typed, APOSTROPHES.sub("", typed)} if each)


def _spell(typed: str, readings: str) -> bool:
    names = (name.split(UNIT) for name in readings.split(NAME) if name)
    return any(
        _goes_through(typed, units[start:])
        for units in names
        for start in (range(len(units)) if len(typed) > 1 else (0,))
    )


def spell(reading: Reading) -> str:
    """Return the first of the ways to type a name in full."""
    return "".join(unit.partition(WAY)[0] for unit in reading.split(UNIT))


def _goes_through(typed: str, units: Sequence[str]) -> bool:
    reached = {0}  # places in what was typed
    for unit in units:
        ways = unit.split(WAY)
        if any(way.startswith(typed[place:]) for way in ways for place in reached):
            return True
        reached = {
            place + len(part)
            for way in ways
            for part in _parts(way)
            for place in reached
            if typed.startswith(part, place)
        }
    return False


def _parts(way: str) -> set[str]:
    """Return what may stand for a unit before another one."""
    return {way, way[:1]} | ({way[:2]} if way.startswith(DOUBLE_INITIALS) else set())


def _read(name: str) -> Reading:
    surname = SURNAMES.get(name[:2]) or SURNAMES.get(name[:1])
    first, *others = UNITS.findall(name) or [""]
    units = [_read_unit(first, usual=surname), *map(_read_unit, others)]
    return UNIT.join(filter(None, units))[:LETTERS_AT_MOST]


def _read_unit(unit: str, usual: str | None = None) -> str:
    """Return the ways to type a unit, the usual reading of a character first."""
    if not HAN.match(unit):
        return re.sub(f"[\\s{WAY}{NAME}]", "", unit)
    from pypinyin import Style, pinyin

    [ways] = pinyin(unit, style=Style.NORMAL, heteronym=True)
    first = [usual] if usual else []
    return WAY.join(dict.fromkeys([*first, *ways[:READINGS_OF_ONE], unit]))


if __name__ == "__main__":
    os.nice(NICENESS)
    print(json.dumps([_read(name) for name in json.load(sys.stdin)]))  # noqa: T201
