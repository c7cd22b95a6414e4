"""The common part of every JSON endpoint: the session, the body, the answer, the errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

MAX_BODY_BYTES = 32 * 1024

STATUS = {
    "invalid": 400,
    "too_long": 400,
    "self": 400,
    "not_authenticated": 401,
    "csrf": 403,
    "blocked": 403,
    "muted": 403,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "duplicate_id": 409,
    "wrong_offset": 409,
    "not_finished": 409,
    "already_friends": 409,
    "already_asked": 409,
    "name_taken": 409,
    "too_large": 413,
    "unsupported_type": 415,
    "rate_limited": 429,
    "server_error": 500,
    "unavailable": 503,
}
# Codes of Django's fields and validators that have another name here.
CODES = {"max_length": "too_long"}

Handler = Callable[..., dict[str, Any] | tuple[dict[str, Any], int]]


def endpoint(
    *, login: bool = True, bytes_at_most: int = 0, **handlers: Handler
) -> Callable[..., JsonResponse]:
    """Make a view with one handler per method: `endpoint(GET=messages, POST=send)`.

    A handler takes the request and the route's arguments and returns the JSON object, or
    that and a status. `request.json` holds the object that came in; where `bytes_at_most` is
    given, a PUT has bytes instead, and no more than that, in `request.bytes`. The caller learns of
    a missing session before anything else, token or not.
    """

    def view(request: HttpRequest, **kwargs: Any) -> JsonResponse:
        if login and not _is_of_this_session(request):
            return refuse("not_authenticated", _("Please log in."))
        handler = handlers.get("GET" if request.method == "HEAD" else request.method or "")
        if handler is None:
            response = refuse("method_not_allowed", _("This method is not allowed here."))
            response["Allow"] = ", ".join(handlers)
            return response
        try:
            request.json = {}  # type: ignore[attr-defined]
            if request.method == "PUT" and bytes_at_most:
                request.bytes = _read_bytes(request, bytes_at_most)  # type: ignore[attr-defined]
            elif request.method not in ("GET", "HEAD"):
                request.json = _read_object(request)  # type: ignore[attr-defined]
            answer = handler(request, **kwargs)
        except ValidationError as error:
            return refuse_invalid(error)
        except Http404:
            return not_found()
        except PermissionDenied as error:
            return refuse("forbidden", str(error) or _("You may not do that."))
        data, status = answer if isinstance(answer, tuple) else (answer, 200)
        return _json(data, status)

    return csrf_exempt(login_not_required(never_cache(view)))


def _is_of_this_session(request: HttpRequest) -> bool:
    """Return whether somebody is logged in, and is the person whose page asks.

    Tabs share their cookies: a page that still shows alice must neither read nor write as bob,
    who has logged in beside it. Our pages say whose they are; scripts need not.
    """
    page_of = request.META.get("HTTP_X_USER_ID")
    return request.user.is_authenticated and page_of in (None, str(request.user.pk))


@csrf_exempt
@login_not_required
def nothing_here(request: HttpRequest) -> JsonResponse:
    """Answer every other path under `api/`."""
    if not request.user.is_authenticated:
        return refuse("not_authenticated", _("Please log in."))
    return not_found()


def refuse(code: str, message: str, retry_after: int | None = None, **beside: Any) -> JsonResponse:
    """Return an error in the one shape they all have; `retry_after` is in seconds."""
    response = _json({"error": {"code": code, "message": message}, **beside}, STATUS[code])
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def not_found() -> JsonResponse:
    return refuse("not_found", _("Not found."))


def refuse_invalid(error: ValidationError) -> JsonResponse:
    code, message, params = describe(error)
    return refuse(code, message, params.get("retry_after"), **params.get("beside", {}))


def describe(error: ValidationError) -> tuple[str, str, dict[str, Any]]:
    """Return the first reason in `error`: its code in the contract, sentence and parameters."""
    if hasattr(error, "error_dict"):
        fields = error.error_dict
        first = next(iter(fields.get(NON_FIELD_ERRORS) or next(iter(fields.values()))))
    else:
        first = error.error_list[0]
    code = CODES.get(first.code or "", first.code or "")
    if code not in STATUS:
        code = "invalid"
    return code, first.messages[0], first.params or {}


def fill(form_class: type[Form], request: HttpRequest) -> Form:
    """Fill the form of a page from JSON and validate it; its fields take only texts."""
    data = request.json  # type: ignore[attr-defined]
    for name in form_class.base_fields:
        if not isinstance(data.get(name, ""), str):
            message = _("“%(name)s” must be a text.") % {"name": name}
            raise ValidationError(message, "invalid")
    form = form_class(data)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return form


def _json(data: dict[str, Any], status: int) -> JsonResponse:
    # Chinese as it is: half the bytes of its escapes.
    return JsonResponse(data, status=status, json_dumps_params={"ensure_ascii": False})


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _check_csrf(request: HttpRequest) -> None:
    check = _CsrfCheck(lambda request: JsonResponse({}))
    if check.process_view(request, None, (), {}):  # type: ignore[arg-type]
        message = _("This page is out of date. Please reload it and try again.")
        raise ValidationError(message, "csrf")


def _read_object(request: HttpRequest) -> dict[str, Any]:
    length = int(request.META.get("CONTENT_LENGTH") or 0)  # the bridge has counted
    if length > MAX_BODY_BYTES:
        raise ValidationError(_("That is too large."), "too_large")
    _check_csrf(request)
    if not length:
        return {}
    if request.content_type != "application/json":
        raise ValidationError(_("Please send application/json."), "unsupported_type")
    try:
        return parse_object(request.body.decode())
    except ValueError:
        raise ValidationError(_("The body must be one JSON object."), "invalid") from None


def _read_bytes(request: HttpRequest, at_most: int) -> bytes:
    length = int(request.META.get("CONTENT_LENGTH") or 0)  # the bridge has counted
    if length > at_most:
        raise ValidationError(_("That is too large."), "too_large")
    _check_csrf(request)
    if request.content_type != "application/octet-stream":
        raise ValidationError(_("Please send application/octet-stream."), "unsupported_type")
    return request.read(length)


def parse_object(text: str) -> dict[str, Any]:
    """Parse the JSON object of a body or a frame, RFC 8259: no NaN, no Infinity.

    Raises ValueError for everything else, at whatever depth and length.
    """
    if len(text) > MAX_BODY_BYTES:
        raise ValueError("too long")
    try:
        data = DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(data, dict):
        raise ValueError("no object")
    return data


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)  # json.loads would make one each time


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
