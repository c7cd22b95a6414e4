"""The setup of a gunicorn worker: what the process may hold, how its threads take turns."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from . import adapter, connections

if TYPE_CHECKING:
    from gunicorn.workers.gasgi import ASGIWorker

# A thread that computes keeps the interpreter this long while others want it; Python's own 5 ms
# would be paid at each step of a request that reads the database, and by the loop each time.
SWITCH_SECONDS = 0.0005
OPEN_FILES = 65_536  # asked for at the start, as webchat.service does


def prepare(worker: ASGIWorker, end_sockets: Callable[[], None]) -> None:
    """Set up a worker before it serves; called by the hook `post_worker_init`.

    `end_sockets` closes at a stop the connections that would stay open by themselves.
    """
    raise_open_files()
    sys.setswitchinterval(SWITCH_SECONDS)
    adapter.look_after_connections(worker, connections_at_most(), end_sockets)
    adapter.serve_sockets_by_wires()


def raise_open_files() -> None:
    """Raise this process's limit of open files as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it; what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_at_most() -> int:
    """Return how many connections fit below the limit of open files, less a reserve."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections.OF_ONE_WORKER
    return min(max(soft - connections.RESERVED, soft // 2), connections.OF_ONE_WORKER)
