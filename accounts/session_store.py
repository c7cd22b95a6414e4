"""Django's sessions in the database, each with a row that says whose it is."""

from __future__ import annotations

from functools import partial

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from webchat.database.questions import Question, given

from .models import User, UserSession, UserSessionQuerySet

DEVICE = ("started_at", "last_seen_at", "address", "user_agent")
BACKEND = "accounts.backends.NameOrMailBackend"
WITH_OWNER = Question(
    lambda: Session.objects.filter(
        session_key=given("key"), expire_date__gt=given("now")
    ).select_related("usersession__user")
)


class SessionStore(DatabaseStore):
    """A store that lists each session among the devices, however it began or got a new key.

    One that was not listed could not be signed out. It loads its owner along with itself, and
    writes nothing twice: the middleware saves once more what the log-in has committed.
    """

    _committed: tuple[str, bytes] | None = None  # the key and the data that it wrote last
    _owner: User | None = None
    stored_data = ""  # as it was loaded

    def proven_owner(self) -> User | None:
        """Return the owner, if all is as `django.contrib.auth.get_user` wants to have it.

        None says nothing: that function decides, and ends a session that is not good any more.
        """
        number, backend = self.get(SESSION_KEY), self.get(BACKEND_SESSION_KEY)
        owner = self._owner
        if owner is None or str(owner.pk) != number or backend != BACKEND or not owner.may_log_in:
            return None
        proof = self.get(HASH_SESSION_KEY, "")
        return owner if constant_time_compare(proof, owner.get_session_auth_hash()) else None

    def _get_session_from_db(self) -> Session | None:
        session = WITH_OWNER.first(key=self.session_key, now=timezone.now())
        if session is None:
            self._session_key = None
            return None
        link = getattr(session, "usersession", None)
        self._owner = link and link.user
        self.stored_data = session.session_data
        return session

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
