from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import username_key
from accounts.pinyin import LETTERS_AT_MOST
from webchat.database.questions import Listing, Question, given

from .listing import COLUMNS, FriendshipRow, readings_of


def _sender_is_blocked() -> Exists:
    return Exists(Block.objects.filter(owner=OuterRef("recipient"), target=OuterRef("sender")))


class FriendRequestQuerySet(models.QuerySet["FriendRequest"]):
    def with_people(self) -> FriendRequestQuerySet:
        """Load both, and annotate `is_hidden`: whether the recipient blocked the sender."""
        return self.select_related("sender", "recipient").annotate(is_hidden=_sender_is_blocked())

    def received_by(self, user: User) -> FriendRequestQuerySet:
        """Return requests that wait for the user's answer, but none from people they blocked."""
        return self.with_people().filter(~_sender_is_blocked(), recipient=user)

    def sent_by(self, user: User) -> FriendRequestQuerySet:
        return self.with_people().filter(sender=user)

    def load_received(self, user: User) -> list[FriendRequest]:
        return RECEIVED.all(user=user.pk)

    def load_sent(self, user: User) -> list[FriendRequest]:
        return SENT.all(user=user.pk)

    def count_received(self, user: User) -> int:
        return len(RECEIVED_IDS.all(user=user.pk))


class FriendRequest(models.Model):
    """A friend request that waits; answering or withdrawing it deletes the row."""

    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="requests_sent",
        verbose_name=_("from"),
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="requests_received",
        verbose_name=_("to"),
    )
    note = models.CharField(_("note"), max_length=50, blank=True)
    created_at = models.DateTimeField(_("asked at"), auto_now_add=True)

    is_hidden: bool  # by `with_people`

    objects = FriendRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("friend request")
        verbose_name_plural = _("friend requests")
        constraints = [
            # Asking twice makes one request.
            models.UniqueConstraint(
                fields=["sender", "recipient"], name="friends_request_asked_once"
            ),
            models.CheckConstraint(
                condition=~Q(sender=F("recipient")), name="friends_request_not_to_oneself"
            ),
        ]

    def __str__(self) -> str:
        return _("Friend request %(number)s") % {"number": self.pk}


RECEIVED = Question(lambda: FriendRequest.objects.received_by(given("user")))
RECEIVED_IDS = Listing(
    lambda: FriendRequest.objects.received_by(given("user")).values_list("pk"), int
)
SENT = Question(lambda: FriendRequest.objects.sent_by(given("user")))


class FriendshipQuerySet(models.QuerySet["Friendship"]):
    def of(self, owner: User) -> FriendshipQuerySet:
        """Return the user's friends by name, each as `with_friend` loads it."""
        return self.filter(owner=owner).with_friend().order_by("friend__username_key")

    def load(self, owner: User) -> list[FriendshipRow]:
        """Load what `of` returns, but as rows."""
        return BY_NAME.all(owner=owner.pk)

    def with_friend(self) -> FriendshipQuerySet:
        """Load the friend, and annotate `blocked`: whether the owner blocked them."""
        blocked = Block.objects.filter(owner=OuterRef("owner"), target=OuterRef("friend"))
        return self.select_related("friend").annotate(blocked=Exists(blocked))

    def without_blocks(self) -> FriendshipQuerySet:
        """Return those in which neither has blocked the other."""
        mine = Block.objects.filter(owner=OuterRef("owner"), target=OuterRef("friend"))
        theirs = Block.objects.filter(owner=OuterRef("friend"), target=OuterRef("owner"))
        return self.exclude(Exists(mine) | Exists(theirs))

    def named(self, username: str) -> FriendshipQuerySet:
        return self.filter(friend__username_key=username_key(username))


class Friendship(models.Model):
    """One side of a friendship; the other side is a mirrored row."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="friendships",
        verbose_name=_("owner"),
    )
    friend = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("friend")
    )
    remark = models.CharField(_("remark"), max_length=16, blank=True)
    # Ways to type the remark: see `accounts.pinyin.Reading`.
    remark_pinyin = models.CharField(max_length=LETTERS_AT_MOST, blank=True, editable=False)
    created_at = models.DateTimeField(_("friends since"), auto_now_add=True)

    blocked: bool  # by `with_friend`

    objects = FriendshipQuerySet.as_manager()

    class Meta:
        verbose_name = _("friendship")
        verbose_name_plural = _("friendships")
        constraints = [
            # Crossing accepts make one friendship.
            models.UniqueConstraint(fields=["owner", "friend"], name="friends_friendship_once"),
            models.CheckConstraint(
                condition=~Q(owner=F("friend")), name="friends_friendship_not_with_oneself"
            ),
        ]

    def __str__(self) -> str:
        return _("Friendship %(number)s") % {"number": self.pk}

    @property
    def username(self) -> str:
        return self.friend.username

    @property
    def name(self) -> str:
        """The name that the owner calls the friend by."""
        return self.remark or self.friend.username

    @property
    def is_there(self) -> bool:
        """Whether the friend is not banned."""
        return self.friend.is_active

    @property
    def readings(self) -> str:
        return readings_of(self.friend.pinyin, self.remark_pinyin)

    @property
    def face(self) -> str:
        return self.friend.face


BY_NAME = Listing(
    lambda: Friendship.objects.of(given("owner")).values_list(*COLUMNS),
    FriendshipRow,
)


class Block(models.Model):
    """The owner's wish to hear nothing from the target, who is not told."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="blocks")
    target = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "target"], name="friends_block_once"),
            models.CheckConstraint(
                condition=~Q(owner=F("target")), name="friends_block_not_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.pk}"
