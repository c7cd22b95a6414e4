from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.management.base import OutputWrapper

from webchat.progress import Progress


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as the OWASP password storage cheat sheet has it.

    Django's own parameters take 100 MiB for each check: a class that logs in at once would
    stall a small server.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


def hash_all(passwords: Sequence[str], progress_to: OutputWrapper) -> list[str]:
    """Hash many passwords on all processors; an empty one becomes one that nobody has."""
    hashed = []
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with Progress(progress_to, "Passwords", len(passwords)) as progress:
            for each in pool.map(lambda password: make_password(password or None), passwords):
                hashed.append(each)
                progress.step()
    finally:
        # After Ctrl+C nobody waits for the rest.
        pool.shutdown(cancel_futures=True)
    return hashed
