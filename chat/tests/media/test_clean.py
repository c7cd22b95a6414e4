"""A clean copy has every pixel and sample, and names no place and no device."""

import io
import struct
import zlib

import pytest

from chat.media.clean import Kind, UnreadableError, clean, look, tells_maybe_place

from . import films, pictures
from .samples import GPS, MAKER, SAMPLES, film, gif, ogg, photo, png, secrets, wav, webm, webp

every_sample = pytest.mark.parametrize("name", SAMPLES)


def cleaned(data):
    """Clean some bytes; give the facts and the copy."""
    target = io.BytesIO()
    facts = clean(io.BytesIO(data), target)
    return facts, target.getvalue()


def refused(data):
    """Tell whether some bytes cannot be cleaned, and that nothing was written then."""
    target = io.BytesIO()
    try:
        clean(io.BytesIO(data), target)
    except UnreadableError:
        return target.getvalue() == b""
    return False


@every_sample
def test_no_secret_is_left(name):
    data = SAMPLES[name].data
    assert any(word in data for word in secrets())  # else this would prove nothing
    copy = cleaned(data)[1]
    assert [word for word in secrets() if word in copy] == []


@every_sample
def test_the_facts_are_right(name):
    sample = SAMPLES[name]
    facts, _ = cleaned(sample.data)
    assert facts.mimetype == sample.mimetype == look(io.BytesIO(sample.data))
    assert (facts.width, facts.height) == sample.size
    assert facts.duration == pytest.approx(sample.duration)
    assert (facts.frames, facts.orientation) == (sample.frames, sample.orientation)


@every_sample
def test_pixels_and_samples_stay_as_they_are(name):
    sample = SAMPLES[name]
    copy = cleaned(sample.data)[1]
    for part in sample.media:
        assert copy.count(part) == sample.data.count(part) > 0


@every_sample
def test_a_copy_has_the_same_facts_and_cleaning_it_changes_nothing(name):
    facts, copy = cleaned(SAMPLES[name].data)
    assert cleaned(copy) == (facts, copy)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("make", "mark"), [(photo, b"Exif"), (png, b"eXIf"), (webp, b"EXIF")])
def test_every_orientation_stays(make, mark, orientation):
    facts, copy = cleaned(make(orientation=orientation))
    assert facts.orientation == orientation == cleaned(copy)[0].orientation
    assert (facts.width, facts.height) == ((3, 2) if orientation < 5 else (2, 3))
    assert (mark in copy) is (orientation != 1)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation):
    facts, copy = cleaned(photo(orientation=orientation))
    assert facts.orientation == 1
    assert b"Exif" not in copy


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (320, 240)), (3, (320, 240)), (8, (240, 320))]
)
def test_a_film_knows_how_it_is_turned(orientation, size):
    facts, _ = cleaned(film(orientation=orientation))
    assert (facts.orientation, (facts.width, facts.height)) == (orientation, size)


def test_a_film_keeps_every_byte_in_its_place():
    data = film(gps=GPS, first=False)
    copy = cleaned(data)[1]
    assert len(copy) == len(data)
    for part in (films.PICTURE, films.SOUND, b"mdat", b"stco", b"co64", b"avcC", b"esds"):
        assert copy.find(part) in {data.find(part), -1}
    assert copy.count(b"trak") == 2  # of three: that of the places is room now


def test_a_film_whose_last_box_goes_to_the_end():
    data = film(gps=None)
    at = data.index(b"mdat") - 4
    data = data[:at] + bytes(4) + data[at + 4 :]
    assert cleaned(data)[1][at:] == data[at:]


def test_webm_tells_no_date_and_keeps_every_byte_in_its_place():
    data = webm()
    copy = cleaned(data)[1]
    assert films.DATE in data
    assert films.DATE not in copy
    for program in films.PROGRAMS:  # which must be there
        assert films.element(program, bytes(len(MAKER))) in copy
    assert len(copy) == len(data)
    assert copy.index(films.SOUND) == data.index(films.SOUND)


def test_a_sound_of_webm_in_one_cluster_keeps_its_tail():
    copy = cleaned(webm(live=True))[1]
    assert copy.count(films.SOUND) == copy.count(films.PICTURE) == 2


def test_a_jpeg_loses_its_thumbnail_and_keeps_its_colours():
    copy = cleaned(photo())[1]
    assert copy.startswith(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xe1")
    assert b"Adobe\0\x64\0\0\0\0\0" in copy
    assert b"ICC_PROFILE\0\1\1sRGB-like" in copy


@pytest.mark.parametrize("size", [1, 65534, 65535, 65536, 65537, 200_000])
def test_a_scan_with_restarts_is_copied_whole(size):
    """Whatever piece of it a marker is in, or between."""
    scan = b"\xff\0" + b"\1" * size + b"\xff\xd0\xff\xd7\xff\0\xff"
    copy = cleaned(photo(scan=scan))[1]
    assert copy.endswith(pictures.pixels_of_photo() + scan + b"\xff\xd9")


def test_a_jpeg_of_several_scans_is_copied_without_what_is_between_them():
    second = pictures.segment(0xFE, MAKER) + pictures.segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x11"
    copy = cleaned(photo(scan=second))[1]
    assert copy.endswith(b"\x5f" + second[len(MAKER) + 4 :] + b"\xff\xd9")


def test_the_sums_of_a_png_are_right():
    copy = cleaned(png())[1]
    at = 8
    while at < len(copy):
        (length,) = struct.unpack_from(">I", copy, at)
        body = copy[at + 4 : at + 8 + length]
        assert struct.unpack_from(">I", copy, at + 8 + length)[0] == zlib.crc32(body)
        at += length + 12
    assert at == len(copy)


@pytest.mark.parametrize("make", [webp, wav])
def test_the_lengths_of_a_riff_are_right(make):
    copy = cleaned(make())[1]
    assert struct.unpack_from("<I", copy, 4)[0] == len(copy) - 8
    assert len(copy) % 2 == 0


@pytest.mark.parametrize(("orientation", "flags"), [(6, 0x28), (1, 0x20)])
def test_the_flags_of_a_webp_say_what_is_there(orientation, flags):
    assert cleaned(webp(orientation=orientation))[1][20] == flags


def test_the_sums_of_an_ogg_are_right():
    copy = cleaned(ogg(comment=MAKER * 100))[1]
    assert copy.count(b"OggS") > 5
    for page in copy.split(b"OggS")[1:]:
        page = b"OggS" + page
        assert films.ogg_sum(page[:22] + bytes(4) + page[26:]).to_bytes(4, "little") == page[22:26]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"text",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"PK\3\4",
        b"MZ",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
        b"II*\0\x08\0\0\0",
        films.element(0x1A45DFA3, films.element(0x4282, b"matroska")),
        b"\xff\xfbtext",
        b"GIF88a",
    ],
)
def test_nothing_else_is_looked_at_or_cleaned(data):
    assert look(io.BytesIO(data)) is None
    assert refused(data)


def test_a_name_is_no_kind():
    assert {str(kind) for kind in Kind} == {sample.mimetype for sample in SAMPLES.values()}


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", True),
        (b"II*\0\x08\0\0\0", True),
        (b"MM\0*\0\0\0\x08", True),
        (b"FUJIFILMCCD-RAW 0201", True),
        (b"%PDF-1.7", True),
        (b"PK\3\4" + bytes(26) + b"[Content_Types].xml", True),
        (b"PK\3\4" + bytes(26) + b"homework.py", False),
        (b"print('hello')", False),
        (b"", False),
    ],
)
def test_what_goes_as_it_is_may_tell_a_place(head, answer):
    assert tells_maybe_place(head) is answer


def test_a_thousand_frames_are_not_too_many():
    for make in (gif, png, webp):
        for frames in (1000, 1001):
            facts, copy = cleaned(make(frames=frames))
            assert (facts.frames, facts.is_too_large) == (frames, frames > 1000)
            assert MAKER not in copy


@pytest.mark.parametrize("size", range(65532, 65538))
def test_the_end_of_a_scan_is_found_between_two_pieces(size):
    copy = cleaned(photo(scan=b"\1" * size))[1]
    assert copy.endswith(b"\1" * size + b"\xff\xd9")
    assert MAKER not in copy


def test_a_png_with_a_wrong_sum_is_refused():
    data = bytearray(png())
    data[data.index(b"IDAT") + 6] ^= 1
    assert refused(data)


CONTROL = b"\x21\xf9\4\4\x0a\0\0\0"


def test_the_control_of_a_text_goes_with_it():
    data = gif(frames=2).replace(CONTROL, b"")
    assert b"\x21\xf9\4" in data  # that of the text before the frames
    copy = cleaned(data)[1]
    assert copy.count(pictures.GIF_PIXELS) == 2
    assert b"\x21\xf9" not in copy


def test_a_control_is_for_one_frame():
    frame = CONTROL + pictures.GIF_PIXELS
    assert cleaned(gif(frames=2))[1].count(frame) == 2
    copy = cleaned(gif(frames=2).replace(frame * 2, frame + pictures.GIF_PIXELS))[1]
    assert copy.count(pictures.GIF_PIXELS) == 2
    assert copy.count(b"\x21\xf9") == 1


def test_the_codec_of_a_sound_stays_as_it_is():
    assert films.sound_entry() in film()
    assert films.sound_entry() in cleaned(film())[1]
