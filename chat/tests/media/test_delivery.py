"""The files of messages as browsers ask for them: in part, again, and by name."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.models import User
from chat.delivery import LONG_BYTES
from chat.models import Attachment, Message
from friends import services
from tests.cast import Api, befriend

from .cast import PREVIEW, ready, send

CONTENT = bytes(range(256)) * 4
TAG = re.compile(r'"[0-9a-f]{32}"')


def sent(sender: User, content: bytes = CONTENT, **facts) -> str:
    """Let somebody send bob or alice a file, and return its address."""
    upload = ready(sender, content, **facts)
    to = "bob" if sender.username == "alice" else "alice"
    answer = send(sender, to, upload=upload.client_id)
    assert answer.status_code == 201, answer.content
    return answer.json()["message"]["attachment"]["url"]


def of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def film(alice, bob) -> str:
    return sent(bob, kind="video", mimetype="video/mp4", name="海边.mp4")


# In part


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1),
        ("bytes=0-0", 0, 0),
        ("bytes=100-", 100, 1023),
        ("bytes=0-", 0, 1023),
        ("bytes=-500", 524, 1023),
        ("bytes=-99999", 0, 1023),
        ("bytes=1000-99999", 1000, 1023),
        ("bytes=1023-1023", 1023, 1023),
        ("BYTES=5-6", 5, 6),
    ],
)
def test_one_range_is_sent_and_nothing_else(alice, film, asked, first, last):
    response = of(alice).get(film, headers={"range": asked})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/1024"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]
    assert response["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    "asked", ["bytes=1024-", "bytes=9999-10000", "bytes=-0", f"bytes={9**80}-"]
)
def test_what_is_behind_the_end_cannot_be_sent(alice, film, asked):
    response = of(alice).get(film, headers={"range": asked})
    assert (response.status_code, body(response)) == (416, b"")
    assert response["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "bytes=a-b",
        "bytes=0x1-5",
        "bytes=-1-5",
        "bytes=١-٢",
        "items=0-5",
        "bytes=0-1 5",
        "bytes=" + "0" * 200 + "-5",
    ],
)
def test_of_several_ranges_or_nonsense_all_is_sent(alice, film, asked):
    response = of(alice).get(film, headers={"range": asked.encode().decode("latin-1")})
    assert response.status_code == 200
    assert response["Accept-Ranges"] == "bytes"
    assert not response.has_header("Content-Range")
    assert body(response) == CONTENT


def test_a_download_goes_on_only_with_the_same_file(alice, film):
    client = of(alice)
    tag = client.get(film)["ETag"]
    assert TAG.fullmatch(tag)
    for condition, status in (
        (tag, 206),
        ('"another"', 200),
        (f"W/{tag}", 200),
        ("Wed, 21 Oct 2025 07:28:00 GMT", 200),
    ):
        response = client.get(film, headers={"range": "bytes=9-", "if-range": condition})
        assert response.status_code == status, condition


def test_head_says_what_get_would_and_knows_no_ranges(alice, film):
    for headers in ({}, {"range": "bytes=0-1"}, {"range": "bytes=5000-"}):
        response = of(alice).head(film, headers=headers)
        assert response.status_code == 200
        assert response["Content-Length"] == "1024"
        assert response["Accept-Ranges"] == "bytes"
        assert TAG.fullmatch(response["ETag"])


def test_an_empty_file_is_sent(alice, bob):
    url = sent(bob, b"x", kind="file", mimetype="text/plain")
    Attachment.objects.get().path.write_bytes(b"")
    response = of(alice).get(url)
    assert (response["Content-Length"], body(response)) == ("0", b"")
    assert of(alice).get(url, headers={"range": "bytes=0-1"}).status_code == 416


def test_only_what_is_long_waits_for_a_place(alice, bob):
    url = sent(bob, bytes(LONG_BYTES + 1), kind="file", mimetype="text/plain")
    for asked, is_long in (
        ("", True),
        ("bytes=0-", True),
        ("bytes=0-1", False),
        ("bytes=1-", False),
    ):
        response = of(alice).get(url, headers={"range": asked})
        assert ("webchat.is_download" in response.wsgi_request.META) == is_long, asked
        body(response)


# Again


@pytest.mark.parametrize("which", ["", "preview/"])
def test_what_a_browser_has_is_not_sent_again(alice, bob, film, which):
    client = of(alice)
    first = client.get(film + which)
    tag = first["ETag"]
    for asked in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        for headers in ({}, {"range": "bytes=0-1"}):
            again = client.get(film + which, headers={"if-none-match": asked} | headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again["ETag"] == tag
            assert again["Cache-Control"] == first["Cache-Control"] == "private, no-cache"
    assert client.get(film + which, headers={"if-none-match": '"x"'}).status_code == 200
    assert client.get(film + which, headers={"if-match": '"x"'}).status_code == 412


def test_every_file_and_its_preview_have_a_tag_of_their_own(alice, bob):
    urls = [sent(bob, b"one"), sent(bob, b"another"), sent(bob, b"old", sha256="", preview=False)]
    tags = [of(alice).get(url)["ETag"] for url in urls]
    tags += [of(alice).get(f"{url}preview/")["ETag"] for url in urls[:2]]
    assert len(set(tags)) == 5
    assert tags[2] == of(bob).get(urls[2])["ETag"], "it is known by its name"
    assert not any(each.sha256 in tags[0] for each in Attachment.objects.exclude(sha256=""))


def test_a_browser_may_keep_it_but_not_at_a_public_computer(alice, film):
    client = of(alice)
    session = client.session
    session.set_expiry(0)
    session.save()
    for url in (film, f"{film}preview/"):
        assert "no-store" in client.get(url)["Cache-Control"]
        assert of(alice).get(url)["Cache-Control"] == "private, no-cache"


# Who has it


@pytest.mark.parametrize("which", ["", "preview/"])
@pytest.mark.parametrize(
    "gone", ["recalled_at", "removed_at", "hidden", "parted", "stranger", "logged out", "banned"]
)
def test_it_is_asked_each_time_also_for_a_part_and_for_what_is_kept(
    alice, bob, mallory, film, which, gone
):
    client, url = of(alice), film + which
    tag = client.get(url)["ETag"]
    pk = Message.objects.get().pk
    if gone == "hidden":
        assert Api(alice).post(f"messages/{pk}/hide/").status_code == 200
        assert of(bob).get(url).status_code == 200, "to the other side it is there"
    elif gone == "parted":
        services.remove(friendship=alice.friendships.get(friend=bob))
    elif gone == "stranger":
        befriend(mallory, alice)
        client = of(mallory)
    elif gone == "logged out":
        client.logout()
    elif gone == "banned":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    else:
        message = Message.objects.get()
        Message.objects.filter(pk=pk).update(**{gone: message.sent_at})
    for headers in ({}, {"range": "bytes=0-1"}, {"if-none-match": tag}, {"if-none-match": "*"}):
        response = client.get(url, headers=headers)
        if gone in ("logged out", "banned"):
            assert response.status_code == 302
            assert response["Location"].startswith("/login/")
        else:
            assert response.status_code == 404
            assert "no-store" in response["Cache-Control"]
        assert not response.has_header("ETag")


def test_a_file_without_a_preview_has_none(alice, bob):
    url = sent(bob, preview=False)
    assert of(alice).get(f"{url}preview/").status_code == 404
    assert of(alice).get(url).status_code == 200


def test_a_preview_is_a_small_picture_of_the_same_message(alice, film):
    response = of(alice).get(f"{film}preview/")
    assert (response["Content-Type"], body(response)) == ("image/webp", PREVIEW)
    assert response["Content-Disposition"].endswith(unquote_proof("海边.webp"))
    Attachment.objects.get().preview_path.unlink()
    assert of(alice).get(f"{film}preview/").status_code == 404


def unquote_proof(name: str) -> str:
    return "".join(f"%{byte:02X}" if byte > 127 else chr(byte) for byte in name.encode())


# What it may do


@pytest.mark.parametrize(
    ("kind", "mimetype", "is_shown"),
    [
        *(("picture", f"image/{each}", True) for each in ("png", "jpeg", "gif", "webp")),
        *(("video", f"video/{each}", True) for each in ("mp4", "quicktime", "webm")),
        *(("voice", f"audio/{each}", True) for each in ("mp4", "webm", "ogg", "mpeg", "wav")),
        ("picture", "image/svg+xml", False),
        ("picture", "text/html", False),
        ("video", "image/png", False),
        ("video", "text/html", False),
        ("file", "image/png", False),
        ("file", "video/mp4", False),
        ("file", "application/pdf", False),
        ("file", "text/html", False),
    ],
)
def test_only_pictures_films_and_voices_are_shown(alice, bob, kind, mimetype, is_shown):
    response = of(alice).get(sent(bob, kind=kind, mimetype=mimetype, name="a.html"))
    assert response["Content-Type"] == (mimetype if is_shown else "application/octet-stream")
    how = "inline" if is_shown else "attachment"
    assert response["Content-Disposition"] == f'{how}; filename="a.html"'


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-1"}, {"accept-encoding": "gzip"}])
@pytest.mark.parametrize("which", ["", "preview/"])
def test_opened_as_a_page_it_runs_nothing(alice, film, headers, which):
    response = of(alice).get(film + which, headers=headers)
    policy = response["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert policy[-1] == ("sandbox" if which else "sandbox allow-same-origin")
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert not response.has_header("Content-Encoding")


@pytest.mark.parametrize(
    ("name", "plain", "whole"),
    [
        ("report 1.pdf", "report 1.pdf", None),
        ("报告.pdf", "__.pdf", "报告.pdf"),
        ("👩‍👩‍👧.png", None, "👩‍👩‍👧.png"),
        ('a"b.txt', "a_b.txt", 'a"b.txt'),
        ("100%41.txt", "100_41.txt", "100%41.txt"),
        ("a;b='c'*.txt", "a_b=_c__.txt", "a;b='c'*.txt"),
        ("a\x00b\x1f\x7fc\x85d.txt", "ab c d.txt", None),
        ("photo\u202egnp.exe", "photognp.exe", None),
        ("..\\..\\evil.exe", "evil.exe", None),
        ("../../etc/passwd", "passwd", None),
        ("a\r\nSet-Cookie: x=1; b.html", "a Set-Cookie_ x=1_ b.html", "a Set-Cookie: x=1; b.html"),
        ("长" * 251 + ".png", "_" * 83 + ".png", "长" * 83 + ".png"),
    ],
)
def test_the_name_is_that_of_its_sender_for_every_browser(alice, bob, name, plain, whole):
    url = sent(bob, kind="file", mimetype="text/plain")
    Attachment.objects.update(name=name)
    header = of(alice).get(url)["Content-Disposition"]
    assert header.isascii()
    assert header.isprintable()
    found = re.fullmatch(
        r"attachment; filename=\"([^\"\\%]*)\"(?:; filename\*=UTF-8''(.*))?", header
    )
    assert found, header
    assert plain in (None, found[1])
    if whole is None:
        assert found[2] is None
    else:
        assert unquote(found[2]) == whole
        assert re.fullmatch(r"(%[0-9A-F]{2}|[A-Za-z0-9!#$&+.^_`|~-])*", found[2]), "RFC 8187"
