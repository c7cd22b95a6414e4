"""Attacks on promise 1: work grows with the request, and is bounded before it begins."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from .aim import Aim, attack
from .wire import FORM, Answer, Client

PAIR = "\u0301\u0327"  # two marks of different classes: normalizing sorts them
MARKS = "a" + 200_000 * PAIR  # 800 KB, just below Django's limit for a form
FRAME_MARKS = "a" + 7_900 * PAIR  # fits into a frame or a body of 32 KiB
URL_MARKS = "a" + 300 * PAIR  # fits into a line of 4,094 bytes
SLOW_WORD = "a" * 96 + "bc"  # against texts of “aaaa…”: found nowhere, compared everywhere
MANY_WORDS = " ".join("abcdefghijklmnopqrstuvwxyz0123456789我们开会的了是在不有就好")  # < 100
DEEP = 31 * 1024  # bytes, just below the limit for a body or a frame
BODIES = [
    b"[" * DEEP,
    b'{"up_to":' * (DEEP // 9),
    b'{"up_to":%b}' % (b"9" * DEEP),
    b'{"up_to":"%b"}' % (b"9" * DEEP),
    b'{"up_to":1e%b}' % (b"9" * DEEP),
    b'{"up_to":0.%b1}' % (b"0" * DEEP),
    b"{%b}" % b",".join(b'"%d":1' % number for number in range(3_000)),
    b'{"up_to":"%b"}' % (b"\\ud800" * (DEEP // 6)),
]


@attack("texts")
async def marks_login(aim: Aim) -> None:
    """Log in with a name of 400,000 marks, no session, four at once: only short ones are folded."""
    await _post_marks(aim, "/login/")


@attack("texts")
async def marks_register(aim: Aim) -> None:
    """Register with the same name."""
    await _post_marks(aim, "/register/")


@attack("texts")
async def marks_admin(aim: Aim) -> None:
    """Use the same name at the admin's log-in."""
    await _post_marks(aim, "/admin/login/")


async def _post_marks(aim: Aim, path: str) -> None:
    body = f"username={MARKS}&password=x&password1={MARKS[:1000]}".encode()
    await aim.repeat(4, lambda client, _n: client.post(path, body, kind=FORM))


@attack("texts")
async def marks_frames(aim: Aim) -> None:
    """Send live frames of 32 KiB of marks, in each field that takes a text."""
    frames = [
        {"type": "send", "client_id": str(uuid4()), "to": "trudy", "text": FRAME_MARKS},
        {"type": "send", "client_id": str(uuid4()), "to": FRAME_MARKS, "text": "a"},
        {"type": "send", "client_id": FRAME_MARKS, "to": "trudy", "text": "a"},
        {"type": "read", "with": FRAME_MARKS, "up_to": 1},
        {"type": "typing", "to": FRAME_MARKS},
        {"type": FRAME_MARKS},
    ]
    # Fewer than 20 bad ones a second: more would close the socket, which is easy for the server.
    await aim.flood(lambda n: frames[n % len(frames)], sockets=4, per_second=18)


@attack("texts")
async def marks_api(aim: Aim) -> None:
    """Send the API bodies, queries and paths full of marks, eight at once."""
    body = f'{{"username":"{FRAME_MARKS}","note":"a"}}'.encode()
    text = f'{{"text":"{FRAME_MARKS}","client_id":"{uuid4()}"}}'.encode()
    remark = f'{{"remark":"{FRAME_MARKS}"}}'.encode()
    url = quote(URL_MARKS)

    async def act(client: Client, number: int) -> Answer:
        match number % 6:
            case 0:
                return await client.post("/api/friends/requests/", body, aim.cookie())
            case 1:
                return await client.post("/api/conversations/trudy/messages/", text, aim.cookie())
            case 2:
                return await client.post("/api/friends/trudy/remark/", remark, aim.cookie())
            case 3:
                return await client.get(f"/api/search/?q={url}", aim.cookie())
            case 4:
                return await client.get(f"/api/username-available/?username={url}")
            case _:
                return await client.get(f"/chat/{url}/", aim.cookie())

    await aim.repeat(8, act)


@attack("texts")
async def many_parts(aim: Aim) -> None:
    """Send forms and cookies of a great many parts, without a session, four at once."""
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    forms = (
        (b"a=1&" * 249_000, FORM),
        (b"%41" * 333_000, FORM),
        (part * 18_000 + b"--b--", "multipart/form-data; boundary=b"),
        (b"--" * 499_000, f"multipart/form-data; boundary={'-' * 60}"),
    )
    cookie = "; ".join(f"c{number}=1" for number in range(800))  # of the 8 KB of a line

    async def act(client: Client, number: int) -> Answer:
        body, kind = forms[number % len(forms)]
        return await client.post("/login/", body, cookie, kind)

    await aim.repeat(4, act)


@attack("texts")
async def deep_json(aim: Aim) -> None:
    """Send JSON that is deep, wide, or one number of 32,000 digits, in bodies and frames."""

    async def act(client: Client, number: int) -> Answer:
        body = BODIES[number % len(BODIES)]
        return await client.post("/api/conversations/trudy/read/", body, aim.cookie())

    bodies = cycle(BODIES)
    frames = aim.flood(lambda _n: next(bodies).replace(b"{", b'{"type":"read","with":"trudy",', 1))
    await asyncio.gather(aim.repeat(8, act), frames)


@attack("searches")
async def slow_search(aim: Aim) -> None:
    """Search, ten at once, for a word that is found nowhere and nearly everywhere."""
    await _search(aim, "/api/search/", q=SLOW_WORD)


@attack("searches")
async def slow_search_page(aim: Aim) -> None:
    """Make the same searches on the page."""
    await _search(aim, "/search/", q=SLOW_WORD)


@attack("searches")
async def many_words(aim: Aim) -> None:
    """Search, ten at once, for fifty words of one letter."""
    await _search(aim, "/api/search/", q=MANY_WORDS, limit=50)


@attack("searches")
async def staff_search(aim: Aim) -> None:
    """Use the admin's own searches and filters with many words, marks and odd values."""
    queries: list[dict[str, Any]] = [
        {"q": "a " * 1_800},
        {"q": URL_MARKS},
        {"q": "%_" * 800},
        {"date_joined__gte": "9" * 2_000},
        {"id__in": "1," * 900},
    ]

    async def act(client: Client, number: int) -> Answer:
        query = urlencode(queries[number % len(queries)])
        return await client.get(f"/admin/accounts/user/?{query}", aim.cookie("warden"))

    await aim.repeat(4, act)


async def _search(aim: Aim, path: str, **query: object) -> None:
    path = f"{path}?{urlencode(query)}"
    await aim.repeat(10, lambda client, _n: client.get(path, aim.cookie()))
