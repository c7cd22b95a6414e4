"""A worker of gunicorn, made ours: what the process may hold, and how its threads take turns."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from . import adapter, connections

if TYPE_CHECKING:
    from gunicorn.workers.gasgi import ASGIWorker

# A thread that computes keeps the interpreter for so long while others want it; Python's own 5 ms
# are paid again at each step of a request that reads the database, and by the loop each time.
SWITCH_SECONDS = 0.0005
OPEN_FILES = 65_536  # asked for at the start, as webchat.service does


def prepare(worker: ASGIWorker, end_sockets: Callable[[], None]) -> None:
    """Set it up before it serves. To be called from the hook `post_worker_init`.

    `end_sockets` closes what stays open by itself, at a stop.
    """
    raise_open_files()
    sys.setswitchinterval(SWITCH_SECONDS)
    adapter.look_after_connections(worker, connections_at_most(), end_sockets)
    adapter.unmask_at_once()
    adapter.write_frames_to_the_living()
    adapter.cut_off_floods()


def raise_open_files() -> None:
    """Allow this process what the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it; what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_at_most() -> int:
    """How many connections fit below the limit of open files, with a reserve for the rest."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections.OF_ONE_WORKER
    return min(max(soft - connections.RESERVED, soft // 2), connections.OF_ONE_WORKER)
