"""Routes that go wrong on purpose, beside the real ones."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path

from webchat import urls
from webchat.middleware import client_address


@login_not_required
def locked(request):
    raise OperationalError("database is locked")


@login_not_required
def full(request):
    raise OperationalError("database or disk is full")


@login_not_required
def wrong_query(request):
    raise OperationalError("no such column: texd")


@login_not_required
def session(request):
    request.session["key"] = "value"
    return HttpResponse("ok")


@login_not_required
def broken(request):
    raise RuntimeError("text of a person")


@login_not_required
def forbidden(request):
    raise PermissionDenied


@login_not_required
def missing(request):
    raise Http404


@login_not_required
def bad(request):
    raise BadRequest


@login_not_required
def form(request):
    return HttpResponse(request.POST.get("text", ""))


@login_not_required
def whoami(request):
    return JsonResponse({"address": client_address(request), "secure": request.is_secure()})


views = [locked, full, wrong_query, session, broken, forbidden, missing, bad, form, whoami]
urlpatterns = [
    *[path(f"{prefix}try/{view.__name__}/", view) for view in views for prefix in ("", "api/")],
    *urls.urlpatterns,
]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
