"""The meaning of the Flask program's files, rule by rule."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.legacy.links import read_friendships, read_requests
from chat.legacy.memory import Memory
from chat.legacy.people import People, Person
from chat.legacy.reading import Tree, splits
from chat.legacy.reasons import ANSWERED
from chat.legacy.report import Report
from chat.legacy.talk import OldMessage, Talk, _set_order, merge, parse, parse_time
from webchat.base.text import mend_text

from .legacy import OldTree, v1, v3, v22

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def old(tmp_path):
    return OldTree(tmp_path)


@pytest.fixture
def report():
    return Report()


def people(*names: str) -> People:
    return People([Person(name, name) for name in names], {}, Memory())


def names_of(pairs) -> set[frozenset[str]]:
    return {frozenset(person.old for person in pair) for pair in pairs}


# Times


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (1760674268.5, datetime(2025, 10, 17, 4, 11, 8, 500000, UTC)),
        (1760674268, datetime(2025, 10, 17, 4, 11, 8, tzinfo=UTC)),
        ("1760674268.5", datetime(2025, 10, 17, 4, 11, 8, 500000, UTC)),
        ("2025-10-17 12:11", datetime(2025, 10, 17, 4, 11, tzinfo=UTC)),
        ("2025-10-17T04:11:08.707862Z", datetime(2025, 10, 17, 4, 11, 8, 707862, UTC)),
        ("2025-10-17T12:11:08+08:00", datetime(2025, 10, 17, 4, 11, 8, tzinfo=UTC)),
    ],
)
def test_each_version_wrote_its_times_in_its_own_way(written, meant):
    assert parse_time(written, SHANGHAI).at == meant


@pytest.mark.parametrize(
    "written",
    [None, True, "", "yesterday", [], {}, float("nan"), float("inf"), 1e300, -1e300, 0, "９"]
    + ["1760674268500", "0001-01-01 00:00", "9999-12-31T23:59:59Z", "2025-13-01 00:00"],
)
def test_a_time_that_nobody_understands_is_none(written):
    assert parse_time(written, SHANGHAI) is None


def test_local_times_are_of_the_zone_that_was_said():
    assert parse_time("2025-10-17 12:11", ZoneInfo("UTC")).at.hour == 12
    assert parse_time("2025-10-17 12:11", SHANGHAI).at.hour == 4


def test_minutes_keep_their_place_in_the_file():
    written = [
        v1("a", "1", 1760674290.0),  # 04:11:30
        v22("b", "2", "2025-10-17 12:11"),
        v22("a", "3", "2025-10-17 12:11"),
        v22("b", "4", "2025-10-17 12:12"),
        v3("a", "5", "2025-10-17T04:12:10.000000Z"),
    ]
    assert texts(in_order(written)) == "12345"


def test_exact_times_order_what_was_written_late():
    written = [v1("a", "2", 1760674290.0), v1("b", "1", 1760674280.0)]
    assert texts(in_order(written)) == "12"


def read(entries) -> list[OldMessage]:
    messages = [parse(entry, f"{place}", SHANGHAI) for place, entry in enumerate(entries)]
    _set_order(messages)
    return messages


def in_order(*copies) -> list[OldMessage]:
    return merge([read(copy) for copy in copies])


def texts(messages) -> str:
    return "".join(message.text for message in messages)


# Two copies


def test_two_copies_are_one_conversation_and_what_was_said_twice_stays_twice():
    at = "2025-10-17T04:11:08.000000Z"
    ha, ho = v3("a", "哈", at), v3("b", "嚯", at)
    assert texts(in_order([ha, ha, ho], [ha, ho])) == "哈哈嚯"
    assert texts(in_order([ha], [ha, ha, ho])) == "哈哈嚯"


def test_what_one_copy_lost_the_other_has():
    first, second, third = (
        v3("a", str(number), f"2025-10-17T04:11:0{number}.000000Z") for number in (1, 2, 3)
    )
    assert texts(in_order([first, third], [second, third])) == "123"


entries = st.builds(
    lambda sender, text, at: {"from": sender, "text": text, "time": at},
    st.sampled_from("ab"),
    st.sampled_from(["哈", "嗯", "好"]),
    st.one_of(
        st.sampled_from(["2025-10-17 12:11", "2025-10-17 12:12"]),
        st.floats(1760674260, 1760674380).map(lambda at: round(at, 1)),
        st.sampled_from(["2025-10-17T04:11:08.000000Z", "nonsense"]),
    ),
)
copies = st.lists(entries, max_size=12)


@given(copies, copies)
def test_of_equal_messages_the_larger_count_is_right(one, other):
    merged = Counter(message.key for message in in_order(one, other))
    counts = [Counter(message.key for message in read(copy)) for copy in (one, other)]
    assert merged == counts[0] | counts[1]


@given(copies, copies)
def test_a_merge_is_in_order_and_the_same_whichever_copy_is_given_twice(one, other):
    merged = in_order(one, other)
    orders = [message.order for message in merged]
    assert orders == sorted(orders)
    assert [m.key for m in in_order(one, one)] == [m.key for m in in_order(one)]


@given(copies)
def test_minutes_of_one_file_are_never_swapped(copy):
    minutes = [entry for entry in copy if entry["time"] == "2025-10-17 12:11"]
    merged = [m.text for m in in_order(copy) if m.moment and m.moment.stamp == "2025-10-17 12:11"]
    assert merged == [entry["text"] for entry in minutes]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["from", "sender", "text", "time", "url", "x"]), inner
            )
        ),
    )
)
def test_whatever_an_entry_is_it_is_read(entry):
    message = parse(entry, "", SHANGHAI)
    assert message.problem or message.moment


# The pair of a file


def settled(old, report, users, friends=()) -> dict[frozenset[str], int]:
    everybody = people(*users)
    friendships = {everybody.pair(*pair) for pair in friends}
    talk = Talk(Tree(old.root, report), everybody, friendships, SHANGHAI, report)
    found: dict[frozenset[str], int] = {}
    for pairs in talk.survey():
        for pair, each in pairs.items():
            key = frozenset(person.old for person in pair)
            found[key] = found.get(key, 0) + each.entries
    return found


def test_a_name_of_two_names_is_split_at_every_underscore():
    assert list(splits("a_b_c")) == [("a", "b_c"), ("a_b", "c")]
    assert list(splits("alice")) == []
    assert list(splits("_a")) == []


AT = 1760674268.0


@pytest.mark.parametrize(
    ("users", "senders", "friends", "pair"),
    [
        (["a_b", "c"], ["c"], [], {"a_b", "c"}),  # the users settle it
        (["a_b", "c", "a", "b_c"], ["c"], [], {"a_b", "c"}),  # the senders
        (["a", "a_b", "b_a"], ["a"], [("a_b", "a")], {"a_b", "a"}),  # the friendships
        (["c"], ["c", "a_b"], [], {"a_b", "c"}),  # a ghost
    ],
)
def test_users_senders_and_friendships_settle_whose_file_it_is(
    old, report, users, senders, friends, pair
):
    stem = "a_b_a" if "b_a" in users else "a_b_c"
    old.write(f"messages/{stem}.json", [v1(sender, "x", AT) for sender in senders])
    assert settled(old, report, users, friends) == {frozenset(pair): len(senders)}
    assert report.skips == {}


def test_two_pairs_in_one_file_are_told_apart_by_who_wrote(old, report):
    old.write("messages/a_b_c.json", [v1(sender, "x", AT) for sender in ["a_b", "c", "a", "b_c"]])
    found = settled(old, report, ["a_b", "c", "a", "b_c"])
    assert found == {frozenset({"a_b", "c"}): 2, frozenset({"a", "b_c"}): 2}


def test_what_stays_ambiguous_is_reported_and_never_guessed(old, report):
    old.write("messages/a_b_a.json", [v1("a", "x", AT), v1("a", "y", AT)])
    friends = [("a", "a_b"), ("a", "b_a")]
    assert settled(old, report, ["a", "a_b", "b_a"], friends) == {}
    assert report.counts["messages"].found == report.counts["messages"].skipped == 2


# Lists


def friends(old, report, *users):
    return names_of(read_friendships(Tree(old.root, report), people(*users), report).listed_by)


def test_alice_friends_is_the_list_of_alice_unless_there_is_such_a_user(old, report):
    old.write("friends/alice_friends.json", ["bob"])
    assert friends(old, report, "alice", "bob") == {frozenset({"alice", "bob"})}
    found = friends(old, report, "alice", "bob", "alice_friends")
    assert found == {frozenset({"alice_friends", "bob"})}


def test_requests_of_every_version_are_one_when_they_are_the_same(old, report):
    old.write("requests/to_bob.json", [{"from": "carol", "status": "pending"}] * 2)
    old.write("requests/bob.json", ["carol", "dora"])
    old.write("requests/from_dora_to_alice.json", {"status": "pending"})
    old.write("requests/to_alice.json", [{"from": "bob", "status": "accepted"}])
    found = read_requests(Tree(old.root, report), people("alice", "bob", "carol", "dora"), report)
    assert {(a.sender.old, a.recipient.old): reason for a, reason in found.items()} == {
        ("carol", "bob"): None,
        ("dora", "bob"): None,
        ("dora", "alice"): None,
        ("bob", "alice"): ANSWERED,
    }


def test_somebody_called_to_bob_has_a_list_of_their_own(old, report):
    old.write("requests/to_bob.json", ["carol", {"from": "dora", "status": "pending"}])
    found = read_requests(Tree(old.root, report), people("to_bob", "bob", "carol", "dora"), report)
    assert {(a.sender.old, a.recipient.old) for a in found} == {
        ("carol", "to_bob"),
        ("dora", "bob"),
    }


# Texts


@pytest.mark.parametrize(
    ("written", "kept", "removed"),
    [
        ("  你好\r\nBob ", "你好\nBob", 0),
        ("a\x00b\x1bc", "abc", 2),
        ("x\ud83dy", "xy", 1),
        ("👩‍👩‍👧", "👩‍👩‍👧", 0),
        ("e\u0301", "é", 0),
        (" \u200b\ufeff", "", 0),
        ("字" * 9000, "字" * 9000, 0),
    ],
)
def test_texts_pass_the_gate_at_any_length(written, kept, removed):
    assert mend_text(written) == (kept, removed)


def test_files_of_chinese_windows_are_read_too(old, report):
    old.write("friends/alice.json", '["王伟"]'.encode("gb18030"))
    assert friends(old, report, "alice", "王伟") == {frozenset({"alice", "王伟"})}
