"""The memory of earlier imports: who got whose data."""

from __future__ import annotations

import pytest
from django.core.management import CommandError
from django.test import Client

from accounts.models import OldName, RetiredUsername, User
from accounts.services import delete_account, rename
from accounts.traces import find_traces, list_kept
from friends.models import Friendship

from ..legacy import OldTree, file, v3
from .conftest import accounted, lost, names, stored_files, tables, texts
from .test_names import AT, befriended


def test_a_second_run_needs_no_rename_and_brings_only_what_is_new(old):
    old.users("zed", "Zed", "Li Lei")
    befriended(old, "Zed", "alice", "1", "2")
    befriended(old, "zed", "bob", "3")
    old.write("messages/alice_bobby.json", [v3("bobby", "4", AT)])
    first, _printed = old.run("--rename", "Li Lei=李雷", "--rename", "bobby=bob")
    before, stored = tables(), stored_files()
    second, _printed = old.run()
    assert (tables(), stored_files()) == (before, stored)
    assert accounted(second)["messages"] == [4, 0, 4, 0]
    assert {old: new for old, (new, _code) in names(second).items()} == {
        "Li Lei": "李雷",
        "zed": "zed2",
    }
    assert second["renames"] == {}
    # Twins may have changed places by now, and there may be a third.
    old.users("ZED")
    befriended(old, "zed", "bob", "3", "5", "6", "7")
    third, _printed = old.run()
    assert names(third)["ZED"] == ("zed3", "twin")
    assert accounted(third)["users"] == [8, 1, 7, 0]
    assert texts("zed2", "bob") == ["3", "5", "6", "7"]
    assert first["users"]["imported"] == 7


def test_another_rename_for_somebody_who_is_here_already_is_refused(old):
    old.users("Li Lei")
    old.run()
    before = tables()
    with pytest.raises(CommandError, match="Li_Lei"):
        old.run("--rename", "Li Lei=李雷")
    assert tables() == before
    report, _printed = old.run("--rename", "Li Lei=Li_Lei")
    assert accounted(report)["users"] == [5, 0, 5, 0]


def test_a_second_old_program_has_people_of_its_own(old, tmp_path):
    old.users("zed")
    befriended(old, "zed", "alice", "1")
    old.run()
    (tmp_path / "other").mkdir()
    other = OldTree(tmp_path / "other")
    other.users("zed", "dora")
    befriended(other, "zed", "dora", "2")
    with pytest.raises(CommandError):
        other.run("--rename", "zed=zoe")
    options = ["--tree", "lab 2", "--rename", "zed=zoe"]
    assert accounted(other.run(*options)[0])["users"] == [2, 2, 0, 0]
    assert texts("zoe", "dora") == ["2"]
    assert accounted(other.run(*options[:2])[0])["messages"] == [1, 0, 1, 0]
    assert accounted(old.run()[0])["messages"] == [1, 0, 1, 0]


def test_two_old_programs_with_a_common_past_keep_their_files_apart(old, tmp_path):
    (tmp_path / "other").mkdir()
    other = OldTree(tmp_path / "other")
    other.users("alice", "bob", "carol")
    for tree in (old, other):
        said = [v3("bob", "hi", AT), v3("bob", file(tree.upload("x.png"), name="x.png"), AT)]
        tree.write("messages/alice_bob.json", said)
        tree.write("messages/bob_carol.json", said)
        tree.write("friends/bob.json", ["alice", "carol"])
    old.run()
    first = stored_files()
    options = ["--tree", "lab", "--rename", "alice=dora"]
    report, _printed = other.run(*options)
    # bob and carol have theirs already; dora is another one than alice.
    assert accounted(report)["messages"] == [4, 2, 2, 0]
    assert accounted(report)["attachments"] == [2, 1, 1, 0]
    assert len(stored_files() - first) == 1
    assert first < stored_files()
    assert [len(texts("bob", each)) for each in ("alice", "carol", "dora")] == [2, 2, 2]
    before = tables()
    assert accounted(other.run("--tree", "lab")[0])["messages"] == [4, 0, 4, 0]
    assert tables() == before


@pytest.mark.parametrize(
    "renames", [["alice=dora", "bob=Dora"], ["alice=x1"], ["alice=zed"], ["zed=alice"]]
)
def test_two_people_never_get_one_name(old, renames):
    old.users("zed")
    old.run("--rename", "zed=x1")
    with pytest.raises(CommandError):
        old.run(*[word for each in renames for word in ("--rename", each)])


@pytest.mark.parametrize("name", ["bob", "bobby"])
def test_nobody_gets_what_belonged_to_a_deleted_account(old, name):
    befriended(old, "bob", "alice", "1")
    befriended(old, "bobby", "alice", "2")
    old.run("--rename", "bobby=bob")
    delete_account(user=User.objects.get(username="bob"))
    report, printed = old.run()
    assert lost(report) == {"bob": "deleted", "bobby": "deleted"}
    assert "--rename" not in printed
    before = tables()
    with pytest.raises(CommandError, match="注销"):
        old.run("--rename", f"{name}=carol")
    assert tables() == before


def test_who_changed_the_name_here_or_left_is_known_by_the_old_one(old):
    old.users("Li Lei", "zed", "Zed")
    befriended(old, "Li Lei", "alice", "1")
    old.run()
    rename(user=User.objects.get(username="Li_Lei"), username="李雷")
    delete_account(user=User.objects.get(username="zed2"))
    RetiredUsername.objects.all().delete()  # a month goes by
    befriended(old, "Li Lei", "alice", "1", "2")
    report, _printed = old.run()
    assert accounted(report)["users"] == [7, 0, 6, 1]
    assert lost(report) == {"Zed": "deleted"}
    assert texts("李雷", "alice") == ["1", "2"]
    assert not User.objects.filter(username="zed2").exists()


def test_nothing_of_a_name_is_left_when_its_owner_is_gone(old):
    old.users("Li Lei")
    old.run()
    delete_account(user=User.objects.get(username="Li_Lei"))
    assert OldName.objects.filter(user=None).count() == 1
    assert list(find_traces("Li Lei")) == list(find_traces("Li_Lei")) == []


def test_what_was_given_away_is_not_doubled_while_the_owners_file_is_broken(old):
    befriended(old, "zoe", "alice", "boo")
    old.run("--rename", "zoe=bob")
    before = tables()
    old.users("zoe")
    old.write("users/bob.json", '{"username": "bo')
    report, _printed = old.run()
    assert lost(report)["zoe"] == "given"
    assert accounted(report)["messages"][1] == 0
    assert tables() == before
    old.users("bob")
    report, _printed = old.run()
    assert accounted(report)["messages"] == [1, 0, 1, 0]
    assert tables() == before


def test_two_files_of_one_name_stop_no_later_import(old):
    """One was written by a system that stores é as one character, the other by one with two."""
    old.users("Jose\u0301", "Jos\u00e9")
    befriended(old, "Jos\u00e9", "alice", "hi")
    old.run()
    before = tables()
    for _time in range(2):
        report, _printed = old.run()
        assert accounted(report)["messages"] == [1, 0, 1, 0]
        assert accounted(report)["users"] == [6, 0, 5, 1]
    assert tables() == before


def test_who_came_from_another_tree_logs_in_with_the_old_name_too(old, tmp_path):
    old.users("Li Lei")
    befriended(old, "Li Lei", "alice", "1")
    report, _printed = old.run("--tree", "lab")
    assert names(report) == {"Li Lei": ("Li_Lei", "invalid")}
    browser = Client()
    data = {"username": "Li Lei", "password": "Li Lei-pw"}
    assert browser.post("/login/", data).status_code == 302
    before = tables()
    old.run("--tree", "lab")
    assert tables()["accounts_oldname"] == before["accounts_oldname"]
    # Nobody is taken for somebody of a tree without a name.
    (tmp_path / "other").mkdir()
    other = OldTree(tmp_path / "other")
    other.users("Li Lei")
    report, _printed = other.run("--tree", "lab 2")
    assert names(report) == {"Li Lei": ("Li_Lei2", "invalid")}
    assert User.objects.known_as("Li Lei").username == "Li_Lei"


@pytest.mark.parametrize("options", [[], ["--tree", "lab"]])
def test_the_memory_of_a_deleted_account_is_named_by_whichever_name(old, options):
    old.users("Li Lei")
    old.run(*options)
    RetiredUsername.objects.all().delete()
    assert not _kept_of_the_import("Li_Lei")
    delete_account(user=User.objects.get(username="Li_Lei"))
    RetiredUsername.objects.all().delete()
    for name in ("Li Lei", "Li_Lei", "li lei"):
        assert len(_kept_of_the_import(name)) == 1, name


def _kept_of_the_import(name):
    return [kept for kept in list_kept(name) if "HMAC" in kept.what]


def test_a_name_of_somebody_here_comes_before_an_old_name(old):
    old.users("Li Lei")
    old.run()
    user = User.objects.get(username="Li_Lei")
    assert User.objects.known_as("Li Lei") == user
    assert User.objects.known_as("li lei") is None
    assert User.objects.known_as("alice").username == "alice"
    assert not Friendship.objects.exists()


def test_a_file_that_is_mended_after_its_messages_were_given_away_is_nobody(old):
    old.write("users/zoe.json", '{"username": "zo')
    befriended(old, "zoe", "alice", "boo")
    old.run("--rename", "zoe=bob")
    assert texts("bob", "alice") == ["boo"]
    old.users("zoe")
    befriended(old, "zoe", "alice", "boo", "hoo")
    for options in [(), ("--rename", "zoe=bob"), ()]:
        report, printed = old.run(*options)
        assert accounted(report)["users"] == [5, 0, 4, 1]
        assert lost(report) == {"zoe": "given"}
        assert "--rename" not in printed
    assert texts("bob", "alice") == ["boo", "hoo"]
    with pytest.raises(CommandError, match="bob"):
        old.run("--rename", "zoe=carol")
