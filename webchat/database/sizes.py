"""Sizes as everybody reads them: `12.3 MB`, in the reader's language."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat


def size(number: int) -> str:
    """Return a number of bytes for a terminal or a log: no GBK knows the space of web pages."""
    return filesizeformat(number).replace("\xa0", " ")
