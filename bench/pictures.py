"""Pictures as large as photos are once they are compressed, made of noise in all sizes.

Plain colours would compress to nothing, and plain noise hardly at all. The detail of a photo halves
with each octave to about PERSISTENCE of what was there, and its colours are coarse: at 480 pixels
and quality 75 these have 24 kB as WebP, as the middle one of a dozen real photos has.
"""

from __future__ import annotations

import io

from PIL import Image, ImageChops

PERSISTENCE = 0.75
DEVIATION = 44.0  # of the coarsest octave
COLOUR_DETAIL = 0.02  # of the picture's side
QUALITY = 88


def photo(width: int, height: int) -> Image.Image:
    """Make a picture that is another one each time."""
    size = width, height
    grey, blue, red = _noise(size, 1.0), _noise(size, COLOUR_DETAIL), _noise(size, COLOUR_DETAIL)
    pale = [plane.point(lambda value: 64 + value / 2) for plane in (blue, red)]
    return Image.merge("YCbCr", (grey, *pale)).convert("RGB")


def large(width: int, height: int) -> Image.Image:
    """Make one of many pixels from one of few."""
    return photo(width // 4, height // 4).resize((width, height), Image.Resampling.BICUBIC)


def as_bytes(picture: Image.Image, form: str = "JPEG") -> bytes:
    written = io.BytesIO()
    options = {"compress_level": 1} if form == "PNG" else {"quality": QUALITY}
    picture.save(written, form, **options)
    return written.getvalue()


def _noise(size: tuple[int, int], detail: float) -> Image.Image:
    side, octave, strength = max(size), 3, DEVIATION
    plane = Image.new("L", size, 128)
    while octave < side * detail:
        coarse = max(2, size[0] * octave // side), max(2, size[1] * octave // side)
        noise = Image.effect_noise(coarse, strength).resize(size, Image.Resampling.BICUBIC)
        plane = ImageChops.add(plane, noise, 1, -128)
        octave, strength = 2 * octave, strength * PERSISTENCE
    return plane
