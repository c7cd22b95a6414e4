"""Whether a file that is not cleaned may say where it was made."""

from __future__ import annotations

STARTS = (
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, and most RAW: DNG, CR2, NEF, ARW
    *(b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM"),  # other RAW
    *(b"\0\0\0\x0cJXL ", b"\xff\x0a", b"\0\0\0\x0cjP  ", b"8BPS"),  # JPEG XL, JPEG 2000, Photoshop
    *(b"%PDF-", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),  # PDF, RTF, Office up to 2003
    *(b"\x1a\x45\xdf\xa3", b"fLaC"),  # Matroska, FLAC
)
# Behind `ftyp`: HEIC, AVIF, CR3, and films that could not be read.
BRAND_AT = 4
RIFF = (b"WEBP", b"AVI ", b"WAVE")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"ID3", b"OggS")
FILM_STARTS = (b"ftyp", b"moov", b"mdat", b"wide")
DOCUMENTS = (
    b"[Content_Types].xml",
    b"word/",
    b"xl/",
    b"ppt/",
    b"mimetypeapplication/",
    b"docProps",
)
ZIP = b"PK\3\4"
SVG = b"<svg"


def tells_maybe_place(head: bytes) -> bool:
    """Tell by the first bytes (a few KiB) whether a file goes as it is and may name a place.

    That is so of pictures and films of kinds that are not cleaned, or that could not be read, and
    of documents, which contain pictures.
    """
    if head.startswith(STARTS) or head.startswith(PICTURES):
        return True
    if head[BRAND_AT : BRAND_AT + 4] in FILM_STARTS:
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] in RIFF
    if head.startswith(ZIP):
        return any(word in head for word in DOCUMENTS)
    return SVG in head[:1024].lower()
