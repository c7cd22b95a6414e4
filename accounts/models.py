from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from webchat.base.text import encodable, fold, normalize

from .names import (
    NAME_OR_MAIL_AT_MOST,
    NOBODY,
    normalize_username,
    username_key,
    validate_username,
)
from .pinyin import LETTERS_AT_MOST

RETIRED_FOR = timedelta(days=30)
NAME_TAKEN = _("This user name is already registered.")


VERIFY_WITHIN = timedelta(hours=24)
REAL_NAME_AT_MOST = 64  # characters: any name of a register, with a number before it


class UserQuerySet(models.QuerySet["User"]):
    def present(self) -> UserQuerySet:
        """Return those who may log in."""
        return self.filter(is_active=True, unverified_since=None)

    def lapsed(self) -> UserQuerySet:
        """Return those who never typed the code of their mail: their names are free again."""
        return self.filter(unverified_since__lt=timezone.now() - VERIFY_WITHIN)

    def waiting(self) -> UserQuerySet:
        """Return the newcomers whose address of mail is not verified: they cannot log in."""
        return self.exclude(unverified_since=None)

    def muted(self) -> UserQuerySet:
        """Return those who may read, and not send."""
        return self.filter(muted_until__gt=timezone.now())

    def banned(self) -> UserQuerySet:
        return self.filter(is_active=False)

    def known_as(self, name_or_mail: str) -> User | None:
        """Find a user by name, by verified address, or by a name of the earlier program.

        The last one only where nobody has that name here.
        """
        if len(name_or_mail) > NAME_OR_MAIL_AT_MOST:
            return None
        is_mail = "@" in name_or_mail  # no name has one
        mail = name_or_mail.strip().casefold()
        same = self.filter(email=mail) if is_mail else self.named(name_or_mail)
        return same.first() or OldName.objects.owner_of(name_or_mail)

    def named(self, username: str) -> UserQuerySet:
        """Return the one of that name, typed in any case or width, if there is one."""
        return self.filter(username_key=username_key(username))

    def staff(self) -> UserQuerySet:
        return self.filter(Q(is_staff=True) | Q(is_superuser=True))

    def matching(self, word: str) -> UserQuerySet:
        """Filter those with the word in a name or the address, in any case or width.

        A real name is found as it stands.
        """
        key = fold(word, most=NAME_OR_MAIL_AT_MOST)
        if key is None:
            return self.none()
        names = Q(username_key__contains=key) | Q(real_name__contains=encodable(word))
        return self.filter(names | Q(email__contains=key))

    def with_last_seen(self) -> UserQuerySet:
        """Annotate `last_seen_at`, null for those who never were here.

        A session that has ended takes its own time along; the last log-in stays.
        """
        sessions = UserSession.objects.filter(user=OuterRef("pk")).order_by("-last_seen_at")
        newest = Subquery(sessions.values("last_seen_at")[:1])
        latest = Greatest(Coalesce(newest, "last_login"), Coalesce("last_login", newest))
        return self.annotate(last_seen_at=latest)

    def seen_before(self, moment: datetime) -> UserQuerySet:
        """Filter those not seen since, nor made; needs `with_last_seen`."""
        known = Coalesce("last_seen_at", "date_joined")
        return self.annotate(known_at=known).filter(known_at__lt=moment)

    def seen_since(self, moment: datetime) -> UserQuerySet:
        """Needs `with_last_seen`."""
        return self.annotate(seen_at=F("last_seen_at")).filter(seen_at__gte=moment)


class UserManager(BaseUserManager["User"]):
    """All accounts but those of an import under way, which only `User.everybody` sees."""

    def get_queryset(self) -> models.QuerySet[User]:
        return super().get_queryset().exclude(username_key__startswith=NOBODY)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username_key=username_key(username or ""))

    def create_user(
        self, username: str, email: str = "", password: str | None = None, **extra: Any
    ) -> User:
        user = self.model(username=username, email=email, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **extra: Any
    ) -> User:
        extra |= {"is_staff": True, "is_superuser": True}
        return self.create_user(username, email, password, **extra)


class Theme(models.TextChoices):
    AUTO = "auto", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class TextSize(models.TextChoices):
    NORMAL = "normal", _("Normal")
    LARGE = "large", _("Large")
    LARGER = "larger", _("Larger")


class User(AbstractBaseUser, PermissionsMixin):
    # Unique by `username_key` already; stated again for Django's auth checks.
    username = models.CharField(
        _("user name"), max_length=16, unique=True, validators=[validate_username]
    )
    # Case folding makes up to three characters of one.
    username_key = models.CharField(max_length=64, unique=True, editable=False)
    # Ways to type the name: see `pinyin.Reading`. Empty if it is not read (yet).
    pinyin = models.CharField(max_length=LETTERS_AT_MOST, blank=True, editable=False)
    # As in the register of a class: for the staff alone, never shown to others in the chat.
    real_name = models.CharField(
        _("real name"), max_length=REAL_NAME_AT_MOST, blank=True, default="", db_default=""
    )
    # Verified addresses only, case folded; an unverified one lives with its code.
    email = models.EmailField(_("email"), blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    # Has waited for its mail's code since then: cannot log in, and gives its name back after a day.
    unverified_since = models.DateTimeField(null=True, editable=False)
    # Null for passwords older than this column, or none.
    password_set_at = models.DateTimeField(null=True, editable=False)
    # The password came on a slip of paper: the first log-in asks for another.
    must_change_password = models.BooleanField(_("must change password"), default=False)
    # Chosen on the settings page.
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    text_size = models.CharField(
        _("text size"), max_length=8, choices=TextSize, default=TextSize.NORMAL
    )
    plays_sound = models.BooleanField(_("sound for new messages"), default=True)
    counts_in_title = models.BooleanField(_("unread count in the title"), default=True)
    shows_online = models.BooleanField(_("show friends that I am online"), default=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    # Not a real person: made by `manage.py demo`, which also removes them.
    is_demo = models.BooleanField(default=False, db_default=False, editable=False)
    # Our own name for the profile picture, without an extension, in the folder of files.
    face = models.CharField(max_length=48, blank=True, default="", db_default="", editable=False)

    # Annotated by `with_last_seen`.
    last_seen_at: datetime | None

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager.from_queryset(UserQuerySet)()
    everybody = models.Manager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # A verified address belongs to one person.
            models.UniqueConstraint(
                fields=["email"],
                condition=~Q(email=""),
                name="accounts_user_email_once",
                violation_error_message=_("This email address is already in use."),
            ),
            # A picture is asked for by its name, and is one person's alone.
            models.UniqueConstraint(
                fields=["face"], condition=~Q(face=""), name="accounts_user_face_once"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def is_muted(self) -> bool:
        return self.muted_until is not None and self.muted_until > timezone.now()

    @property
    def may_log_in(self) -> bool:
        """Whether a session of theirs is good: not banned, with a proved address and a name."""
        has_name = not self.username_key.startswith(NOBODY)
        return self.is_active and self.unverified_since is None and has_name

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return normalize_username(username)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.password_set_at = None if raw_password is None else timezone.now()

    def clean(self) -> None:
        self._normalize()
        twins = User.objects.filter(username_key=self.username_key).exclude(pk=self.pk)
        if self.username and twins.exists():
            raise ValidationError({"username": ValidationError(NAME_TAKEN, "name_taken")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._normalize()
        super().save(*args, **kwargs)

    def _normalize(self) -> None:
        self.username = normalize_username(self.username)
        self.username_key = username_key(self.username)
        self.email = self.email.casefold()


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def end(self) -> None:
        """Delete the sessions themselves; these rows go with them."""
        Session.objects.filter(usersession__in=self).delete()


class UserSession(models.Model):
    """The owner of a session: Django's own row has that in its signed data only."""

    session = models.OneToOneField(Session, models.CASCADE, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)

    objects = UserSessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"session of user {self.user_id} since {self.started_at:%Y-%m-%d}"


class OneTimeCodeQuerySet(models.QuerySet["OneTimeCode"]):
    def usable(self) -> OneTimeCodeQuerySet:
        return self.filter(expires_at__gt=timezone.now(), tries_left__gt=0)

    def over(self, now: datetime) -> OneTimeCodeQuerySet:
        """Return those nobody needs; a waiting account's address is known by its code only."""
        waiting = Q(purpose=OneTimeCode.Purpose.REGISTRATION, user__unverified_since__isnull=False)
        return self.filter(expires_at__lte=now).exclude(waiting)


class OneTimeCode(models.Model):
    """A code, typed to prove that a mail, or an administrator's word, reached a person."""

    class MailState(models.TextChoices):
        SENT = "sent"
        FAILED = "failed"

    class Purpose(models.TextChoices):
        REGISTRATION = "registration"
        RESET = "reset"
        SPOKEN = "spoken"  # by a superuser, for a new password
        EMAIL = "email"

    user = models.ForeignKey(User, models.CASCADE, related_name="codes")
    purpose = models.CharField(max_length=16, choices=Purpose)
    # The address that the code proves, case folded; nobody's until the code is typed back.
    email = models.EmailField(blank=True)
    digest = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    tries_left = models.PositiveSmallIntegerField()
    mail_state = models.CharField(max_length=8, choices=MailState, blank=True)

    objects = OneTimeCodeQuerySet.as_manager()

    class Meta:
        constraints = [
            # A new code replaces the one before it.
            models.UniqueConstraint(fields=["user", "purpose"], name="accounts_code_once"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} code of user {self.user_id}"


class Attempt(models.Model):
    """One use of something limited; the limits count these rows."""

    limit = models.CharField(max_length=32)
    # An HMAC of an account, an address or a mail. Unknown names count like known ones.
    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["limit", "key", "at"], name="accounts_attempt_count")]

    def __str__(self) -> str:
        return f"{self.limit} at {self.at:%Y-%m-%d %H:%M}"


class RetiredUsernameQuerySet(models.QuerySet["RetiredUsername"]):
    def holds(self, username: str) -> bool:
        digest = retired_digest(username)
        return self.filter(digest=digest, expires_at__gt=timezone.now()).exists()

    def retire(self, username: str) -> None:
        """Hold a name back for 30 days, so that nobody takes it to pass for its last owner."""
        now = timezone.now()
        self.filter(expires_at__lte=now).delete()
        self.update_or_create(
            digest=retired_digest(username), defaults={"expires_at": now + RETIRED_FOR}
        )


class RetiredUsername(models.Model):
    """The name of a deleted or renamed account, as an HMAC of its key: the name itself is gone."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = RetiredUsernameQuerySet.as_manager()

    def __str__(self) -> str:
        return f"retired until {self.expires_at:%Y-%m-%d}"


def retired_digest(username: str) -> str:
    key = username_key(username)
    return salted_hmac("accounts.RetiredUsername", key, algorithm="sha256").hexdigest()


class OldNameQuerySet(models.QuerySet["OldName"]):
    def owner_of(self, typed: str) -> User | None:
        """Find who had this very name in the earlier program, in this case and width."""
        known = self.named(typed).filter(user__isnull=False)
        found = known.select_related("user").order_by("pk").first()
        return found.user if found else None

    def named(self, typed: str) -> OldNameQuerySet:
        """Return the rows of this very name, in whichever tree it was."""
        return self.filter(digest__in=[old_name_digest(typed), old_name_digest(f"/{typed}")])


class OldName(models.Model):
    """A name of the earlier program, as an HMAC, and who got its data; nobody once deleted.

    One of a tree with a name is there twice: as `tree/name` for the next import, and as `/name`,
    by which its owner logs in. No name has a slash.
    """

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    objects = OldNameQuerySet.as_manager()

    def __str__(self) -> str:
        return f"old name of user {self.user_id}"


def old_name_digest(name: str) -> str:
    name = normalize("NFC", encodable(name))
    return salted_hmac("accounts.OldName", name, algorithm="sha256").hexdigest()
