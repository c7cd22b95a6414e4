"""The API and the socket take any text."""

from __future__ import annotations

import json
from contextlib import suppress
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from chat.sending.drafts import Draft
from tests.cast import Api

from .conftest import texts_of_json


@texts_of_json
def test_the_api_takes_anything_for_a_text(alice, bob, text):
    api = Api(alice)
    client_id = str(uuid4())
    bodies = {
        "conversations/bob/messages/": [
            {"text": text, "client_id": client_id},
            {"text": "hi", "client_id": text},
            {"text": "hi", "client_id": client_id, "quote": text},
        ],
        "conversations/bob/read/": [{"up_to": text}],
        "conversations/bob/pin/": [{"on": text}],
        "friends/requests/": [{"username": text}, {"username": "mallory", "note": text}],
        "friends/bob/remark/": [{"remark": text}],
        "friends/bob/report/": [{"reason": text}],
        "announcements/seen/": [{"up_to": text}],
    }
    for path, of_path in bodies.items():
        for body in of_path:
            answer = api.post(path, **body)
            assert answer.status_code < 500, (path, body.keys())
            assert "error" in answer.json() or answer.status_code < 400
        answer = api.send(path, json.dumps({text: 1}))
        assert answer.status_code < 500, path


JUNK = [
    "[" * 30_000,
    '{"up_to":' * 3_000,
    '{"up_to": 1e999}',
    '{"up_to": -1e999}',
    '{"up_to": NaN}',
    '{"up_to": Infinity}',
    f'{{"up_to": {"9" * 30_000}}}',
    f'{{"up_to": {"9" * 4_000}}}',
    f'{{"up_to": "{"9" * 4_000}"}}',
    f'{{"up_to": 0.{"9" * 30_000}}}',
    '{"up_to": {}}',
    '{"up_to": [1]}',
    '{"up_to": 1, "up_to": "x"}',
    '{"up_to": "\\ud800"}',
    '"\\ud800"',
    '{"\\ud800": "\\ud800"}',
    "null",
    "",
]


@pytest.mark.parametrize("body", JUNK, ids=lambda body: body[:16])
def test_a_body_may_be_anything(alice, bob, body):
    api = Api(alice)
    for path in ("conversations/bob/read/", "conversations/bob/messages/", "friends/requests/"):
        for content in (body, body.encode("utf-16"), body.encode() + b"\xed\xa0\x80"):
            answer = api.send(path, content)
            assert answer.status_code < 500
            assert answer.json()


@texts_of_json
def test_a_frame_may_hold_anything(settings, text):
    client_id = str(uuid4())
    for fields in (
        {"to": text, "text": "hi", "client_id": client_id},
        {"to": "bob", "text": text, "client_id": client_id},
        {"to": "bob", "text": "hi", "client_id": text},
        {"to": "bob", "text": "hi", "client_id": client_id, "quote": text},
    ):
        with suppress(ValidationError):
            Draft.parse(1, **fields)
