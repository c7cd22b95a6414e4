"""An import under way: nobody sees it, it holds up nobody, and it can be stopped anywhere."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account
from chat import pruning, statistics
from chat.legacy import importing, staging
from chat.models import Conversation, Event, Membership, Message, SearchSegment
from chat.moderation import waiting
from chat.search.index import MESSAGES_AT_MOST, Builder
from friends.models import Friendship
from tests.cast import Api, befriend, make_user, say
from tests.server import ROOT, Server
from webchat.database import locks

from ..legacy import OldTree, file, v1
from .conftest import accounted, stored_files, tables, texts, tree_v1, tree_v3

START = 1760674000.0
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def talk(old: OldTree, one: str, other: str, number: int, word: str = "旧消息") -> None:
    entries = [v1((one, other)[n % 2], f"{word}{n:04}", START + n) for n in range(number)]
    old.write(f"messages/{one}_{other}.json", entries)
    for owner, friend in [(one, other), (other, one)]:
        old.write(f"friends/{owner}_friends.json", [friend])


def at_the_end(monkeypatch, act) -> None:
    """Do something when all that waits is written, before anybody can see it."""
    sync = importing.os.sync

    def act_and_sync():
        act()
        sync()

    monkeypatch.setattr(importing.os, "sync", act_and_sync)


def test_until_the_end_nobody_sees_any_of_it(old, monkeypatch, client):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    boss = User.objects.create_superuser("boss", password="boss-password")
    client.force_login(boss)
    tree_v3(old)
    talk(old, "alice", "bob", 300)

    def look():
        api = Api(alice)
        return [
            api.get("conversations/").json(),
            api.get("conversations/bob/messages/").json(),
            api.get("search/", q="旧消息").json(),
            api.get("friends/").json(),
            sorted(User.objects.values_list("username", flat=True)),
            client.get("/admin/accounts/user/").context["cl"].result_count,
            Membership.objects.count(),
            Friendship.objects.count(),
            Event.objects.count(),
        ]

    before, seen = look(), []
    at_the_end(monkeypatch, lambda: seen.append((look(), Message.objects.count())))
    old.run()
    [(meanwhile, written)] = seen
    assert written > 300
    assert meanwhile == before
    assert look() != before
    assert texts("alice", "bob")[-1] == "旧消息0299"


def test_what_waits_is_in_no_number_and_no_pruning_takes_it(old, monkeypatch):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    befriend(alice, make_user("carol"))
    Message.objects.filter(pk=say(alice, bob, "今天").id).update(sent_at=FIRST)
    tree_v3(old)
    picture = file(old.upload("x.png"))
    entries = [v1("alice", each, time.time()) for each in ("1", "2", picture)]
    old.write("messages/alice_carol.json", entries)
    boss = User.objects.create_superuser("boss", password="boss-password")

    def look():
        found = statistics.collect()
        return (
            [found.conversations, found.messages, found.files, found.people],
            list(found.messages_by_day.values()),
            pruning.survey_messages(timezone.now()),
            pruning.messages_chore(timezone.now()).count(),
            [each.value for each in waiting.look(boss).numbers[:3]],
        )

    before, seen = look(), []

    def look_and_prune():
        seen.append((look(), Message.objects.count()))
        call_command("prune", "--messages-older-than", "365", "--yes", stdout=StringIO())

    at_the_end(monkeypatch, look_and_prune)
    report, _printed = old.run()
    [(meanwhile, written)] = seen
    assert written == 5
    assert meanwhile == before
    assert report["messages"]["imported"] == written - 1
    assert Message.objects.count() == written - 1  # without what was pruned


def test_a_name_of_an_account_that_waits_is_no_name(old, monkeypatch):
    old.users("dora")
    seen = []

    def look():
        names = list(User.everybody.values_list("username", flat=True))
        seen.extend(User.objects.known_as(name) for name in [*names, "dora"])
        seen.append(len(names))

    at_the_end(monkeypatch, look)
    old.run()
    assert seen == [None] * 6 + [5]


@pytest.mark.parametrize("number", [10, 1200])
def test_messages_come_a_little_at_a_time_and_the_end_costs_the_same(old, monkeypatch, number):
    talk(old, "alice", "bob", number)
    sizes, at_end = [], []
    insert = staging.insert
    opens = importing._open

    def note(model, names, rows):
        if model is Message:
            sizes.append(len(rows))
        return insert(model, names, rows)

    def count(*args, **options):
        with CaptureQueriesContext(connection) as queries:
            opens(*args, **options)
        at_end.append([each["sql"] for each in queries])

    monkeypatch.setattr(staging, "insert", note)
    monkeypatch.setattr(importing, "_open", count)
    old.run()
    assert sum(sizes) == number
    assert max(sizes) <= staging.ROWS_AT_ONCE == 500
    [statements] = at_end
    assert len(statements) < 60
    assert not [each for each in statements if "chat_message" in each and "INSERT" in each[:6]]


@pytest.mark.parametrize("number", [2, 40])
def test_the_end_takes_few_queries_for_two_and_for_a_class(old, monkeypatch, number):
    names = [f"old{n}" for n in range(number)]
    old.users(*names)
    for name in names:
        old.write(f"friends/{name}.json", ["alice", *names])
    old.write("friends/alice.json", names)
    for name in names:
        old.write(f"messages/bob_{name}.json", [v1(name, "hi", START), v1("bob", "ho", START + 1)])
    queries = []
    opens = importing._open

    def count(*args, **options):
        with CaptureQueriesContext(connection) as captured:
            opens(*args, **options)
        queries.append(len(captured))

    monkeypatch.setattr(importing, "_open", count)
    old.run()
    for name in names:
        old.write(f"last_read/bob_{name}.txt", "2025-10-17T04:00:00Z")
    old.run()
    first, second = queries
    assert first < 70  # of 3,400 rows, a hundred and more in each
    assert second < 20


# Conversations that stand


def test_an_empty_chat_of_friends_gets_the_old_messages(old):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    Membership.objects.filter(user=alice).update(pinned=True)
    talk(old, "alice", "bob", 5)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [5, 5, 0, 0]
    assert len(texts("bob", "alice")) == 5
    assert Membership.objects.get(user=alice).pinned
    assert Conversation.objects.count() == 1
    say(bob, alice, "新的")
    assert texts("alice", "bob")[-1] == "新的"


@pytest.mark.parametrize(("first", "then"), [(700, 703), (3, 700), (300, 600)])
def test_what_a_second_import_adds_comes_after_the_first_and_is_found(
    old, monkeypatch, first, then
):
    builder = Builder()  # goes on where it was, like that of a worker

    def build():
        builder.build(at_most=1000)
        builder.build(at_most=1000)

    talk(old, "alice", "bob", first)
    old.run()
    build()
    talk(old, "alice", "bob", then)
    at_the_end(monkeypatch, build)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [then, then - first, first, 0]
    alice = User.objects.get(username="alice")
    assert Conversation.objects.count() == 1
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == [
        f"旧消息{n:04}" for n in range(then)
    ]
    for _each in range(2):
        for number in (0, first - 1, first, then - 1):
            found = Api(alice).get("search/", q=f"旧消息{number:04}").json()
            assert f"旧消息{number:04}" in str(found)
        build()
    [segment] = SearchSegment.objects.all()
    assert segment.conversation == Conversation.objects.get()
    assert len(segment.ends) == then // MESSAGES_AT_MOST
    assert not SearchSegment.objects.spoiled().exists()


# People who do something meanwhile


@pytest.mark.parametrize("act", ["register", "delete", "talk"])
def test_what_people_did_meanwhile_is_not_run_over(old, monkeypatch, act):
    alice, bob = make_user("alice"), make_user("bob")
    befriend(alice, bob)
    talk(old, "alice", "bob", 20)
    talk(old, "carol", "王伟", 20)
    acts = {
        "register": lambda: make_user("carol"),
        "delete": lambda: delete_account(user=bob),
        "talk": lambda: say(alice, bob, "now"),
    }
    at_the_end(monkeypatch, acts[act])
    with pytest.raises(CommandError, match="再运行一次"):
        old.run()
    assert Message.objects.count() == (1 if act == "talk" else 0)
    assert not User.everybody.filter(username__startswith="?").exists()
    monkeypatch.undo()
    report, _printed = old.run()
    accounted(report)
    assert report["messages"]["imported"] == (40 if act == "register" else 20)


@pytest.mark.parametrize("when", [1, 2])
def test_an_account_that_is_deleted_while_its_messages_come_ends_the_import(old, monkeypatch, when):
    alice, _bob = make_user("alice"), make_user("bob")
    talk(old, "alice", "bob", 600)
    insert, times = staging.insert, []

    def insert_and_delete(model, names, rows):
        ids = insert(model, names, rows)
        times.extend([1] if model is Message else [])
        if model is Message and len(times) == when:
            delete_account(user=alice)
        return ids

    monkeypatch.setattr(staging, "insert", insert_and_delete)
    with pytest.raises(CommandError, match="再运行一次"):
        old.run()
    assert not Message.objects.exists()
    assert not User.everybody.filter(username__startswith="?").exists()


def test_two_imports_at_once_are_one_too_many(old):
    with staging.alone(), pytest.raises(CommandError, match="import.lock"):
        old.run()
    assert not User.objects.exists()


# Leftovers


def leave(old: OldTree, monkeypatch) -> None:
    """Import up to the end, and leave everything as a power cut would."""
    with monkeypatch.context() as patch:
        patch.setattr(importing, "_open", lambda *args, **options: 1 / 0)
        patch.setattr(staging, "clear", lambda: iter(()))
        patch.setattr(importing.FileStore, "take_back", lambda self: None)
        with pytest.raises(ZeroDivisionError):
            old.run()
    assert User.everybody.filter(username__startswith="?").exists()
    assert Message.objects.exists()


def test_the_next_import_clears_what_the_last_one_left(old, monkeypatch):
    make_user("alice")
    tree_v1(old)
    leave(old, monkeypatch)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 4, 0, 0]
    assert Message.objects.count() == 4
    assert not User.everybody.filter(username__startswith="?").exists()
    assert len(stored_files()) == 1


@pytest.mark.parametrize("command", ["prune", "migrate"])
def test_so_do_the_nightly_pruning_and_a_restore_which_migrates(old, monkeypatch, command):
    alice = make_user("alice")
    befriend(alice, make_user("bob"))
    before = tables()
    tree_v1(old)
    leave(old, monkeypatch)
    # Newcomers, those in the place of alice and bob, and messages.
    assert staging.count_leftovers() == 2 + 2 + 4 == staging.count()
    with staging.alone():  # not under the hands of an import
        assert staging.count_leftovers() == 0
        call_command(command, verbosity=0)
        assert Message.objects.exists()
    call_command(command, verbosity=0)
    changed = {name for name, rows in tables().items() if rows != before[name]}
    assert changed <= {"chat_gone", "django_migrations"}


def test_a_lock_is_named_with_who_has_it(old):
    with staging.alone():
        with pytest.raises(locks.HeldError), staging.alone(seconds=0):
            pass
        assert staging.count_leftovers() == 0


def test_an_import_that_is_killed_shows_nothing_and_the_next_one_brings_everything(tmp_path):
    tree = OldTree(tmp_path)
    tree.users("alice", "bob")
    talk(tree, "alice", "bob", 12_000)
    data = tmp_path / "new"
    data.mkdir(mode=0o700)
    server = Server(data)
    server.manage("migrate", "--verbosity", "0")
    command = [sys.executable, "manage.py", "import_legacy", str(tree.root)]
    with subprocess.Popen(command, cwd=ROOT, env=server.env, stdout=subprocess.DEVNULL) as process:
        wait_for_messages(data, 500)
        process.kill()
    assert rows(data, "SELECT count(*) FROM accounts_user WHERE username_key NOT LIKE '?%'") == 0
    assert 500 <= rows(data, "SELECT count(*) FROM chat_message") < 12_000
    assert rows(data, "SELECT count(*) FROM pragma_foreign_key_check") == 0

    server.manage("backup")
    [archive] = (data / "backups").iterdir()
    server.manage("restore", str(archive))
    assert rows(data, "SELECT count(*) FROM accounts_user") == 0
    assert rows(data, "SELECT count(*) FROM chat_message") == 0

    server.manage("import_legacy", str(tree.root))
    assert rows(data, "SELECT count(*) FROM chat_message") == 12_000
    assert rows(data, "SELECT count(*) FROM accounts_user") == 2


def wait_for_messages(data: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if rows(data, "SELECT count(*) FROM chat_message") >= number:
            return
        time.sleep(0.005)
    raise AssertionError("the import did not begin")


def rows(data: Path, query: str) -> int:
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        [(number,)] = database.execute(query).fetchall()
    return number
