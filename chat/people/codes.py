"""Codes for new passwords, for one or for several people at once, on a page to print."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import limits
from accounts.http import user_of
from accounts.models import REAL_NAME_AT_MOST, User
from chat.moderation import rights, services
from webchat.base.text import clean_text

from .paper import link

PEOPLE_AT_MOST = 100  # each takes a commit
TEXT_AT_MOST = PEOPLE_AT_MOST * REAL_NAME_AT_MOST  # characters
BETWEEN = re.compile(r"[\n\t,;，；、]+")
PAGE_BYTES, PAGE_LENGTH = 16, 40  # of what tells one page with the form from another


@dataclass(frozen=True, slots=True)
class Issued:
    """A code, or the words about it: that it went by mail, or why there is none."""

    username: str
    name: str
    code: str = ""
    words: str = ""


class CodesForm(forms.Form):
    """Names, as somebody at a desk would write them down: user names, or real ones."""

    names = forms.CharField(
        label=gettext_lazy("User names or real names, one a line"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autofocus": ""}),
    )
    page = forms.CharField(required=False, max_length=PAGE_LENGTH, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.people: list[User] = []
        self.has_newcomers = False  # among the names, who are to be let in first

    def clean_names(self) -> str:
        text = clean_text(self.cleaned_data["names"], most=TEXT_AT_MOST)
        typed = (" ".join(name.split()) for name in BETWEEN.split(text))
        names = list(dict.fromkeys(filter(None, typed)))
        if len(names) > PEOPLE_AT_MOST:
            words = _("At most %(limit)d people at a time.")
            raise ValidationError(words, "too_long", {"limit": PEOPLE_AT_MOST})
        refused = []
        for name in names:
            try:
                self.people.append(self._find(name))
            except ValidationError as error:
                refused += error.messages
        if refused:
            raise ValidationError(refused)
        return text

    def _find(self, name: str) -> User:
        """Find one person. Raises ValidationError: not_found, invalid.

        A user name is anybody's to choose, also that of a pupil: it does not win over a real name.
        """
        named = User.objects.named(name)
        found = list((named | User.objects.filter(real_name__iexact=name))[:2])
        if not found:
            raise ValidationError(_("Nobody is called %(name)s."), "not_found", {"name": name})
        if len(found) > 1:
            words = _("Several people are called %(name)s: please give the user name.")
            if named.exists():
                words = _("Several people are called %(name)s: please use the page of the person.")
            raise ValidationError(words, "invalid", {"name": name})
        self._check(found[0], name)
        return found[0]

    def _check(self, user: User, name: str) -> None:
        if user.unverified_since is not None:
            self.has_newcomers = True
            words = _("%(name)s still waits to be let in, and cannot use a code.")
            raise ValidationError(words, "invalid", {"name": name})
        if not services.may_issue_code(self.by, user):
            words = _("You may not issue a code for %(name)s.")
            raise ValidationError(words, "invalid", {"name": name})


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Serve the page: ask for names, issue their codes, and show these once.

    The reload of a page with codes asks again: new ones would end those that are printed.
    """
    by = user_of(request)
    if not rights.may_issue_codes(by):
        raise PermissionDenied
    if request.method != "POST":
        return ask(request, context)
    form = CodesForm(request.POST, by=by)
    if form.is_valid() and not _is_first(form):
        form.add_error("names", _("These codes are issued already. New ones would end them."))
        form.data = data = request.POST.copy()
        data["page"] = _new_page()
    if not form.is_valid():
        return _render(request, context | {"form": form}, 422)
    people = {user.pk: user for user in form.people}  # a user name and a real one may be the same's
    context["slips"] = [_issue(by, user) for user in people.values()]
    context["address"] = link(request, "accounts:password_reset")
    return render(request, "admin/people/code_slips.html", context)


def ask(request: HttpRequest, context: dict[str, Any], names: Iterable[str] = ()) -> HttpResponse:
    """Serve the page with some names in its field, for whoever may open it."""
    form = CodesForm(by=user_of(request), initial={"names": "\n".join(names), "page": _new_page()})
    return _render(request, context | {"form": form})


def _render(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    may_let_in = rights.may_let_in(user_of(request))
    context |= {"title": _("Codes for new passwords"), "may_let_in": may_let_in}
    return render(request, "admin/people/codes.html", context, status=status)


def _new_page() -> str:
    return secrets.token_urlsafe(PAGE_BYTES)


def _is_first(form: CodesForm) -> bool:
    """Return whether a form comes for the first time; what no page of ours has sent always does."""
    if not form.cleaned_data["page"]:
        return True
    try:
        limits.take(limits.CODES_PRINTED.of(form.by.pk, form.cleaned_data["page"]))
    except ValidationError:
        return False
    return True


def _issue(by: User, about: User) -> Issued:
    name = about.real_name
    try:
        code = services.issue_reset_code(by=by, about=about)
    except ValidationError as error:
        return Issued(about.username, name, words=error.messages[0])
    except PermissionDenied:  # banned, say, since the names were read: the others keep their codes
        words = _("You may not issue a code for %(name)s.") % {"name": about.username}
        return Issued(about.username, name, words=words)
    except Http404:
        return Issued(about.username, name, words=_("This account is gone already."))
    words = "" if code else _("The code is on its way to the email address of the account.")
    return Issued(about.username, name, code, words)
