"""The import of the Flask program's files."""

from __future__ import annotations

import base64
import os

import pytest

from chat.models import Attachment

from ..legacy import PNG, file, v3
from .conftest import UTC_MINUTE, accounted, texts


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
