"""Pictures that were made to do harm cost one short process, and harm nobody after it."""

import struct
import zlib
from pathlib import Path

import pytest

from chat.media import workshop
from chat.media.orders import Kind

from .outcomes import content_of, is_a_clean_file, is_left_as_a_file
from .pictures import chunk
from .samples import GPS, MAKER, SAMPLES, gif, photo, png, secrets, webp

pytest.importorskip("PIL.Image", reason="pictures need Pillow, which is not here")

SCRIPT = b"*/=1;alert(document.cookie)//<html><script>alert(1)</script>" * 50
ARCHIVE = b"PK\3\4" + b"homework.exe" * 50 + b"PK\5\6" + bytes(18)


def png_of(width, height):
    """Make a picture of any size in few bytes, which lacks most of its rows."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    text = chunk(b"tEXt", b"Software\0" + MAKER)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + text + data + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "mimetype"),
    [
        pytest.param(png_of(30_000, 30_000), "image/png", id="PNG"),
        pytest.param(photo(size=(30_000, 30_000)), "image/jpeg", id="JPEG"),
        pytest.param(webp(size=(16_384, 16_384)), "image/webp", id="WebP"),
        pytest.param(gif(frames=5000), "image/gif", id="5,000 frames of GIF"),
        pytest.param(png(frames=5000), "image/png", id="5,000 frames of PNG"),
        pytest.param(webp(frames=5000), "image/webp", id="5,000 frames of WebP"),
    ],
)
def test_a_bomb_is_a_clean_file_that_nobody_decodes(order, asked, content, mimetype):
    given = order(content)
    assert is_a_clean_file(workshop.process(given), given, mimetype, why="too_large")
    assert len(asked) == 1


def test_a_picture_that_cannot_be_decoded_is_a_clean_file(order, asked):
    given = order(png_of(30_000, 20))
    assert is_a_clean_file(workshop.process(given), given, "image/png")
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["photo", "PNG", "GIF", "WebP"])
def test_what_is_cut_off_is_left_as_a_file(order, asked, name):
    sample = SAMPLES[name]
    end = sample.data.rindex(sample.media[0]) + len(sample.media[0]) // 2
    given = order(sample.data[:end])
    assert is_left_as_a_file(workshop.process(given), given)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", [Kind.PICTURE, Kind.FILE])
@pytest.mark.parametrize("tail", [SCRIPT, ARCHIVE], ids=["a page", "an archive"])
@pytest.mark.parametrize("make", [gif, photo, png, webp])
def test_what_is_behind_a_picture_does_not_survive(order, asked, make, tail, kind):
    given = order(make() + tail, kind)
    found = workshop.process(given)
    assert (found.kind, found.why) == (kind, "")
    content = content_of(found, given)
    assert found.is_clean
    assert not any(word in content for word in (*secrets(), b"script", b"alert", b"PK"))
    assert len(asked) == 1


def test_a_script_in_a_comment_does_not_survive(order):
    """GIF89a is a name in JavaScript, and its size the beginning of a comment."""
    start = b"GIF89a" + b"/*\3\0"
    given = order(start + gif()[10:].replace(MAKER, b"*/=1;alert(1)", 1))
    assert b"alert" in Path(given.source).read_bytes()
    found = workshop.process(given)
    assert b"alert" not in content_of(found, given)


def test_a_page_that_begins_as_a_picture_is_left_as_a_file(order):
    given = order(b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>")
    assert is_left_as_a_file(workshop.process(given), given)


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>"])
def test_what_is_no_picture_is_left_as_a_file(order, asked, content):
    given = order(content)
    assert is_left_as_a_file(workshop.process(given), given)
    assert len(asked) == 1


def test_the_premise_of_these_tests():
    """The samples say where they were made; clean files are asked for it."""
    for make in (gif, photo, png, webp):
        assert any(word in make(gps=GPS) for word in secrets())
