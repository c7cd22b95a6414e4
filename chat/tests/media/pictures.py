"""Real little pictures, made by themselves, with places and devices where cameras write them."""

import struct
import zlib

MAKER = b"Secretphone 17"
GPS = (48.8583, 2.2945)

# A grey picture of 3 × 2: one quantization table of ones, two codes of one bit.
JPEG_TABLES = (
    b"\xff\xdb\x00\x43\x00"
    + b"\x01" * 64
    + b"\xff\xc4\x00\x14\x00"
    + b"\x01"
    + bytes(15)
    + b"\x03"
    + b"\xff\xc4\x00\x14\x10"
    + b"\x01"
    + bytes(15)
    + b"\x00"
)


def exif(*, gps=None, orientation=1, order=">"):
    """Make a TIFF structure with maker, orientation and place (EXIF 2.32)."""
    entries = [
        (0x010F, 2, len(MAKER) + 1, None, MAKER + b"\0"),
        (0x0112, 3, 1, orientation << 16 if order == ">" else orientation, b""),
    ]
    place = b""
    if gps:
        entries.append((0x8825, 4, 1, None, None))
    start = 8 + 2 + 12 * len(entries) + 4
    head, tail = b"", b""
    for tag, form, count, value, data in entries:
        if data is not None and value is None:
            value = start + len(tail)
            tail += data
        elif value is None:
            value = start + len(tail)
            place = _gps(gps, value, order)
            tail += place
        head += struct.pack(f"{order}HHII", tag, form, count, value)
    mark = b"MM\0*" if order == ">" else b"II*\0"
    return (
        mark
        + struct.pack(f"{order}IH", 8, len(entries))
        + head
        + struct.pack(f"{order}I", 0)
        + tail
    )


def degrees(value):
    """Tell degrees, minutes and hundredths of seconds."""
    hundredths = round(value * 360_000)
    return hundredths // 360_000, hundredths // 6000 % 60, hundredths % 6000


def rationals(value, order=">"):
    """Write degrees as three fractions, as EXIF has them."""
    whole, minutes, seconds = degrees(value)
    return struct.pack(f"{order}6I", whole, 1, minutes, 1, seconds, 100)


def _gps(gps, start, order):
    """Make the directory of a place, which begins at `start`."""
    data = start + 2 + 12 * 4 + 4
    rows = (
        (1, 2, 2, b"N\0\0\0"),
        (2, 5, 3, struct.pack(f"{order}I", data)),
        (3, 2, 2, b"E\0\0\0"),
        (4, 5, 3, struct.pack(f"{order}I", data + 24)),
    )
    head = b"".join(struct.pack(f"{order}HHI", *row[:3]) + row[3] for row in rows)
    count = struct.pack(f"{order}H", len(rows))
    return count + head + bytes(4) + rationals(gps[0], order) + rationals(gps[1], order)


def xmp(gps):
    """Make an XMP packet with maker and place."""
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Make="%s"'
        b' exif:GPSLatitude="%f" exif:GPSLongitude="%f"/></x:xmpmeta>' % (MAKER, *gps)
    )


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def photo(*, gps=GPS, orientation=6, order=">", scan=b"", size=(3, 2), profile=b"sRGB-like"):
    """Make a JPEG of 3 × 2 with EXIF, XMP, IPTC, a comment, and a second picture behind it."""
    parts = [
        b"\xff\xd8",
        segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1" + b"rgb"),
        segment(0xE1, b"Exif\0\0" + exif(gps=gps, orientation=orientation, order=order)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + (xmp(gps) if gps else b"")),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + profile),
        segment(0xE2, b"MPF\0" + MAKER),
        segment(0xED, b"Photoshop 3.0\x008BIM" + MAKER),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        b"\xff" + segment(0xFE, b"made by " + MAKER),
        JPEG_TABLES,
        segment(0xC0, b"\x08" + struct.pack(">HH", *size[::-1]) + b"\1\1\x11\0"),
        segment(0xDD, b"\0\1"),
        segment(0xDA, b"\1\1\0\0\x3f\0"),
        pixels_of_photo() + scan,
        b"\xff\xd9",
        b"\xff\xd8" + segment(0xE1, MAKER) + b"\xff\xd9",
    ]
    return b"".join(parts)


def pixels_of_photo():
    """Give the data of its one scan: the code of the category 3, its bits, and the end of block."""
    return b"\x5f"  # 0 101 0 and ones


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pixels_of_png(size=(3, 2)):
    return zlib.compress((b"\0" + b"\x10\x20\x30" * size[0]) * size[1])


def png(*, gps=GPS, orientation=6, frames=0, size=(3, 2)):
    """Make a PNG with texts, EXIF and a time; animated if it has frames."""
    data = pixels_of_png(size)
    parts = [
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"colours")),
        chunk(b"tEXt", b"Software\0" + MAKER),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(MAKER)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(gps)),
        chunk(b"tIME", b"\x07\xe8\1\1\1\1\1"),
        chunk(b"prVt", MAKER),
        chunk(b"gAMA", MAKER),
    ]
    if frames:
        parts.append(chunk(b"acTL", struct.pack(">II", frames, 0)))
    for number in range(frames or 1):
        if frames:
            head = (max(2 * number - 1, 0), *size, 0, 0, 1, 10, 0, 0)
            parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *head)))
        number_of_data = struct.pack(">I", 2 * number)
        parts.append(chunk(b"fdAT", number_of_data + data) if number else chunk(b"IDAT", data))
    parts += [
        chunk(b"eXIf", exif(gps=gps, orientation=orientation)),
        chunk(b"IEND", b""),
        b"PK\3\4" + MAKER,
    ]
    return b"".join(parts)


GIF_PIXELS = b"\x2c\0\0\0\0\3\0\2\0\0" + b"\2\4\x84\x83\x7a\x05\0"


def gif(*, gps=GPS, frames=2):
    """Make a GIF of 3 × 2 with loops, a comment, XMP and plain text."""
    parts = [
        b"GIF89a" + struct.pack("<HH", 3, 2) + b"\x81\0\0",
        b"\xff\xff\xff\xff\0\0\0\0\xff\0\0\0",
        b"\x21\xff\x0bNETSCAPE2.0\3\1\0\0\0",
        b"\x21\xfe" + bytes((len(MAKER),)) + MAKER + b"\0",
        # XMP in GIF has no blocks; its end makes any of its bytes lead out.
        b"\x21\xff\x0bXMP DataXMP" + xmp(gps) + b"\1" + bytes(range(255, -1, -1)) + b"\0",
        b"\x21\xf9\4\0\0\0\0\0",
        b"\x21\x01\x0c" + bytes(12) + bytes((len(MAKER),)) + MAKER + b"\0",
    ]
    parts += [b"\x21\xf9\4\4\x0a\0\0\0" + GIF_PIXELS] * frames
    return b"".join(parts) + b"\x3b" + b"<script>" + MAKER


def riff(name, data):
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def pixels_of_webp(size=(3, 2)):
    """Make a lossless picture of one colour: five prefix codes of one symbol (RFC 9649, 3.7)."""
    bits, length = 0, 0

    def write(value, count):
        nonlocal bits, length
        bits |= value << length
        length += count

    write(0x2F, 8)
    write(size[0] - 1, 14)
    write(size[1] - 1, 14)
    write(0, 4)  # no alpha, version 0
    write(0, 3)  # no transform, no colour cache, one group of codes
    for symbol in (0x80, 0x20, 0x30, 0xFF):
        write(0b101, 3)  # simple, one symbol, of eight bits
        write(symbol, 8)
    write(0b001, 3)  # simple, one symbol, of one bit
    write(0, 1)
    return bits.to_bytes((length + 7) // 8, "little")


def webp(*, gps=GPS, orientation=6, frames=0, size=(3, 2)):
    """Make a WebP with a profile, EXIF, XMP and an unknown chunk; animated if it has frames."""
    flags = 0x20 | 0x08 | 0x04 | (0x02 if frames else 0)
    sizes = struct.pack("<I", size[0] - 1)[:3] + struct.pack("<I", size[1] - 1)[:3]
    picture = riff(b"VP8L", pixels_of_webp(size))
    parts = [
        b"WEBP",
        riff(b"VP8X", bytes((flags, 0, 0, 0)) + sizes),
        riff(b"ICCP", b"colours"),
    ]
    if frames:
        parts.append(riff(b"ANIM", bytes(6)))
        frame = bytes(6) + sizes + b"\x64\0\0" + b"\0" + picture + riff(b"SECR", MAKER)
        parts += [riff(b"ANMF", frame)] * frames
    else:
        parts.append(picture)
    parts += [
        riff(b"EXIF", exif(gps=gps, orientation=orientation, order="<")),
        riff(b"XMP ", xmp(gps)),
        riff(b"SECR", MAKER),
    ]
    return riff(b"RIFF", b"".join(parts)) + b"behind it " + MAKER
