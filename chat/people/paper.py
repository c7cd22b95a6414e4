"""Addresses as they stand on paper, to be typed on another machine."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.urls import get_script_prefix, reverse

from accounts import roster
from webchat.base import addresses


def site_address(request: HttpRequest) -> str:
    """Return the address of the chat: SITE_URL, or the one at which this page was asked for.

    That of a browser on the server itself leads nowhere from elsewhere.
    """
    here: str = request.build_absolute_uri(get_script_prefix())
    if settings.SITE is None and not _is_this_machine(request):
        return here
    return roster.site_address() or here


def link(request: HttpRequest, view: str) -> str:
    return site_address(request) + reverse(view).removeprefix(get_script_prefix())


def _is_this_machine(request: HttpRequest) -> bool:
    name = split_domain_port(request.get_host())[0]
    address = addresses.parse(name.removeprefix("[").removesuffix("]"))
    return name == "localhost" or bool(address and address.is_loopback)
