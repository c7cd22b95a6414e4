"""Small pictures from large ones: previews, and profile pictures.

A picture that a stranger has sent is decoded here, so this runs in a process of its own
(`work.py`), and only there. Pillow is asked for one format, the one that the file was found to
have, and a picture is in memory once as a whole: what is made of it comes band by band.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import BinaryIO

# WebP's writer is loaded here, because Pillow would load those of all formats to find it.
from PIL import Image, WebPImagePlugin  # noqa: F401

from .clean.facts import MAX_PIXELS, Facts, Kind
from .orders import Box

PREVIEW_PIXELS = 480  # the longer side
FACE_PIXELS = 256
GAP = 2  # reduced to no less than twice the size that is wanted, nobody sees that it was
BAND_PIXELS = 1024 * 1024
DECODER_BYTES = 300 * 1024**2  # that it may hold, besides the pixels of what is drawn
WEBP_BYTES = 18  # a pixel
QUALITY = 75
METHOD = 2  # half the time of the usual 4, for a twentieth more bytes
FORMATS = {Kind.PNG: "PNG", Kind.JPEG: "JPEG", Kind.GIF: "GIF", Kind.WEBP: "WEBP"}
PLAIN_MODES = {"L", "RGB", "RGBA", "CMYK"}  # of which a reduced picture can be made
_turns = Image.Transpose
UPRIGHT = {
    2: _turns.FLIP_LEFT_RIGHT,
    3: _turns.ROTATE_180,
    4: _turns.FLIP_TOP_BOTTOM,
    5: _turns.TRANSPOSE,
    6: _turns.ROTATE_270,
    7: _turns.TRANSVERSE,
    8: _turns.ROTATE_90,
}


def write_preview(source: BinaryIO, facts: Facts, target: BinaryIO) -> None:
    """Write the picture as WebP of at most PREVIEW_PIXELS; of an animated one, its first frame.

    Raises MemoryError if it does not fit into this process, and whatever Pillow does for a damaged
    one.
    """
    longest = max(facts.width, facts.height)
    small = _decode(source, facts, longest / PREVIEW_PIXELS)
    small.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS), Image.Resampling.LANCZOS)
    small.save(target, "WEBP", quality=QUALITY, method=METHOD)


def make_face(source: BinaryIO, facts: Facts, box: Box | None) -> bytes:
    """Return a square of the picture as WebP of FACE_PIXELS; raises as `write_preview` does.

    What is transparent becomes white: a face lies over the letter of those who have none.
    """
    left, top, side = _within(facts, box)
    small = _decode(source, facts, side / FACE_PIXELS)
    across, down = small.width / facts.width, small.height / facts.height
    square = (left * across, top * down, (left + side) * across, (top + side) * down)
    face = small.resize((FACE_PIXELS, FACE_PIXELS), Image.Resampling.LANCZOS, box=square)
    if face.mode == "RGBA":
        white = Image.new("RGBA", face.size, "white")
        face = Image.alpha_composite(white, face).convert("RGB")
    made = io.BytesIO()
    face.save(made, "WEBP", quality=QUALITY, method=METHOD)
    return made.getvalue()


def _within(facts: Facts, box: Box | None) -> Box:
    """Return the box, moved and made smaller so that it is inside of the picture."""
    most = min(facts.width, facts.height)
    if box is None:
        return Box((facts.width - most) // 2, (facts.height - most) // 2, most)
    side = min(max(box.side, 1), most)
    left = min(max(box.left, 0), facts.width - side)
    top = min(max(box.top, 0), facts.height - side)
    return Box(left, top, side)


def _decode(source: BinaryIO, facts: Facts, shrink: float) -> Image.Image:
    """Return the picture upright, in sRGB, and still GAP times as large as `shrink` makes it."""
    factor = max(1, int(shrink / GAP))
    with _open(source, facts) as picture:
        width, height = picture.size
        # A JPEG is decoded at an eighth, a quarter or half of its size.
        picture.draft(picture.mode, (math.ceil(width / factor), math.ceil(height / factor)))
        profile = picture.info.get("icc_profile")
        small = _reduce(picture, max(1, factor // round(width / picture.width)))
    small = _to_srgb(small, profile)
    turn = UPRIGHT.get(facts.orientation)
    return small if turn is None else small.transpose(turn)


def _open(source: BinaryIO, facts: Facts) -> Image.Image:
    """Open a picture; MemoryError if its decoder would hold too much, and fail without saying so.

    WebP is always decoded as an animation, in several copies. The scans of a progressive JPEG are
    collected at full size, with two bytes for each sample.
    """
    pixels = facts.width * facts.height
    if facts.mimetype is Kind.WEBP and pixels * WEBP_BYTES > DECODER_BYTES:
        raise MemoryError
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    picture = Image.open(source, formats=[FORMATS[facts.mimetype]])
    if "progressive" in picture.info and pixels * 2 * _samples(picture) > DECODER_BYTES:
        raise MemoryError
    return picture


def _samples(picture: Image.Image) -> float:
    """Return how many samples a JPEG has for each pixel, from 1 to 4."""
    # Of each component: its number, its samples across and down in a unit, its table.
    layers: list[tuple[int, int, int, int]] = getattr(picture, "layer", [])
    most = max(across for _, across, _, _ in layers) * max(down for _, _, down, _ in layers)
    return sum(across * down for _, across, down, _ in layers) / most


def _reduce(picture: Image.Image, factor: int) -> Image.Image:
    """Return the picture at a fraction of its size, without anything that was written into it."""
    width, height = picture.size
    rows = factor * max(1, BAND_PIXELS // (width * factor))
    small: Image.Image | None = None
    for top in range(0, height, rows):
        band = picture.crop((0, top, width, min(top + rows, height)))
        part = _plain(band, picture.has_transparency_data).reduce(factor)
        if small is None:
            small = Image.new(part.mode, (math.ceil(width / factor), math.ceil(height / factor)))
        small.paste(part, (0, top // factor))
    if small is None:
        raise ValueError("no pixels")
    return small


def _plain(part: Image.Image, is_transparent: bool) -> Image.Image:
    """Return a part of a picture in a mode of 8 bits a channel."""
    if part.mode.startswith("I"):  # 16 bits of grey, whose conversion would cut off all above 255
        part = part.point(lambda value: value * (1 / 256)).convert("L")
    if is_transparent:
        return part.convert("RGBA")
    return part if part.mode in PLAIN_MODES else part.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in the colours of the web; in its own if its profile makes no sense."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    if profile:
        from PIL import ImageCms

        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ours = ImageCms.createProfile("sRGB")
            found = ImageCms.profileToProfile(picture, own, ours, outputMode=mode)
        except (ImageCms.PyCMSError, OSError):
            found = None
        if found is not None:
            return found
    return picture.convert(mode)
