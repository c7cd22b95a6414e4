"""The checks of bench/fuzz.py on the answers, the log and the memory of the server."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fuzz_wire import Answer, Shot

LIMIT_SECONDS = 1.0
DOCUMENTED = {4401, 4408, 4429, 1012}  # docs/api.md
PROTOCOL = {1000, 1002, 1003, 1007, 1009}  # RFC 6455: for frames that break it, or are too long
FRAMES = {"hello", "event", "caught_up", "ack", "error", "pong", "typing", "reset"}
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ (\S+) |\[\d{4}-\d\d-\d\d ")
TROUBLE = re.compile(
    r"Traceback|\bException\b|socket\.send\(\) raised|never awaited|WORKER TIMEOUT"
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
RAISED = re.compile(
    r"\| ((?:\w+\.)*(?:\w*(?:Error|Exception|TooBig|Denied)"
    r"|NoReverseMatch|BadRequest|ClientGone|Disallowed\w+))\b"
)
# A traceback for a request that was answered properly (400, 403, 413) is noise, not a fault.
ANSWERED = re.compile(r" WARNING | django\.security\.\w+ ")
OURS = re.compile(r'File "[^"]*/((?:accounts|chat|friends|webchat)/[^"]*)", line (\d+)')
WARM_UP_SECONDS = 180.0  # until the heaps of all threads have met long bodies
GROWTH = 1.15  # of the last third's median over the first's
SAMPLES_AT_LEAST = 12


class Sample(NamedTuple):
    at: float  # seconds since the start
    pid: int
    memory: int
    files: int


class Blot(NamedTuple):
    """Something in the log that should not be there, and the request that wrote it."""

    kind: str
    line: str
    request_id: str


def faults(shot: Shot, answer: Answer) -> Iterator[str]:
    """Yield the faults of an answer, but for its time."""
    if shot.method == "WS":
        yield from _faults_of_socket(shot, answer)
        return
    is_ours = "x-request-id" in answer.headers  # else gunicorn refused an invalid request
    if answer.status == 0 and not shot.is_broken:
        yield f"no answer ({answer.error})"
    elif answer.status == 503 and "retry-after" not in answer.headers:
        yield "503 without Retry-After"
    elif answer.status >= 500 and answer.status != 503 and (is_ours or answer.status == 500):
        yield f"status {answer.status}"
    if any("x-canary" in name for name in answer.headers):
        yield "header split"
    if "html" in answer.headers.get("content-type", ""):
        if b"<x-canary" in answer.body or b"<x-trail" in answer.body:
            yield "reflected"
    elif shot.target.startswith("/api/") and is_ours and answer.status >= 400:
        yield from _faults_of_error(answer)


def _faults_of_error(answer: Answer) -> Iterator[str]:
    from webchat.base.api import STATUS

    try:
        data = json.loads(answer.body)
        error = data["error"]
        data.pop("received", None)  # of an upload
        good = set(data) == {"error"} and set(error) == {"code", "message"} and error["message"]
        good = good and STATUS[error["code"]] == answer.status
    except (ValueError, KeyError, TypeError):
        good = not answer.body  # HEAD
    if not good:
        yield "not the shape of an error"
    if answer.status == 429 and "retry-after" not in answer.headers:
        yield "429 without Retry-After"


def _faults_of_socket(shot: Shot, answer: Answer) -> Iterator[str]:
    if answer.status == 101 and not answer.error:
        kinds = {
            json.loads(line).get("type") for line in answer.body.split(b"\n") if line[-1:] == b"}"
        }
        if strange := kinds - FRAMES:
            yield f"frame of type {strange}"
    elif answer.status >= 500 and answer.status < 1000:
        yield f"status {answer.status}"
    elif answer.status >= 1000:
        if answer.status not in DOCUMENTED and not (shot.is_broken and answer.status in PROTOCOL):
            yield f"closed with {answer.status}"
    elif (answer.status in (0, 101)) and not shot.is_broken:
        yield f"deaf ({answer.error})"


def read_log(path: Path, start: int) -> tuple[list[Blot], int]:
    """Find the faults in the log from a position on, and return its end."""
    with path.open("rb") as file:
        file.seek(start)
        text = file.read()
    return [blot for line in text.split(b"\n") if line for blot in _judge_line(line)], start + len(
        text
    )


def _judge_line(raw: bytes) -> Iterator[Blot]:
    line = raw.decode("utf-8", "backslashreplace")
    match = LOG_LINE.match(line)
    request_id = (match[1] or "") if match else ""
    if not match:
        yield Blot("log line of its own", line, "")
    if "x-canary" in line:
        yield Blot("text in the log", line, request_id)
    if CONTROL.search(line):
        yield Blot("control in the log", line, request_id)
    if TROUBLE.search(line):
        raised, ours = (
            RAISED.findall(line) or [re.sub(r"\d+", "#", line[:100])],
            OURS.findall(line) or [("", "")],
        )
        kind = "noise" if ANSWERED.search(line[:120]) else "log"
        yield Blot(f"{kind}: {raised[-1]} from {':'.join(ours[-1])}", line, request_id)


def growth(samples: list[Sample]) -> Iterator[str]:
    """Yield the growth over the longest life of a warmed-up worker."""
    pids = [sample.pid for sample in samples]
    pid = max(set(pids), key=pids.count, default=0)
    life = [sample for sample in samples if sample.pid == pid and sample.memory]
    life = [sample for sample in life if sample.at >= life[0].at + WARM_UP_SECONDS]
    if len(life) < SAMPLES_AT_LEAST:
        return
    third = len(life) // 3
    for name in ("memory", "files"):
        first = statistics.median(getattr(sample, name) for sample in life[:third])
        last = statistics.median(getattr(sample, name) for sample in life[-third:])
        if last > first * GROWTH:
            yield f"{name} grew from {first:,.0f} to {last:,.0f}"
