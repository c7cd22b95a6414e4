"""A limit on the long downloads that one person has under way, in one worker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from accounts.http import UserRequest
from webchat.base import errors

# A reader may pause for as long as it likes, and each download holds a file open. A browser makes
# six requests at once.
OF_ONE_PERSON = 6
RETRY_SECONDS = 10

_lock = threading.Lock()
_running: Counter[int] = Counter()


def begin(request: UserRequest, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Make the response to a long download, or a 429 if this person has too many already.

    It counts until it has been sent or its reader has gone, which only the server knows (see
    `webchat.serving.bridge`); without that server, until the response is closed.
    """
    user_id = request.user.pk
    if not _take(user_id):
        message = _(
            "You have too many downloads under way. Please wait until one of them has ended."
        )
        refusal = ValidationError(message, "rate_limited", {"retry_after": RETRY_SECONDS})
        return errors.too_many(request, refusal)
    end = partial(_give_back, user_id)
    try:
        response = make()
    except BaseException:
        end()
        raise
    environ = request.META
    environ["webchat.is_download"] = True
    closers = response._resource_closers  # type: ignore[attr-defined]
    environ.get("webchat.at_end", closers).append(end)
    return response


def _take(user_id: int) -> bool:
    with _lock:
        has_room = _running[user_id] < OF_ONE_PERSON
        if has_room:
            _running[user_id] += 1
    return has_room


def _give_back(user_id: int) -> None:
    with _lock:
        _running[user_id] -= 1
        if not _running[user_id]:
            del _running[user_id]
