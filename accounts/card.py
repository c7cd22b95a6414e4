"""The page by which one is found: one's name, and a code that a friend's phone reads."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webchat.base import addresses

from .http import UserRequest

QUIET_ZONE = 4  # modules around the code, without which readers do not find it (ISO/IEC 18004)


@require_safe
@never_cache
def card(request: UserRequest) -> HttpResponse:
    query = urlencode({"username": request.user.username})
    path = f"{reverse('friends:request_create')}?{query}"
    code = draw_code(address_for_others(request, path))
    return render(request, "accounts/card.html", {"code": code, "client_id": uuid4()})


def draw_code(address: str) -> SafeString:
    """Draw an address as an SVG element, dark on light, as readers want it, in every theme."""
    import segno  # as large as an app of ours, for this page alone

    code = segno.make(address, micro=False)
    svg = code.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True)
    return mark_safe(svg)  # noqa: S308  made of numbers alone: it does not hold the address


def address_for_others(request: HttpRequest, path: str) -> str:
    """Return the address of a page as another device reaches it, which `localhost` does not."""
    if settings.SITE is not None:
        return str(settings.SITE.origin + path)
    host, port = split_domain_port(request.get_host())
    if not _is_this_machine(host) or not (found := addresses.lan_addresses()):
        return request.build_absolute_uri(path)
    return f"{request.scheme}://{found[0]}" + (f":{port}" if port else "") + path


def _is_this_machine(host: str) -> bool:
    ip = addresses.parse(host.strip("[]"))
    return ip.is_loopback if ip else host == "localhost" or host.endswith(".localhost")
