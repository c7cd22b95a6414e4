"""Real little films and sounds, made by themselves, with places and devices in them."""

import struct

from .pictures import GPS, MAKER, riff, xmp

PICTURE = b"\0\0\0\x05\x65\x88\x84\0\x10" * 4  # of no decoder's business
SOUND = b"\x21\x10\x04\x60\x8c\x1c" * 8
TURNS = {1: (1, 0, 0, 1), 3: (-1, 0, 0, -1), 6: (0, 1, -1, 0), 8: (0, -1, 1, 0)}


def place(gps):
    """Write a place as films have it (ISO 6709)."""
    return b"%+08.4f%+09.4f" % gps


def box(name, *content):
    data = b"".join(content)
    return struct.pack(">I", len(data) + 8) + name + data


def full(name, *content, version=0, flags=0):
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def handler(name):
    return full(b"hdlr", bytes(4), name, bytes(12), MAKER + b"\0")


def track(number, kind, *, chunks, sizes, entry, size=(0, 0), orientation=1, wide=False):
    """Make a track of chunks of one sample each."""
    a, b, c, d = (turn * 0x10000 for turn in TURNS[orientation])
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    size = struct.pack(">II", size[0] << 16, size[1] << 16)
    count = struct.pack(">I", len(chunks))
    offsets = full(b"stco", count, struct.pack(f">{len(chunks)}I", *chunks))
    if wide:
        offsets = full(b"co64", count, struct.pack(f">{len(chunks)}Q", *chunks))
    header = {b"vide": full(b"vmhd", bytes(8)), b"soun": full(b"smhd", bytes(4))}
    return box(
        b"trak",
        full(b"tkhd", struct.pack(">IIIII", 0, 0, number, 0, 2000), bytes(16), matrix, size),
        box(
            b"mdia",
            full(b"mdhd", struct.pack(">IIII", 0, 0, 1000, 2000), bytes(4)),
            handler(kind),
            box(
                b"minf",
                header.get(kind, full(b"nmhd")),
                box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", MAKER, flags=1))),
                box(
                    b"stbl",
                    full(b"stsd", struct.pack(">I", 1), entry),
                    full(b"stts", struct.pack(">III", 1, len(chunks), 1000)),
                    full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
                    full(b"stsz", bytes(4), count, struct.pack(f">{len(sizes)}I", *sizes)),
                    offsets,
                ),
            ),
        ),
        box(b"udta", box(b"name", MAKER)),
        box(b"meta", handler(b"mdta"), MAKER),
    )


def picture_entry(size):
    codec = bytes((len(MAKER),)) + MAKER.ljust(31, b"\0")
    head = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", *size)
    return box(b"avc1", head, bytes(14), codec, b"\0\x18\xff\xff", box(b"avcC", b"\1\x64\0\x1f"))


def sound_entry():
    head = bytes(6) + struct.pack(">H", 1) + bytes(8) + b"\0\2\0\x10" + bytes(4)
    return box(b"mp4a", head, struct.pack(">I", 44100 << 16), full(b"esds", bytes(range(60))))


def quicktime_keys(gps):
    """Make the metadata of an iPhone's film."""
    names = (b"com.apple.quicktime.location.ISO6709", b"com.apple.quicktime.make")
    keys = b"".join(box(b"mdta", name) for name in names)
    values = (place(gps) + b"/", MAKER)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0), value))
        for number, value in enumerate(values, start=1)
    )
    return box(
        b"meta", handler(b"mdta"), full(b"keys", bytes(3) + b"\2", keys), box(b"ilst", items)
    )


def user_data(gps=GPS):
    where = struct.pack(">HH", len(place(gps)), 0x15C7) + place(gps)
    loci = b"\0\0Secret place\0\0" + struct.pack(">iii", *(int(n * 65536) for n in (*gps, 0)))
    return box(b"udta", box(b"\xa9xyz", where), full(b"loci", loci), box(b"\xa9mak", MAKER))


def film(*, gps=GPS, orientation=6, brand=b"qt  ", first=True, size=(320, 240), sound_only=False):
    """Make a film of a picture, a sound and a track of places; `moov` is first, or behind."""
    places = b"\0\0\0\x20Secret gpmd " + place(gps or GPS)
    samples = (PICTURE, SOUND, places)
    entry = {b"vide": picture_entry(size), b"soun": sound_entry(), b"meta": box(b"gpmd", bytes(8))}

    def head(start):
        at = [start, start + len(PICTURE), start + len(PICTURE) + len(SOUND)]
        tracks = []
        for number, kind in enumerate((b"vide", b"soun", b"meta")):
            if (kind == b"vide" and sound_only) or (kind == b"meta" and not gps):
                continue
            shown = {"size": size, "orientation": orientation} if kind == b"vide" else {}
            lies = {"chunks": (at[number],), "sizes": (len(samples[number]),)}
            shown |= {"entry": entry[kind], "wide": kind == b"meta"}
            tracks.append(track(number + 1, kind, **lies, **shown))
        times = full(b"mvhd", struct.pack(">IIII", 0, 0, 1000, 2500), bytes(80))
        extras = (
            [user_data(gps), quicktime_keys(gps), box(b"uuid", bytes(16), xmp(gps))] if gps else []
        )
        return box(b"moov", times, *tracks, *extras)

    data = b"".join(samples if gps else samples[:2])
    kind = box(b"ftyp", brand, bytes(4), b"isom")
    after = box(b"uuid", bytes(16), MAKER) + box(b"free", MAKER) if gps else b""
    if first:
        start = len(kind) + len(head(0)) + 8
        return kind + head(start) + box(b"mdat", data) + after
    # A length of 64 bits, as cameras write it before they know how much there will be.
    media = struct.pack(">I4sQ", 1, b"mdat", len(data) + 16) + data
    return kind + media + head(len(kind) + 16) + after


def fragmented():
    """Make a sound as Safari records it: its duration is nowhere but in its fragments."""
    head = box(
        b"moov",
        full(b"mvhd", struct.pack(">IIII", 0, 0, 1000, 0), bytes(80)),
        track(1, b"soun", chunks=(), sizes=(), entry=sound_entry()),
        box(b"mvex", full(b"trex", struct.pack(">IIIII", 1, 1, 0, 0, 0))),
        user_data(),
    )
    parts = [box(b"ftyp", b"iso5", bytes(4)), head]
    for _ in range(3):
        parts.append(
            box(
                b"moof",
                full(b"mfhd", bytes(4)),
                box(
                    b"traf",
                    full(b"tfhd", struct.pack(">II", 1, 250), flags=0x8),
                    full(b"trun", struct.pack(">I", 2), flags=0),
                    full(b"trun", struct.pack(">IIIII", 2, 100, 7, 150, 7), flags=0x300),
                    box(b"uuid", bytes(16), MAKER),
                ),
                box(b"meta", MAKER),
            )
        )
        parts.append(box(b"mdat", SOUND))
    return b"".join(parts)


def element(name, data, *, is_open=False):
    """Make an element of EBML."""
    head = name.to_bytes((name.bit_length() + 7) // 8)
    length = (1 << 56) - 1 if is_open else len(data)
    return head + (1 << 56 | length).to_bytes(8) + data


DATE = struct.pack(">q", 817_000_000_123_456_789)  # nanoseconds of this millennium
PROGRAMS = (0x4D80, 0x5741)


def webm(*, live=False, sound_only=False, scale=b"\x0f\x42\x40", duration=2500.0):
    """Make a WebM with tags and an attachment; `live` as Chrome records it, without lengths."""
    video = element(0xE0, element(0xB0, b"\1\x40") + element(0xBA, b"\xf0"))
    name = element(0x536E, MAKER) + element(0x258688, MAKER)
    tracks = [element(0xAE, element(0xD7, b"\2") + element(0x83, b"\2") + name)]
    if not sound_only:
        tracks.append(element(0xAE, name + element(0xD7, b"\1") + element(0x83, b"\1") + video))
    times = b"" if live else element(0x4489, struct.pack(">d", duration))
    names = [element(each, MAKER) for each in (*PROGRAMS, 0x7BA9, 0x7384, 0x3C83AB, 0x3E83BB)]
    told = b"".join([element(0xBF, b"sum."), *names, element(0x4461, DATE)])
    tags = element(0x1254C367, element(0x7373, element(0x67C8, MAKER + place(GPS))))
    clusters = [
        element(
            0x1F43B675,
            element(0xE7, struct.pack(">H", start))
            + element(0xA3, b"\x81\0\0\x80" + PICTURE)
            + element(0xEC, MAKER)
            + element(0xA0, element(0xA1, b"\x82\1\xf4\0" + SOUND)),
            is_open=live,
        )
        for start in (0, 1000)
    ]
    content = [
        element(0x1549A966, element(0x2AD7B1, scale) + times + told),
        element(0x1654AE6B, b"".join(tracks)),
        element(0xEC, MAKER),
        element(0x1941A469, MAKER),
        *clusters,
        b"\x12\x54\xc3\x67\x80",
        tags,
    ]
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    segment = element(0x18538067, b"".join(content), is_open=live)
    return head + segment


def ogg_sum(data):
    total = 0
    for byte in data:
        total ^= byte << 24
        for _ in range(8):
            total = (total << 1) ^ (0x104C11DB7 if total & 0x80000000 else 0)
    return total


def page(number, data, *, granules=0, flags=0, is_open=False):
    lacing = [255] * (len(data) // 255) + ([] if is_open else [len(data) % 255])
    head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, granules, 7, number, 0, len(lacing))
    whole = head + bytes(lacing) + data
    return whole[:22] + struct.pack("<I", ogg_sum(whole)) + whole[26:]


def ogg(*, comment=MAKER, granules=96312):
    """Make an Opus sound in Ogg of two seconds."""
    head = b"OpusHead\1\1" + struct.pack("<HIh", 312, 48000, 0) + b"\0"
    tags = b"OpusTags" + struct.pack("<I", len(MAKER)) + MAKER
    tags += struct.pack("<II", 1, len(comment)) + comment
    comments = [tags[start : start + 510] for start in range(0, len(tags), 510)]
    pages = [page(0, head, flags=2)]
    for number, part in enumerate(comments, start=1):
        is_open = number < len(comments)
        pages.append(page(number, part, flags=number > 1, is_open=is_open))
    number = len(pages)
    pages += [
        page(number, SOUND, granules=48000),
        page(number + 1, SOUND, granules=granules, flags=4),
        b"behind it " + MAKER,
    ]
    return b"".join(pages)


def mp3():
    """Make two frames of sound at 128 kbit/s with tags of all kinds."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    tag = b"TIT2" + struct.pack(">IH", len(MAKER), 0) + MAKER
    ape = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(MAKER) + 32, 1, 1 << 31)
    end = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(MAKER) + 32, 1, 0)
    return (
        b"ID3\4\0\0" + bytes((0, 0, 0, len(tag))) + tag + frame * 2 + ape + MAKER + end
        + b"TAG" + MAKER.ljust(125, b"\0")
    )  # fmt: skip


def wav(*, rate=16000, samples=800):
    """Make a sound of a tenth of a second with a list of facts about its maker."""
    parts = [
        b"WAVE",
        riff(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, rate, 2, 16)),
        riff(b"LIST", b"INFOISFT" + struct.pack("<I", len(MAKER)) + MAKER),
        riff(b"bext", MAKER + b"!"),
        riff(b"data", b"\1\2" * samples),
        riff(b"id3 ", MAKER),
    ]
    return riff(b"RIFF", b"".join(parts)) + MAKER
