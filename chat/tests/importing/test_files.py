"""The import of the Flask program's files."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.legacy import importing
from chat.legacy.reading import Tree
from chat.models import Attachment, Message

from ..legacy import PNG, file, v3
from .conftest import UTC_MINUTE, accounted, stored_files, tables, texts, tree_v3


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
    assert [each.kind for each in (picture, words)] == ["picture", "file"]
    for each in (picture, words):
        content = each.path.read_bytes()
        assert (each.size, each.sha256) == (len(content), hashlib.sha256(content).hexdigest())


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


def test_an_old_file_that_cannot_be_read_to_its_end_is_the_one_that_is_named(old, monkeypatch):
    opened, really_open = [], Tree.open

    def open_once(tree, path):
        """Let the disk die after the first look at a file."""
        found = really_open(tree, path)
        if path.parent.name != "uploads" or path not in opened:
            opened.append(path)
            return found
        found.close()
        return SimpleNamespace(name=found.name, read=fail, close=lambda: None)

    def fail(_size):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Tree, "open", open_once)
    message = v3("bob", file(old.upload("x.png", PNG), "image/png"), f"{UTC_MINUTE}:00Z")
    old.write("messages/alice_bob.json", [message])
    with pytest.raises(CommandError, match=r"uploads/x\.png") as told:
        old.run()
    assert "attachments" not in str(told.value)
    assert stored_files() == set()


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


def test_a_file_that_another_message_has_is_never_written_over(old, monkeypatch):
    tree_v3(old)
    old.run()
    [attachment] = Attachment.objects.all()
    # As if it had come from elsewhere.
    Message.objects.filter(pk=attachment.message_id).update(client_id=uuid4())
    old.upload("3d1b33ea-0fa4-4a59-8e43-e3e958ac773f.png", PNG + b"new")
    with monkeypatch.context() as patch:
        patch.setattr(importing.Opening, "requests", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            old.run()
    assert attachment.path.read_bytes() == PNG
    old.run()
    assert attachment.path.read_bytes() == PNG
    assert len(stored_files()) == Attachment.objects.count() == 2


def lose_the_file(old) -> Message:
    """Import a message without its file, which is there from now on."""
    said = [v3("bob", file("/chat/uploads/x.png"), f"{UTC_MINUTE}:00Z")]
    old.write("messages/alice_bob.json", said)
    old.run()
    old.upload("x.png")
    return Message.objects.get()


def remove_by_a_moderator(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(removed_at=timezone.now(), text="")


@pytest.mark.parametrize("act", [Message.recall, remove_by_a_moderator])
def test_the_file_of_what_was_recalled_or_removed_never_comes_back(old, act):
    message = lose_the_file(old)
    act(message)
    before = tables()
    report, _printed = old.run()
    assert accounted(report)["attachments"] == [1, 0, 1, 0]
    assert tables() == before
    assert not stored_files()


@pytest.mark.parametrize("act", [Message.recall, remove_by_a_moderator, Message.delete])
def test_what_is_recalled_or_pruned_meanwhile_ends_the_import(old, monkeypatch, act):
    message = lose_the_file(old)
    monkeypatch.setattr(importing.os, "sync", lambda: act(message))
    with pytest.raises(CommandError, match="再运行一次"):
        old.run()
    assert not Attachment.objects.exists()
    assert not stored_files()


def test_files_that_are_found_again_cost_the_end_no_query_each(old, monkeypatch):
    said = [v3("bob", file(f"/chat/uploads/{n}.png"), f"{UTC_MINUTE}:{n:02}Z") for n in range(40)]
    old.write("messages/alice_bob.json", said)
    old.run()
    for n in range(40):
        old.upload(f"{n}.png")
    found_again, numbers = importing.Opening.found_again, []

    def count(*args):
        with CaptureQueriesContext(connection) as queries:
            found_again(*args)
        numbers.append(len(queries))

    monkeypatch.setattr(importing.Opening, "found_again", count)
    assert accounted(old.run()[0])["attachments"] == [40, 40, 0, 0]
    assert numbers[0] < 10
    assert Attachment.objects.count() == 40
    assert not Message.objects.exclude(text="").exists()
