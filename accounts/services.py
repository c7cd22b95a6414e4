"""Every change to accounts. The pages, the admin and the commands come in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY, authenticate, login, update_session_auth_hash
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest
from django.utils import timezone

from . import budgets, last_person, limits, sessions, signals, staff
from .models import NAME_TAKEN, OneTimeCode, RetiredUsername, User
from .names import normalize_username, username_key, validate_new_username, validate_username
from .pinyin import UNREAD, Reading, needs_reading, read_name, read_names
from .traces import Name, texts_in

# For the next page only, and may name somebody: flash messages, and who has just registered.
PASSING_SESSION_KEYS = ("_messages", "registered")


def check_available(username: str) -> str:
    """Return the name as it would be stored.

    Raises ValidationError: too_short, too_long, invalid, reserved, name_taken.
    """
    validate_new_username(username)
    _refuse_taken(username)
    return normalize_username(username)


def register(
    *,
    username: str,
    password: str,
    address: str = "",
    browser: str = "",
    is_verified: bool = True,
) -> User:
    """Make an account. Of any number at once for one name, exactly one succeeds.

    `address` is where the newcomer is, `browser` a secret of theirs. Raises ValidationError as
    `check_available` does, and rate_limited.
    """
    limits.take(*limits.REGISTRATION.at(address))
    user = User(username=check_available(username))
    user.unverified_since = None if is_verified else timezone.now()
    user.set_password(password)  # slow on purpose, so before the transaction
    user.pinyin = read_name(user.username)  # in a process, so likewise
    try:
        # Others may have passed the check as well; the unique key has the last word.
        with transaction.atomic():
            User.objects.named(username).lapsed().delete()
            user.save(force_insert=True)
            if browser:
                limits.take(limits.REGISTERED.of(user.username_key, browser))
    except IntegrityError:
        if not User.objects.named(username).exists():
            raise
        raise ValidationError(NAME_TAKEN, "name_taken") from None
    return user


def let_in(*, user: User) -> None:
    """Let a newcomer log in without a proof of the address, which is not taken over."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(unverified_since=None)
        user.codes.filter(purpose=OneTimeCode.Purpose.REGISTRATION).delete()
    user.unverified_since = None


def find_just_registered(
    *, request: HttpRequest, username: str, password: str, browser: str
) -> User | None:
    """Find the account that this browser has just made with this name and password.

    Nobody else's: two people who choose the same name and password must not share an account.
    """
    user = User.objects.named(username).first()
    if user is None or not browser:
        return None
    if not limits.has_taken(limits.REGISTERED.of(user.username_key, browser)):
        return None
    try:
        found = authenticate(request, username=user.username, password=password)
    except ValidationError:  # too many guesses, or banned meanwhile
        return None
    return found if isinstance(found, User) else None


def rename(*, user: User, username: str, is_own: bool = True) -> None:
    """Give an account another name; the old one is held back for 30 days.

    `is_own`: its owner does it, and not often. Raises ValidationError as `check_available` does,
    and rate_limited. The same name in another case or width costs its owner nothing.
    """
    validate_username(username)
    reading = read_within_budget(user, username)
    with transaction.atomic():
        person = User.objects.get(pk=user.pk)  # as others know them at this moment
        old_username = person.username
        if username_key(username) != person.username_key:
            check_available(username)
            if is_own:
                limits.take(limits.RENAMING.of(person.pk))
            User.objects.named(username).lapsed().delete()
            RetiredUsername.objects.retire(old_username)
        person.username = username
        person.pinyin = reading
        person.save(update_fields=["username", "username_key", "pinyin"])
        signals.account_renamed.send(User, user=person, old_username=old_username)
    user.username, user.username_key = person.username, person.username_key


def read_within_budget(user: User, name: str) -> Reading:
    """Read a name or a remark that the user gives, perhaps one of very many.

    Each reading takes a process. Beyond the budget there is none for now: the engine reads all
    that is unread in one, within a minute.
    """
    is_dear = needs_reading(name) and budgets.READINGS.try_take(user.pk) > 0
    return UNREAD if is_dear else read_name(name)


def read_unread_names() -> None:
    """Read the names that came other than by `register`, or when that was not possible."""
    users = User.objects.filter(pinyin="").values_list("pk", "username")
    unread = {pk: username for pk, username in users if needs_reading(username)}
    readings = read_names(list(unread.values()))
    with transaction.atomic():
        for (pk, username), reading in zip(unread.items(), readings, strict=True):
            User.objects.filter(pk=pk, username=username).update(pinyin=reading)


def log_in(*, request: HttpRequest, user: User, is_shared: bool) -> None:
    """Begin a session; on a shared computer it ends with the browser."""
    with transaction.atomic():  # the session, its owner and the last login: one commit
        login(request, user)
        request.session.set_expiry(0 if is_shared else None)
        request.session.save()


def set_password(*, user: User, password: str) -> None:
    """Set the password of somebody proved to own the account; all its sessions end."""
    user.set_password(password)
    user.must_change_password = False
    with transaction.atomic():
        _save_password(user)


def set_password_of(*, by: User, about: User, password: str | None) -> None:
    """Set somebody else's password, or none; all their sessions end, and they are told who did it.

    Raises PermissionDenied unless `by` is a superuser, and for one's own: that takes the old one.
    """
    staff.need(by.pk != about.pk and staff.may_set_keys(by, about))
    about.set_password(password)
    _hand_over_password(about, by)


def set_password_from_the_machine(*, about: User, password: str, is_first: bool) -> None:
    """Set somebody's password for the maintainer, as `set_password_of` does for a superuser.

    `is_first`: the next log-in asks for another.
    """
    about.set_password(password)
    about.must_change_password = is_first
    _hand_over_password(about, None)


def _hand_over_password(about: User, by: User | None) -> None:
    with transaction.atomic():
        _save_password(about)
        signals.keys_set.send(User, user=about, by=by, what="password", email=about.email)


def set_email_of(*, by: User, about: User, email: str) -> None:
    """Set the address of an account without a proof; codes that went to the old one are void.

    Its owner is told who did it, unless it is their own. Raises PermissionDenied unless `by` is a
    superuser.
    """
    staff.need(staff.may_set_keys(by, about))
    with transaction.atomic():
        before = User.objects.values_list("email", flat=True).get(pk=about.pk)
        about.email = email
        about.save(update_fields=["email"])
        void_codes(about)
        if by.pk != about.pk:
            signals.keys_set.send(User, user=about, by=by, what="email", email=before)


def end_access(*, user: User) -> None:
    """End all that an earlier password opened: every session and every code."""
    with transaction.atomic():
        void_codes(user)
        user.sessions.end()


def _save_password(user: User) -> None:
    _store_password(user)
    end_access(user=user)


def _store_password(user: User) -> None:
    """Store the password. Hashing is slow, and the account may be gone meanwhile: Http404."""
    columns = ("password", "password_set_at", "must_change_password")
    row = User.objects.filter(pk=user.pk)
    if not row.update(**{column: getattr(user, column) for column in columns}):
        raise Http404


def void_codes(user: User) -> None:
    """Void all codes but a registration's, without which its account could never be used."""
    user.codes.exclude(purpose=OneTimeCode.Purpose.REGISTRATION).delete()


def change_password(*, request: HttpRequest, user: User, password: str) -> None:
    """Set the password; all codes and sessions of the user end but the session of `request`.

    Raises Http404 when the account is gone meanwhile, as the others that set one do.
    """
    user.set_password(password)
    user.must_change_password = False
    with transaction.atomic():
        _store_password(user)
        void_codes(user)
        update_session_auth_hash(request, user)
        sessions.link(request=request, user=user)
        last_person.note_here(request, user)
        limits.take(_changed_in(request, user))  # the first in this session: its key is new
        sessions.end_others(user=user, session_key=request.session.session_key)


def has_just_changed_password(*, request: HttpRequest, user: User) -> bool:
    """Return whether this session has changed it, within the last ten minutes."""
    return limits.has_taken(_changed_in(request, user))


def _changed_in(request: HttpRequest, user: User) -> limits.Claim:
    return limits.PASSWORD_CHANGED.of(user.pk, request.session.session_key)


def delete_account(*, user: User) -> None:
    """Delete an account with all that belongs to it, in one transaction.

    The rules are in `on_delete` and in the receivers of `pre_delete`, so that any other way
    of deleting a user does the same. The transaction holds the lock from the moment at which
    Django collects the rows; otherwise a message sent meanwhile would make the deletion fail.
    """
    with transaction.atomic():
        user.delete()


def forget_in_sessions(user: User) -> None:
    """Delete a user's sessions, and what waits in others' sessions and names the user."""
    name = Name(user.username)
    for session in Session.objects.iterator():
        data = session.get_decoded()
        if data.get(SESSION_KEY) == str(user.pk):
            session.delete()
        elif any(map(name.stands_in, texts_in(data))):
            for key in PASSING_SESSION_KEYS:
                data.pop(key, None)
            session.session_data = Session.objects.encode(data)
            session.save(update_fields=["session_data"])


def forget_in_admin_log(user: User) -> None:
    """Let the admin's log know a user by number only; what was changed may name them, too."""
    content_type = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=content_type, object_id=str(user.pk)).update(
        object_repr=f"user {user.pk}", change_message=""
    )


def summarize(users: Iterable[User]) -> dict[str, int]:
    """Count what would be deleted along with these accounts."""
    counts: Counter[str] = Counter()
    for _receiver, answer in signals.account_summary.send(User, users=list(users)):
        counts.update(answer)
    return dict(counts)


def _refuse_taken(username: str) -> None:
    lapsed = User.objects.lapsed().values("pk")
    is_held = User.objects.named(username).exclude(pk__in=lapsed).exists()
    if is_held or RetiredUsername.objects.holds(username):
        raise ValidationError(NAME_TAKEN, "name_taken")
