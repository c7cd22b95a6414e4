"""What the demo class shows each other: pictures drawn here, so that nobody's photos are needed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from math import cos, exp, pi, sin
from random import Random
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFilter

from chat.media.drawing import FACE_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Colour = tuple[int, int, int]
JPEG_QUALITY = 88
WEBP_QUALITY = 85
FACE = (400, 400)  # pixels; drawn larger than it is kept, for smooth edges

DUSK: Sequence[Colour] = [(38, 40, 88), (148, 72, 112), (238, 130, 88), (252, 206, 130)]
MORNING: Sequence[Colour] = [(92, 150, 214), (160, 204, 236), (226, 240, 246), (252, 240, 212)]
NIGHT: Sequence[Colour] = [(8, 12, 34), (18, 28, 66), (40, 52, 102), (70, 76, 128)]
IRIS: Colour = (206, 196, 96)
FURS: Sequence[tuple[Colour, Colour]] = [
    ((222, 158, 88), (252, 236, 214)),
    ((92, 92, 100), (226, 226, 230)),
    ((54, 48, 50), (246, 244, 240)),
    ((236, 228, 214), (255, 250, 242)),
]


def draw_sunset(random: Random) -> bytes:
    """The hills behind the sports ground, at dusk."""
    return _jpeg(_hills((1600, 1067), DUSK, random, sun=(1060, 560, 92)))


def draw_cat(random: Random) -> bytes:
    """The cat of the lab, asleep on a centrifuge."""
    picture = _gradient((1200, 1600), [(206, 212, 210), (232, 232, 224), (196, 190, 178)])
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 1120, 1200, 1600), fill=(132, 110, 90))
    draw.rounded_rectangle((170, 860, 1030, 1330), 70, fill=(236, 238, 240))
    draw.rounded_rectangle((170, 1170, 1030, 1330), 70, fill=(206, 210, 216))
    draw.rounded_rectangle((250, 1080, 520, 1150), 16, fill=(38, 62, 58))
    draw.ellipse((880, 1080, 950, 1150), fill=(60, 130, 110))
    fur, light = FURS[0]
    dark = _mix(fur, (0, 0, 0), 0.25)
    draw.ellipse((300, 560, 920, 900), fill=fur)
    for x in range(460, 820, 90):
        draw.arc((x, 575, x + 110, 790), 200, 300, fill=dark, width=16)
    draw.arc((560, 640, 1010, 930), 0, 130, fill=fur, width=64)
    _cat_head(draw, (380, 700), 150, fur, light, is_asleep=True)
    return _jpeg(picture.filter(ImageFilter.GaussianBlur(1.2)))


def draw_scope(random: Random) -> bytes:
    """The screen of an oscilloscope with a damped oscillation."""
    size = width, height = 1280, 960
    picture = Image.new("RGB", size, (12, 22, 24))
    draw = ImageDraw.Draw(picture)
    for x in range(0, width + 1, width // 10):
        draw.line((x, 0, x, height), fill=(38, 62, 62), width=1 + (x == width // 2))
    for y in range(0, height + 1, height // 8):
        draw.line((0, y, width, y), fill=(38, 62, 62), width=1 + (y == height // 2))
    for colour, damping, periods, middle in [
        ((250, 222, 80), 2.2, 11, 0.42),
        ((90, 206, 240), 0.0, 3, 0.78),
    ]:
        trace = [
            (
                x,
                height
                * (middle - 0.22 * exp(-damping * x / width) * sin(periods * 2 * pi * x / width))
                + random.uniform(-3, 3),
            )
            for x in range(0, width, 2)
        ]
        draw.line(trace, fill=colour, width=4, joint="curve")
    return _jpeg(picture)


def draw_plot(random: Random) -> bytes:
    """A measured line with its errors, and one point that somebody has circled."""
    picture = Image.new("RGB", (1200, 900), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    left, right, top, bottom = 110, 1130, 60, 800
    for step in range(1, 8):
        level = bottom - step * (bottom - top) // 8
        draw.line((left, level, right, level), fill=(232, 232, 236), width=2)
    draw.line((left, top, left, bottom, right, bottom), fill=(50, 50, 56), width=5)
    draw.line((left, bottom - 70, right, top + 90), fill=(220, 72, 60), width=5)
    for number in range(12):
        share = (number + 0.6) / 12
        x = left + share * (right - left)
        y = bottom - 70 - share * (bottom - top - 160) + random.uniform(-24, 24)
        y += 190 * (number == 8)
        draw.line((x, y - 34, x, y + 34), fill=(60, 110, 200), width=4)
        draw.ellipse((x - 11, y - 11, x + 11, y + 11), fill=(40, 90, 190))
        if number == 8:
            draw.ellipse((x - 70, y - 70, x + 70, y + 70), outline=(232, 150, 30), width=7)
    return _png(picture)


def draw_cells(random: Random) -> bytes:
    """What a microscope shows of an onion's skin."""
    side = 1400
    picture = Image.new("RGB", (side, side), (244, 232, 240))
    draw = ImageDraw.Draw(picture)
    for row in range(9):
        for column in range(-1, 6):
            x = column * 290 + (row % 2) * 140 + random.randint(-18, 18)
            y = row * 160 + random.randint(-10, 10)
            wash = random.randint(-10, 8)
            fill = (238 + wash, 206 + wash, 226 + wash)
            draw.rounded_rectangle((x, y, x + 282, y + 154), 44, fill, (188, 120, 170), 6)
            at_x, at_y = x + random.randint(60, 200), y + random.randint(40, 100)
            draw.ellipse((at_x - 22, at_y - 18, at_x + 22, at_y + 18), fill=(132, 60, 130))
    picture = picture.filter(ImageFilter.GaussianBlur(2.4))
    field = Image.new("L", (side, side), 0)
    ImageDraw.Draw(field).ellipse((40, 40, side - 40, side - 40), fill=255)
    dark = Image.new("RGB", (side, side), (10, 8, 12))
    return _jpeg(Image.composite(picture, dark, field.filter(ImageFilter.GaussianBlur(7))))


def draw_face(number: int, random: Random) -> bytes:
    """A profile picture as it is stored, of people who do not show themselves."""
    kinds = (_cat_face, _landscape, _plant, _planet)
    turn, kind = divmod(number, len(kinds))
    large = kinds[kind](turn, random)
    face = large.resize((FACE_PIXELS, FACE_PIXELS), Image.Resampling.LANCZOS)
    return _save(face, "WEBP", quality=WEBP_QUALITY)


def _cat_face(turn: int, random: Random) -> Picture:
    ground = _next([(246, 204, 190), (190, 222, 212), (204, 210, 240), (250, 226, 160)], turn)
    picture = Image.new("RGB", FACE, ground)
    fur, light = _next(FURS, turn + turn // len(FURS))
    draw = ImageDraw.Draw(picture)
    _cat_head(draw, (200, 225), 118, fur, light, is_asleep=random.random() < 0.3)
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def _landscape(turn: int, random: Random) -> Picture:
    sun = (random.randint(120, 290), random.randint(110, 190), random.randint(26, 44))
    return _hills(FACE, _next([MORNING, DUSK, NIGHT], turn), random, sun=sun)


def _planet(turn: int, random: Random) -> Picture:
    picture = _gradient(FACE, NIGHT)
    draw = ImageDraw.Draw(picture)
    for _star in range(70):
        x, y = random.randrange(400), random.randrange(400)
        draw.ellipse((x, y, x + random.choice((1, 2, 3)), y + 2), fill=(240, 240, 255))
    body = _next([(236, 170, 110), (150, 190, 236), (226, 130, 140)], turn)
    draw.ellipse((105, 105, 295, 295), fill=body)
    for y in (150, 190, 232):
        draw.arc(
            (105, y - 20, 295, y + 20), 10, 170, fill=_mix(body, (255, 255, 255), 0.35), width=9
        )
    draw.arc((40, 160, 360, 250), 348, 192, fill=(250, 226, 180), width=10)
    return picture


def _plant(turn: int, random: Random) -> Picture:
    ground = _next([(250, 238, 214), (222, 236, 246), (240, 222, 230)], turn)
    picture = Image.new("RGB", FACE, ground)
    draw = ImageDraw.Draw(picture)
    green = _next([(92, 150, 96), (70, 130, 110)], turn)
    for turn in range(-3, 4):
        x, y = 200 + 105 * sin(turn * 0.42), 250 - 135 * cos(turn * 0.42)
        middle = (200 + x) / 2 + turn * 4, (250 + y) / 2
        draw.line((200, 268, *middle, x, y), fill=green, width=22, joint="curve")
        draw.ellipse((x - 26, y - 26, x + 26, y + 26), fill=_mix(green, (255, 255, 255), 0.18))
    draw.polygon([(130, 258), (270, 258), (250, 360), (150, 360)], fill=(202, 112, 82))
    draw.rounded_rectangle((118, 244, 282, 276), 8, fill=(216, 126, 94))
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def _cat_head(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    size: int,
    fur: Colour,
    light: Colour,
    *,
    is_asleep: bool,
) -> None:
    x, y = at
    for side in (-1, 1):
        ear = [(x + side * size, y - size * 0.25), (x + side * size * 0.88, y - size * 1.15)]
        draw.polygon([*ear, (x + side * size * 0.15, y - size * 0.8)], fill=fur)
    draw.ellipse((x - size, y - size * 0.9, x + size, y + size * 0.8), fill=fur)
    draw.ellipse((x - size * 0.5, y + size * 0.05, x + size * 0.5, y + size * 0.72), fill=light)
    dark = (52, 40, 42)
    ink = dark if sum(fur) > sum(dark) * 2 else IRIS
    for side in (-1, 1):
        eye = x + side * size * 0.42
        box = (eye - size * 0.17, y - size * 0.3, eye + size * 0.17, y + size * 0.04)
        if is_asleep:
            draw.arc(box, 10, 170, fill=ink, width=max(3, size // 22))
        else:
            draw.ellipse(box, fill=IRIS)
            draw.ellipse((eye - size * 0.1, box[1], eye + size * 0.1, box[3]), fill=dark)
            draw.ellipse(
                (eye, box[1] + size * 0.06, eye + size * 0.07, y - size * 0.16), fill=light
            )
        for rise in (-0.06, 0.08):
            end = (x + side * size * 1.15, y + size * (0.24 + rise * 2))
            draw.line((x + side * size * 0.3, y + size * (0.28 + rise), *end), fill=dark, width=2)
    nose = [(x - size * 0.1, y + size * 0.14), (x + size * 0.1, y + size * 0.14)]
    draw.polygon([*nose, (x, y + size * 0.27)], fill=(226, 128, 128))


def _hills(
    size: tuple[int, int], sky: Sequence[Colour], random: Random, *, sun: tuple[int, int, int]
) -> Picture:
    width, height = size
    picture = _gradient(size, sky)
    draw = ImageDraw.Draw(picture)
    x, y, radius = sun
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 240, 206))
    picture = picture.filter(ImageFilter.GaussianBlur(width / 400))
    draw = ImageDraw.Draw(picture)
    for layer in range(4):
        base = height * (0.6 + 0.11 * layer)
        phases = [(random.uniform(0, 6), random.uniform(1, 2.6) * (wave + 1)) for wave in range(4)]
        line = [
            (
                x,
                base
                - sum(
                    height * 0.06 / (wave + 1) * sin(phase + waves * 2 * pi * x / width)
                    for wave, (phase, waves) in enumerate(phases)
                ),
            )
            for x in range(0, width + 4, 4)
        ]
        colour = _mix(_mix(sky[1], sky[0], layer / 3), (12, 16, 24), 0.3 + 0.18 * layer)
        draw.polygon([(0, height), *line, (width, height)], fill=colour)
    return picture


def _next(choices: Sequence[Any], turn: int) -> Any:
    return choices[turn % len(choices)]


def _gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Picture:
    """Colours from top to bottom, each running into the next."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(colours)
    return strip.resize(size, Image.Resampling.BICUBIC)


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _jpeg(picture: Picture) -> bytes:
    return _save(picture, "JPEG", quality=JPEG_QUALITY)


def _png(picture: Picture) -> bytes:
    return _save(picture, "PNG", optimize=True)


def _save(picture: Picture, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()


DRAWN: dict[str, Callable[[Random], bytes]] = {
    "晚霞.jpg": draw_sunset,
    "离心机上的猫.jpg": draw_cat,
    "示波器.jpg": draw_scope,
    "第二组.png": draw_plot,
    "洋葱表皮.jpg": draw_cells,
}
