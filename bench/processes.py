"""The processes of the benchmark: servers, their costs, and short-lived helpers."""

from __future__ import annotations

import json
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from client import Address

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
START_SECONDS = 30.0
STOP_SECONDS = 15.0
HELPER_SECONDS = 180.0
CPUCLOCK_SCHED = 2  # of Linux's clock ids: all threads of a process, in ns
CORES = sorted(os.sched_getaffinity(0))

SLOW_FSYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fsync(int file) {
    usleep(MICROSECONDS);
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(file);
}
int fdatasync(int file) {
    usleep(MICROSECONDS);
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(file);
}
"""


class Program:
    """A server on a port of its own, with its children; `with Program(…) as program`.

    `log` is the file for its output; `open_files` is its `ulimit -n`.
    """

    def __init__(
        self,
        address: Address,
        command: list[str],
        environment: Mapping[str, str],
        cores: list[int],
        log: Path | None = None,
        open_files: int | None = None,
    ) -> None:
        self.address = address
        self._command = command
        self._environment = environment
        self._cores = cores
        self._log = log
        self._open_files = open_files

    def __enter__(self) -> Self:
        # Without a log its errors go to the terminal.
        log = self._log.open("ab") if self._log else None
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            preexec_fn=self._prepare_process,
            stdout=subprocess.DEVNULL,  # MAIL_MODE=console prints mails there
            stderr=log,
        )
        if log:
            log.close()
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _prepare_process(self) -> None:
        os.sched_setaffinity(0, self._cores)
        if self._open_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._open_files, self._open_files))

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> float:
        """Stop it, if it still runs, and return the seconds that it took."""
        began = time.perf_counter()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in [*self.workers(), self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended: {' '.join(self._command)}")
            try:
                socket.create_connection((self.address.host, self.address.port), 1).close()
                if self.is_ready():
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("the server does not answer")

    def is_ready(self) -> bool:
        """Answer whether it can take work, as its port is open."""
        return True

    @property
    def master(self) -> int:
        return self._process.pid

    def workers(self) -> list[int]:
        pid = self._process.pid
        try:
            return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]
        except OSError:
            return []

    def processes(self) -> list[int]:
        return [self._process.pid, *self.workers()]

    def cpu_seconds(self) -> float:
        """User and system time of all its processes, which others' noise does not affect."""
        return sum(_cpu_seconds(pid) for pid in self.processes())

    def memory(self) -> int:
        """Bytes of its own, with shared pages divided by their users (PSS)."""
        return sum(_pss(pid) for pid in self.processes())

    def written(self) -> int:
        """Bytes that the workers have written to the disk so far."""
        return sum(_written(pid) for pid in self.workers())

    def open_files(self) -> int:
        """The number of file descriptors of the workers."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers())


class Server(Program):
    """gunicorn: without `arguments` the whole application as deployed, else something else."""

    def __init__(
        self,
        settings: Mapping[str, str],
        cores: list[int],
        arguments: tuple[str, ...] = ("--config", str(ROOT / "deploy/gunicorn.conf.py")),
        log: Path | None = None,
        open_files: int | None = None,
    ) -> None:
        address = Address("127.0.0.1", free_port())
        bind = f"{address.host}:{address.port}"
        command = [sys.executable, "-m", "gunicorn", *arguments, "--bind", bind]
        settings = environment(settings) | {"PORT": str(address.port)}
        super().__init__(address, command, settings, cores, log, open_files)

    def is_ready(self) -> bool:
        return bool(self.workers())


class Running:
    """A server started elsewhere: it can be queried, but not inspected."""

    def __init__(self, address: Address) -> None:
        self.address = address

    def cpu_seconds(self) -> float:
        return float("nan")


def _read(path: str) -> str:
    return Path(path).read_text()


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process by its own clock: /proc counts in 10 ms."""
    return time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)


def _pss(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss")


def _written(pid: int) -> int:
    for line in _read(f"/proc/{pid}/io").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError("no write_bytes")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings"} | dict(settings)


def new_settings(data_dir: Path, workers: int) -> dict[str, str]:
    """Make settings as after a first start; empty values override a .env in this folder."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATA_DIR": str(data_dir),
        "WEB_CONCURRENCY": str(workers),
        "SEND_RATE": "off",
        "LOG_LEVEL": "WARNING",
        "PORT": str(free_port()),
        **dict.fromkeys(("SITE_URL", "DATABASE_URL", "BEHIND_PROXY", "DEBUG", "MAIL_MODE"), ""),
    }


def prepare(settings: Mapping[str, str]) -> None:
    command = [sys.executable, "manage.py", "prepare"]
    subprocess.run(
        command,
        cwd=ROOT,
        env=environment(settings),
        check=True,
        timeout=HELPER_SECONDS,
        stdout=subprocess.DEVNULL,
    )


def run(script: str, *arguments: object, settings: Mapping[str, str], cores: list[int]) -> Any:
    """Run one of our scripts on some cores; its output is JSON."""
    done = subprocess.run(
        [sys.executable, str(BENCH / script), *map(str, arguments)],
        env=environment(settings),
        check=True,
        timeout=HELPER_SECONDS,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads(done.stdout or "null")


def slow_fsync(folder: Path, seconds: float) -> dict[str, str] | None:
    """Build the library that slows down every fsync; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "slow_fsync.c", folder / "slow_fsync.so"
    source.write_text(SLOW_FSYNC)
    define = f"-DMICROSECONDS={int(seconds * 1e6)}"
    command = [compiler, "-shared", "-fPIC", "-O1", define, str(source), "-o", str(library), "-ldl"]
    if subprocess.run(command, check=False, timeout=60).returncode:
        return None
    return {"LD_PRELOAD": str(library)}
