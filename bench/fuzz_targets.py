"""The possible targets of bench/fuzz.py, read from the pages, the tables and the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

from processes import ROOT

APPS = ("webchat", "accounts", "friends", "chat")
# The outcomes in visitors.txt that are worth a text: the visitor gets through to the address.
REACHED = {"200", "201", "302", "400", "409", "422"}
KINDS = ("anonymous", "stranger", "friend", "moderator", "root")
STATIC = (
    "/static/img/favicon.svg",
    "/static/.stamp",
    "/static/staticfiles.json",
    "/static/x/../../manage.py",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of visitors.txt."""

    method: str
    path: str
    reached_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a page shows it, for somebody."""

    who: str
    method: str
    action: str
    fields: dict[str, str]


class FormReader(HTMLParser):
    """The forms of a page: method, action, and each field with its value."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = given.get("method", "get").upper()
            self.forms.append((method, given.get("action", ""), {}))
        if not self.forms:
            return
        fields, name = self.forms[-1][2], given.get("name", "")
        if tag in ("input", "button", "textarea", "select") and name:
            fields.setdefault(name, given.get("value", ""))
            self._select = name if tag == "select" else ""
        elif tag == "option" and self._select and (not fields[self._select] or "selected" in given):
            fields[self._select] = given.get("value", "")


def read_rows() -> Iterator[Row]:
    head, *lines = (ROOT / "tests/visitors.txt").read_text(encoding="utf-8").splitlines()
    columns = head.split()
    for line in lines:
        cells = dict(zip(columns, line.split(), strict=True))
        reached = tuple(kind for kind in KINDS if cells[kind] in REACHED)
        yield Row(cells["method"], cells["path"], reached)
    yield from (Row("GET", path, KINDS) for path in STATIC)


def route_of(target: str) -> str:
    """Find the route that answers, as it is written in the code."""
    from django.urls import Resolver404, resolve

    try:
        return "/" + resolve(urlsplit(target).path).route.replace("^", "")
    except (Resolver404, ValueError):
        return "nowhere"


def bodies() -> dict[str, dict[str, Any]]:
    from tests.test_visitors import BODIES

    return BODIES


def names_in_code() -> set[str]:
    """Find the parameters that the code asks for by name."""
    files = [
        path for app in APPS for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts
    ]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r'(?:request|data|frame|query)\b[^"\n]{0,30}"([a-z_0-9]{1,24})"', code))


def fields_by_model() -> dict[str, list[str]]:
    """List the fields of the models in the admin, by “app/model”."""
    from django.contrib import admin

    return {
        model._meta.label_lower.replace(".", "/"): [
            *(field.name for field in model._meta.get_fields()),
            *(f"{each.name}__username" for each in model._meta.get_fields() if each.is_relation),
        ]
        for model in admin.site._registry
    }


def percent(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def wire(text: str) -> str:
    """Make a header's value: any bytes but those that would end the header."""
    return re.sub(r"[\r\n\0]", " ", text).encode("utf-8", "surrogatepass").decode("latin-1")


def urlencoded(fields: dict[str, Any]) -> tuple[str, bytes]:
    """Encode with minimal escaping: three bytes for each byte would be too long for a body."""
    pairs = [_escape(name) + b"=" + _escape(value) for name, value in fields.items()]
    return "application/x-www-form-urlencoded", b"&".join(pairs)


def multipart(fields: dict[str, Any]) -> tuple[str, bytes]:
    head = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n'
    parts = [_bytes(head.format(name) + value + "\r\n") for name, value in fields.items()]
    return "multipart/form-data; boundary=b", b"".join(parts) + b"--b--\r\n"


def multipart_files(fields: dict[str, Any]) -> tuple[str, bytes]:
    """Send each value as a file of that name, though the form asks for no file."""
    head = '--b\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n{}\r\n'
    parts = [
        _bytes(head.format(name, re.sub(r'["\r\n]', "", value)[:500], value))
        for name, value in fields.items()
    ]
    return "multipart/form-data; boundary=b", b"".join(parts) + b"--b--\r\n"


def many_fields(fields: dict[str, Any]) -> tuple[str, bytes]:
    content_type, body = urlencoded(fields)
    return content_type, body + b"&a=1" * 1_500


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _escape(value: str) -> bytes:
    return re.sub(rb"[%&+=; ]", lambda match: b"%%%02X" % match[0][0], _bytes(value))


ENCODINGS = [*[urlencoded] * 20, *[multipart] * 10, multipart_files, many_fields]
