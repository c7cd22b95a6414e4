"""A broken tree is imported as far as possible."""

from __future__ import annotations

import pytest

from ..legacy import OldTree, file, v1
from .conftest import accounted, codes, lost, names, tables, texts, tree_v3


def broken(old: OldTree) -> None:
    """Write half files, ghosts, twins of a name, a name for two pairs, lost files, and nonsense."""
    tree_v3(old)
    old.users("a", "a_b", "b_a", "Bob")
    old.write("users/half.json", '{"username": "half", "passw')
    old.write("users/list.json", ["no", "object"])
    old.write("users/empty.json", b"")
    old.write("friends/carol.json", '["ali')
    old.write("friends/dora.json", ["alice"])
    old.write("friends/王伟.json", ["alice", 7, None, "ghost"])
    old.write("requests/bob.json", '["')
    old.write("requests/carol.json", ["ghost", {"status": "pending"}])
    old.write("messages/alice_bob.json", '[{"from": "alice", "te')
    old.write("messages/a_b_a.json", [v1("a", "whose?", 1760674268.0)])
    old.write("messages/alice_ghost.json", [v1("ghost", "boo", 1760674268.0)])
    old.write("messages/ghost_alice.json", [v1("ghost", "boo", 1760674268.0)])
    old.write("messages/alice.json", [v1("alice", "to whom?", 1760674268.0)])
    lost = file("/chat/uploads/lost.png", original_name="丢了.png")
    old.write(
        "messages/alice_王伟.json",
        [
            "nonsense",
            v1("mallory", "none of the two", 1760674268.0),
            v1("alice", "when?", "soon"),
            v1("alice", None, 1760674268.0),
            v1("alice", " \x00 ", 1760674268.0),
            v1("alice", "bell\x07", 1760674268.0),
            v1("alice", lost, 1760674268.0),
            v1("alice", file("/chat/uploads/../users/alice.json"), 1760674268.0),
            v1("alice", file("/chat/uploads/.."), 1760674269.0),
        ],
    )
    old.write("last_read/alice_bob.json", "{")
    old.write("last_read/x_y.txt", "never")
    old.write("friends_remarks/alice.json", "[")


def test_a_broken_tree_comes_over_as_far_as_it_goes_and_every_loss_is_told(old):
    broken(old)
    report, printed = old.run()
    numbers = accounted(report)
    # Three files are broken; Bob is a twin of bob, who has more.
    assert numbers["users"] == [11, 8, 0, 3]
    assert names(report) == {"Bob": ("bob2", "twin")}
    assert numbers["attachments"] == [4, 1, 0, 3]
    assert codes(report, "users") == {
        "users/half.json": "not_json",
        "users/list.json": "no_object",
        "users/empty.json": "not_json",
    }
    assert codes(report, "messages")["messages/alice_bob.json"] == "not_json"
    assert set(lost(report)) == {"dora", "ghost"}
    assert texts("alice", "王伟") == [
        "老师让你交报告 📎",
        "bell",
        "[文件已丢失：丢了.png]",
        "[文件已丢失：alice.json]",
        "[文件已丢失：file.png]",
    ]
    assert codes(report, "characters")
    for skip in report["skips"]:
        assert skip["reason"] in printed
    before = tables()
    old.run()
    assert tables() == before


@pytest.mark.parametrize("content", ["", "[", "null", "7", '"x"', "{}", "\xff\xfe", "[[[["])
@pytest.mark.parametrize("folder", ["users", "friends", "requests", "messages"])
def test_no_file_stops_the_import(old, folder, content):
    tree_v3(old)
    old.write(f"{folder}/alice_bob.json", content.encode("latin-1"))
    report, _printed = old.run()
    accounted(report)
    assert report["users"]["imported"] >= 3
