"""Django's sessions in the database, each with a row that says whose it is."""

from __future__ import annotations

from functools import partial

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction

from .models import User, UserSession, UserSessionQuerySet

DEVICE = ("started_at", "last_seen_at", "address", "user_agent")


class SessionStore(DatabaseStore):
    """A store that lists each session among the devices, however it began or got a new key.

    One that was not listed could not be signed out. It writes nothing twice: the middleware saves
    once more what the log-in has committed.
    """

    _committed: tuple[str, bytes] | None = None  # the key and the data that it wrote last

    def save(self, must_create: bool = False) -> None:
        if not must_create and self._committed and self._committed == self._now():
            return
        with transaction.atomic():
            super().save(must_create)
            if SESSION_KEY in self and not self._link().exists():
                # Nobody, if the account has just been deleted.
                for owner in User.objects.filter(pk=self[SESSION_KEY]):
                    UserSession.objects.create(session_id=self.session_key or "", user=owner)
            transaction.on_commit(partial(setattr, self, "_committed", self._now()))

    def cycle_key(self) -> None:
        """Keep what is known of the device: the row about it goes with the old key."""
        if self.session_key is None:
            return super().cycle_key()
        with transaction.atomic():
            device = self._link().values(*DEVICE).first()
            super().cycle_key()
            if device is not None:
                self._link().update(**device)

    def _now(self) -> tuple[str, bytes]:
        return self.session_key or "", self.serializer().dumps(dict(self.items()))

    def _link(self) -> UserSessionQuerySet:
        return UserSession.objects.filter(session=self.session_key)
