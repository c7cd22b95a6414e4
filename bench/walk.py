"""The walk of one message through the server: statements, system calls, context switches.

At 50 messages a second each is a batch of its own. Each kind is counted on a server of its own, so
that no count disturbs another, and also while nobody speaks: that is what the messages do not cost.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import load
from load import Window
from processes import Program
from stage import WARM_UP, Stage

PER_SECOND = 50
SHOWN = 0.02  # times a message: what is rarer belongs to no message
STRACE_SECONDS = 10  # to attach, and to write its table

# Python runs this at its start, before any connection.
TRACING = """
import os, sqlite3, time
log = os.open(os.environ["WALK_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
connect = sqlite3.connect
def connect_traced(*args, **kwargs):
    connection = connect(*args, **kwargs)
    name = id(connection)
    def trace(text):
        os.write(log, f"{time.monotonic()} {name} {' '.join(text.split())}\\n".encode())
    connection.set_trace_callback(trace)
    return connection
sqlite3.connect = sqlite3.dbapi2.connect = connect_traced
"""
LITERAL = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|NULL")
LIST = re.compile(r"\?(?:, ?\?)+")
ROWS = re.compile(r"\(\?…?\)(?:, ?\(\?…?\))+")
CHANGES = ("INSERT", "UPDATE", "DELETE")
LONGEST = 110  # characters of a statement

Probe = Callable[[list[int], float], Awaitable["Counter[str]"]]


def told(stage: Stage) -> str:
    """Count for the seconds of the stage, and make the tables."""
    log = stage.folder / "statements.log"
    tables = [
        ("statement", _statements(log), _traced(log)),
        ("context switch", _switches, {}),
    ]
    notes = []
    if shutil.which("strace"):
        tables.append(("system call", _system_calls, {}))
    else:
        notes.append("System calls: left out, strace is not installed.")
    return "\n\n".join(
        [_table(stage, name, probe, settings) for name, probe, settings in tables] + notes
    )


def _table(stage: Stage, name: str, probe: Probe, settings: dict[str, str]) -> str:
    stage.progress(f"walk: {name}")
    with stage.server(**settings) as server:
        assert isinstance(server, Program)
        busy = asyncio.run(_counted(stage, server, PER_SECOND, probe))
        quiet = asyncio.run(_counted(stage, server, 0, probe))
    messages = PER_SECOND * stage.seconds
    shown = [(what, n) for what, n in busy.most_common() if n >= SHOWN * messages]
    rows = [("all", busy.total()), *shown]
    lines = [f"| {name} | a message | a second, idle |", "|---|---:|---:|"]
    lines += [
        f"| {what} | {n / messages:.2f} |"
        f" {(quiet.total() if what == 'all' else quiet[what]) / stage.seconds:.2f} |"
        for what, n in rows
    ]
    return "\n".join(lines)


async def _counted(stage: Stage, server: Program, per_second: int, probe: Probe) -> Counter[str]:
    """Count for a while, with messages or without, everybody being connected."""
    sockets = await load.open_pairs(server.address, stage.talkers)
    window = Window.of(WARM_UP, stage.seconds + STRACE_SECONDS)
    talk = load.open_loop(per_second, sockets, window) if per_second else asyncio.sleep(0)
    talking = asyncio.create_task(talk)
    await asyncio.sleep(WARM_UP)
    counted = await probe(server.workers(), stage.seconds)
    window.end = time.perf_counter()
    await talking
    for socket, _to in sockets:
        socket.cut()
    return counted


def _traced(log: Path) -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(dir=log.parent))
    (folder / "sitecustomize.py").write_text(TRACING)
    return {"PYTHONPATH": str(folder), "WALK_LOG": str(log)}


def _statements(log: Path) -> Probe:
    """Count the statements that the server has written into this log."""

    async def statements(_pids: list[int], seconds: float) -> Counter[str]:
        begin = time.monotonic()
        await asyncio.sleep(seconds)
        return _logged(log, begin, begin + seconds)

    return statements


def _logged(log: Path, begin: float, end: float) -> Counter[str]:
    counter: Counter[str] = Counter()
    before: dict[str, str] = {}
    for line in log.read_text().splitlines():
        at, connection, text = line.split(" ", 2)
        if begin <= float(at) < end:
            # A statement is traced again for each trigger that it fires.
            fires = before.get(connection) == text and text.startswith(CHANGES)
            counter["a trigger" if fires else _plain(text)] += 1
            before[connection] = text
    return counter


def _plain(text: str) -> str:
    """The statement without its values, so that the same ones count together."""
    text = ROWS.sub("(?…)…", LIST.sub("?…", LITERAL.sub("?", text)))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


async def _switches(pids: list[int], seconds: float) -> Counter[str]:
    before = _switches_so_far(pids)
    await asyncio.sleep(seconds)
    after = _switches_so_far(pids)
    after.subtract(before)
    return after


def _switches_so_far(pids: list[int]) -> Counter[str]:
    counter: Counter[str] = Counter()
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for line in (thread / "status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name.endswith("_ctxt_switches"):
                    counter[name.removesuffix("_ctxt_switches")] += int(value)
    return counter


async def _system_calls(pids: list[int], seconds: float) -> Counter[str]:
    with tempfile.NamedTemporaryFile("r") as table:
        arguments = [part for pid in pids for part in ("-p", str(pid))]
        strace = await asyncio.create_subprocess_exec(
            "strace", "-f", "-c", "-o", table.name, *arguments,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert strace.stderr
        await asyncio.wait_for(strace.stderr.readline(), STRACE_SECONDS)  # it has attached
        await asyncio.sleep(seconds)
        strace.send_signal(signal.SIGINT)
        await asyncio.wait_for(strace.communicate(), STRACE_SECONDS)
        rows = [line.split() for line in table.read().splitlines()]
    # % time, seconds, µs a call, calls, errors if any, name
    calls = {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit()}
    calls.pop("total", None)
    return Counter(calls)
