"""Every change of a profile picture: from the page, the API, the admin and a roster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import limits
from accounts.models import User
from chat.attachments import delete_face
from chat.log import writing
from chat.media import processing, receiving
from chat.media.waiting import busy
from chat.media.workshop import UnavailableError
from chat.models import Event, MediaKind, Upload
from chat.models.files import attachments_folder, remove_after_commit
from chat.sending import files
from chat.sending.posting import why_unsendable
from friends.models import Friendship
from webchat.base.holding import holding

from . import making


def find_upload(*, owner: User, client_id: UUID) -> Upload:
    """Find an upload that may become a face, or has become one, which says so: `is_face`.

    Raises ValidationError: not_found, not_finished, duplicate_id for the file of a message,
    invalid for one that is no picture.
    """
    upload = Upload.objects.filter(owner=owner, client_id=client_id).first()
    if upload is None or not upload.is_face:
        files.take(upload)
    assert upload is not None  # noqa: S101  (`take` refuses it)
    if not upload.is_face and upload.kind != MediaKind.PICTURE:
        message = _("This picture cannot be read. Please choose another one.")
        raise ValidationError(message, "invalid")
    return upload


def take_whole(*, owner: User, client_id: UUID) -> None:
    """Process an upload that is closed, and make it the face of its owner."""
    upload = Upload.objects.get(owner=owner, client_id=client_id)
    processing.run(upload.pk)
    choose(owner=owner, client_id=client_id)


def choose(*, owner: User, client_id: UUID) -> None:
    """Make an upload the face of its owner, once; it is used up then, as by a message.

    Raises as `find_upload` and `making.make` do, and muted, rate_limited; Http404.
    """
    upload = find_upload(owner=owner, client_id=client_id)
    if upload.is_face:
        return
    _refuse_muted(owner)
    limits.take(limits.FACE.of(owner.pk))
    try:
        name = making.make(upload.path)
    except FileNotFoundError:
        if find_upload(owner=owner, client_id=client_id).is_face:
            return  # by another tab, meanwhile
        raise _is_lost() from None
    _use(name, partial(_hand_over, owner, upload, name))


def give_or_say_why(*, user: User | None, picture: Path) -> str:
    """Give somebody a face out of a file of the maintainer's, or say in words why not.

    Without a user it is only tried.
    """
    from webchat.base import failures  # commands have loaded it; the server needs none of it

    try:
        with making.taken(picture) as copy:
            _give(user, copy)
    except ValidationError as error:
        return error.messages[0]
    except Http404:
        return str(_("nobody has this user name"))
    except UnavailableError:
        return busy().messages[0]
    except OSError as error:
        return str(failures.explain(error) or error)
    return ""


def give(*, user: User, content: bytes, note: Callable[[], None] = lambda: None) -> None:
    """Give somebody a face out of a picture that the staff has sent; `note` writes it down with it.

    Raises ValidationError: invalid if it cannot be read, unavailable; Http404 when the account is
    gone meanwhile.
    """
    try:
        with making.written(content) as copy:
            _give(user, copy, note)
    except UnavailableError:
        raise busy() from None
    except OSError as error:
        raise receiving.refused_by_disk(error) from None


def _give(user: User | None, picture: Path, note: Callable[[], None] = lambda: None) -> None:
    name = making.make(picture)

    def put() -> bool:
        if user is not None:
            with holding(user):
                _put(user, name)
                note()
        return user is not None

    _use(name, put)


def remove(*, user: User) -> bool:
    """Take somebody's face away, and return whether there was one."""
    with holding(user):
        has_had_one = bool(user.face)
        if has_had_one:
            _put(user, "")
    return has_had_one


def _use(name: str, put: Callable[[], bool]) -> None:
    """Have a new face put in place; without one whose face it is, its file goes."""
    is_used = False
    try:
        is_used = put()
    finally:
        if not is_used:
            (attachments_folder() / name).unlink(missing_ok=True)


def _hand_over(owner: User, upload: Upload, name: str) -> bool:
    """Let the upload become the face; False if somebody was faster with the same one."""
    with holding(owner, upload):
        if upload.is_face:
            return False
        files.take(upload)
        _refuse_muted(owner)
        for path in filter(None, (upload.path, upload.preview_path)):
            remove_after_commit(path)
        this = Upload.objects.filter(pk=upload.pk)
        this.update(is_face=True)
        this.note_sent(timezone.now())
        _put(owner, name)
    return True


def _put(user: User, name: str) -> None:
    """Change the face in a transaction: the one before goes, and open pages hear of it."""
    delete_face(user.face)
    user.face = name
    user.save(update_fields=["face"])
    friends = Friendship.objects.filter(friend=user).values_list("owner", flat=True)
    writing.record(
        # To oneself likewise: an earlier release shows nothing then.
        Event(kind=Event.Kind.FRIEND_CHANGED, user_id=told, data={"friend": user.pk})
        for told in [user.pk, *friends]
    )


def _refuse_muted(owner: User) -> None:
    why = why_unsendable(
        muted_until=owner.muted_until, is_there=True, is_blocking=False, now=timezone.now()
    )
    if why is not None:
        raise why


def _is_lost() -> ValidationError:
    return ValidationError(_("This file is not there. Please choose it again."), "not_found")
