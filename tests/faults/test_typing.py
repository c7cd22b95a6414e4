"""A flood of typing touches no disk: strace counts the syncs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from chat.live.socket import TYPING_SECONDS
from tests.live import settle
from tests.server import Server

SYNCS = ("fsync(", "fdatasync(", "sync_file_range(", "msync(")
ROUNDS = 100
FLOODS = 3


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Strace:
    """A count of the syncs of a server's workers."""

    def __init__(self, server: Server, log: Path) -> None:
        self.log = log
        workers = [arg for pid in children_of(server.process.pid) for arg in ("-p", pid)]
        calls = "trace=fsync,fdatasync,sync_file_range,msync"
        self.process = subprocess.Popen(
            ["strace", "-f", "-e", calls, "-o", log, *workers], stderr=subprocess.PIPE, text=True
        )
        line = self.process.stderr.readline()
        if "attached" not in line:
            pytest.skip(f"strace may not attach: {line}")

    def count(self) -> int:
        return sum(call in line for line in self.log.read_text().splitlines() for call in SYNCS)

    def __enter__(self) -> Strace:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_typing_to_one_friend_and_the_next_syncs_nothing(tmp_path):
    friends = [f"friend{number}" for number in range(8)]
    data = tmp_path / "data"
    with Server(data, SEND_RATE="off", WEB_CONCURRENCY="2") as server:
        people = settle(server, ["alice", *friends], [("alice", name) for name in friends])
        with people["alice"].open() as writer, people["friend1"].open() as reader:
            writer.expect("caught_up")
            reader.expect("caught_up")
            with Strace(server, tmp_path / "log") as strace:
                writer.say("friend0", "what is written is synced")
                writer.expect("ack")
                time.sleep(0.3)
                assert strace.count() > 0

                def flood() -> tuple[int, dict[str, int]]:
                    """Type, and return the syncs meanwhile, and the files that have grown."""
                    quiet, sizes = strace.count(), sizes_in(data)
                    for _round in range(ROUNDS):
                        for name in friends:
                            writer.send({"type": "typing", "to": name})
                    assert reader.expect("typing")["from"] == "alice"
                    writer.send({"type": "ping"})
                    assert writer.next(10)["type"] in ("pong", "error")
                    time.sleep(0.5)
                    grown = {
                        n: size for n, size in sizes_in(data).items() if size > sizes.get(n, 0)
                    }
                    return strace.count() - quiet, grown

                # The work that a server does now and then may fall into one or two of them.
                seen = [flood()]
                while seen[-1] != (0, {}) and len(seen) < FLOODS:
                    time.sleep(TYPING_SECONDS)
                    seen.append(flood())
                assert seen[-1] == (0, {}), seen


def sizes_in(folder: Path) -> dict[str, int]:
    return {name: os.stat(folder / name).st_size for name in os.listdir(folder)}
