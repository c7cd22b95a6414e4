"""The effect of attacks on a class: `python bench/hostile_bench.py --help`.

README.md beside it says how to read the table. On loopback only, on a server of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Self
from urllib.error import URLError
from urllib.request import urlopen

from client import Address
from hostile import floods, slow, texts  # noqa: F401  (they enter their attacks)
from hostile.aim import ATTACKS, GROUPS
from processes import (
    BENCH,
    CORES,
    ROOT,
    Server,
    environment,
    new_settings,
    prepare,
    run,
    slow_fsync,
)

QUIET_SECONDS = 20.0
WARM_UP_SECONDS = 3.0
LEAD_SECONDS = 1.0  # of an attack before the victims are measured
GIVE_UP_SECONDS = 15.0  # above the 10 s that a victim waits for an answer
CALM_SECONDS = 0.1  # for an answer of /healthz that shows that it is over …
CALM_ANSWERS = 3  # … this many times in a row
LOOK_SECONDS = 5.0  # for a worker to be replaced
CALM_AT_MOST = 60.0  # seconds to wait for that
# The attacker takes no processor time from others, as if it had a machine of its own.
NICE = 19
GOAL = 2.0  # times the quiet value
UNNOTICED = 0.020  # seconds; anything shorter is good, whatever its ratio
MB = 1024 * 1024
# Addresses for documentation (RFC 5737), which the server trusts as from a proxy.
CLASSROOM, ATTACKER = "192.0.2.10", "198.51.100.66"
PROBES = ("page", "send", "ping", "healthz")
HEAD = (
    "| attack | page p50, p99 | send | ping | healthz | failed | attacker: said | CPU, %"
    " | server: CPU, % | written, MB/s | log/s | memory, MB | files | calm after, s |\n"
    "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True, slots=True)
class State:
    """The state of the server at one moment."""

    at: float
    pids: list[int]
    cpu: float
    written: int
    memory: int
    files: int
    log_lines: int

    @classmethod
    def of(cls, server: Server, log: Path) -> Self:
        deadline = time.monotonic() + LOOK_SECONDS
        while True:
            try:
                return cls(
                    time.monotonic(),
                    server.workers(),
                    server.cpu_seconds(),
                    server.written(),
                    server.memory(),
                    server.open_files(),
                    log.read_bytes().count(b"\n"),
                )
            except (OSError, RuntimeError):  # a worker has just been killed
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _spent(before: State, after: State) -> dict[str, float]:
    """Compute what the server spent per second between the two."""
    seconds = after.at - before.at
    return {
        # A killed worker has taken its counts along.
        "cpu": max(0.0, after.cpu - before.cpu) / seconds,
        "written": max(0, after.written - before.written) / seconds,
        "log": (after.log_lines - before.log_lines) / seconds,
    }


class Helper:
    """One of our processes, controlled by lines of JSON."""

    def __init__(self, module: str, *arguments: str, given: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"hostile.{module}", *arguments],
            cwd=BENCH,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tell(given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, value: object) -> None:
        _pipe(self._process.stdin).write(f"{json.dumps(value)}\n")
        _pipe(self._process.stdin).flush()

    def listen(self, seconds: float) -> str:
        """Read the next line; empty if none comes within these seconds."""
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return _pipe(self._process.stdout).readline()
        except TimeoutError:
            return ""
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("no pipe")
    return pipe


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.quiet: dict[str, dict[str, Any]] = {}  # by group
        self.rows: list[dict[str, Any]] = []
        self.settings = new_settings(folder / "new", workers=1) | {
            "SEND_RATE": "",  # the default
            "LOG_LEVEL": "INFO",
            "BEHIND_PROXY": "on",  # so that attacker and class have different addresses
        }
        (folder / "new").mkdir()
        prepare(self.settings)
        self.world = run("hostile/world.py", settings=self.settings, cores=CORES)
        self.world["static"] = _largest_static()

    def run(self, names: list[str]) -> None:
        print(HEAD, flush=True)
        for name in names:
            row = self._measure(name)
            self.rows.append(row)
            print(_as_line(row, self.quiet[ATTACKS[name].group]), flush=True)

    def _measure(self, name: str) -> dict[str, Any]:
        """Measure one attack, on a server and data of its own, without traces of the others."""
        group = ATTACKS[name].group
        with self._server(group) as (server, log):
            classroom = replace(server.address, seen_as=CLASSROOM)
            given = {"address": asdict(classroom), "pupils": self.world["pupils"]}
            with Helper("victims", given=given) as victims:
                if not victims.listen(30):
                    raise SystemExit("the class could not come in")
                self._probe(victims, WARM_UP_SECONDS)
                before = State.of(server, log)
                if group not in self.quiet:
                    self.quiet[group] = self._probe(victims, self.options.quiet)
                    quiet, before = before, State.of(server, log)
                    spent = _spent(quiet, before)
                    print(_quiet_line(group, self.quiet[group], spent), flush=True)
                with self._attacker(name, server.address) as attacker:
                    time.sleep(LEAD_SECONDS)
                    victims.tell(self.options.seconds)
                    time.sleep(self.options.seconds)
                    during = State.of(server, log)
                    probes = self._hear(victims)
                    told = attacker.listen(GIVE_UP_SECONDS)
            calm = _wait_until_calm(server.address)
            after = State.of(server, log)
        return {
            "attack": name,
            "probes": probes,
            "attacker": json.loads(told) if told else {"said": {"no end": 1}, "cpu": math.nan},
            "spent": _spent(before, during),
            "memory": [before.memory, during.memory, after.memory],
            "files": [before.files, during.files, after.files],
            "calm": calm,
            "killed": before.pids != after.pids,
        }

    def _attacker(self, name: str, address: Address) -> Helper:
        given = {
            "address": asdict(replace(address, seen_as=ATTACKER)),
            "world": self.world,
            "seconds": self.options.seconds + 2 * LEAD_SECONDS,
            "nice": self.options.nice,
        }
        return Helper("attack", name, given=given)

    def _probe(self, victims: Helper, seconds: float) -> dict[str, Any]:
        victims.tell(seconds)
        time.sleep(seconds)
        return self._hear(victims)

    def _hear(self, victims: Helper) -> dict[str, Any]:
        told = victims.listen(GIVE_UP_SECONDS)
        if not told:
            raise SystemExit("the victims do not answer")
        return json.loads(told)["probes"]

    @contextmanager
    def _server(self, name: str) -> Iterator[tuple[Server, Path]]:
        group = GROUPS[name]
        data_dir = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self.folder / "new", data_dir, dirs_exist_ok=True)
        log = data_dir / "server.log"
        log.touch()
        settings = self.settings | {"DATA_DIR": str(data_dir)}
        if group.fsync_seconds:
            settings |= slow_fsync(data_dir, group.fsync_seconds) or {}
        try:
            with Server(settings, CORES, log=log, open_files=group.open_files) as server:
                yield server, log
        finally:
            shutil.rmtree(data_dir)


def _largest_static() -> str:
    folder = ROOT / "staticfiles"
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".gz", ".json") and path.name[0] != "."
    ]
    return f"/static/{max(files, key=lambda path: path.stat().st_size).relative_to(folder)}"


def _wait_until_calm(address: Address) -> float:
    """Return the seconds until the server is back to normal; infinite if it takes too long."""
    began, good = time.monotonic(), 0
    while time.monotonic() < began + CALM_AT_MOST:
        asked = time.monotonic()
        good = good + 1 if _is_well(address) and time.monotonic() - asked < CALM_SECONDS else 0
        if good == CALM_ANSWERS:
            return time.monotonic() - began
        time.sleep(0.1)
    return math.inf


def _is_well(address: Address) -> bool:
    try:
        with urlopen(f"http://{address.host}:{address.port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _is_good(measured: dict[str, Any], quiet: dict[str, Any], what: str) -> bool:
    return measured[what] <= max(UNNOTICED, GOAL * quiet[what])


def _is_all_good(row: dict[str, Any], quiet: dict[str, Any]) -> bool:
    return all(
        _is_good(row["probes"][probe], quiet[probe], what) and not row["probes"][probe]["failed"]
        for probe in PROBES
        for what in ("p50", "p99")
    )


def _quiet_line(group: str, quiet: dict[str, Any], spent: dict[str, float]) -> str:
    cells = [f"{1e3 * quiet[p]['p50']:.1f}, {1e3 * quiet[p]['p99']:.1f} ms" for p in PROBES]
    cells += [_failed(quiet), "", "", *_spent_cells(spent), "", "", ""]
    return f"| *quiet before {group}* | {' | '.join(cells)} |"


def _spent_cells(spent: dict[str, float]) -> list[str]:
    return [
        f"{100 * spent['cpu']:.0f}",
        f"{spent['written'] / MB:.2f}",
        f"{spent['log']:.1f}",
    ]


def _as_line(row: dict[str, Any], quiet: dict[str, Any]) -> str:
    cells = [
        ", ".join(_ratio(row["probes"][probe], quiet[probe], what) for what in ("p50", "p99"))
        for probe in PROBES
    ]
    said = sorted(row["attacker"]["said"].items(), key=lambda item: -item[1])
    cells += [
        _failed(row["probes"]),
        ", ".join(f"{count:,} {what}" for what, count in said[:4]),
        f"{100 * row['attacker']['cpu']:.0f}",
        *_spent_cells(row["spent"]),
        " → ".join(f"{value / MB:.0f}" for value in row["memory"]),
        " → ".join(map(str, row["files"])),
        f"{row['calm']:.1f}" + (", **worker killed**" if row["killed"] else ""),
    ]
    return f"| {row['attack']} | {' | '.join(cells)} |"


def _ratio(measured: dict[str, Any], quiet: dict[str, Any], what: str) -> str:
    ratio = f"{measured[what] / quiet[what]:.1f}"
    return ratio if _is_good(measured, quiet, what) else f"**{ratio}**"


def _failed(probes: dict[str, Any]) -> str:
    count = sum(sum(probes[probe]["failed"].values()) for probe in PROBES)
    return f"**{count}** of {sum(probes[probe]['of'] for probe in PROBES)}" if count else "0"


def parse_options() -> argparse.Namespace:
    attacks = "\n".join(
        f"  {name:18}{attack.group}: {attack.promise}" for name, attack in ATTACKS.items()
    )
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Attacks, and their groups:\n{attacks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="attacks, or groups of them")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each attack")
    parser.add_argument("--quiet", type=float, default=QUIET_SECONDS, help="seconds before a group")
    parser.add_argument("--nice", type=int, default=NICE, help="of the attacker's process")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    options = parser.parse_args()
    known = ATTACKS.keys() | GROUPS.keys()
    if unknown := set(options.only or []) - known:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    return options


def _chosen(only: list[str] | None) -> list[str]:
    """Choose the attacks, group by group."""
    return [
        name
        for group in GROUPS
        for name, attack in ATTACKS.items()
        if attack.group == group and (not only or {name, group} & set(only))
    ]


def _out_of_patience(*_args: object) -> None:
    raise TimeoutError


def _stop(*_args: object) -> None:
    raise SystemExit("stopped")


def main() -> None:
    options = parse_options()
    # Either way, everything started is stopped on the way out.
    signal.signal(signal.SIGALRM, _out_of_patience)
    signal.signal(signal.SIGTERM, _stop)
    names = _chosen(options.only)
    with tempfile.TemporaryDirectory(prefix="webchat-hostile-") as folder:
        bench = Bench(options, Path(folder))
        bench.run(names)
    good = sum(_is_all_good(row, bench.quiet[ATTACKS[row["attack"]].group]) for row in bench.rows)
    print(f"\n{good} of {len(names)} leave everybody within {GOAL:.0f} × their quiet times.")
    print(f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {len(CORES)} processors.")
    if options.json:
        results = {"quiet": bench.quiet, "attacks": bench.rows}
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
