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
WARM_UP = 10
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


def call(application: Callable[..., Any], asked: Asked, cookie: str) -> bytes:
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
    statuses: list[str] = []
    response = application(environ, lambda status, headers: statuses.append(status))
    body = b"".join(response)
    response.close()
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"{asked.path} answers {statuses[0]}")
    return body


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


def cost_of(application: Callable[..., Any], asked: Asked, cookie: str, times: int) -> Cost:
    for _ in range(WARM_UP):
        call(application, asked, cookie)
    seconds = []
    for _ in range(times):
        began = time.process_time()
        call(application, asked, cookie)
        seconds.append(time.process_time() - began)
    with count_queries() as queries:
        call(application, asked, cookie)
    with time_compiling() as compiling:
        for _ in range(WARM_UP):
            call(application, asked, cookie)
    each = 1e3 * sum(compiling) / WARM_UP
    median = 1e3 * statistics.median(seconds)
    selects = [sql for sql in queries if not sql.startswith(("BEGIN", "ROLLBACK"))]
    return Cost(asked.name, 1e3 * min(seconds), median, len(selects), each)


def cost_at(server: Server, asked: Asked, cookie: str, times: int) -> Cost:
    path = f"{asked.path}?{asked.query}" if asked.query else asked.path
    asyncio.run(time_of_pages(server.address, cookie, path, WARM_UP))
    before = server.cpu_seconds()
    asyncio.run(time_of_pages(server.address, cookie, path, times))
    each = 1e3 * (server.cpu_seconds() - before) / times
    return Cost(asked.name, each, each, 0, 0.0)


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
    parser.add_argument("--server", action="store_true", help="ask a server of its own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers go, too")
    return parser.parse_args()


def measure(options: argparse.Namespace, settings: dict[str, str]) -> list[Cost]:
    star, friend, after = fill(settings)
    asked = [
        each._replace(query=each.query.format(after=after))
        for each in requests_of(friend)
        if options.only in each.name
    ]
    if options.server:
        with Server(settings, CORES) as server:
            return [cost_at(server, each, star["cookie"], options.times) for each in asked]
    sys.path.insert(0, str(ROOT))
    os.environ.update(environment(settings))
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    return [cost_of(application, each, star["cookie"], options.times) for each in asked]


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
