"""One attack, for a number of seconds. Run in a process of its own.

Reads its target as one line of JSON, and prints as JSON the counts of the server's answers and its
share of a processor.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys

from client import Address

from . import floods, slow, texts  # noqa: F401  (they enter their attacks)
from .aim import ATTACKS, Aim

LATE_SECONDS = 10.0  # for tasks that resist cancellation


def main() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    given = json.loads(sys.stdin.readline())
    os.nice(given["nice"])
    aim = Aim(Address(**given["address"]), given["world"], given["seconds"])
    asyncio.run(asyncio.wait_for(ATTACKS[sys.argv[1]].run(aim), aim.seconds + LATE_SECONDS))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = (usage.ru_utime + usage.ru_stime) / aim.seconds
    print(json.dumps({"said": aim.tally, "cpu": cpu}))


if __name__ == "__main__":
    main()
