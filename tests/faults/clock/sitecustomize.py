"""For a server under test: its clock is ahead by the number of seconds in the file CLOCK."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

LOOK_SECONDS = 0.05


def follow(file: Path) -> None:
    travel = None
    ahead = 0.0
    while True:
        wanted = float(file.read_text() or ahead)
        if wanted != ahead:
            if travel is not None:
                travel.stop()
            ahead = wanted
            travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead))
            travel.start()
        time.sleep(LOOK_SECONDS)


def start() -> None:
    threading.Thread(target=follow, args=[Path(os.environ["CLOCK"])], daemon=True).start()


if "CLOCK" in os.environ:
    start()
    os.register_at_fork(after_in_child=start)
