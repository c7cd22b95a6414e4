"""An old tree to import, and the report of its import."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts.models import User
from chat.legacy.report import KINDS
from chat.models.files import attachments_folder
from tests.cast import Api

from ..legacy import OldTree, file, v1, v3, v22

UTC_MINUTE = "2025-10-17T04:11"


@pytest.fixture
def old(tmp_path, settings, db):
    settings.DATA_DIR = tmp_path / "new"
    settings.DATA_DIR.mkdir()
    tree = OldTree(tmp_path)
    tree.users("alice", "bob", "carol", "王伟")
    return tree


def accounted(report: dict) -> dict[str, list[int]]:
    """Return [found, imported, existing, skipped] by kind, after checking that they add up."""
    numbers = {}
    for kind in KINDS:
        counts = report[kind]
        assert counts["found"] == counts["imported"] + counts["existing"] + counts["skipped"]
        lines = [skip for skip in report["skips"] if skip["kind"] == kind]
        told = sum(skip["number"] for skip in lines) + sum(lost[kind] for lost in report["lost"])
        assert told == counts["skipped"]
        assert all(each["code"] and each["reason"] for each in lines + report["lost"])
        numbers[kind] = list(counts.values())
    return numbers


def codes(report: dict, kind: str) -> dict[str, str]:
    """Return the codes of the reasons by what they are about, without people who are lost."""
    return {skip["what"]: skip["code"] for skip in report["skips"] if skip["kind"] == kind}


def lost(report: dict) -> dict[str, str]:
    return {each["old"]: each["code"] for each in report["lost"]}


def names(report: dict) -> dict[str, tuple[str, str]]:
    """Return new names and the codes of their reasons, by the old ones."""
    return {each["old"]: (each["new"], each["code"]) for each in report["names"]}


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
