"""Search as a page and as JSON."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from friends.access import get_friendship
from friends.finding import find_friends
from friends.models import Friendship
from friends.presentation import friend_json
from webchat.base.api import STATUS, describe
from webchat.base.numbers import integer
from webchat.database.snapshot import of_one_moment, read_snapshot

from ..presentation import list_conversations
from .finding import Query, find_messages, fold_by_chat, searching

SHOWN = 20
SHOWN_AT_MOST = 50


def search_api(request: UserRequest) -> dict[str, Any]:
    query = Query(request.GET.get("q", ""))
    limit = integer(request.GET.get("limit", SHOWN), name="limit")
    if limit < 1:
        raise ValidationError(_("“limit” must be at least 1."), "invalid")
    with searching(request.user), read_snapshot():
        facts = _find(request, query, _chosen(request), limit=min(limit, SHOWN_AT_MOST))
    return {
        "friends": [friend_json(friendship) for friendship in facts["friends"]],
        "messages": [each.as_json() for each in facts["found"]],
        "more": facts["more"],
    }


@require_safe
@never_cache
@of_one_moment
def search_page(request: UserRequest) -> HttpResponse:
    """Search everywhere, the hits folded by chat, or in the chat that `with` names."""
    chosen = _chosen(request)
    context: dict[str, Any] = {
        "conversations": list_conversations(request.user),
        "typed": request.GET.get("q", ""),
        "chosen": chosen,
        "is_older": "before" in request.GET,
    }
    refusal = None
    try:
        query = Query(context["typed"])
        with searching(request.user):
            context |= _find(request, query, chosen, limit=SHOWN)
        if context["is_older"]:
            context["friends"] = []  # they stand above the newest
        context["chats"] = fold_by_chat(context["found"])
        context["is_asked"] = bool(query.words)
    except ValidationError as error:
        refusal, context["error"] = error, error.messages[0]
    response = render(request, "chat/search.html", context)
    if refusal is not None:
        _tell_wait(response, refusal)
    return response


def _chosen(request: UserRequest) -> Friendship | None:
    """Return the friend in whose chat to search, if one is named; 404 for anybody else."""
    name = request.GET.get("with")
    return None if name is None else get_friendship(request.user, name)


def _find(
    request: UserRequest, query: Query, chosen: Friendship | None, *, limit: int
) -> dict[str, Any]:
    """Find `friends`, messages (`found`) and whether there are `more`."""
    before = request.GET.get("before")
    found, more = find_messages(
        request.user,
        query,
        limit=limit,
        before=None if before is None else integer(before, name="before"),
        friend_id=chosen.friend_id if chosen else None,
    )
    friends = [] if chosen else find_friends(request.user, query.text)
    return {"friends": friends, "found": found, "more": more}


def _tell_wait(response: HttpResponse, refusal: ValidationError) -> None:
    """Fail a page that has to wait; one that says what is wrong with the query is a success."""
    code, _message, params = describe(refusal)
    if "retry_after" in params:
        response.status_code = STATUS[code]
        response["Retry-After"] = str(params["retry_after"])
