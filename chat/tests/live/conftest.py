"""The people of a real server."""

from __future__ import annotations

import pytest

from tests.live import Person, settle
from tests.server import Server

NAMES = ["alice", "bob", "carol", "dora", "emil", "fred", "gina", "hans", "mallory"]
NAMES += ["flora", "flint"]  # these two flood
PAIRS = [
    ("alice", "bob"),
    ("alice", "carol"),
    ("alice", "dora"),
    ("emil", "fred"),
    ("gina", "hans"),
]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("data"), SEND_RATE="off") as server:
        yield settle(server, NAMES, PAIRS)


@pytest.fixture
def alice(people) -> Person:
    return people["alice"]


@pytest.fixture
def bob(people) -> Person:
    return people["bob"]


def head(person: Person) -> int:
    return person.get("me/").json()["last_event"]
