"""The processor time of the requests that a page makes, in one process without a server.

One person with 40 friends, half of 4,000 messages in the chat with the first of them, some of
which quote another. Each request comes in as WSGI with a session's cookie, as from the bridge.
`--server` asks a real server instead, whose own processor time counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from load import time_of_pages
from processes import CORES, ROOT, Server, environment, new_settings, prepare, run
from stage import fill_chats

FRIENDS = 40
MESSAGES = 4_000
WARM_UP = 25  # requests of a kind: Python adapts to code that is used, and so does SQLite
BLOCK = 10  # requests that are measured together at a server
QUIET_SHARE = 0.02  # of a processor, that a server uses which has nothing left to do at its start
QUIET_SECONDS = 60.0  # to wait for that
# Every fifth message of the long chat, which has the odd ids.
QUOTING = """
UPDATE chat_message SET quote = id - 20 WHERE id % 10 = 1 AND id > 20
"""


class Asked(NamedTuple):
    name: str
    path: str
    query: str = ""


class Cost(NamedTuple):
    """The cost of one request, in milliseconds of processor; compiling counts among them."""

    name: str
    best: float
    median: float
    queries: int
    compiling: float


def requests_of(friend: str) -> list[Asked]:
    return [
        Asked("api: 50 messages", f"/api/conversations/{friend}/messages/"),
        Asked("api: conversations", "/api/conversations/"),
        Asked("api: unread counts", "/api/unread_counts/"),
        Asked("api: friends", "/api/friends/"),
        Asked("api: events, no news", "/api/events/"),
        Asked("api: events, 20 after", "/api/events/", "after={after}"),
        Asked("api: me", "/api/me/"),
        Asked("chat list", "/"),
        Asked("conversation", f"/chat/{friend}/"),
        Asked("contacts", "/contacts/"),
    ]


def call(application: Callable[..., Any], asked: Asked, cookie: str) -> list[str]:
    """Ask, and return the cookies that are set."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_COOKIE": cookie,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    began: list[Any] = []
    response = application(environ, lambda status, headers: began.extend((status, headers)))
    b"".join(response)
    response.close()
    status, headers = began
    if not status.startswith("200"):
        raise RuntimeError(f"{asked.path} answers {status}")
    return [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]


@contextmanager
def count_queries() -> Iterator[list[str]]:
    from django.db import connection

    asked: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield asked


@contextmanager
def time_compiling() -> Iterator[list[float]]:
    """Collect the seconds that Django takes to make SQL of query sets."""
    from django.db.models.sql.compiler import SQLCompiler

    compile_one = SQLCompiler.as_sql
    took: list[float] = []
    depth = 0

    def timed(self: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal depth
        began, depth = time.process_time(), depth + 1
        try:
            return compile_one(self, *arguments, **named)
        finally:
            depth -= 1
            if not depth:
                took.append(time.process_time() - began)

    SQLCompiler.as_sql = timed  # type: ignore[method-assign]
    try:
        yield took
    finally:
        SQLCompiler.as_sql = compile_one  # type: ignore[method-assign]


def cookies_of(application: Callable[..., Any], cookie: str) -> str:
    """Return what a browser sends after its first page: the mark of the last person, too."""
    return "; ".join([cookie, *call(application, Asked("chat list", "/"), cookie)])


def seconds_of(application: Callable[..., Any], asked: Asked, cookie: str) -> float:
    began = time.process_time()
    call(application, asked, cookie)
    return time.process_time() - began


def cost_of(application: Callable[..., Any], asked: Asked, cookie: str, times: int) -> Cost:
    for _ in range(WARM_UP):
        call(application, asked, cookie)
    seconds = [seconds_of(application, asked, cookie) for _ in range(times)]
    with count_queries() as queries:
        call(application, asked, cookie)
    with time_compiling() as compiling:
        for _ in range(WARM_UP):
            call(application, asked, cookie)
    each = 1e3 * sum(compiling) / WARM_UP
    median = 1e3 * statistics.median(seconds)
    selects = [sql for sql in queries if not sql.startswith(("BEGIN", "ROLLBACK"))]
    return Cost(asked.name, 1e3 * min(seconds), median, len(selects), each)


def costs_beside(
    server: Server, application: Callable[..., Any], asked: Asked, cookie: str, times: int
) -> tuple[Cost, Cost]:
    """Return the cost of a request in this process, and at a server, in turn."""
    path = f"{asked.path}?{asked.query}" if asked.query else asked.path
    here: list[float] = []
    there: list[float] = []
    for _ in range(WARM_UP):
        call(application, asked, cookie)
    asyncio.run(time_of_pages(server.address, cookie, path, WARM_UP))
    for _ in range(max(1, times // BLOCK)):
        here += [seconds_of(application, asked, cookie) for _ in range(BLOCK)]
        before = server.cpu_seconds()
        asyncio.run(time_of_pages(server.address, cookie, path, BLOCK))
        there.append((server.cpu_seconds() - before) / BLOCK)
    blocks = [sum(here[at : at + BLOCK]) / BLOCK for at in range(0, len(here), BLOCK)]
    return tuple(  # type: ignore[return-value]
        Cost(name, 1e3 * min(seconds), 1e3 * statistics.median(seconds), 0, 0.0)
        for name, seconds in ((asked.name, blocks), (f"{asked.name}, by HTTP", there))
    )


def wait_until_quiet(server: Server) -> None:
    """Wait until it has done what is to be done at a start, as the search's filters."""
    until = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        before = server.cpu_seconds()
        time.sleep(1)
        if server.cpu_seconds() - before < QUIET_SHARE:
            return
    raise RuntimeError("the server does not come to rest")


def fill(settings: dict[str, str]) -> tuple[dict[str, str], str, int]:
    """Make people; return the one with the friends, a friend, and an event 20 before the end."""
    import sqlite3

    people = run("seed.py", "people", 1, FRIENDS, settings=settings, cores=CORES)
    star, friend = people[2], people[3]
    fill_chats(star["username"], MESSAGES, settings)
    with sqlite3.connect(Path(settings["DATA_DIR"]) / "db.sqlite3") as database:
        database.execute(QUOTING)
        [head] = database.execute("SELECT max(id) FROM chat_event").fetchone()
    return star, friend["username"], head - 20


def table(costs: list[Cost]) -> str:
    lines = [
        "| request | best, ms | median, ms | queries | compiling SQL |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.name} | {each.best:.2f} | {each.median:.2f} | {each.queries or ''} |"
        f" {100 * each.compiling / each.median:.0f} % |"
        for each in costs
    ]
    return "\n".join(lines)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="requests of each kind")
    parser.add_argument("--only", default="", help="part of the names of the requests")
    parser.add_argument("--server", action="store_true", help="ask a server of its own, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args()


def measure(options: argparse.Namespace, settings: dict[str, str]) -> list[Cost]:
    star, friend, after = fill(settings)
    asked = [
        each._replace(query=each.query.format(after=after))
        for each in requests_of(friend)
        if options.only in each.name
    ]
    sys.path.insert(0, str(ROOT))
    os.environ.update(environment(settings))
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    cookie = cookies_of(application, star["cookie"])
    if not options.server:
        return [cost_of(application, each, cookie, options.times) for each in asked]
    with Server(settings, CORES) as server:
        wait_until_quiet(server)
        return [
            cost
            for each in asked
            for cost in costs_beside(server, application, each, cookie, options.times)
        ]


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="webchat-bench-") as folder:
        settings = new_settings(Path(folder), 1)
        prepare(settings)
        costs = measure(options, settings)
    if options.json:
        options.json.write_text(json.dumps([each._asdict() for each in costs], indent=1) + "\n")
    print(table(costs))


if __name__ == "__main__":
    main()
