"""Files that would run as a page, a script or a style if a browser took them for one."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

from PIL import Image, PngImagePlugin

SCRIPT = b"<script>document.title='ran';top.ran=1</script>"
HTML = b"<!doctype html>" + SCRIPT
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="top.ran=1">' + SCRIPT + b"</svg>"
XHTML = b'<html xmlns="http://www.w3.org/1999/xhtml"><head>' + SCRIPT + b"</head></html>"
XSL = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#x"?>'
    b'<x:stylesheet id="x" version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">'
    b'<x:template match="/"><html>' + SCRIPT + b"</html></x:template></x:stylesheet>"
)
MHTML = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
    b"Content-Type: text/html\r\nContent-Location: http://x/\r\n\r\n" + HTML + b"\r\n--x--\r\n"
)
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF"
MANIFEST = b"CACHE MANIFEST\n# top.ran=1\nFALLBACK:\n/ /attachments/1/\n"


def drawn(form: str, **how) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").convert("P" if form == "GIF" else "RGB").save(made, form, **how)
    return made.getvalue()


def zipped(name: str = "a.html") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(name, HTML)
    return made.getvalue()


def in_text_of_png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", HTML.decode())
    return drawn("PNG", pnginfo=text)


def script_and_gif() -> bytes:
    """A GIF that is a script, too: its width begins a comment, which its end closes."""
    picture = drawn("GIF")
    width = b"/*" + picture[8:]
    return picture[:6] + width + b"*/=1;top.ran=1;//"


def html_in_jpeg() -> bytes:
    picture = drawn("JPEG")
    comment = b"\xff\xfe" + struct.pack(">H", len(HTML) + 2) + HTML
    return picture[:2] + comment + picture[2:] + HTML


def html_in_webp() -> bytes:
    picture = drawn("WEBP")
    chunk = b"EXIF" + struct.pack("<I", len(HTML)) + HTML + b"\0" * (len(HTML) % 2)
    return picture + chunk


def html_in_chunk_of_png() -> bytes:
    picture = drawn("PNG")
    body = b"juNk" + HTML
    chunk = struct.pack(">I", len(HTML)) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:33] + chunk + picture[33:]


PLAIN = {
    "html": HTML,
    "html with a mark": b"\xef\xbb\xbf \n" + HTML,
    "html of UTF-16": HTML.decode().encode("utf-16"),
    "xhtml": XHTML,
    "svg": SVG,
    "svg after XML": b'<?xml version="1.0"?>\n' + SVG,
    "svgz": gzip.compress(SVG),
    "xml with a style": XSL,
    "mhtml": MHTML,
    "pdf": PDF,
    "script": b"top.ran=1;document.title='ran'",
    "style": b"*{background:url(x)}body::before{content:'ran'}",
    "manifest": MANIFEST,
    "zip": zipped(),
    "html after the mark of a GIF": b"GIF89a" + HTML,
    "html after the mark of a PNG": b"\x89PNG\r\n\x1a\n" + HTML,
    "html after the mark of a JPEG": b"\xff\xd8\xff\xe0" + HTML,
    "html after the mark of a WebP": b"RIFF\x20\0\0\0WEBP" + HTML,
    "html in a film": b"\0\0\0\x14ftypisom\0\0\0\0isom" + HTML,
    "html after the mark of a song": b"ID3\x04\0\0\0\0\0\0" + HTML,
    "html after the mark of Ogg": b"OggS" + HTML,
    "script after the mark of a GIF": b"GIF89a=1;top.ran=1",
    "bitmap": b"BM" + HTML,
}
PICTURES = {
    "script and GIF": script_and_gif(),
    "html in a JPEG": html_in_jpeg(),
    "html in a text of a PNG": in_text_of_png(),
    "html in a chunk of a PNG": html_in_chunk_of_png(),
    "html in a WebP": html_in_webp(),
    "PNG and ZIP": drawn("PNG") + zipped(),
    "GIF and ZIP": drawn("GIF") + zipped(),
    "JPEG and script": drawn("JPEG") + b"*/;top.ran=1",
    "PNG": drawn("PNG"),
}
