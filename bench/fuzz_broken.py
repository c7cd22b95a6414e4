"""Invalid frames and requests: bytes that break WebSocket or HTTP itself, by kind of fault."""

from __future__ import annotations

import random

from fuzz_wire import frame


def broken_frames(payload: bytes, rng: random.Random) -> dict[str, bytes]:
    mask = rng.randbytes(4)
    return {
        "binary": frame(payload, 2),
        "fragments": frame(payload, 1, head=0) + frame(payload, 0, head=0) + frame(b"", 0),
        "many fragments": frame(b"[", 1, head=0) + frame(b"", 0, head=0) * 2000 + frame(b"]", 0),
        "mask": frame(payload, mask=mask),
        "reserved": frame(payload, head=0xF0),
        "opcode": frame(payload[:100], rng.choice([3, 7, 11, 15])),
        "ping": frame(payload[:125], 9) * 50,
        "long ping": frame(payload, 9),
        "close": frame(rng.choice([b"", b"\x03", b"\x03\xe8", b"\0\0", b"\xff\xff\xff"]), 8),
        "unmasked": b"\x81\x05hello",
        "huge": b"\x81\xff\x7f" + b"\xff" * 7 + mask + payload,
        "continuation": frame(payload, 0),
        "bytes": rng.randbytes(200),
    }


def broken_requests(payload: bytes) -> dict[str, bytes]:
    head = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return {
        "content length": head + b"Content-Length: " + payload[:60] + b"\r\n\r\n",
        "too short": head + b"Content-Length: 100000\r\n\r\n" + payload,
        "two lengths": head + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n" + payload,
        "both": head + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + payload,
        "chunk": head + b"Transfer-Encoding: chunked\r\n\r\n" + payload[:50] + b"\r\n" + payload,
        "request line": payload + b"\r\n\r\n",
        "header": head + payload + b"\r\n\r\n",
        "name": head + payload[:200] + b": 1\r\n\r\n",
        "pipeline": (head + b"Content-Length: 0\r\n\r\n") * 20,
        "target": b"GET " + payload + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "version": b"GET / HTTP/" + payload[:20] + b"\r\nHost: 127.0.0.1\r\n\r\n",
        "upgrade": b"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: " + payload[:500] + b"\r\n\r\n",
    }
