"""The frames of a WebSocket on a server's side: bytes taken apart, and put together (RFC 6455).

Section 4.2.2 is the answer to a handshake, 5.2 the form of a frame, 5.3 its mask, 5.4 the parts
of a message, 5.5 the control frames, 7.4 the codes of a close. There are no extensions, as none
is negotiated (9.1).
"""

from __future__ import annotations

import base64
import hashlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))

NORMAL, PROTOCOL_ERROR, INVALID_DATA, TOO_BIG, SERVER_ERROR = 1000, 1002, 1007, 1009, 1011
NEVER_SENT = (1004, 1005, 1006)  # 7.4.1: a frame carries none of these

CONTROL_BYTES = 125  # of a control frame, at most
CODE_BYTES = 2
FINAL, RESERVED, MASKED = 0x80, 0x70, 0x80

KEY_OF_THE_PROTOCOL = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Frame = tuple[int, bytes]  # opcode, payload


class BrokenError(Exception):
    """The peer breaks the protocol: the connection ends with this code and reason (7.1.7)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Frames:
    """Takes the bytes of a client, and gives its messages and control frames.

    Parts of a message are given as empty continuations, so that they can be counted, and the
    whole of it with the last one.
    """

    __slots__ = ("_at", "_buffer", "_most", "_opcode", "_parts")

    def __init__(self, most: int) -> None:
        """Make one; `most`: the bytes of the longest message."""
        self._most = most
        self._buffer: bytes | bytearray = b""
        self._at = 0  # what is before this has been taken
        self._opcode: int | None = None  # of a message whose last part has not come
        self._parts: bytearray | None = None

    def __len__(self) -> int:
        """Return how many bytes wait to be taken."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        if self._at == len(self._buffer):
            self._buffer = data
        elif self._at or isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer[self._at :]) + data
        else:
            self._buffer += data
        self._at = 0

    def next(self) -> Frame | None:
        """Return the next frame, None if it has not come yet. Raises BrokenError."""
        buffer, start = self._buffer, self._at + 2
        waiting = len(buffer) - start
        if waiting < 0:
            return None
        first, second = buffer[start - 2], buffer[start - 1]
        opcode, length = first & 0x0F, second & 0x7F
        if first & RESERVED:
            raise BrokenError(PROTOCOL_ERROR, "RSV bits set")
        if opcode not in OPCODES:
            raise BrokenError(PROTOCOL_ERROR, "Reserved opcode")
        if not second & MASKED:
            raise BrokenError(PROTOCOL_ERROR, "Frame not masked")
        if length > CONTROL_BYTES:
            size = 2 if length == 126 else 8
            if waiting < size:
                return None
            length = _long(bytes(buffer[start : start + size]))
            start += size
        self._check(opcode, length, is_final=bool(first & FINAL))
        end = start + 4 + length
        if len(buffer) < end:
            return None
        payload = unmask(bytes(buffer[start + 4 : end]), bytes(buffer[start : start + 4]))
        self._at = end
        if end == len(buffer):
            self._buffer, self._at = b"", 0
        if first & FINAL and opcode != CONTINUATION:
            return opcode, payload
        return self._join(opcode, payload, is_final=bool(first & FINAL))

    def _check(self, opcode: int, length: int, *, is_final: bool) -> None:
        """Refuse a frame by its head, before its payload is waited for."""
        if opcode >= CLOSE:
            if not is_final or length > CONTROL_BYTES:
                raise BrokenError(PROTOCOL_ERROR, "Invalid control frame")
            return
        if opcode == CONTINUATION:
            if self._parts is None:
                raise BrokenError(PROTOCOL_ERROR, "Unexpected continuation")
            length += len(self._parts)
        elif self._parts is not None:
            raise BrokenError(PROTOCOL_ERROR, "Expected continuation")
        if length > self._most:
            raise BrokenError(TOO_BIG, "Message too big")

    def _join(self, opcode: int, payload: bytes, *, is_final: bool) -> Frame:
        """Keep a part of a message, or return all of it with its last one."""
        if self._parts is None or self._opcode is None:
            self._opcode, self._parts = opcode, bytearray(payload)
            return CONTINUATION, b""
        self._parts += payload
        if not is_final:
            return CONTINUATION, b""
        whole = self._opcode, bytes(self._parts)
        self._opcode = self._parts = None
        return whole


def _long(number: bytes) -> int:
    """Read a length of two or eight bytes, which has to need them (5.2)."""
    length = int.from_bytes(number, "big")
    if len(number) == 2:
        if length <= CONTROL_BYTES:
            raise BrokenError(PROTOCOL_ERROR, "Non-minimal length")
    elif length <= 0xFFFF or length >> 63:
        raise BrokenError(PROTOCOL_ERROR, "Invalid length")
    return length


def unmask(payload: bytes, key: bytes) -> bytes:
    """Unmask it as one number: byte by byte, the largest frame would take 2 ms."""
    length = len(payload)
    mask = (key * (length // 4 + 1))[:length]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return number.to_bytes(length, "big")


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one frame of a server, whole and not masked."""
    length = len(payload)
    if length < 126:
        head = bytes((FINAL | opcode, length))
    elif length <= 0xFFFF:
        head = bytes((FINAL | opcode, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((FINAL | opcode, 127)) + length.to_bytes(8, "big")
    return head + payload


def text_frame(text: str) -> bytes:
    """Return a text in a frame. Raises UnicodeEncodeError for what UTF-8 cannot hold."""
    return frame(TEXT, text.encode())


def close_frame(code: int, reason: str = "") -> bytes:
    said = reason.encode()[: CONTROL_BYTES - CODE_BYTES]
    return frame(CLOSE, code.to_bytes(CODE_BYTES, "big") + said)


def answer_to_close(payload: bytes) -> bytes:
    """Return the close frame that answers one with this payload (5.5.1)."""
    if not payload:
        return close_frame(NORMAL)
    if len(payload) < CODE_BYTES:
        return close_frame(PROTOCOL_ERROR, "Invalid close payload")
    code = int.from_bytes(payload[:CODE_BYTES], "big")
    if not _may_be_sent(code):
        return close_frame(PROTOCOL_ERROR, "Invalid close code")
    try:
        return close_frame(code, payload[CODE_BYTES:].decode())
    except UnicodeDecodeError:
        return close_frame(INVALID_DATA, "Invalid UTF-8")


def _may_be_sent(code: int) -> bool:
    return (1000 <= code <= 1014 and code not in NEVER_SENT) or 3000 <= code <= 4999


def agreement(key: bytes) -> bytes:
    """Return the answer that turns a connection into a WebSocket (4.2.2)."""
    digest = hashlib.sha1(key + KEY_OF_THE_PROTOCOL, usedforsecurity=False).digest()
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
    ]
    return b"\r\n".join([*lines, b"", b""])
