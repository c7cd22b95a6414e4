"""The contacts pages. Every change is a plain form, so that they work without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import UserRequest, render_form
from accounts.names import TYPED_AT_MOST
from webchat.database.snapshot import of_one_moment

from . import access, services, signals
from .forms import AskForm, RemarkForm
from .models import FriendRequest, Friendship
from .presentation import by_letter, request_json


@require_safe
@never_cache
@of_one_moment
def contacts(request: UserRequest) -> HttpResponse:
    return _render_contacts(request, AskForm())


@require_safe
@never_cache
@of_one_moment
def requests(request: UserRequest) -> HttpResponse:
    """Show the form with the name that a code (`accounts/card.py`) leads to, if any."""
    name = request.GET.get("username", "")
    initial = {"username": name} if len(name) <= TYPED_AT_MOST else {}
    return _render_contacts(request, AskForm(initial=initial), is_open=True)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask(request: UserRequest) -> HttpResponse:
    if request.method != "POST":
        return requests(request)
    form = AskForm(request.POST)
    if form.is_valid():
        try:
            outcome = services.ask(sender=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error("username", error)
        else:
            return _asked(request, outcome)
    return _render_contacts(request, form, is_open=True)


@require_safe
@never_cache
@of_one_moment
def contact(request: UserRequest, username: str) -> HttpResponse:
    friendship = access.get_friendship(request.user, username)
    return _render_contact(request, friendship, RemarkForm({"remark": friendship.remark}))


@require_POST
def set_remark(request: UserRequest, username: str) -> HttpResponse:
    friendship = access.get_friendship(request.user, username)
    form = RemarkForm(request.POST)
    if not form.is_valid():
        return _render_contact(request, friendship, form, status=422)
    save = partial(services.set_remark, friendship=friendship, **form.cleaned_data)
    if _attempt(request, save):
        messages.success(request, _("Saved"))
    return _back_to(request, friendship.username)


@require_POST
def accept(request: UserRequest, pk: int) -> HttpResponse:
    waiting = access.get_received(request.user, pk)
    try:
        return _meet(request, services.accept(request=waiting))
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("friends:request_create")


@require_POST
def decline(request: UserRequest, pk: int) -> HttpResponse:
    waiting = access.get_received(request.user, pk)
    return _answered(request, services.decline, waiting)


@require_POST
def withdraw(request: UserRequest, pk: int) -> HttpResponse:
    waiting = access.get_sent(request.user, pk)
    return _answered(request, services.withdraw, waiting)


@require_POST
def remove(request: UserRequest, username: str) -> HttpResponse:
    friendship = access.get_friendship(request.user, username)
    services.remove(friendship=friendship)
    messages.success(
        request, _about(friendship.username, _("%(username)s is no longer your friend."))
    )
    return redirect("friends:contacts")


@require_POST
def block(request: UserRequest, username: str) -> HttpResponse:
    target = access.get_blockable(request.user, username)
    if _attempt(request, partial(services.block, owner=request.user, target=target)):
        messages.success(request, _("Blocked"))
    return _back_to(request, target.username)


@require_POST
def unblock(request: UserRequest, username: str) -> HttpResponse:
    target = access.get_blockable(request.user, username)
    services.unblock(owner=request.user, target=target)
    messages.success(request, _("Not blocked any more"))
    return _back_to(request, target.username)


def _asked(request: UserRequest, outcome: FriendRequest | Friendship) -> HttpResponse:
    """Lead to the chat of a new friend, or say that an answer is waited for."""
    if isinstance(outcome, Friendship):
        return _meet(request, outcome)
    said = _("Asked %(username)s; please wait for the answer.")
    messages.success(request, _about(outcome.recipient.username, said))
    return redirect("friends:request_create")


def _meet(request: UserRequest, friendship: Friendship) -> HttpResponse:
    """Lead to the chat of a new friend; while it is empty, that says so itself."""
    answers = signals.talk_kept.send(Friendship, owner=request.user, friendship=friendship)
    if any(is_kept for _receiver, is_kept in answers):
        said = _("You have added %(name)s. You can chat now.")
        messages.success(request, said % {"name": friendship.name})
    return redirect("chat:conversation", friendship.username)


def _about(username: str, words: str) -> SafeString:
    """Put a name into a notice, apart from its words: scripts know by it whom they are about."""
    return format_html(words.replace("%(username)s", "{}"), format_html("<bdi>{}</bdi>", username))


def _answered(
    request: UserRequest, service: Callable[..., Any], waiting: FriendRequest
) -> HttpResponse:
    _attempt(request, partial(service, request=waiting))
    return redirect("friends:request_create")


def _attempt(request: UserRequest, act: Callable[[], Any]) -> bool:
    """Do it, or say why not: the other side may have acted since the page was rendered."""
    try:
        act()
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return False
    return True


def _back_to(request: UserRequest, username: str) -> HttpResponse:
    if Friendship.objects.of(request.user).named(username).exists():
        return redirect("friends:contact", username)
    return redirect("friends:contacts")


def _lists(request: UserRequest) -> dict[str, Any]:
    user = request.user
    return {
        "letters": by_letter(Friendship.objects.load(user)),
        "received": [request_json(r, user) for r in FriendRequest.objects.load_received(user)],
        "sent": [request_json(r, user) for r in FriendRequest.objects.load_sent(user)],
    }


def _render_contacts(request: UserRequest, form: AskForm, *, is_open: bool = False) -> HttpResponse:
    """Render the contacts; `is_open`: the requests are meant, and on a phone cover the friends."""
    if is_open:
        form.fields["username"].widget.attrs["autofocus"] = ""
    return render_form(request, form, "friends/contacts.html", is_open=is_open, **_lists(request))


def _render_contact(
    request: UserRequest, friendship: Friendship, form: RemarkForm, status: int = 200
) -> HttpResponse:
    context = _lists(request) | {"form": AskForm(), "contact": friendship, "remark_form": form}
    answers: list[Any] = signals.contact_shown.send(
        Friendship, owner=request.user, friendship=friendship
    )
    for _receiver, facts in answers:
        context |= facts
    return render(request, "friends/contact.html", context, status=status)
