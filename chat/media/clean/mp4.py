"""MP4, M4A and QuickTime: what a player needs, in its place (ISO 14496-12; QTFF).

Everything else becomes empty room of the same size: places, makers and programs are written in
`udta`, `meta` and `uuid`, in tracks beside picture and sound, in names, and in older empty room.
"""

from __future__ import annotations

from collections.abc import Callable

from . import samples
from .boxes import Box, Boxes, Changes
from .facts import Facts, Kind, UnreadableError, count_pixels
from .fragments import Durations
from .reading import Plan, Reader

TOP = b""
KEPT = {
    TOP: {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"pdin", b"sidx", b"ssix"},
    b"moov": {b"mvhd", b"trak", b"mvex", b"iods", b"pssh"},
    b"trak": {b"tkhd", b"mdia", b"edts", b"tref", b"tapt", b"trgr", b"load", b"clip", b"matt"},
    b"edts": {b"elst"},
    b"mdia": {b"mdhd", b"hdlr", b"minf", b"elng"},
    b"minf": {b"vmhd", b"smhd", b"hdlr", b"dinf", b"stbl"},
    b"dinf": {b"dref"},
    b"stbl": {
        *(b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64"),
        *(b"stss", b"stsh", b"stps", b"padb", b"stdp", b"sdtp", b"sbgp", b"sgpd", b"subs"),
        *(b"saiz", b"saio", b"senc"),
    },
    b"mvex": {b"mehd", b"trex", b"leva"},
    b"moof": {b"mfhd", b"traf", b"pssh"},
    b"traf": {
        *(b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs"),
        *(b"saiz", b"saio", b"senc"),
    },
}
PICTURE, SOUND = b"vide", b"soun"

STARTS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}  # QuickTime had no ftyp at first
QUICKTIME = b"qt  "
STILLS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
RAW = {b"crx "}

NAME_AT = 24  # in hdlr (8.4.3)
ENTRY_HEAD, CODEC_NAME_AT, CODEC_NAME_END = 86, 50, 82  # in a VisualSampleEntry (12.1.3)
SELF_CONTAINED = b"\1"  # at the end of the flags of a data reference (8.7.2)
ORIENTATIONS = {(0, 1): 6, (-1, 0): 3, (0, -1): 8}  # by the first signs of the matrix


class _Film:
    """The facts that the boxes of a file tell, and all that its copy does not."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.boxes = Boxes(file)
        self.changes = Changes()
        self.media: list[range] = []
        self.blanked: list[range] = []
        self.brand = QUICKTIME
        self.duration = 0.0
        self.handlers: set[bytes] = set()
        self.size = (0, 0)
        self.orientation = 1
        self.scales: dict[int, int] = {}
        self.has_fragments = False
        self.durations = Durations()
        self.handler = b""  # of the track at hand
        self.hides_tracks = False
        self.readers: dict[bytes, Callable[[Box], None]] = {
            b"ftyp": self.read_ftyp,
            b"mdat": self.read_mdat,
            b"mvhd": self.read_mvhd,
            b"trak": self.read_trak,
            b"hdlr": self.read_hdlr,
            b"stsd": self.read_stsd,
            b"dref": self.read_dref,
            b"trex": self.read_trex,
            b"traf": self.read_traf,
        }

    def read(self) -> None:
        """Read everything, and decide what the copy is without."""
        self.walk(TOP, 0, self.file.size)
        if not {PICTURE, SOUND} & self.handlers:
            raise UnreadableError("no picture and no sound")
        if self.hides_tracks and self.has_fragments:
            raise UnreadableError("a track of another kind, in fragments")
        if not samples.all_within(self.blanked, self.media):
            raise UnreadableError("samples outside the media")
        for part in self.blanked:
            self.changes.blank(part.start, part.stop)

    def walk(self, parent: bytes, start: int, end: int) -> None:
        for box in self.boxes.within(start, end):
            if box.name not in KEPT[parent] or (box.name == b"trak" and self.is_hidden(box)):
                self.changes.hide(box)
                continue
            if box.name in KEPT:
                self.walk(box.name, box.body, box.end)
            if box.name in self.readers:
                self.readers[box.name](box)

    def is_hidden(self, track: Box) -> bool:
        """Tell whether a track is neither picture nor sound; its samples go, too."""
        self.handler = self.boxes.content(self.boxes.need(track, b"mdia", b"hdlr"), 12)[8:]
        if self.handler in {PICTURE, SOUND}:
            self.handlers.add(self.handler)
            return False
        self.hides_tracks = True
        table = self.boxes.need(track, b"mdia", b"minf", b"stbl")
        self.blanked += samples.chunks(self.boxes, table)
        return True

    def read_ftyp(self, box: Box) -> None:
        self.brand = self.boxes.content(box, 4)
        if self.brand in STILLS | RAW:
            raise UnreadableError("a picture of another kind")

    def read_mdat(self, box: Box) -> None:
        self.media.append(range(box.body, box.end))

    def read_mvhd(self, box: Box) -> None:
        """Read the duration (8.2.2)."""
        scale, duration = self.time(box)
        self.duration = duration / scale if scale else 0.0

    def time(self, box: Box) -> tuple[int, int]:
        """Read time scale and duration, of mvhd as of mdhd; 0 if unknown."""
        data = self.boxes.content(box, 32).ljust(32, b"\0")
        at, length = (20, 8) if data[0] else (12, 4)
        duration = int.from_bytes(data[at + 4 : at + 4 + length])
        is_known = duration != (1 << 8 * length) - 1
        return int.from_bytes(data[at : at + 4]), duration if is_known else 0

    def read_trak(self, box: Box) -> None:
        """Read the size of a picture as it is shown (tkhd, 8.3.2)."""
        data = self.boxes.content(self.boxes.need(box, b"tkhd"), 96).ljust(96, b"\0")
        number, at = (20, 52) if data[0] else (12, 40)
        track = int.from_bytes(data[number : number + 4])
        self.scales[track] = self.time(self.boxes.need(box, b"mdia", b"mdhd"))[0]
        width, height = (int.from_bytes(data[at + 36 + n : at + 38 + n]) for n in (0, 4))
        if width * height > self.size[0] * self.size[1]:
            count_pixels(width, height)
            self.size = width, height
            signs = _sign(data[at : at + 4]), _sign(data[at + 4 : at + 8])
            self.orientation = ORIENTATIONS.get(signs, 1)

    def read_hdlr(self, box: Box) -> None:
        self.changes.blank(box.body + NAME_AT, box.end)

    def read_stsd(self, box: Box) -> None:
        """Take the names of codecs away, as cameras write their own there (12.1.3)."""
        if self.handler != PICTURE:
            return
        for entry in self.boxes.within(box.body + 8, box.end):
            if entry.end - entry.start >= ENTRY_HEAD:
                self.changes.blank(entry.start + CODEC_NAME_AT, entry.start + CODEC_NAME_END)

    def read_dref(self, box: Box) -> None:
        for entry in self.boxes.within(box.body + 8, box.end):
            if self.boxes.content(entry, 4)[-1:] != SELF_CONTAINED:
                raise UnreadableError("media in another file")
            self.changes.blank(entry.body + 4, entry.end)

    def read_trex(self, box: Box) -> None:
        self.has_fragments = True
        self.durations.extends(self.boxes, box)

    def read_traf(self, box: Box) -> None:
        self.has_fragments = True
        self.durations.fragment(self.boxes, box)

    def seconds(self) -> float:
        """Tell the duration: from the head, or from the fragments if that was written too early."""
        return self.duration or max(
            (
                total / scale
                for track, total in self.durations.totals.items()
                if (scale := self.scales.get(track))
            ),
            default=0.0,
        )

    def kind(self) -> Kind:
        if self.brand == QUICKTIME:
            return Kind.QUICKTIME
        return Kind.MP4 if PICTURE in self.handlers else Kind.M4A


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a film or a sound, and plan the copy without all that a player does not need."""
    film = _Film(file)
    film.read()
    width, height = reversed(film.size) if film.orientation in {6, 8} else film.size
    facts = Facts(film.kind(), width, height, film.seconds(), orientation=film.orientation)
    return facts, film.changes.plan(file.size)


def _sign(data: bytes) -> int:
    number = int.from_bytes(data, signed=True)
    return (number > 0) - (number < 0)
