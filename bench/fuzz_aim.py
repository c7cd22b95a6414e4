"""The targets of bench/fuzz.py: every address, field, query, header and frame.

The addresses are those of tests/visitors.txt, which a test keeps complete; fields are read from the
forms of the pages themselves, names of parameters from the code: new ones are targets at once.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import quote, urljoin
from uuid import UUID

import fuzz_targets as targets
from fuzz_broken import broken_frames, broken_requests
from fuzz_targets import KINDS, Form, FormReader, Row, percent, route_of
from fuzz_wire import TOKEN, Shot, frame
from fuzz_world import CODE, FRIENDS, PASSWORD, STAFF
from hostile_text import CANARY, HEADER_TEXTS, TRAIL, Hostile

LINE_BYTES = 3_600  # of a target or header, below gunicorn's limit of 4,094
FRAME_BYTES = 32 * 1024  # the limit of the socket
JSON_CHARACTERS = 40_000  # slightly more than the API and the socket take
HEADERS = """
    Host Cookie Accept-Language User-Agent X-User-ID X-Request-ID Referer Origin Range If-None-Match
    If-Modified-Since X-HTTP-Method-Override Content-Type X-Real-IP X-Forwarded-For
    X-Forwarded-Proto X-Forwarded-Host X-CSRFToken Accept Accept-Encoding Sec-WebSocket-Protocol
    Sec-WebSocket-Extensions X-Requested-With If-Match TE Via
""".split()
CONTENT_TYPES = [
    "", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "application/json;",
    *(
        f"application/{what}; charset={name}"
        for what in ("x-www-form-urlencoded", "json")
        for name in ("utf-16", "utf-7", "idna", "zlib", "hex", "x")
    ),
]  # fmt: skip
COOKIES = ["sessionid", "csrftoken", "django_language", "messages", "x"]
METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "FOO"]
CHANGELIST = "q o p e all _popup _to_field _facets _changelist_filters _source_model".split()
LOOKUPS = """
    __gte __lt __isnull __in __exact __contains __regex __year __date __id__exact __range
""".split()
# Valid input for the other fields of a form, so that the hostile one is judged.
TYPED = {
    **dict.fromkeys(("password", "old_password"), PASSWORD),
    **dict.fromkeys(("password1", "password2", "new_password1", "new_password2"), PASSWORD),
    "registration_code": CODE, "username": "alice", "email": "somebody@example.com",
    "code": "123456", "text": "hi", "reason": "rude", "words": "lass das", "hours": "1",
}  # fmt: skip
# Forms that would remove the targets of all later rounds.
LEFT_ALONE = ("/admin/auth/group/1/delete/", "/admin/chat/announcement/1/delete/")
# Of each person, so that some shots begin what others go on with.
UPLOADS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
UPLOAD = b"\x89PNG\r\n\x1a\n\0"
FRAME_FIELDS = ["type", "to", "text", "client_id", "quote", "with", "up_to", "extra"]

Make = Callable[["Aim", Hostile], Shot]


class Aim:
    """Makes shots of texts: `aim.shot(text, fragment)`, the same for the same random numbers."""

    def __init__(self, rng: random.Random, things: dict[str, Any]) -> None:
        self.rng = rng
        self.things = things
        self.rows = list(targets.read_rows())
        self.forms: dict[str, dict[tuple[str, ...], Form]] = {}  # by route
        self._bodies = targets.bodies()
        self._names = sorted(targets.names_in_code())
        self._models = targets.fields_by_model()
        self.ways: list[tuple[Callable[[Hostile, Hostile], Shot], int]] = [
            (self._form, 36), (self._query, 16), (self._json, 14), (self._frame, 12), (self._path,
            8),
            (self._header, 6), (self._cookie, 2), (self._socket_query, 2), (self._broken_frame, 2),
            (self._wire, 2), (self._upload, 6),
        ]  # fmt: skip

    def shot(self, text: Hostile, fragment: Hostile) -> Shot:
        ways, weights = zip(*self.ways, strict=True)
        return self.rng.choices(ways, weights)[0](text, fragment)

    def sweep(self, texts: list[Hostile], fragments: list[Hostile]) -> list[tuple[Make, Hostile]]:
        """Pair each text with each form field, and each fragment with each JSON value; shuffled.

        The shots are made when they are due: all at once they would take gigabytes.
        """
        fields = {(route, place): form for route, form, place in self._fields()}
        places = [
            partial(Aim._filled, form=form, place=place) for (_route, place), form in fields.items()
        ]
        values = [
            partial(Aim._told, row=row, place=place)
            for row in self.rows
            if row.method == "POST" and row.path.startswith("/api/")
            for place in [*self._bodies.get(row.path, {}), "client_id", ""]
        ]
        values += [
            partial(Aim._framed, kind=kind, place=place)
            for kind in ("send", "read", "typing")
            for place in FRAME_FIELDS
        ]
        swept = [*product(places, texts), *product(values, fragments)]
        self.rng.shuffle(swept)
        return swept

    def _fields(self) -> Iterator[tuple[str, Form, str]]:
        for route, forms in self.forms.items():
            for form in forms.values():
                yield from ((route, form, place) for place in form.fields)

    # Places

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield each page with one person of each kind that may see it, and the newcomer's page."""
        yield "newcomer", "/register/verify/"
        for row in self.rows:
            if row.method == "GET" and not row.path.startswith("/api/"):
                for kind in row.reached_by:
                    who = self._one_of(kind)
                    yield who, self._fill(row.path, who)

    def read_forms(self, who: str, path: str, page: bytes) -> None:
        reader = FormReader()
        reader.feed(page.decode(errors="replace"))
        for method, action, fields in reader.forms:
            target = urljoin(path, action or path)
            route = f"{method} {route_of(target)}"
            key = route, who.rstrip("0123456789"), *sorted(fields)
            form = Form(who, method, target, fields)
            if all(action not in target for action in LEFT_ALONE):
                self.forms.setdefault(route, {}).setdefault(key, form)

    def _one_of(self, kind: str) -> str:
        if kind == "anonymous":
            return ""
        many = {"friend": FRIENDS, "moderator": STAFF, "root": STAFF}.get(kind)
        return f"{kind}{self.rng.randrange(many)}" if many else kind

    def _someone(self, row: Row) -> str:
        """Choose somebody who gets through, mostly; sometimes anybody."""
        kinds = row.reached_by if row.reached_by and self.rng.random() < 0.9 else KINDS
        return self._one_of(self.rng.choice(kinds))

    def _fill(self, path: str, who: str) -> str:
        told = self.things["told_by_name"].get(who, self.things["told"])
        things = self.things | {"told": told}
        return re.sub(r"\{(\w+)\}", lambda match: str(things.get(match[1], 1)), path)

    def _row(self, method: str | None = None, within: str = "") -> Row:
        rows = [r for r in self.rows if method in (None, r.method) and r.path.startswith(within)]
        # The admin has half of all rows, and one class serves most of them.
        weights = [1 if "/admin/" in row.path else 3 for row in rows]
        return self.rng.choices(rows, weights)[0]

    # Ways

    def _form(self, text: Hostile, fragment: Hostile) -> Shot:
        routes = sorted(self.forms)
        weights = [1 if "/admin/" in route else 3 for route in routes]
        [route] = self.rng.choices(routes, weights)
        form = self.rng.choice(list(self.forms[route].values()))
        names = [name for name in form.fields if name != "csrfmiddlewaretoken"] or ["extra"]
        names += [name for name in names if not form.fields.get(name)] * 3  # people fill those
        if self.rng.random() < 0.05:
            names = ["csrfmiddlewaretoken", "extra"]
        return self._filled(text, form=form, place=self.rng.choice(names))

    def _filled(self, text: Hostile, *, form: Form, place: str) -> Shot:
        form = replace(form, who=self._one_of(form.who.rstrip("0123456789")) if form.who else "")
        fields = {name: value or TYPED.get(name, "") for name, value in form.fields.items()}
        if "/delete/" in form.action and "password" in fields:
            fields["password"] = "wrong"
        elif "/user/" in form.action and "/delete/" in form.action:
            action = re.sub(r"/\d+/", f"/{self.things['victim']}/", form.action)
            form = replace(form, action=action)
        fields |= {"csrfmiddlewaretoken": TOKEN} if form.method == "POST" else {}
        if form.method == "GET":
            return self._with_query(text, form.who, "GET", form.action, place, fields)
        values: dict[str, str | bytes] = {**fields, place: text.text}
        if place[:-1] + "2" in fields:  # a new password is entered twice
            values[place[:-1] + "2"] = text.text
        if self.rng.random() < 0.1:
            values |= dict.fromkeys(form.fields, text.text) | {"csrfmiddlewaretoken": TOKEN}
        if "client_id" in fields and place != "client_id":
            values["client_id"] = self._new_id()
        content_type, body = self.rng.choice(targets.ENCODINGS)(values)
        return self._posted(text, place, form.who, "POST", form.action, content_type, body)

    def _query(self, text: Hostile, fragment: Hostile) -> Shot:
        row = self._row("GET" if self.rng.random() < 0.9 else "POST")
        who = self._someone(row)
        names = [*self._names, "after", "before", "at", "q", "q", "next", "name", "token", "limit"]
        if match := re.match(r"/admin/(\w+/\w+)/", row.path):
            fields = self._models.get(match[1], ["id"])
            lookup = self.rng.choice(fields) + self.rng.choice(["", *LOOKUPS])
            names = [*CHANGELIST, lookup, lookup, lookup, lookup]
        if "autocomplete" in row.path:
            names = ["app_label", "model_name", "field_name", "term"]
        path, place = self._fill(row.path, who), self.rng.choice(names)
        others = {"app_label": "accounts", "model_name": "user", "field_name": "groups"}
        more = others if "autocomplete" in path else {}
        return self._with_query(text, who, row.method, path, place, more)

    def _with_query(
        self, text: Hostile, who: str, method: str, path: str, place: str, fields: dict[str, str]
    ) -> Shot:
        text = text.cut(1200)
        pairs = [*((k, v) for k, v in fields.items() if k != place), (place, text.text)]
        query = "&".join(f"{quote(name)}={percent(value)}" for name, value in pairs)
        return self._shot(text, f"?{place}", who, method, f"{path}?{query}"[:LINE_BYTES])

    def _json(self, text: Hostile, fragment: Hostile) -> Shot:
        row = self._row("POST", "/api/")
        places = [*self._bodies.get(row.path, {}), "client_id", "quote", "", *self._names]
        weights = [*[8] * (len(places) - len(self._names)), *[1] * len(self._names)]
        return self._told(fragment, row=row, place=self.rng.choices(places, weights)[0])

    def _told(self, fragment: Hostile, *, row: Row, place: str) -> Shot:
        """Make an API call with the fragment as one value or, without a place, as its body."""
        who = self._someone(row)
        fragment = fragment.cut(JSON_CHARACTERS if self.rng.random() < 0.97 else len(fragment.text))
        known = self._bodies.get(row.path, {}) | {"client_id": self._new_id()}
        body, path = _object(known, place, fragment), self._fill(row.path, who)
        return self._posted(fragment, place, who, "POST", path, "application/json", body)

    def _upload(self, text: Hostile, fragment: Hostile) -> Shot:
        """Go on with an upload of one's own, with one odd thing."""
        who, upload = self._one_of("friend"), self.rng.choice(UPLOADS)
        ways = ["name", "extra", "extra", "offset", "piece", "piece", "type", "finish", "give up"]
        place = self.rng.choice(ways)
        path = f"/api/uploads/{upload}/"
        if place in ("name", "extra", "finish"):
            kind = self.rng.choice(["picture", "video", "voice", "file"])
            known = {"id": upload, "name": "x.png", "size": len(UPLOAD), "kind": kind}
            known = {} if place == "finish" else known
            body = _object(known, place, fragment.cut(JSON_CHARACTERS))
            target = f"{path}finish/" if place == "finish" else "/api/uploads/"
            return self._posted(fragment, place, who, "POST", target, "application/json", body)
        if place == "give up":
            return self._shot(text, place, who, "DELETE", path)
        text = text.cut(1200)
        odd = text.text.encode("utf-8", "surrogatepass")
        offset = percent(text.text) if place == "offset" else self.rng.choice("00059")
        piece = odd[: self.rng.choice([1, len(UPLOAD), None])] if place == "piece" else UPLOAD
        content_type = targets.wire(text.text) if place == "type" else "application/octet-stream"
        target, headers = f"{path}?offset={offset}", [("Content-Type", content_type)]
        return self._shot(text, place, who, "PUT", target[:LINE_BYTES], headers, piece)

    def _path(self, text: Hostile, fragment: Hostile) -> Shot:
        row = self._row()
        who = self._someone(row)
        text = _with_trail(text.cut(900))
        parts = self._fill(row.path, who).split("/")
        places = [
            n
            for n, part in enumerate(row.path.split("/"))
            if "{" in part or part in ("alice", "ban")
        ]
        number = (
            self.rng.choice(places or [1])
            if self.rng.random() < 0.8
            else self.rng.randrange(1, len(parts))
        )
        parts[number] = percent(text.text)
        path = "/".join(parts)[:LINE_BYTES]
        route = f"{row.method} {route_of(self._fill(row.path, who))}"
        body = (
            targets.urlencoded({"csrfmiddlewaretoken": TOKEN})
            if row.method == "POST"
            else ("", b"")
        )
        headers = [("Content-Type", body[0])] if body[0] else []
        return self._shot(text, f"path {number}", who, row.method, path, headers, body[1], route)

    def _header(self, text: Hostile, fragment: Hostile) -> Shot:
        row = self._row()
        who = self._someone(row)
        name = self.rng.choice(HEADERS)
        if self.rng.random() < 0.4:  # text that looks like a header gets further into the code
            text = self.rng.choice(HEADER_TEXTS)
        text = _with_trail(text.cut(1500))
        method = row.method if self.rng.random() < 0.9 else self.rng.choice(METHODS)
        headers = [(name, targets.wire(text.text)[:LINE_BYTES])]
        return self._shot(text, f"header {name}", who, method, self._fill(row.path, who), headers)

    def _cookie(self, text: Hostile, fragment: Hostile) -> Shot:
        row = self._row()
        name = self.rng.choice(COOKIES)
        text = _with_trail(text.cut(1200))
        value = f"{name}={targets.wire(text.text)[:LINE_BYTES]}; csrftoken={TOKEN}"
        path = self._fill(row.path, "")
        return self._shot(text, f"cookie {name}", "", row.method, path, [("Cookie", value)])

    def _frame(self, text: Hostile, fragment: Hostile) -> Shot:
        kind = self.rng.choice(["send", "send", "read", "typing", "ping"])
        place = self.rng.choice(FRAME_FIELDS if self.rng.random() < 0.9 else [""])
        return self._framed(fragment, kind=kind, place=place)

    def _framed(self, fragment: Hostile, *, kind: str, place: str) -> Shot:
        """Make a frame with the fragment as one value or, without a place, as the frame itself."""
        who = self._one_of(self.rng.choice(["friend", "friend", "friend", "stranger"]))
        known = {"type": kind, "to": "alice", "with": "alice", "text": "hi", "up_to": 1}
        known["client_id"] = self._new_id()
        fragment = fragment.cut(JSON_CHARACTERS if self.rng.random() < 0.97 else len(fragment.text))
        payload = _object(known, place, fragment)
        broken = len(payload) > FRAME_BYTES or not _is_utf8(payload)
        shot = self._shot(
            fragment, place, who, "WS", "/live/", body=frame(payload), route=f"WS {kind}"
        )
        return replace(shot, is_broken=broken)

    def _new_id(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128)))

    def _socket_query(self, text: Hostile, fragment: Hostile) -> Shot:
        who, place = self._one_of("friend"), self.rng.choice(["after", "user", "extra"])
        text = text.cut(1200)
        target = f"/live/?{place}={percent(text.text)}"[:LINE_BYTES]
        return self._shot(text, f"?{place}", who, "WS", target, route="WS open")

    def _broken_frame(self, text: Hostile, fragment: Hostile) -> Shot:
        payload = text.cut(JSON_CHARACTERS).text.encode("utf-8", "surrogatepass")
        ways = broken_frames(payload, self.rng)
        place = self.rng.choice(list(ways))
        who = self._one_of("friend")
        shot = self._shot(text, place, who, "WS", "/live/", body=ways[place], route="WS bytes")
        return replace(shot, is_broken=True)

    def _wire(self, text: Hostile, fragment: Hostile) -> Shot:
        payload = text.cut(LINE_BYTES).text.encode("utf-8", "surrogatepass")
        ways = broken_requests(payload)
        place = self.rng.choice(list(ways))
        shot = self._shot(text, place, "", "RAW", "", body=ways[place], route="RAW")
        return replace(shot, is_broken=True)

    def _posted(
        self,
        text: Hostile,
        place: str,
        who: str,
        method: str,
        path: str,
        content_type: str,
        body: bytes,
    ) -> Shot:
        if self.rng.random() < 0.03:
            content_type = self.rng.choice(CONTENT_TYPES)
        return self._shot(text, place, who, method, path, [("Content-Type", content_type)], body)

    def _shot(
        self,
        text: Hostile,
        place: str,
        who: str,
        method: str,
        target: str,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        route: str = "",
    ) -> Shot:
        route = route or f"{method} {route_of(target)}"
        who = "leaver" if "logout" in target else who
        size = len(text.text)
        return Shot(
            route, place, text.kind, text.recipe, size, who, method, target, headers or [], body
        )


def _object(known: dict[str, Any], place: str, fragment: Hostile) -> bytes:
    """Make a JSON object with the fragment, which need not be JSON, as a value; or that alone."""
    if not place:
        return fragment.text.encode("utf-8", "surrogatepass")
    parts = [f'"{name}": {json.dumps(value)}' for name, value in known.items() if name != place]
    source = "{" + ", ".join([*parts, f'"{place}": {fragment.text}']) + "}"
    return source.encode("utf-8", "surrogatepass")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_trail(text: Hostile) -> Hostile:
    return replace(text, text=text.text.replace(CANARY, TRAIL).replace("x-canary", "x-trail"))
