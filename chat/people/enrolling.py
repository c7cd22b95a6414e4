"""A list of a class, pasted or as a file: looked through first, then its accounts and slips."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import limits, roster, staff
from accounts.hashers import hash_in_turn
from accounts.http import user_of
from accounts.models import User
from accounts.names import username_key
from accounts.roster import Newcomer, Roster, Slip
from chat.moderation import rights
from webchat.base.text import encodable

from . import services
from .paper import site_address

# A large class: some three seconds of a processor. Even where nine others want it, that is half of
# the 60 s after which a proxy gives up; and whoever then reloads the page finds the slips.
PEOPLE_AT_MOST = 100
LINES_AT_MOST = PEOPLE_AT_MOST + 1  # the first names the columns
BYTES_AT_MOST = 64 * 1024  # as UTF-16 some 320 characters for each of them
GOOD_FOR = timedelta(hours=1)  # a list that was looked through; as long as its claim is remembered
SALT = "chat.people.enrolling"

# Of a form that is sent twice the second waits for the first, instead of hashing all of it, too.
_enrolling = Lock()


class RosterForm(forms.Form):
    """The list; a file comes before what is pasted, and takes its place in the field."""

    file = forms.FileField(label=gettext_lazy("A file"), required=False, allow_empty_file=True)
    text = forms.CharField(
        label=gettext_lazy("Or paste it here"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "wrap": "off"}),
    )
    trust_mail = forms.BooleanField(
        label=gettext_lazy("The addresses of mail are right: take them as verified"),
        required=False,
    )
    ticket = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.pop("file", None)
        if self.errors:
            return data
        content = file.read(BYTES_AT_MOST + 1) if file else encodable(data["text"]).encode()
        if not content.strip():
            raise ValidationError(_("The list is empty: paste it, or choose a file."), "required")
        if len(content) > BYTES_AT_MOST:
            words = _("The list is larger than %(limit)d KB. Please take it in parts.")
            raise ValidationError(words, "too_long", {"limit": BYTES_AT_MOST // 1024})
        # As the field sends it back, or the list would look like another one then.
        data["text"] = roster.decode(content).replace("\r\n", "\n").replace("\r", "\n")
        return data


@dataclass(frozen=True, slots=True)
class Upload:
    """A list as it was sent; `secret` is that of the preview it belongs to, empty without one."""

    by: User
    text: str
    trust_mail: bool
    secret: str = ""

    @property
    def digest(self) -> str:
        return sha256(f"{self.trust_mail}\n{self.text}".encode()).hexdigest()

    @property
    def claim(self) -> limits.Claim:
        return limits.ENROLLED.of(self.by.pk, self.secret, self.digest)

    def ticket(self) -> str:
        """Return what makes this list, and no other, good to be enrolled by this superuser."""
        facts = [self.by.pk, self.digest, secrets.token_urlsafe(16)]
        return signing.dumps(facts, salt=SALT)

    def with_ticket(self, ticket: str) -> Upload:
        """Return it with the secret of its ticket; without one if that is of another list."""
        try:
            by, digest, secret = signing.loads(ticket, salt=SALT, max_age=GOOD_FOR)
        except signing.BadSignature:
            return self
        is_of_this = (by, digest) == (self.by.pk, self.digest)
        return Upload(self.by, self.text, self.trust_mail, secret) if is_of_this else self


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Serve the page: look a list through, or make the accounts of one that was looked through."""
    by = user_of(request)
    staff.need(rights.may_enrol(by))
    if request.method != "POST":
        return _render(request, context | {"form": RosterForm()})
    form = RosterForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, context | {"form": form}, 422)
    data = form.cleaned_data
    upload = Upload(by, data["text"], data["trust_mail"]).with_ticket(data["ticket"])
    if "enrol" in request.POST and upload.secret:
        try:
            return _render_slips(request, upload, context)
        except ValidationError as error:
            return _preview(request, upload, context, error)
    return _preview(request, upload, context)


def _preview(
    request: HttpRequest,
    upload: Upload,
    context: dict[str, Any],
    refusal: ValidationError | None = None,
) -> HttpResponse:
    """Show line by line what would be made; the list stays in its field, to be mended."""
    ends = refusal.messages if refusal else []
    found: Roster | None = None
    try:
        found = _look_through(upload)
    except ValidationError as error:
        ends = [*ends, *error.messages]
    refusals = [*ends, *(found.refusals_as_a_whole if found else [])]
    is_good = found is not None and not found.refusals and not refusals
    fields = {"text": upload.text, "trust_mail": upload.trust_mail}
    fields["ticket"] = upload.ticket() if is_good else ""
    context |= {"form": RosterForm(initial=fields), "roster": found, "refusals": refusals}
    context |= {"is_good": is_good, "is_changed": is_good and "enrol" in request.POST}
    return _render(request, context, 200 if is_good else 422)


def _look_through(upload: Upload, *, is_new: bool = True) -> Roster:
    content = upload.text.encode()
    return roster.look_through(content, most=LINES_AT_MOST, is_new=is_new)


def _render_slips(request: HttpRequest, upload: Upload, context: dict[str, Any]) -> HttpResponse:
    """Make the accounts unless this very page has made them, and show their slips."""
    _enrol_once(upload)
    people = _look_through(upload, is_new=False).people
    keys = [username_key(each.username) for each in people]
    # A slip says nothing true any more about somebody who has chosen a password meanwhile.
    first = User.objects.filter(username_key__in=keys, must_change_password=True)
    fresh = set(first.values_list("username", flat=True))
    slips = [
        Slip(each.username, each.name, _password(upload, each))
        for each in people
        if each.username in fresh
    ]
    context |= {"slips": slips, "address": site_address(request)}
    return render(request, "admin/people/slips.html", context)


def _enrol_once(upload: Upload) -> None:
    with _enrolling:
        if not limits.has_taken(upload.claim):
            _enrol(upload)


def _enrol(upload: Upload) -> None:
    found = _look_through(upload)
    if found.refusals:
        if limits.has_taken(upload.claim):  # by the same form, a moment ago
            return
        raise ValidationError(_("The list cannot be used any more: see below."), "invalid")
    hashes = hash_in_turn([_password(upload, each) for each in found.people])
    try:
        services.enrol(
            by=upload.by,
            people=found.people,
            hashes={p.username: h for p, h in zip(found.people, hashes, strict=True)},
            trust_mail=upload.trust_mail,
            claim=upload.claim,
        )
    except ValidationError:
        if not limits.has_taken(upload.claim):
            raise


def _password(upload: Upload, person: Newcomer) -> str:
    return roster.password_of(person.username, secret=upload.secret)


def _render(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context |= {"most": PEOPLE_AT_MOST, "title": _("Import a list")}
    return render(request, "admin/people/roster.html", context, status=status)
