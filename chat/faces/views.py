"""The profile picture as a file, and the form that changes it without scripts."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from accounts.models import User
from chat.delivery import deliver_face
from chat.forms import FileForm
from chat.media import api as media
from chat.media.processing import Job
from chat.media.waiting import has_waited
from friends.models import Friendship
from webchat.database.questions import Listing, given

from . import services

# By the friends of the viewer: the faces of everybody are in no index.
OF_FRIEND = Listing(
    lambda: Friendship.objects.filter(
        owner=given("viewer"), friend__face=given("face")
    ).values_list("pk"),
    int,
)


@require_safe
def face(request: UserRequest, name: str) -> HttpResponseBase:
    """Serve a profile picture to its owner, to their friends, and to moderators."""
    if not _may_see(request.user, name):
        raise Http404
    return deliver_face(request, name)


def _may_see(viewer: User, name: str) -> bool:
    if name == viewer.face or OF_FRIEND.first(viewer=viewer.pk, face=name):
        return True
    return viewer.has_perm("chat.moderate_user") and User.objects.filter(face=name).exists()


@require_POST
def change(request: UserRequest) -> HttpResponse:
    """Take a picture as one form, of which the middle is shown, or take the face away."""
    if "remove" in request.POST:
        services.remove(user=request.user)
        return redirect("accounts:card")
    form = FileForm(request.POST, request.FILES)
    try:
        if form.is_valid() and not _take(request, form):
            return HttpResponse(status=202)  # it waits, and comes again
    except ValidationError as error:
        form.add_error("file", error)
    for reasons in form.errors.get_json_data().values():
        messages.error(request, reasons[0]["message"])
    return redirect("accounts:card")


def _take(request: UserRequest, form: FileForm) -> bool:
    """Make the file of a form one's face; False if the request has to wait."""
    client_id = form.cleaned_data["client_id"]
    upload = media.receive_whole(request, client_id, form.cleaned_data["file"])
    work = partial(services.take_whole, owner=request.user, client_id=client_id)
    if not has_waited(request, Job(("face", upload.pk), request.user.pk, work)):
        return False
    services.find_upload(owner=request.user, client_id=client_id)
    messages.success(request, _("Saved"))
    return True
