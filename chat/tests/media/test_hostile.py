"""Whatever a file says, its cleaning ends, stays small, and does not fail in another way."""

import io
import random
import tracemalloc

import pytest

from chat.media.clean import Kind, UnreadableError, clean, look
from chat.media.clean.reading import Reader

from . import films, pictures
from .samples import SAMPLES, film, fragmented, gif, mp3, ogg, photo, png, wav, webm, webp
from .test_clean import cleaned, refused

ROUNDS = 60  # of each way to break a file, for each sample


def survives(data):
    """Clean some bytes, and check all that must be so of any."""
    target = io.BytesIO()
    try:
        facts = clean(io.BytesIO(data), target)
    except UnreadableError:
        assert target.getvalue() == b""
        return False
    copy = target.getvalue()
    assert len(copy) <= len(data) + 1024
    assert cleaned(copy) == (facts, copy)
    return True


@pytest.mark.parametrize("name", SAMPLES)
def test_a_broken_file_is_refused_or_cleaned(name):
    chance = random.Random(name)
    data = SAMPLES[name].data
    for _ in range(ROUNDS):
        survives(data[: chance.randrange(len(data))])
        flipped = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        survives(flipped)
        lying = bytearray(data)
        at = chance.randrange(len(data))
        lying[at : at + 4] = chance.choice(
            (b"\xff" * 4, bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff")
        )
        survives(lying)
        at, length = chance.randrange(len(data)), chance.randrange(200)
        survives(data[:at] + data[at : at + length] * 2 + data[at + length :])


@pytest.mark.parametrize("name", [name for name in SAMPLES if "WebM" not in name])
def test_a_file_that_ends_too_early_is_refused(name):
    """Of WebM, a recording that is cut is a recording: it has no length."""
    sample = SAMPLES[name]
    end = sample.data.rindex(sample.media[-1]) + len(sample.media[-1])
    for length in range(1, end - 1, 7):
        assert refused(sample.data[:length]) or is_cut_between_fragments(name, length)


def is_cut_between_fragments(name, length):
    """Tell whether what is left of a recording is one, too."""
    data = SAMPLES[name].data[:length]
    whole = (b"sound of Safari", b"Ogg", b"MP3")
    return any(name.startswith(each.decode()) for each in whole) and survives(data)


@pytest.mark.parametrize(
    "data",
    [
        photo(size=(30_000, 30_000)),
        png(size=(9000, 9000)),
        webp(size=(16384, 16384)),
        film(size=(30_000, 30_000)),
        gif(frames=1).replace(b"\x2c\0\0\0\0\3\0\2\0", b"\x2c\0\0\0\0\0\xff\0\xff"),
        # Of a canvas of 3 × 2.
        webp(frames=1, size=(16384, 16384)).replace(b"\xff\x3f\0" * 2, b"\2\0\0\1\0\0", 1),
    ],
)
def test_a_bomb_is_cleaned_and_said_to_be_one(data):
    assert survives(data)
    assert cleaned(data)[0].is_too_large


@pytest.mark.parametrize("size", [(0, 2), (2, 0)])
def test_a_picture_without_pixels_is_refused(size):
    assert refused(photo(size=size))


def test_a_jpeg_of_many_scans_is_refused():
    scan = pictures.segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x5f"
    assert survives(photo(scan=scan * 99))
    assert refused(photo(scan=scan * 100))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xd8" + b"\xff" * 500_000, id="fill"),
        pytest.param(b"\xff\xd8" + b"\xff\xfe\0\2" * 200_000, id="comments"),
        pytest.param(png()[:33] + pictures.chunk(b"prVt", b"") * 200_000, id="chunks"),
        pytest.param(b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * 200_000 + b"\x3b", id="extensions"),
        pytest.param(pictures.riff(b"RIFF", b"WEBP" + b"abcd\0\0\0\0" * 50_000), id="riff"),
        pytest.param(films.box(b"ftyp", b"isom") + films.box(b"free") * 200_000, id="boxes"),
        pytest.param(webm()[:60] + b"\xec\x80" * 1_100_000, id="elements"),
    ],
)
def test_a_million_little_things_are_refused(data):
    assert refused(data)


class Forward(io.BytesIO):
    """A file that is never read as a whole."""

    def read(self, size=-1):
        assert size >= 0
        return super().read(size)


@pytest.mark.parametrize("go", [Reader.take, Reader.skip])
@pytest.mark.parametrize("length", [-1, -3, 4])
def test_a_length_leads_neither_back_nor_beyond_the_end(go, length):
    file = Reader(Forward(b"abc"))
    with pytest.raises(UnreadableError):
        go(file, length)
    assert file.position == 0


def test_boxes_in_boxes_without_end():
    data = b""
    for _ in range(5000):
        data = films.box(b"moov", data)
    assert refused(films.box(b"ftyp", b"isom") + data)


def test_places_in_fragments_are_refused():
    assert survives(with_fragments(film(gps=None)))
    assert refused(with_fragments(film()))


def with_fragments(data):
    """Add a fragment to a film."""
    other = fragmented()
    return data + other[other.index(b"moof") - 4 :]


def test_samples_elsewhere_are_refused():
    """A track of places that lies about them would make the copy keep them."""
    data = film()
    at = data.rindex(b"co64") + 12
    assert refused(data[:at] + bytes(7) + b"\x20" + data[at + 8 :])


def test_media_in_another_file_is_refused():
    assert refused(film().replace(b"url \0\0\0\1", b"url \0\0\0\0", 1))


@pytest.mark.parametrize("make", [photo, png, gif, webp, wav, mp3])
def test_what_is_behind_a_file_is_no_part_of_it(make):
    page = b"<script>alert(1)</script>" * 100
    if make is not mp3:
        assert page not in cleaned(make() + page)[1]
    else:
        assert refused(make() + page)


def test_ogg_of_two_streams_is_refused():
    first = ogg()[: ogg().index(b"behind it")]
    assert survives(first + ogg())  # behind the last page, so left out
    page = first[: first.index(b"OggS", 1)]
    assert refused(page + ogg())


LARGE = 30 * 1024 * 1024


def large_photo():
    return photo(scan=b"\1" * LARGE)


def large_film():
    return film() + films.box(b"mdat", bytes(LARGE))


def large_png():
    data = png()
    at = data.index(b"IDAT") - 4
    return data[:at] + pictures.chunk(b"IDAT", bytes(LARGE)) + data[at:]


def large_gif():
    data = gif(frames=1)
    at = data.index(pictures.GIF_PIXELS) + 11
    return data[:at] + (b"\xff" + b"\1" * 255) * (LARGE // 256 + 1) + data[at:]


def large_wav():
    return pictures.riff(
        b"RIFF", wav()[8 : wav().index(b"data")] + pictures.riff(b"data", bytes(LARGE))
    )


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (Kind.JPEG, large_photo),
        (Kind.PNG, large_png),
        (Kind.GIF, large_gif),
        (Kind.QUICKTIME, large_film),
        (Kind.WAV, large_wav),
    ],
)
def test_a_large_file_is_never_in_memory(kind, make, tmp_path):
    path = tmp_path / "source"
    path.write_bytes(make())
    with path.open("rb") as source, (tmp_path / "target").open("wb") as target:
        tracemalloc.start()
        try:
            assert look(source) == kind
            clean(source, target)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (tmp_path / "target").stat().st_size >= LARGE
    assert peak < 1024 * 1024
