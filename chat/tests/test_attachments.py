"""The file of a message: its audience, its delivery and its deletion."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import delete_account
from chat.attachments import ORPHAN_SECONDS, sniff_picture, sweep_orphans
from chat.log import writing
from chat.models import Attachment, Event, EventLog, Message, Report
from chat.models.files import attachments_folder
from chat.models.rows import PICTURES
from chat.moderation import services as moderation
from friends import services
from tests.cast import Api, befriend, make_user, say

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PAGE = b"<!doctype html><script>alert(1)</script>"


def attach(
    sender: User, to: User, content: bytes = PNG, mimetype: str = "image/png", name: str = "图.png"
) -> Attachment:
    """Make a message that is a file, as an import does."""
    message = Message.objects.get(pk=say(sender, to, "x").id)
    Message.objects.filter(pk=message.pk).update(text="")
    attachments_folder().mkdir(exist_ok=True)
    attachment = Attachment.objects.create(
        message=message,
        conversation=message.conversation,
        file=f"{uuid4()}.bin",
        name=name,
        mimetype=mimetype,
        kind="picture" if mimetype in PICTURES else "file",
        size=len(content),
    )
    attachment.path.write_bytes(content)
    return attachment


@pytest.fixture
def picture(alice: User, bob: User) -> Attachment:
    return attach(bob, alice)


def of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def address(attachment: Attachment) -> str:
    return f"/attachments/{attachment.message_id}/"


def body(response) -> bytes:
    return b"".join(response.streaming_content)


# Audience


def test_both_sides_have_it_and_nobody_else(alice, bob, mallory, picture):
    befriend(mallory, alice)
    for user in (alice, bob):
        response = of(user).get(address(picture))
        assert response.status_code == 200
        assert body(response) == PNG
    assert of(mallory).get(address(picture)).status_code == 404
    assert Client().get(address(picture))["Location"].startswith("/login/")


def test_it_can_only_be_read(alice, picture):
    for method in ("post", "put", "delete"):
        assert getattr(of(alice), method)(address(picture)).status_code == 405
    assert of(alice).head(address(picture)).status_code == 200


def test_friends_who_parted_have_it_no_more_until_they_are_friends_again(alice, bob, picture):
    services.remove(friendship=bob.friendships.get())
    for user in (alice, bob):
        assert of(user).get(address(picture)).status_code == 404
    befriend(alice, bob)
    assert of(alice).get(address(picture)).status_code == 200


@pytest.mark.parametrize("gone", ["removed_at", "recalled_at"])
def test_what_was_removed_or_recalled_is_not_served(alice, picture, gone):
    Message.objects.update(**{gone: picture.message.sent_at})
    assert of(alice).get(address(picture)).status_code == 404
    [message] = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert message["attachment"] is None


def test_a_message_without_a_file_and_a_file_that_is_lost_are_not_found(alice, bob, picture):
    plain = say(bob, alice, "hi")
    assert of(alice).get(f"/attachments/{plain.id}/").status_code == 404
    picture.path.unlink()
    assert of(alice).get(address(picture)).status_code == 404
    assert of(alice).get("/attachments/999999/").status_code == 404


# Delivery


def test_a_picture_is_shown_and_can_do_nothing(alice, picture):
    response = of(alice).get(address(picture))
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("content", "mimetype"),
    [
        (PAGE, "image/png"),
        (PAGE, "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (PNG, "text/html"),
        (b"", "image/gif"),
        (b"RIFF\0\0\0\0WAVE", "image/webp"),
    ],
)
def test_what_is_no_picture_of_ours_is_downloaded(alice, bob, content, mimetype):
    response = of(alice).get(address(attach(bob, alice, content, mimetype)))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("head", "mimetype"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x10\0\0\0WEBP", "image/webp"),
        (b"xxxx\x10\0\0\0WEBP", None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_pictures_are_known_by_their_first_bytes(head, mimetype):
    assert sniff_picture(head) == mimetype


def test_a_name_cannot_break_the_header(alice, bob):
    name = 'a"\r\nSet-Cookie: x=1; é/..\\b.html'
    response = of(alice).get(address(attach(bob, alice, PAGE, "text/html", name)))
    assert response.status_code == 200
    assert not response.has_header("Set-Cookie")


# Display


def test_the_api_pages_and_the_log_show_it(alice, bob):
    head = EventLog.objects.head()
    picture = attach(bob, alice)
    shown = {
        "url": address(picture),
        "name": "图.png",
        "mimetype": "image/png",
        "kind": "picture",
        "size": len(PNG),
        "preview": None,
    }
    [message] = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert (message["text"], message["attachment"]) == ("", shown)
    [event] = Api(alice).get("events/", after=head).json()["events"]
    assert event["message"]["attachment"] == shown
    [chat] = Api(alice).get("conversations/").json()["conversations"]
    assert chat["last_message"]["attachment"] == shown
    page = of(alice).get("/chat/bob/").content.decode()
    assert f'<img src="{address(picture)}" class="unmeasured"' in page
    assert 'alt="Picture: 图.png"' in page
    assert "[Picture]" in page


def test_another_file_is_a_link_with_its_name(alice, bob):
    file = attach(bob, alice, b"%PDF", "application/pdf", "<b>报告</b>.pdf")
    page = of(alice).get("/chat/bob/").content.decode()
    assert f'href="{address(file)}" data-name="&lt;b&gt;报告&lt;/b&gt;.pdf" download' in page
    assert ">PDF</span>" in page
    assert '<bdi class="file-name">&lt;b&gt;报告&lt;/b&gt;.pdf</bdi>' in page
    assert "[File] &lt;b&gt;报告" in page


def test_the_prefix_stands_before_the_address(alice, picture, settings):
    settings.PREFIX = "/chat"
    [message] = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert message["attachment"]["url"] == f"/chat{address(picture)}"


def test_files_cost_no_query_each(alice, bob, settings):
    settings.SEND_RATE = None
    dora = make_user("dora")
    befriend(alice, dora)
    client = of(alice)
    paths = ["conversations/bob/messages/", "conversations/", "events/?after=0"]

    def count() -> list[int]:
        counts = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"/api/{path}").status_code == 200
            counts.append(len(queries))
        return counts

    attach(bob, alice)
    few = count()
    for _number in range(5):
        attach(bob, alice)
        attach(dora, alice)
    assert count() == few


# Deletion


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["account", "shell", "conversation"])
def test_the_file_goes_with_what_it_belongs_to(alice, bob, way):
    picture = attach(bob, alice)
    assert picture.path.exists()
    if way == "account":
        delete_account(user=bob)
    elif way == "shell":
        User.objects.filter(pk=bob.pk).delete()
    else:
        picture.conversation.delete()
    assert not Attachment.objects.exists()
    assert not Message.objects.exists()
    assert not picture.path.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_fails_takes_no_file(alice, bob):
    picture = attach(bob, alice)
    with pytest.raises(RuntimeError), transaction.atomic():
        delete_account(user=bob)
        raise RuntimeError
    assert picture.path.exists()
    assert Attachment.objects.exists()


def test_files_of_nobody_are_swept_when_they_are_old(alice, picture):
    folder = attachments_folder()
    long_ago = time.time() - ORPHAN_SECONDS - 60
    for name in ("orphan.png", "fresh.png"):
        (folder / name).write_bytes(PNG)
    os.utime(folder / "orphan.png", (long_ago, long_ago))
    os.utime(picture.path, (long_ago, long_ago))
    assert sweep_orphans() == 1
    assert not (folder / "orphan.png").exists()
    assert (folder / "fresh.png").exists()
    assert picture.path.exists()
    (folder / "fresh.png").unlink()


def test_files_of_a_database_that_a_restore_has_replaced_stay_as_long_as_it_does(
    db, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    attachments_folder().mkdir()
    for name in ("way-back", "orphan"):
        (attachments_folder() / name).touch()
        os.utime(attachments_folder() / name, (1, 1))
    kept, damaged = tmp_path / "before-restore-20260102-030000Z", tmp_path / "before-restore-1Z"
    for folder in (kept, damaged):
        folder.mkdir()
    (damaged / "db.sqlite3").write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(kept / "db.sqlite3")) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE chat_attachment (file)")
        database.execute("INSERT INTO chat_attachment VALUES ('way-back')")
    assert sweep_orphans() == 1
    assert [path.name for path in attachments_folder().iterdir()] == ["way-back"]
    assert [path.name for path in kept.iterdir()] == ["db.sqlite3"]
    shutil.rmtree(kept)
    assert sweep_orphans() == 1


def test_a_file_that_a_moderator_removes_is_gone_and_its_name_stays_in_the_report(
    alice, bob, django_capture_on_commit_callbacks
):
    picture = attach(bob, alice)
    Api(alice).post(f"messages/{picture.message_id}/report/", reason="…")
    report = Report.objects.get()
    assert [each["text"] for each in report.snapshot] == ["图.png"]
    with django_capture_on_commit_callbacks(execute=True):
        moderation.remove_message(by=User.objects.create_superuser("judge"), report=report)
    assert not picture.path.exists()
    assert not Attachment.objects.exists()


# Everybody reloads


def test_after_a_silent_change_every_page_reloads_and_then_misses_nothing(alice, bob):
    say(alice, bob, "1")
    head = EventLog.objects.head()
    count = Event.objects.count()
    with transaction.atomic():
        writing.have_all_reload()
    assert Event.objects.count() == count
    assert Api(alice).get("events/", after=head).json() == {"reset": True}
    now = EventLog.objects.head()
    assert now > head
    say(alice, bob, "2")
    kinds = [each["kind"] for each in Api(bob).get("events/", after=now).json()["events"]]
    assert kinds == ["message"]
