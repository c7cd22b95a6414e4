"""Both sides of a WebSocket for tests: a transport that records, and a client's frames."""

from __future__ import annotations

KEY = b"\x01\x8f\x00\xff"


def client_frame(opcode, payload=b"", *, final=True, key=KEY, reserved=0):
    """Write a frame as clients do: masked, in the shortest form."""
    length = len(payload)
    head = bytes((0x80 * final | reserved | opcode,))
    if length < 126:
        head += bytes((0x80 | length,))
    elif length < 65536:
        head += b"\xfe" + length.to_bytes(2, "big")
    else:
        head += b"\xff" + length.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


class Transport:
    def __init__(self):
        self.written = b""
        self.is_reading = True
        self.closed = ""
        self.unsent = 0

    def get_write_buffer_size(self):
        return self.unsent

    def write(self, data):
        assert not self.closed
        self.written += data

    def is_closing(self):
        return bool(self.closed)

    def pause_reading(self):
        self.is_reading = False

    def resume_reading(self):
        self.is_reading = True

    def close(self):
        self.closed = self.closed or "closed"

    def abort(self):
        self.closed = "aborted"
