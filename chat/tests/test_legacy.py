"""The data of the Flask program come over: whole, once, and with every loss accounted for."""

from __future__ import annotations

import base64
import os
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account, rename
from chat.legacy import files, importing
from chat.legacy.report import KINDS
from chat.models import Attachment, Conversation, Event, EventLog, Membership, Message
from chat.models.attachments import attachments_folder
from friends.models import FriendRequest, Friendship
from friends.services import decline, remove
from tests.cast import Api, befriend, make_user, say

from .legacy import PNG, OldTree, file, v1, v3, v22

UTC_MINUTE = "2025-10-17T04:11"


@pytest.fixture
def old(tmp_path, settings, db):
    settings.DATA_DIR = tmp_path / "new"
    settings.DATA_DIR.mkdir()
    tree = OldTree(tmp_path)
    tree.users("alice", "bob", "carol", "王伟")
    return tree


def accounted(report: dict) -> dict[str, list[int]]:
    """[found, imported, existing, skipped] by kind, after they were found to add up."""
    numbers = {}
    for kind in KINDS:
        counts = report[kind]
        assert counts["found"] == counts["imported"] + counts["existing"] + counts["skipped"]
        lines = [skip for skip in report["skips"] if skip["kind"] == kind]
        assert len(lines) == counts["skipped"]
        assert all(skip["what"] and skip["reason"] for skip in lines)
        numbers[kind] = list(counts.values())
    return numbers


def reasons(report: dict, kind: str) -> dict[str, str]:
    return {skip["what"]: skip["reason"] for skip in report["skips"] if skip["kind"] == kind}


def texts(user: str, friend: str) -> list[str]:
    return Api(User.objects.get(username=user)).texts(friend)


def tables() -> dict[str, list[tuple]]:
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = cursor.fetchall()
        return found


def stored_files() -> set[str]:
    folder = attachments_folder()
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


# The versions, one by one


def tree_v1(old: OldTree) -> None:
    old.write("friends/alice_friends.json", ["bob", "王伟"])
    old.write("friends/bob_friends.json", ["alice"])
    old.write("friends/王伟_friends.json", ["alice"])
    old.write("requests/to_alice.json", [{"from": "carol", "status": "pending"}] * 2)
    picture = file(old.upload("0ad9dff9-b92a-4bdf-984f-03456e830b54.png"))
    old.write(
        "messages/alice_bob.json",
        [
            v1("alice", "你好，Bob", 1760674268.3288333),
            v1("bob", "see you", 1760674268.4),
            v1("bob", picture, 1760674270.5),
        ],
    )
    old.write("messages/alice_王伟.json", [v1("王伟", "老师让你交报告 📎", 1760674000.0)])


def tree_v2(old: OldTree) -> None:
    tree_v1(old)
    old.write("last_read/alice_bob.json", {"last_read_time": 1760674268.35})


def tree_v22(old: OldTree) -> None:
    tree_v1(old)
    picture = file(old.upload("bb03c597-4133-49b4-b262-dd7b9a8b07e2.png"))
    old.write(
        "messages/alice_bob.json",
        [
            v22("alice", "你好，Bob", "2025-10-17 12:10"),
            v22("bob", "see you", "2025-10-17 12:11"),
            v22("bob", picture, "2025-10-17 12:11"),
        ],
    )
    old.write("last_read/alice_bob.json", {"last_read_time": "2025-10-17 12:10"})


def tree_v3(old: OldTree) -> None:
    old.users("alice", "bob", "carol", email="x@example.com")
    old.write("friends/alice.json", ["bob", "王伟"])
    old.write("friends/bob.json", ["alice"])
    old.write("friends/王伟.json", ["alice"])
    old.write("requests/alice.json", ["carol"])
    old.write("friends_remarks/alice.json", {"bob": "小波", "ghost": "x"})
    picture = file(old.upload("3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png"), original_name="图.png")
    talk = [
        v3("alice", "你好，Bob", f"{UTC_MINUTE}:08.476532Z"),
        v3("bob", "see you", f"{UTC_MINUTE}:09.000000Z"),
        v3("bob", picture, f"{UTC_MINUTE}:10.000000Z"),
    ]
    for stem in ("alice_bob", "bob_alice"):
        old.write(f"messages/{stem}.json", talk)
        old.write(f"last_read/{stem}.txt", f"{UTC_MINUTE}:08.900000Z\n")
    for stem in ("alice_王伟", "王伟_alice"):
        at = f"{UTC_MINUTE}:00.000001Z"
        old.write(f"messages/{stem}.json", [v3("王伟", "老师让你交报告 📎", at)])


TREES = [tree_v1, tree_v2, tree_v22, tree_v3]


@pytest.mark.parametrize("build", TREES)
def test_every_version_comes_over_and_people_go_on(old, build):
    build(old)
    report, printed = old.run()
    assert accounted(report) == {
        "users": [4, 4, 0, 0],
        "friendships": [2, 2, 0, 0],
        "requests": [1, 1, 0, 0],
        "messages": [4, 4, 0, 0],
        "attachments": [1, 1, 0, 0],
    }
    assert texts("alice", "bob") == ["你好，Bob", "see you", ""]
    assert texts("王伟", "alice") == ["老师让你交报告 📎"]
    assert FriendRequest.objects.get().sender.username == "carol"
    [message] = Message.objects.filter(text="")
    assert message.attachment.path.read_bytes() == PNG
    assert message.attachment.mimetype == "image/png"
    for name in ("alice", "王伟"):
        assert Client().login(username=name, password=f"{name}-pw")
        assert not Client().login(username=name, password=f"{name}-pW")
    assert "-pw" not in printed
    assert f"{old.root}/users" in printed
    # A message that comes now goes on where the old ones end.
    say(User.objects.get(username="bob"), User.objects.get(username="alice"), "新的")
    assert texts("alice", "bob")[-1] == "新的"


@pytest.mark.parametrize("build", TREES)
def test_a_second_import_changes_nothing(old, build):
    build(old)
    first, _printed = old.run()
    before, stored = tables(), stored_files()
    second, _printed = old.run()
    assert tables() == before
    assert stored_files() == stored
    for kind, numbers in accounted(second).items():
        assert numbers == [first[kind]["found"], 0, first[kind]["found"], 0]


@pytest.mark.parametrize("build", TREES)
def test_a_dry_run_says_the_same_and_writes_nothing(old, build):
    build(old)
    before, stored = tables(), stored_files()
    dry, printed = old.run("--dry-run")
    assert "nothing was written" in printed
    assert tables() == before
    assert stored_files() == stored
    in_earnest, _printed = old.run()
    assert dry == in_earnest


def test_times_stand_as_they_were_and_chats_are_in_the_order_of_their_last_message(old):
    tree_v1(old)
    old.run()
    first = Message.objects.get(text="你好，Bob")
    assert first.sent_at.timestamp() == pytest.approx(1760674268.328833)
    chats = Api(User.objects.get(username="alice")).get("conversations/").json()["conversations"]
    assert [chat["with"] for chat in chats] == ["bob", "王伟"]


def test_local_times_are_of_the_zone_that_is_said(old):
    tree_v22(old)
    old.run("--timezone", "UTC")
    assert Message.objects.get(text="see you").sent_at.hour == 12


def test_an_install_that_was_upgraded_in_place(old):
    """One file of three versions, its newer half in a second copy."""
    tree_v3(old)
    at = f"{UTC_MINUTE}:08.000000Z"
    new = [v3("alice", "四", at), v3("alice", "四", at), v3("bob", "五", f"{UTC_MINUTE}:09.5Z")]
    old.write(
        "messages/alice_bob.json",
        [v1("alice", "一", 1700000000.5), v22("bob", "二", "2025-01-01 08:00")]
        + [v22("bob", "三", "2025-01-01 08:00")]
        + new[1:],
    )
    old.write("messages/bob_alice.json", new)
    old.write("friends/alice_friends.json", ["bob", "bob"])
    report, _printed = old.run()
    assert texts("bob", "alice") == ["一", "二", "三", "四", "四", "五"]
    assert accounted(report)["messages"] == [7, 7, 0, 0]
    assert accounted(report)["friendships"] == [2, 2, 0, 0]


# What has been read


def unread(name: str) -> dict[str, int]:
    return Api(User.objects.get(username=name)).unread()


@pytest.mark.parametrize(
    ("build", "alice", "bob"),
    [
        (tree_v1, {}, {}),  # knew no unread messages
        (tree_v2, {"bob": 2, "王伟": 1}, {}),
        (tree_v22, {"bob": 2, "王伟": 1}, {}),
        (tree_v3, {"bob": 2, "王伟": 1}, {}),
    ],
)
def test_marks_that_a_pair_shares_count_for_both(old, build, alice, bob):
    build(old)
    old.run()
    assert unread("alice") == alice
    assert unread("bob") == bob


def test_a_mark_of_ones_own_counts_for_oneself(old):
    tree_v3(old)
    old.write("last_read/alice_bob.txt", f"{UTC_MINUTE}:09.500000Z")
    old.write("last_read/bob_alice.txt", f"{UTC_MINUTE}:00.000000Z")
    old.run()
    assert unread("alice") == {"bob": 1, "王伟": 1}
    assert unread("bob") == {"alice": 1}


def test_a_minute_is_read_to_its_end(old):
    tree_v22(old)
    old.write("last_read/alice_bob.json", {"last_read_time": "2025-10-17 12:11"})
    old.run()
    assert "bob" not in unread("alice")


# Names and people


def test_names_that_cannot_be_here_are_reported_until_they_get_another(old):
    old.users("Li Lei", "admin", "x", "a" * 17, "Carol")
    old.write("friends/Li Lei.json", ["alice"])
    old.write("friends/alice.json", ["Li Lei"])
    old.write("messages/alice_Li Lei.json", [v3("Li Lei", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    accounted(report)
    skipped = reasons(report, "users")
    assert set(skipped) == {"Li Lei", "admin", "x", "a" * 17, "Carol", "carol"}
    assert "reserved" in skipped["admin"]
    assert "only by case" in skipped["carol"]
    assert report["friendships"]["skipped"] == report["messages"]["skipped"] == 1
    assert not User.objects.filter(username__iexact="carol").exists()

    report, _printed = old.run(
        "--rename", "Li Lei=李雷", "--rename", "Carol=carol2", "--rename", "admin=老张"
    )
    accounted(report)
    assert set(reasons(report, "users")) == {"x", "a" * 17}
    assert texts("alice", "李雷") == ["hi"]
    assert Client().login(username="李雷", password="Li Lei-pw")
    assert Client().login(username="carol2", password="Carol-pw")
    assert Client().login(username="carol", password="carol-pw")


def test_what_a_renamed_person_left_under_the_old_name_can_be_given_back(old):
    old.write("friends/alice.json", ["bobby"])
    old.write("messages/alice_bobby.json", [v3("bobby", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert reasons(report, "friendships") == {"alice, bobby": "bobby is no user"}
    assert set(reasons(report, "messages").values()) == {"bobby is no user"}
    report, _printed = old.run("--rename", "bobby=bob")
    assert accounted(report)["messages"] == [1, 1, 0, 0]
    assert texts("alice", "bob") == ["hi"]


@pytest.mark.parametrize(
    "renames",
    [["alice=a b"], ["alice=admin"], ["nobody=new"], ["alice"], ["=x"], ["alice=x1", "alice=x2"]],
)
def test_a_rename_that_cannot_be_done_is_refused_at_once(old, renames):
    with pytest.raises(CommandError):
        old.run(*[word for each in renames for word in ("--rename", each)])
    assert not User.objects.exists()


def test_an_account_of_that_name_gets_the_old_friends_and_keeps_its_password(old):
    make_user("alice")
    tree_v1(old)
    report, _printed = old.run()
    assert accounted(report)["users"] == [4, 3, 1, 0]
    assert not Client().login(username="alice", password="alice-pw")
    assert texts("alice", "bob")[:1] == ["你好，Bob"]


def test_a_name_that_nobody_verified_is_no_account(old):
    now = timezone.now()
    for name, since in [("alice", now - timedelta(days=2)), ("bob", now)]:
        User.objects.create(username=name, username_key=name, unverified_since=since)
    report, _printed = old.run()
    assert accounted(report)["users"] == [4, 3, 0, 1]
    assert set(reasons(report, "users")) == {"bob"}
    assert Client().login(username="alice", password="alice-pw")


def test_addresses_count_only_when_they_are_trusted(old):
    old.users("alice", email="Alice@Example.com")
    old.users("bob", email="bob@")
    old.users("carol", "王伟", email="both@example.com")
    report, _printed = old.run()
    assert User.objects.exclude(email="").count() == 0
    assert report["users"]["imported"] == 4
    User.objects.all().delete()
    User.objects.create(username="mallory", username_key="mallory", email="dora@example.com")
    old.users("dora", email="dora@example.com")
    report, _printed = old.run("--trust-mail", "--rename", "alice=alice2", "--rename", "bob=bob2")
    report, _printed = old.run("--trust-mail")
    assert set(reasons(report, "emails")) == {"bob", "carol", "王伟"}


def test_a_trusted_address_is_somebodys_own(old):
    old.users("alice", email="Alice@Example.com")
    old.users("bob", email="taken@example.com")
    User.objects.create(username="mallory", username_key="mallory", email="taken@example.com")
    report, _printed = old.run("--trust-mail")
    assert User.objects.get(username="alice").email == "alice@example.com"
    assert User.objects.get(username="bob").email == ""
    assert set(reasons(report, "emails")) == {"bob"}


def test_who_has_no_password_gets_none(old):
    old.write("users/dora.json", {"username": "dora"})
    old.write("users/emil.json", {"username": "emil", "password": ""})
    report, _printed = old.run()
    assert set(reasons(report, "passwords")) == {"dora", "emil"}
    assert not User.objects.get(username="dora").has_usable_password()
    assert not Client().login(username="emil", password="")


# Friends


def test_one_list_and_messages_make_friends_and_one_list_alone_does_not(old):
    old.write("friends/alice.json", ["bob", "carol", "alice", "ghost"])
    old.write("messages/alice_bob.json", [v3("bob", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert accounted(report)["friendships"] == [4, 1, 0, 3]
    assert set(reasons(report, "friendships")) == {"alice, carol", "alice, alice", "alice, ghost"}
    assert Friendship.objects.count() == 2


def test_what_people_wrote_who_are_no_friends_waits_until_they_are(old):
    old.write("messages/alice_bob.json", [v3("bob", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert accounted(report)["messages"] == [1, 1, 0, 0]
    assert not Friendship.objects.exists()
    assert Message.objects.count() == 1


def test_remarks_come_over_and_long_ones_are_cut(old):
    tree_v3(old)
    old.write("friends_remarks/王伟.json", {"alice": "很" * 20})
    report, _printed = old.run()
    assert Friendship.objects.get(owner__username="alice", friend__username="bob").remark == "小波"
    assert Friendship.objects.get(owner__username="王伟").remark == "很" * 16
    assert reasons(report, "remarks")


def test_requests_that_wait_no_more_or_cross_are_reported(old):
    old.write("friends/alice.json", ["bob"])
    old.write("friends/bob.json", ["alice"])
    old.write("requests/alice.json", ["bob", "carol", "ghost", "alice"])
    old.write("requests/carol.json", ["alice"])
    old.write("requests/to_王伟.json", [{"from": "bob", "status": "rejected"}])
    report, _printed = old.run()
    assert accounted(report)["requests"] == [6, 1, 0, 5]
    assert FriendRequest.objects.count() == 1


# After it, life goes on


def test_what_people_changed_since_is_not_undone_by_a_second_import(old):
    tree_v3(old)
    old.run()
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    decline(request=FriendRequest.objects.get())
    remove(friendship=Friendship.objects.get(owner=alice, friend=bob))
    delete_account(user=User.objects.get(username="王伟"))
    rename(user=User.objects.get(username="carol"), username="caro")
    report, _printed = old.run()
    accounted(report)
    assert [report[kind]["imported"] for kind in KINDS] == [0, 0, 0, 0, 0]
    assert not Friendship.objects.exists()
    assert not FriendRequest.objects.exists()
    assert set(User.objects.values_list("username", flat=True)) == {"alice", "bob", "caro"}


def test_old_messages_are_not_mixed_into_a_conversation_that_goes_on(old):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    say(alice, bob, "new")
    tree_v1(old)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 1, 0, 3]
    assert accounted(report)["attachments"] == [1, 0, 0, 1]
    assert texts("alice", "bob") == ["new"]
    assert len(stored_files()) == len(set(Attachment.objects.values_list("file", flat=True)))


def test_an_import_after_talk_on_imported_messages_finds_them_there(old):
    tree_v1(old)
    old.run()
    say(User.objects.get(username="bob"), User.objects.get(username="alice"), "new")
    before = tables()
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 0, 4, 0]
    assert tables() == before


def test_nothing_is_news_and_every_open_page_loads_anew(old):
    alice = make_user("alice")
    head = EventLog.objects.head()
    count = Event.objects.count()
    tree_v1(old)
    old.run()
    assert Event.objects.count() == count
    assert Api(alice).get("events/", after=head).json() == {"reset": True}
    after = EventLog.objects.head()
    old.run()
    assert EventLog.objects.head() == after


def test_nobody_can_send_again_what_was_imported(old):
    tree_v1(old)
    old.run()
    message = Message.objects.get(text="你好，Bob")
    answer = Api(message.sender).say("bob", message.text, message.client_id)
    assert answer.status_code == 409


# What is broken


def broken(old: OldTree) -> None:
    """Half files, ghosts, twins of a name, a name for two pairs, lost files, and nonsense."""
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
    # alice, carol, 王伟; bob and Bob are twins, “a” is too short, three files are broken.
    assert numbers["users"] == [11, 5, 0, 6]
    assert numbers["attachments"] == [4, 0, 0, 4]
    assert set(reasons(report, "users")) == {
        "users/half.json", "users/list.json", "users/empty.json", "bob", "Bob", "a",
    }  # fmt: skip
    assert reasons(report, "messages")["messages/alice_bob.json"]
    assert texts("alice", "王伟") == [
        "老师让你交报告 📎",
        "bell",
        "[文件已丢失：丢了.png]",
        "[文件已丢失：alice.json]",
        "[文件已丢失：file.png]",
    ]
    assert reasons(report, "characters")
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


# Files


def test_a_data_url_becomes_a_file(old):
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    text = "data:text/plain,%E4%BD%A0%E5%A5%BD"
    old.write("friends/alice.json", ["bob"])
    old.write(
        "messages/alice_bob.json",
        [v3("bob", file(url), f"{UTC_MINUTE}:00Z"), v3("bob", file(text, ""), f"{UTC_MINUTE}:01Z")]
        + [v3("bob", file("data:image/png;base64,#"), f"{UTC_MINUTE}:02Z")],
    )
    report, _printed = old.run()
    assert accounted(report)["attachments"] == [3, 2, 0, 1]
    picture, words = Attachment.objects.order_by("message")
    assert (picture.mimetype, picture.path.read_bytes()) == ("image/png", PNG)
    assert (words.mimetype, words.path.read_text()) == ("text/plain", "你好")


@pytest.mark.parametrize(
    ("name", "content", "mimetype"),
    [
        ("x.png", b"<script>", "application/octet-stream"),
        ("x.html", PNG, "image/png"),
        ("x.svg", b"<svg/>", "image/svg+xml"),
    ],
)
def test_what_a_file_is_its_bytes_decide(old, name, content, mimetype):
    claimed = "image/svg+xml" if name.endswith("svg") else "image/png"
    message = v3("bob", file(old.upload(name, content), claimed), f"{UTC_MINUTE}:00Z")
    old.write("messages/alice_bob.json", [message])
    old.run()
    assert Attachment.objects.get().mimetype == mimetype


def test_no_name_of_a_file_leads_out_of_its_folder(old):
    (old.root.parent / "secret.txt").write_text("secret")
    old.write("uploads/.keep", b"")
    os.symlink(old.root.parent / "secret.txt", old.root / "uploads" / "link.txt")
    urls = ["/chat/uploads/../../secret.txt", "/chat/uploads/link.txt", "..", "/", "\0", "x" * 5000]
    old.write(
        "messages/alice_bob.json",
        [v3("bob", file(url), f"{UTC_MINUTE}:{number:02}Z") for number, url in enumerate(urls)],
    )
    report, _printed = old.run()
    assert accounted(report)["attachments"] == [6, 0, 0, 6]


def test_a_name_of_a_file_is_kept_without_its_way(old):
    url = old.upload("3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png")
    names = ["C:\\我\\图.png", "../图.png", "图\x00.png", "图" * 300 + ".png", ".."]
    old.write(
        "messages/alice_bob.json",
        [
            v3("bob", file(url, original_name=name), f"{UTC_MINUTE}:{number:02}Z")
            for number, name in enumerate(names)
        ],
    )
    old.run()
    kept = list(Attachment.objects.order_by("message").values_list("name", flat=True))
    assert kept == ["图.png"] * 3 + ["图" * 251 + ".png", "file.png"]


def test_a_lost_file_that_is_found_again_comes_with_the_next_import(old):
    url = "/chat/uploads/3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png"
    old.write("friends/alice.json", ["bob"])
    old.write("messages/alice_bob.json", [v3("bob", file(url), f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert accounted(report)["attachments"] == [1, 0, 0, 1]
    assert "3d1b33ea" in texts("alice", "bob")[0]
    old.upload("3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png")
    report, _printed = old.run()
    assert accounted(report)["attachments"] == [1, 1, 0, 0]
    assert texts("alice", "bob") == [""]


# All or nothing


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_whatever_stops_it_nothing_is_left_half_done(old, monkeypatch, trouble):
    tree_v1(old)
    before, stored = tables(), stored_files()

    def fail():
        raise trouble

    monkeypatch.setattr(importing.writing, "have_all_reload", fail)
    with pytest.raises(CommandError) as error:
        old.run()
    assert error.value.returncode == (130 if trouble is KeyboardInterrupt else 1)
    assert tables() == before
    assert stored_files() == stored


def test_a_disk_that_fills_up_takes_back_what_was_written(old, monkeypatch):
    tree_v3(old)
    stored = stored_files()

    def copy(source, target):
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.shutil, "copyfileobj", copy)
    with pytest.raises(CommandError, match="Nothing was imported"):
        old.run()
    assert stored_files() == stored
    assert not User.objects.exists()


def test_numbers_that_do_not_add_up_stop_it(old, monkeypatch):
    tree_v1(old)
    monkeypatch.setattr(importing.Writer, "requests", lambda *args: None)
    with pytest.raises(AssertionError, match="requests: 1 found, 0 accounted for"):
        old.run()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "options",
    [["--timezone", "Mars/Base"], ["--timezone", "../etc/passwd"], ["--report", "/nowhere/x.json"]],
)
def test_what_cannot_be_done_is_said_before_anything_is(old, options):
    with pytest.raises(CommandError):
        call_command("import_legacy", str(old.root), *options)
    assert not User.objects.exists()


def test_a_folder_without_users_is_refused_and_the_one_above_it_will_do(old, tmp_path):
    with pytest.raises(CommandError, match="users"):
        call_command("import_legacy", str(tmp_path / "data" / "users"))
    call_command("import_legacy", str(tmp_path))
    assert User.objects.count() == 4


def test_all_read_means_the_cursor_stands_on_a_message_of_the_conversation(old):
    tree_v1(old)
    old.run()
    for membership in Membership.objects.all():
        newest = Message.objects.filter(conversation=membership.conversation).latest("id")
        assert membership.last_read == newest.pk
    assert Conversation.objects.count() == 2
