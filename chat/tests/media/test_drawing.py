"""Small pictures of large ones look like them, and say nothing else."""

import json
import subprocess
import sys

import pytest

from chat.media import workshop
from chat.media.orders import Box, Kind
from tests.server import ROOT

from .outcomes import content_of, saved

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow, which is not here")

# A child that tells, after its answer, how much memory it has taken.
MEASURED = """
from chat.media import work
work.main()
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def plain(size, color=(200, 30, 30), mode="RGB"):
    return Image.new(mode, size, color)


def preview_of(order):
    with Image.open(order.preview) as preview:
        preview.load()
        return preview


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_measured_and_has_a_preview(order, form):
    given = order(saved(plain((1200, 800)), form))
    found = workshop.process(given)
    assert (found.kind, found.mimetype) == (Kind.PICTURE, f"image/{form.lower()}")
    assert (found.width, found.height, found.has_preview) == (1200, 800, True)
    assert (found.is_clean, found.why) == (True, "")
    assert content_of(found, given)
    preview = preview_of(given)
    assert (preview.format, preview.size) == ("WEBP", (480, 320))
    assert all(abs(a - b) < 9 for a, b in zip(preview.getpixel((9, 9)), (200, 30, 30), strict=True))


def test_a_small_picture_is_not_enlarged(order):
    given = order(saved(plain((3, 2)), "PNG"))
    assert workshop.process(given).has_preview
    assert preview_of(given).size == (3, 2)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (481, 1)])
def test_a_line_has_a_preview_too(order, size):
    given = order(saved(plain(size), "PNG"))
    assert workshop.process(given).has_preview
    assert max(preview_of(given).size) == 480


def test_a_picture_of_several_bands_looks_like_it(order):
    picture = Image.linear_gradient("L").resize((3001, 2503)).rotate(30).convert("RGB")
    given = order(saved(picture, "PNG", compress_level=1))
    workshop.process(given)
    preview = preview_of(given)
    wanted = picture.resize(preview.size, Image.Resampling.LANCZOS)
    ours, theirs = preview.convert("L").tobytes(), wanted.convert("L").tobytes()
    assert preview.size == (480, 400)
    assert sum(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / len(ours) < 2


@pytest.mark.parametrize(("orientation", "corner"), [(1, (5, 5)), (3, (474, 314)), (6, (314, 5))])
def test_a_preview_is_upright(order, orientation, corner):
    picture = plain((1200, 800), (255, 255, 255))
    # Where a phone that is held straight has its top left.
    picture.paste((0, 0, 0), (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    given = order(saved(picture, "JPEG", exif=exif))
    found = workshop.process(given)
    shown = (800, 1200) if orientation == 6 else (1200, 800)
    assert (found.width, found.height) == shown
    assert preview_of(given).convert("L").getpixel(corner) < 60


def test_a_preview_keeps_what_is_transparent(order):
    given = order(saved(plain((900, 900), (0, 0, 255, 0), "RGBA"), "PNG"))
    workshop.process(given)
    assert preview_of(given).getpixel((9, 9))[3] == 0


def test_a_colour_that_stands_for_nothing_is_transparent(order):
    picture = plain((900, 900), 3, "P")
    picture.putpalette(bytes(range(12)))
    given = order(saved(picture, "PNG", transparency=3))
    workshop.process(given)
    assert preview_of(given).getpixel((9, 9))[3] == 0


def test_sixteen_bits_of_grey_are_not_cut_off(order):
    given = order(saved(plain((900, 900), 32768, "I;16"), "PNG"))
    workshop.process(given)
    assert 120 < preview_of(given).convert("L").getpixel((9, 9)) < 136


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_colours_is_drawn(order, mode, progressive):
    picture = Image.radial_gradient("L").resize((900, 600)).convert(mode)
    given = order(saved(picture, "JPEG", progressive=progressive))
    assert workshop.process(given).has_preview
    wanted = picture.resize((480, 320)).convert("L").getpixel((99, 99))
    assert abs(preview_of(given).convert("L").getpixel((99, 99)) - wanted) < 12


def test_an_animation_is_shown_by_its_first_frame(order):
    frames = [plain((600, 600), (200, 30, 30)), plain((600, 600), (0, 0, 250))]
    given = order(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    workshop.process(given)
    preview = preview_of(given)
    assert getattr(preview, "n_frames", 1) == 1
    assert preview.convert("RGB").getpixel((9, 9))[0] > 180


def test_the_colours_of_a_profile_become_those_of_the_web(order):
    """A profile in which red and green have changed their places."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    given = order(saved(plain((900, 600), (200, 30, 30)), "PNG", icc_profile=bytes(profile)))
    workshop.process(given)
    red, green, _blue = preview_of(given).getpixel((9, 9))
    assert red < 90 < 150 < green


def test_a_preview_tells_nothing_but_the_picture(order):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    given = order(saved(plain((900, 600)), "JPEG", icc_profile=profile, comment=b"at home"))
    workshop.process(given)
    assert not {"icc_profile", "exif", "xmp", "comment"} & set(preview_of(given).info)


def test_a_face_is_the_square_that_was_chosen(order):
    picture = plain((1000, 600), (255, 255, 255))
    picture.paste((0, 0, 0), (600, 200, 900, 500))
    given = order(saved(picture, "JPEG"), Kind.FACE, Box(600, 200, 300))
    found = workshop.process(given)
    assert (found.kind, found.mimetype, found.width) == (Kind.FACE, "image/webp", 256)
    assert content_of(found, given)
    with Image.open(given.target) as face:
        assert face.size == (256, 256)
        assert max(face.convert("L").resize((8, 8)).tobytes()) < 40


@pytest.mark.parametrize("box", [None, Box(-50, 900, 5000), Box(0, 0, 0)])
def test_a_face_is_inside_of_its_picture(order, box):
    given = order(saved(plain((300, 200)), "PNG"), Kind.FACE, box)
    assert workshop.process(given).kind is Kind.FACE
    with Image.open(given.target) as face:
        assert face.size == (256, 256)


LARGE = {
    "PNG of four channels": (8192, 8192, "RGBA", "PNG", {"compress_level": 1}, "picture"),
    "PNG of a palette": (8192, 8192, "P", "PNG", {"compress_level": 1}, "picture"),
    "GIF": (8192, 8192, "P", "GIF", {}, "picture"),
    "JPEG": (8192, 8192, "RGB", "JPEG", {"subsampling": 0}, "picture"),
    "progressive JPEG": (
        8192,
        8192,
        "RGB",
        "JPEG",
        {"progressive": True, "subsampling": 2},
        "picture",
    ),
    "progressive JPEG of all colours": (
        8192,
        8192,
        "RGB",
        "JPEG",
        {"progressive": True, "subsampling": 0},
        "file",
    ),
    "WebP": (4096, 4096, "RGB", "WEBP", {"method": 0}, "picture"),
    "large WebP": (8192, 8192, "RGB", "WEBP", {"method": 0}, "file"),
}


@pytest.mark.parametrize("name", LARGE)
def test_64_megapixels_take_less_than_350_megabytes(order, name):
    width, height, mode, form, how, kind = LARGE[name]
    given = order(saved(Image.new(mode, (width, height)), form, **how))
    command = [sys.executable, "-c", MEASURED]
    line = workshop._line(given, 60)
    told = subprocess.run(command, input=line, capture_output=True, cwd=ROOT, check=True).stdout
    *_, answer, _end, kilobytes = told.split(b"\n")[:-1]
    found = json.loads(answer)
    assert (found["kind"], found["why"]) == (kind, "" if kind == "picture" else "too_large")
    assert int(kilobytes) * 1024 < 350_000_000
