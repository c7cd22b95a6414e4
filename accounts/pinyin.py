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
from collections.abc import Iterable, Sequence
from itertools import islice, product
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

SECONDS_AT_MOST = 10  # a tenth of one, on a machine that has nothing else to do
PROCESSES_AT_MOST = 2  # at once, of a worker
WAIT_SECONDS = 2.0  # for one of them to end; after that the engine reads the name, within a minute
NICENESS = 10  # those who chat go first
HAN = re.compile("[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
READINGS_OF_ONE = 3  # rarer ones of a character occur in no name
READINGS_AT_MOST = 8
LETTERS_AT_MOST = 800  # sixteen characters, eight ways

_processes = BoundedSemaphore(PROCESSES_AT_MOST)
logger = logging.getLogger(__name__)


class Reading(NamedTuple):
    """The ways to type a name, in small letters, separated by spaces.

    Empty for a name without Chinese characters, which is typed as it is written.
    """

    pinyin: str
    initials: str


UNREAD = Reading("", "")


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
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "accounts.pinyin"],
            input=json.dumps(names),
            capture_output=True,
            check=True,
            cwd=Path(__file__).resolve().parent.parent,
            # Whole words are of no use here, and take most of its memory.
            env=os.environ | {"PYPINYIN_NO_PHRASES": "true"},
            text=True,
            timeout=SECONDS_AT_MOST,
        )
        return [Reading(*reading) for reading in json.loads(answer.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError):
        logger.exception("Names could not be read; they are tried again later")
        return [UNREAD] * len(names)


def _read(name: str) -> Reading:
    from pypinyin import Style, pinyin

    parts = pinyin("".join(name.casefold().split()), style=Style.NORMAL, heteronym=True)
    ways = list(islice(product(*(part[:READINGS_OF_ONE] for part in parts)), READINGS_AT_MOST))
    return Reading(
        _join("".join(way) for way in ways), _join("".join(each[0] for each in way) for way in ways)
    )


def _join(readings: Iterable[str]) -> str:
    """Join the readings, each once, and as many as there is room for."""
    joined = " ".join(dict.fromkeys(readings))
    return joined if len(joined) <= LETTERS_AT_MOST else joined[:LETTERS_AT_MOST].rpartition(" ")[0]


if __name__ == "__main__":
    os.nice(NICENESS)
    print(json.dumps([_read(name) for name in json.load(sys.stdin)]))  # noqa: T201
