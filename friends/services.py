"""Every change to friendships. The pages, the API, the admin and the commands come in here."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import limits
from accounts.models import User
from accounts.names import username_key
from accounts.pinyin import needs_reading, read_names
from accounts.services import read_within_budget

from . import signals
from .models import Block, FriendRequest, Friendship

WAITING_AT_MOST = 50  # requests of one person without an answer
ASK_AGAIN_SECONDS = 3600  # nobody knows when an answer comes


def ask(*, sender: User, username: str, note: str = "") -> FriendRequest | Friendship:
    """Ask the person of that name to be friends.

    Returns the waiting request, or the new friendship when theirs was waiting.
    Raises ValidationError: not_found, self, already_friends, already_asked, rate_limited.
    """
    key = username_key(username)
    if key == sender.username_key:
        raise ValidationError(_("You cannot add yourself."), "self")
    with transaction.atomic():
        recipient = User.objects.named(username).present().first()
        if recipient is None:
            raise ValidationError(_("There is no user of this name."), "not_found")
        if Friendship.objects.filter(owner=sender, friend=recipient).exists():
            raise ValidationError(_("You are friends already."), "already_friends")
        theirs = FriendRequest.objects.filter(sender=recipient, recipient=sender).first()
        if theirs is not None:
            return _befriend(theirs)
        if FriendRequest.objects.filter(sender=sender, recipient=recipient).exists():
            raise ValidationError(
                _("You have asked already; please wait for the answer."), "already_asked"
            )
        _refuse_too_many(sender)
        request = FriendRequest.objects.create(sender=sender, recipient=recipient, note=note)
        signals.request_asked.send(FriendRequest, request=request, hidden=_is_hidden(request))
        return request


def accept(*, request: FriendRequest) -> Friendship:
    """Make the two friends; return the recipient's side of the friendship."""
    with transaction.atomic():
        _still_waiting(request)
        _befriend(request)
        return Friendship.objects.of(request.recipient).get(friend=request.sender)


def decline(*, request: FriendRequest) -> None:
    _close(request, "declined")


def withdraw(*, request: FriendRequest) -> None:
    _close(request, "withdrawn")


def remove(*, friendship: Friendship) -> None:
    """End the friendship for both. Their messages stay, unseen, until they are friends again."""
    pair = (friendship.owner, friendship.friend)
    with transaction.atomic():
        if _delete_pair(*pair):
            signals.friendship_removed.send(
                Friendship, user=pair[0], friend=pair[1], reason="removed"
            )


def set_remark(*, friendship: Friendship, remark: str) -> Friendship:
    owner, friend = friendship.owner, friendship.friend
    reading = read_within_budget(owner, remark)  # in a process, so before the transaction
    with transaction.atomic():
        changed = Friendship.objects.filter(pk=friendship.pk).update(
            remark=remark, remark_pinyin=reading
        )
        if not changed:
            raise ValidationError(_("You are not friends any more."), "not_found")
        signals.friend_changed.send(Friendship, owner=owner, friend=friend)
        return Friendship.objects.of(owner).get(friend=friend)


def read_unread_remarks() -> None:
    """Read the remarks that came other than by `set_remark`, or when that was not possible."""
    rows = Friendship.objects.filter(remark_pinyin="").values_list("pk", "remark")
    unread = {pk: remark for pk, remark in rows.exclude(remark="") if needs_reading(remark)}
    readings = read_names(list(unread.values()))
    with transaction.atomic():
        for (pk, remark), reading in zip(unread.items(), readings, strict=True):
            Friendship.objects.filter(pk=pk, remark=remark).update(remark_pinyin=reading)


def block(*, owner: User, target: User) -> None:
    """Refuse what the target sends from now on, and hide what the target has asked.

    Raises ValidationError("not_found") when the target's account is gone meanwhile.
    """
    with transaction.atomic():
        if not User.objects.filter(pk=target.pk).exists():
            raise ValidationError(_("There is no user of this name."), "not_found")
        _block, is_new = Block.objects.get_or_create(owner=owner, target=target)
        if not is_new:
            return
        request = FriendRequest.objects.filter(sender=target, recipient=owner).first()
        if request is not None:
            signals.request_hidden.send(FriendRequest, request=request)
        signals.friend_changed.send(Friendship, owner=owner, friend=target)


def unblock(*, owner: User, target: User) -> None:
    with transaction.atomic():
        deleted, _rows = Block.objects.filter(owner=owner, target=target).delete()
        if not deleted:
            return
        request = FriendRequest.objects.filter(sender=target, recipient=owner).first()
        if request is not None:
            signals.request_shown.send(FriendRequest, request=request)
        signals.friend_changed.send(Friendship, owner=owner, friend=target)


def part_with_everyone(user: User) -> None:
    """Tell those who knew an account that it is deleted; the rows themselves go by cascade."""
    for friendship in Friendship.objects.filter(owner=user).select_related("friend"):
        signals.friendship_removed.send(
            Friendship, user=user, friend=friendship.friend, reason="deleted"
        )
    for request in user.requests_sent.select_related("recipient"):
        _tell_closed(request, "withdrawn")
    for request in user.requests_received.select_related("sender"):
        _tell_closed(request, "declined")


def _refuse_too_many(sender: User) -> None:
    if FriendRequest.objects.filter(sender=sender).count() >= WAITING_AT_MOST:
        raise ValidationError(
            _("%(count)d of your requests wait for an answer. Withdraw one to ask somebody else."),
            "rate_limited",
            {"count": WAITING_AT_MOST, "retry_after": ASK_AGAIN_SECONDS},
        )
    limits.take(limits.FRIEND_REQUEST.of(sender.pk))


def _befriend(request: FriendRequest) -> Friendship:
    """Turn a waiting request into the friendship; return the side of whoever acts now."""
    asker, answerer = request.sender, request.recipient
    _tell_closed(request, "accepted")
    request.delete()
    Friendship.objects.get_or_create(owner=asker, friend=answerer)
    friendship, _is_new = Friendship.objects.get_or_create(owner=answerer, friend=asker)
    signals.friendship_added.send(Friendship, user=answerer, friend=asker)
    return friendship


def _close(request: FriendRequest, state: str) -> None:
    with transaction.atomic():
        _still_waiting(request)
        _tell_closed(request, state)
        request.delete()


def _still_waiting(request: FriendRequest) -> None:
    """Refuse one that was withdrawn, or answered in another tab, since it was fetched."""
    if not FriendRequest.objects.filter(pk=request.pk).exists():
        raise ValidationError(_("This request no longer waits."), "not_found")


def _tell_closed(request: FriendRequest, state: str) -> None:
    signals.request_closed.send(
        FriendRequest, request=request, state=state, hidden=_is_hidden(request)
    )


def _is_hidden(request: FriendRequest) -> bool:
    return Block.objects.filter(owner=request.recipient, target=request.sender).exists()


def _delete_pair(user: User, friend: User) -> int:
    mine, _rows = Friendship.objects.filter(owner=user, friend=friend).delete()
    theirs, _rows = Friendship.objects.filter(owner=friend, friend=user).delete()
    return mine + theirs
