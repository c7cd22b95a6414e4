"""Whatever a file holds and is called, it never runs in our origin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Attachment, Report
from chat.models.rows import PICTURES as PICTURE_TYPES
from tests.cast import Api

from .cast import ready, send
from .disguises import PICTURES, PLAIN
from .test_uploads import Uploading

NAMES = ("x.png", "x.svg", "x.html", "图.xhtml", "x.pdf", "x.mhtml", "x.js", "x")
POLICY = {"default-src 'none'", "frame-ancestors 'none'", "sandbox"}


def harmless(response) -> None:
    """Check what keeps a browser from taking an answer for a page, a script or a style."""
    assert response.status_code == 200
    assert {each.strip() for each in response["Content-Security-Policy"].split(";")} == POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Service-Worker-Allowed" not in response
    assert "charset" not in response["Content-Type"]


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def sent(alice, content: bytes, kind: str, name: str) -> tuple[Client, str]:
    """Send a file as a client does, and return bob's session and its address."""
    one = Uploading(alice, content, kind, name)
    one.whole()
    address = send(alice, upload=one.id).json()["message"]["attachment"]["url"]
    client = Client()
    client.force_login(Attachment.objects.get().conversation.high)
    return client, address


@pytest.mark.parametrize("what", PLAIN)
def test_what_is_no_picture_is_saved_whatever_it_is_called(alice, bob, what):
    number = list(PLAIN).index(what)
    kind = ("picture", "video", "voice", "file")[number % 4]
    client, url = sent(alice, PLAIN[what], kind, NAMES[number % len(NAMES)])
    response = client.get(url)
    harmless(response)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert body(response) == PLAIN[what], "it is saved as it is"
    assert client.get(f"{url}preview/").status_code == 404


@pytest.mark.parametrize("kind", ["picture", "file"])
@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_is_one_whatever_it_is_called_and_holds_nothing_else(alice, bob, what, kind):
    client, url = sent(alice, PICTURES[what], kind, "x.svg")
    response = client.get(url)
    harmless(response)
    if kind == "picture" and Attachment.objects.get().kind == "picture":
        assert response["Content-Type"] in PICTURE_TYPES
        harmless(client.get(f"{url}preview/"))
        assert client.get(f"{url}preview/")["Content-Type"] == "image/webp"
    else:
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment;")
    content = body(response)
    for word in (b"<script", b"top.ran", b"PK\x03\x04"):
        assert word not in content


def test_most_of_these_pictures_are_shown(alice, bob):
    """Else the test above shows nothing."""
    found = []
    for content in PICTURES.values():
        one = Uploading(alice, content, "picture", "x.svg")
        found.append(one.whole()["kind"])
    assert found.count("picture") >= len(PICTURES) - 1


@pytest.mark.parametrize("mimetype", ["image/png", "image/svg+xml", "text/html"])
@pytest.mark.parametrize("content", [PLAIN["svg"], PLAIN["html after the mark of a GIF"]])
def test_an_imported_file_that_lies_about_its_type(alice, bob, content, mimetype):
    upload = ready(alice, content, sha256="", mimetype=mimetype, name="x.png", preview=False)
    answer = send(alice, upload=upload.client_id).json()["message"]["attachment"]
    client = Client()
    client.force_login(bob)
    response = client.get(answer["url"])
    harmless(response)
    shown = response["Content-Type"]
    # The mark of a GIF is all that is known of it; with `nosniff` it is a broken picture.
    allowed = {"application/octet-stream"} | ({"image/gif"} if content[:3] == b"GIF" else set())
    assert shown in allowed


def test_the_evidence_of_a_report_runs_no_more_than_the_file(alice, bob):
    client, _url = sent(alice, PLAIN["html"], "file", "x.html")
    message = Attachment.objects.get().message_id
    assert Api(bob).post(f"messages/{message}/report/", reason="x").status_code == 201
    client.force_login(User.objects.create_superuser("boss"))
    response = client.get(f"/admin/chat/report/{Report.objects.get().pk}/file/")
    harmless(response)
    assert response["Content-Disposition"].startswith("attachment;")
