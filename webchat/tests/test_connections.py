from __future__ import annotations

import pytest

from webchat.base.addresses import network
from webchat.serving import connections
from webchat.serving.connections import Connection, Connections


class One(Connection):
    def __init__(self, connections, address="198.51.100.7", is_idle=True):
        super().__init__(connections, address)
        self._is_idle = is_idle
        self.is_dropped = False

    @property
    def is_idle(self):
        return self._is_idle

    def drop(self):
        self.is_dropped = True


class Clock:
    now = 100.0

    def __call__(self):
        self.now += 0.001
        return self.now


@pytest.fixture
def clock():
    return Clock()


def opened(all_of_them, count, *given, **options):
    some = [One(all_of_them, *given, **options) for _number in range(count)]
    assert all(all_of_them.add(one) for one in some)
    return some


def numbers_of(some):
    return [number for number, one in enumerate(some) if one.is_dropped]


def test_at_the_cap_the_address_that_holds_most_loses_its_longest_idle(clock):
    all_of_them = Connections(10, clock)
    few = opened(all_of_them, 3, "192.0.2.1")
    many = opened(all_of_them, 7, "192.0.2.2")
    opened(all_of_them, 1, "192.0.2.3")
    assert numbers_of(few) == []
    assert numbers_of(many) == [0]
    assert len(all_of_them) == 10


def test_a_persons_is_never_closed_for_strangers_and_the_newest_is_refused(clock):
    all_of_them = Connections(5, clock)
    people = opened(all_of_them, 5)
    for number, one in enumerate(people):
        one.belongs_to(number)
    assert not all_of_them.add(One(all_of_them))
    assert numbers_of(people) == []
    assert len(all_of_them) == 5


def test_a_request_under_way_goes_only_when_nobody_is_idle_and_it_is_old(clock):
    all_of_them = Connections(3, clock)
    busy = opened(all_of_them, 3, is_idle=False)
    assert not all_of_them.add(One(all_of_them))
    clock.now += connections.BUSY_SECONDS
    idle = opened(all_of_them, 1)
    assert numbers_of(busy) == [0]
    opened(all_of_them, 1)
    assert (numbers_of(busy), numbers_of(idle)) == ([0], [0])


def test_what_is_kept_makes_no_room(clock):
    all_of_them = Connections(2, clock)
    for one in opened(all_of_them, 2):
        one.is_kept = True
    assert not all_of_them.add(One(all_of_them))


def test_in_a_flood_the_rest_is_looked_through_only_so_often(clock):
    all_of_them = Connections(1000, clock)
    flood = opened(all_of_them, 1000)
    opened(all_of_them, 1)
    assert numbers_of(flood) == list(range(connections.AT_ONCE))


def test_an_open_file_takes_the_place_of_a_connection(clock):
    all_of_them = Connections(4, clock)
    reader, *others = opened(all_of_them, 3)
    assert reader.hold_file()
    assert numbers_of(others) == []
    assert reader.hold_file()
    assert numbers_of(others) == [0], "the reader's own connection stays"
    reader.release_file()
    reader.release_file()
    assert (all_of_them.files, len(all_of_them)) == (0, 2)


def test_a_class_behind_one_address_is_untouched_and_more_are_not(clock):
    all_of_them = Connections(5000, clock)
    school = opened(all_of_them, 60 * 3 * 6, "192.0.2.1")
    assert numbers_of(school) == []
    opened(all_of_them, connections.OF_ONE_ADDRESS, "192.0.2.1")
    assert len(all_of_them) <= connections.OF_ONE_ADDRESS
    assert numbers_of(school) == list(range(len(numbers_of(school)))), "the oldest go"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", "::ffff:127.0.0.1"])
def test_what_stands_for_anybody_has_no_limit_of_its_own(clock, address):
    all_of_them = Connections(5000, clock)
    opened(all_of_them, 2 * connections.OF_ONE_ADDRESS, address)
    assert len(all_of_them) == 2 * connections.OF_ONE_ADDRESS


def test_people_are_not_counted_for_their_address(clock):
    all_of_them = Connections(5000, clock)
    for number, one in enumerate(opened(all_of_them, connections.OF_ONE_ADDRESS, "192.0.2.1")):
        one.belongs_to(number)
    opened(all_of_them, connections.OF_ONE_ADDRESS, "192.0.2.1")
    assert len(all_of_them) == 2 * connections.OF_ONE_ADDRESS


def test_one_person_cannot_take_a_thousand_and_keeps_sockets_and_downloads(clock):
    all_of_them = Connections(5000, clock)
    kept = opened(all_of_them, 10)
    for one in kept:
        one.belongs_to(7)
        one.is_kept = True
    rest = opened(all_of_them, 1000, "127.0.0.1")
    for one in rest:
        one.belongs_to(7)
    assert numbers_of(kept) == []
    assert len(all_of_them) <= connections.OF_ONE_PERSON
    assert not rest[-1].is_dropped


def test_what_has_gone_is_forgotten_whoever_it_was(clock):
    all_of_them = Connections(5, clock)
    one, other = opened(all_of_them, 2)
    one.belongs_to(7)
    for gone in (one, one, other):
        all_of_them.remove(gone)
    other.belongs_to(8)
    assert (len(all_of_them), list(all_of_them), all_of_them._of) == (0, [], {})


@pytest.mark.parametrize(
    ("address", "grouped"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 1000, ""),
    ],
)
def test_addresses_are_counted_as_one_household(address, grouped):
    assert network(address) == grouped
