"""Attacks on promise 3: everybody has a budget, by the cost of things."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable
from urllib.parse import urlencode
from uuid import uuid4

from client import open_websocket

from .aim import Aim, attack
from .wire import FORM, Answer, Client

MANY = 16  # connections by one account


@attack("disk")
async def typing(aim: Aim) -> None:
    """Send notes of typing 200 times a second, to two friends in turn."""
    await aim.flood(lambda n: {"type": "typing", "to": ("trudy", "eve")[n % 2]}, per_second=200)


@attack("costs")
async def remarks(aim: Aim) -> None:
    """Set remarks whose pinyin takes a process each, twenty a second, eight at once."""

    async def act(client: Client, number: int) -> Answer:
        body = _json(remark=f"王重{chr(0x4E00 + number % 5_000)}")
        return await client.post("/api/friends/trudy/remark/", body, aim.cookie())

    await aim.repeat(8, act, per_second=20)


@attack("disk")
async def arranging(aim: Aim) -> None:
    """Pin, mute, hide and mark a chat, and undo it, eight at once."""

    async def act(client: Client, number: int) -> Answer:
        how = ("pin", "mute", "hide", "unread")[number % 4]
        body = _json(on=number % 8 < 4)
        return await client.post(f"/api/conversations/trudy/{how}/", body, aim.cookie())

    await aim.repeat(8, act)


@attack("costs")
async def reports(aim: Aim) -> None:
    """Report each message of a friend, and the friend, eight at once."""
    ids = itertools.cycle(aim.world["messages"])

    async def act(client: Client, number: int) -> Answer:
        what = f"messages/{next(ids)}" if number % 8 else "friends/trudy"
        body = _json(reason="这条消息" * 100)
        return await client.post(f"/api/{what}/report/", body, aim.cookie())

    await aim.repeat(8, act)


@attack("disk")
async def read_marks(aim: Aim) -> None:
    """Move the read mark message by message, 200 times a second, on the socket and the API."""
    ids = itertools.cycle(aim.world["messages"])

    async def act(client: Client, _number: int) -> Answer:
        body = _json(up_to=next(ids))
        return await client.post("/api/conversations/trudy/read/", body, aim.cookie())

    frames = aim.flood(lambda _n: {"type": "read", "with": "trudy", "up_to": next(ids)})
    await asyncio.gather(aim.repeat(4, act), frames)


@attack("costs")
async def asking(aim: Aim) -> None:
    """Ask everybody in the class to be friends, again and again, eight at once."""
    pupils = aim.world["pupils"]

    async def act(client: Client, number: int) -> Answer:
        body = _json(username=pupils[number % len(pupils)]["name"], note="你好" * 25)
        return await client.post("/api/friends/requests/", body, aim.cookie())

    await aim.repeat(8, act)


@attack("costs")
async def exports(aim: Aim) -> None:
    """Download the export of one account again and again, four at once."""
    await aim.repeat(4, lambda client, _n: client.post("/export/", b"", aim.cookie(), FORM))


@attack("accounts")
async def logins(aim: Aim) -> None:
    """Log in to one account again and again, each time with the right password."""
    form = urlencode({"username": "mallory", "password": aim.world["password"]}).encode()
    await aim.repeat(4, lambda client, _n: client.post("/login/", form, kind=FORM))


@attack("accounts")
async def wrong_logins(aim: Aim) -> None:
    """Guess passwords of many accounts from one address."""
    await _post_forms(
        aim, "/login/", lambda n: {"username": f"pupil{n % 30 + 1:02}", "password": f"guess-{n}"}
    )


@attack("accounts")
async def registrations(aim: Aim) -> None:
    """Register accounts in a loop from one address."""
    password = aim.world["password"]
    await _post_forms(
        aim,
        "/register/",
        lambda _n: {
            "username": f"new{secrets.token_hex(4)}",
            "password1": password,
            "password2": password,
        },
    )


@attack("accounts")
async def name_checks(aim: Aim) -> None:
    """Check in a loop from one address whether names are free."""
    path = "/api/username-available/?username="
    await aim.repeat(8, lambda client, number: client.get(f"{path}name{number}"))


async def _post_forms(aim: Aim, path: str, fields: Callable[[int], dict[str, str]]) -> None:
    async def act(client: Client, number: int) -> Answer:
        return await client.post(path, urlencode(fields(number)).encode(), kind=FORM)

    await aim.repeat(4, act)


@attack("floods")
async def cheap_requests(aim: Aim) -> None:
    """Ask for /healthz and a static file as fast as possible, with no session, sixteen at once."""
    paths = ("/healthz", aim.world["static"], "/login/", "/nothing-here/")
    await aim.repeat(MANY, lambda client, number: client.get(paths[number % len(paths)]))


@attack("floods")
async def reading(aim: Aim) -> None:
    """Read pages, history, lists and events with one account, sixteen at once."""
    paths = (
        "/api/conversations/trudy/messages/?limit=100",
        "/chat/eve/",
        "/",
        "/api/conversations/",
        "/api/search/?q=a&limit=50",
        "/api/events/?after=0",
        "/contacts/",
    )

    async def act(client: Client, number: int) -> Answer:
        return await client.get(paths[number % len(paths)], aim.cookie())

    await aim.repeat(MANY, act)


@attack("floods")
async def socket_churn(aim: Aim) -> None:
    """Open live sockets that ask for everything from the beginning, and cut them."""

    async def one() -> None:
        while True:
            live = await aim.open_live("mallory", after=0)
            await asyncio.sleep(0.05)
            live.cut()
            aim.tally["opened"] += 1

    await aim.hold(8, one)


@attack("floods")
async def strange_sockets(aim: Aim) -> None:
    """Open live sockets without a session, again and again, sixteen at once."""

    async def one() -> None:
        while True:
            live = await open_websocket(aim.address, "/live/?after=0", "sessionid=nobody")
            live.cut()
            aim.tally["opened"] += 1

    await aim.hold(MANY, one)


@attack("floods")
async def sends(aim: Aim) -> None:
    """Send messages of 4,000 characters far beyond SEND_RATE, on sockets and the API."""

    def draft(_number: int) -> dict[str, str]:
        return {"client_id": str(uuid4()), "text": "长" * 4_000}

    async def act(client: Client, number: int) -> Answer:
        body = _json(**draft(number))
        return await client.post("/api/conversations/trudy/messages/", body, aim.cookie())

    frames = aim.flood(lambda n: {"type": "send", "to": "trudy"} | draft(n), sockets=4)
    await asyncio.gather(aim.repeat(4, act), frames)


@attack("floods")
async def bad_frames(aim: Aim) -> None:
    """Send meaningless frames, and reconnect when the socket is closed."""
    frames = (b"x" * 32_000, b"{}", b'{"type":1}', b'{"type":"send","client_id":"\\ud800"}')
    await aim.flood(lambda n: frames[n % len(frames)], sockets=8)


@attack("floods")
async def large_pings(aim: Aim) -> None:
    """Send pings of 32 KiB on ten sockets of one account."""
    frame = json.dumps({"type": "ping", "pad": "x" * 32_000}).encode()
    await aim.flood(lambda _n: frame, sockets=10, per_second=200)


@attack("control")
async def control(aim: Aim) -> None:
    """Attack nothing: run a process as busy as an attacker's can be, without any requests.

    This much of every row is the machine's share, not the server's.
    """
    deadline = asyncio.get_running_loop().time() + aim.seconds
    while asyncio.get_running_loop().time() < deadline:
        sum(range(10_000))
        await asyncio.sleep(0)


def _json(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()
