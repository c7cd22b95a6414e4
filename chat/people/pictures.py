"""Profile pictures of a class, chosen in the browser: each by the user name that its file has.

A script looks the names through, makes each picture small and sends them one by one; without
scripts the form sends a few at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts import staff
from accounts.http import user_of
from accounts.models import User
from accounts.names import TYPED_AT_MOST, username_key
from accounts.pictures import EXTENSIONS
from chat.moderation import rights

from . import services

NAMES_AT_MOST = 500  # in one look
FILES_AT_MOST = 20  # in one form
BYTES_AT_MOST = 1_000_000  # of one of them; the script sends a tenth of that
NAME_AT_MOST = 2 * TYPED_AT_MOST  # characters of a file's name that are read


class Outcome(NamedTuple):
    """A picture, and what has become of it, or would."""

    name: str
    words: str
    is_good: bool = False


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Serve the page: tell whose pictures they are, or give them to these people."""
    by = user_of(request)
    staff.need(rights.may_enrol(by))
    if request.method != "POST":
        return _render(request, context)
    replaces = "replace" in request.POST
    files = request.FILES.getlist("file")
    if "look" in request.POST:
        typed = request.POST.getlist("name") or [file.name or "" for file in files]
        names = [_base(name) for name in typed[:NAMES_AT_MOST]]
        found = _people_of(names)
        outcomes = [_look(name, found, replaces=replaces) for name in names]
    else:
        taken, left = files[:FILES_AT_MOST], files[FILES_AT_MOST:]
        found = _people_of([_base(file.name or "") for file in taken])
        outcomes = [_give(by, file, found, replaces=replaces) for file in taken]
        outcomes += [_left_out(file) for file in left]
    if request.accepts("text/html"):
        return _render(request, context | {"outcomes": outcomes, "replaces": replaces})
    return JsonResponse({"outcomes": [outcome._asdict() for outcome in outcomes]})


def _people_of(names: Sequence[str]) -> Mapping[str, User]:
    keys = {_key(name) for name in names}
    return {user.username_key: user for user in User.objects.filter(username_key__in=keys)}


def _look(name: str, people: Mapping[str, User], *, replaces: bool) -> Outcome:
    if PurePosixPath(name).suffix.lower() not in EXTENSIONS:
        return Outcome(name, _("no picture: JPEG, PNG and WebP are taken"))
    user = people.get(_key(name))
    if user is None:
        return Outcome(name, _("nobody has this user name"))
    if user.face and not replaces:
        return Outcome(name, _("%(name)s has a picture already") % {"name": user.username})
    return Outcome(name, user.username, is_good=True)


def _give(by: User, file: UploadedFile, people: Mapping[str, User], *, replaces: bool) -> Outcome:
    seen = _look(_base(file.name or ""), people, replaces=replaces)
    if not seen.is_good:
        return seen
    if (file.size or 0) > BYTES_AT_MOST:
        return Outcome(seen.name, _("larger than 1 MB"))
    about = people[_key(seen.name)]
    try:
        services.give_face(by=by, about=about, content=file.read())
    except ValidationError as error:
        return Outcome(seen.name, error.messages[0])
    except Http404:
        return Outcome(seen.name, _("nobody has this user name"))
    return Outcome(seen.name, f"✓ {about.username}", is_good=True)


def _left_out(file: UploadedFile) -> Outcome:
    words = _("not taken: at most %(limit)d at once") % {"limit": FILES_AT_MOST}
    return Outcome(_base(file.name or ""), words)


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2][-NAME_AT_MOST:]


def _key(name: str) -> str:
    return username_key(PurePosixPath(name).stem)


def _render(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    context |= {"title": _("Profile pictures"), "accept": ",".join(EXTENSIONS)}
    return render(request, "admin/people/pictures.html", context)
