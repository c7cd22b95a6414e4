from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _

from webchat.base.progress import Progress

from .passwords import PASSWORD_AT_MOST, one_form

PROCESSORS = len(os.sched_getaffinity(0))
# While a class logs in, one processor is left to those who chat: each password takes one for some
# 30 ms, and 19 MiB.
AT_ONCE = max(1, PROCESSORS - 1)
_hashing = Semaphore(AT_ONCE)


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as the OWASP password storage cheat sheet recommends it.

    Django's own parameters take 100 MiB for each check: a class that logs in at once would
    stall a small server. A password that is too long is nobody's, and never hashed. One that is
    typed in another Unicode form is the same: see `one_form`.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        if len(password) > PASSWORD_AT_MOST:
            raise ValueError("This password is longer than the forms and validators let through.")
        with _hashing:
            return super().encode(one_form(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        if len(password) > PASSWORD_AT_MOST:
            return False
        form = one_form(password)
        # Older hashes are of what was typed; most passwords have one form, and cost one look.
        return self._look(form, encoded) or (form != password and self._look(password, encoded))

    def _look(self, password: str, encoded: str) -> bool:
        with _hashing:
            return super().verify(password, encoded)


def hash_all(passwords: Sequence[str], progress_to: OutputWrapper) -> list[str]:
    """Hash many passwords on all processors; an empty one becomes an unusable one.

    For commands, in whose process nobody chats.
    """
    hashed = []
    _hashing.release()  # the processor that a server leaves free
    pool = ThreadPoolExecutor(PROCESSORS)
    try:
        with Progress(progress_to, _("Passwords"), len(passwords)) as progress:
            for each in pool.map(lambda password: make_password(password or None), passwords):
                hashed.append(each)
                progress.step()
    finally:
        # After Ctrl+C nobody waits for the rest.
        pool.shutdown(cancel_futures=True)
        _hashing.acquire()
    return hashed
