"""One sample of each kind, with what its clean copy must have and what it must not."""

from typing import NamedTuple

from . import films, pictures
from .films import film, fragmented, mp3, ogg, place, wav, webm
from .pictures import GPS, MAKER, gif, photo, png, webp

__all__ = [
    *("GPS", "MAKER", "SAMPLES", "Sample", "secrets"),
    *("film", "fragmented", "gif", "mp3", "ogg", "photo", "png", "wav", "webm", "webp"),
]


class Sample(NamedTuple):
    """A file, the facts of it, and the bytes of its picture or sound."""

    data: bytes
    mimetype: str
    size: tuple[int, int] = (0, 0)
    duration: float = 0.0
    frames: int = 1
    orientation: int = 1
    media: tuple[bytes, ...] = ()


TABLES = pictures.JPEG_TABLES + b"\xff\xc0"
SCAN = b"\xff\xda\0\x08\1\1\0\0\x3f\0" + pictures.pixels_of_photo() + b"\xff\xd9"
PNG_DATA = pictures.chunk(b"IDAT", pictures.pixels_of_png())
WEBP_DATA = pictures.riff(b"VP8L", pictures.pixels_of_webp())
BOTH = (films.PICTURE, films.SOUND)
SOUND = (films.SOUND,)
TURNED = {"size": (2, 3), "orientation": 6}
SHOWN = {"size": (240, 320), "duration": 2.5, "orientation": 6, "media": BOTH}

SAMPLES = {
    "photo": Sample(photo(), "image/jpeg", **TURNED, media=(TABLES, SCAN, b"sRGB-like")),
    "photo of Intel's order": Sample(
        photo(order="<", orientation=3), "image/jpeg", (3, 2), orientation=3, media=(TABLES, SCAN)
    ),
    "PNG": Sample(png(), "image/png", **TURNED, media=(PNG_DATA, b"iCCPprofile")),
    "animated PNG": Sample(png(frames=3), "image/png", **TURNED, frames=3, media=(PNG_DATA,)),
    "GIF": Sample(
        gif(), "image/gif", (3, 2), frames=2, media=(pictures.GIF_PIXELS, b"NETSCAPE2.0\3\1\0\0\0")
    ),
    "WebP": Sample(webp(), "image/webp", **TURNED, media=(WEBP_DATA, b"ICCP")),
    "animated WebP": Sample(
        webp(frames=2, orientation=1), "image/webp", (3, 2), frames=2, media=(WEBP_DATA, b"ANIM")
    ),
    "film of QuickTime": Sample(film(), "video/quicktime", **SHOWN),
    "film": Sample(film(brand=b"isom", first=False), "video/mp4", **SHOWN),
    "sound": Sample(film(brand=b"M4A ", sound_only=True), "audio/mp4", duration=2.5, media=SOUND),
    "sound of Safari": Sample(fragmented(), "audio/mp4", duration=2.25, media=SOUND * 3),
    "WebM": Sample(webm(), "video/webm", (320, 240), 2.5, media=BOTH),
    "WebM of Chrome": Sample(webm(live=True), "video/webm", (320, 240), 1.5, media=BOTH),
    "sound of WebM": Sample(webm(sound_only=True), "audio/webm", duration=2.5, media=SOUND),
    "Ogg": Sample(ogg(), "audio/ogg", duration=2.0, media=SOUND * 2),
    "Ogg with long comments": Sample(
        ogg(comment=MAKER * 100), "audio/ogg", duration=2.0, media=SOUND * 2
    ),
    "MP3": Sample(mp3(), "audio/mpeg", duration=2 * 1152 / 44100, media=(b"\xff\xfb\x90\0",) * 2),
    "WAV": Sample(wav(), "audio/wav", duration=0.1, media=(b"\1\2" * 800,)),
}


def secrets(gps=GPS):
    """List what must be nowhere in a clean copy."""
    words = [MAKER, place(gps), b"%f" % gps[0], b"GPSLatitude", b"Secret", b"ISO6709"]
    words += [pictures.rationals(value, order) for value in gps for order in "<>"]
    return [*words, int(gps[0] * 65536).to_bytes(4)]
