"""Messages that are files: one message for each upload, and forwarding."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat import attachments, services
from chat.access import get_message
from chat.log import reading
from chat.media.orders import MAX_SECONDS
from chat.models import Attachment, Conversation, EventLog, Message, Upload
from chat.models.files import attachments_folder, previews_folder
from chat.sending import files
from chat.sending.drafts import Draft
from chat.sending.posting import Posted, post_messages
from friends import services as friends
from tests.cast import Api, befriend, error_of, make_user, say

from .cast import PREVIEW, ready, send


def draft(sender, to="bob", **what):
    return Draft.parse(sender.pk, to=to, client_id=str(uuid4()), **what)


def the_file(pk):
    return Attachment.objects.get(message=pk)


# One upload is one message


def test_a_file_is_sent_once_it_is_ready(alice, bob):
    head = EventLog.objects.head()
    upload = ready(alice, b"pixels")
    answer = send(alice, upload=upload.client_id)
    assert answer.status_code == 201
    message = answer.json()["message"]
    url = f"/attachments/{message['id']}/"
    assert message["text"] == ""
    assert message["attachment"] == {
        "url": url,
        "name": "海边.jpg",
        "mimetype": "image/jpeg",
        "kind": "picture",
        "size": 6,
        "width": 1200,
        "height": 800,
        "preview": f"{url}preview/",
    }
    [page] = Api(bob).get("conversations/alice/messages/").json()["messages"]
    assert page == message | {"with": "alice"}
    [event] = Api(bob).get("events/", after=head).json()["events"]
    assert event["message"] == page
    assert the_file(message["id"]).path.read_bytes() == b"pixels"
    assert the_file(message["id"]).preview_path.read_bytes() == PREVIEW


def test_a_retry_is_answered_with_the_same_message_even_when_the_upload_is_swept(alice, bob):
    upload, client_id = ready(alice), uuid4()
    first = send(alice, upload=upload.client_id, client_id=client_id)
    assert first.status_code == 201
    upload.refresh_from_db()
    assert (upload.state, upload.file, upload.preview) == ("sent", "", "")
    again = send(alice, upload=upload.client_id, client_id=client_id)
    assert (again.status_code, again.json()) == (200, first.json())
    upload.delete()
    again = send(alice, upload=upload.client_id, client_id=client_id)
    assert (again.status_code, again.json()) == (200, first.json())
    assert the_file(first.json()["message"]["id"]).path.exists()
    assert Message.objects.count() == 1


def test_the_digest_covers_what_is_sent(alice, bob):
    upload, other, client_id = ready(alice), ready(alice), uuid4()
    pk = send(alice, upload=upload.client_id, client_id=client_id).json()["message"]["id"]
    for what in ({"upload": other.client_id}, {"text": "hi"}, {"forward": pk}):
        assert error_of(send(alice, client_id=client_id, **what)) == (409, "duplicate_id")
    other.refresh_from_db()
    assert other.state == "ready"
    text = uuid4()
    assert send(alice, text="hi", client_id=text).status_code == 201
    assert error_of(send(alice, upload=other.client_id, client_id=text)) == (409, "duplicate_id")


def test_an_upload_is_sent_to_one_only(alice, bob):
    upload = ready(alice)
    assert send(alice, upload=upload.client_id).status_code == 201
    assert error_of(send(alice, upload=upload.client_id)) == (409, "duplicate_id")
    both = ready(alice)
    drafts = [draft(alice, upload=str(both.client_id)) for _number in range(2)]
    one, other = post_messages(drafts)
    assert isinstance(one, Posted)
    assert other.code == "duplicate_id"
    assert Attachment.objects.count() == 2


def test_a_message_is_sent_twice_in_a_batch_and_stored_once(alice, bob):
    once = draft(alice, upload=str(ready(alice).client_id))
    one, other = post_messages([once, once])
    assert (one.is_new, other.is_new) == (True, False)
    assert one.message == other.message
    assert one.message.attachment


@pytest.mark.parametrize(("state", "code"), [("open", 409), ("processing", 409), ("failed", 409)])
def test_what_is_not_ready_is_not_sent(alice, bob, state, code):
    upload = ready(alice, state=state)
    assert error_of(send(alice, upload=upload.client_id)) == (code, "not_finished")
    assert not Message.objects.exists()


def test_the_upload_of_somebody_else_is_not_there(alice, bob, mallory):
    befriend(mallory, bob)
    upload = ready(alice)
    assert error_of(send(mallory, upload=upload.client_id)) == (404, "not_found")
    assert error_of(send(alice, upload=uuid4())) == (404, "not_found")
    assert send(alice, upload=upload.client_id).status_code == 201


@pytest.mark.parametrize(
    "what",
    [
        {"text": "hi", "upload": str(uuid4())},
        {"text": "", "upload": str(uuid4())},
        {"text": "hi", "forward": 1},
        {"upload": str(uuid4()), "forward": 1},
        {"upload": "x"},
        {"upload": 5},
        {"upload": {}},
        {"forward": "x"},
        {"forward": True},
        {},
    ],
)
def test_a_message_is_one_thing(alice, bob, what):
    answer = Api(alice).post("conversations/bob/messages/", client_id=str(uuid4()), **what)
    assert error_of(answer) == (400, "invalid")


def test_the_rules_of_messages_hold_and_the_upload_stays(alice, bob, settings):
    upload = ready(alice)
    refused = [
        lambda: friends.block(owner=bob, target=alice),
        lambda: friends.unblock(owner=bob, target=alice),
    ]
    refused[0]()
    assert error_of(send(alice, upload=upload.client_id)) == (403, "blocked")
    refused[1]()
    alice.muted_until = timezone.now() + timedelta(hours=1)
    alice.save()
    assert error_of(send(alice, upload=upload.client_id)) == (403, "muted")
    alice.muted_until = None
    alice.save()
    settings.SEND_RATE = (1, 60)
    assert send(alice, text="hi").status_code == 201
    assert error_of(send(alice, upload=upload.client_id)) == (429, "rate_limited")
    settings.SEND_RATE = None
    assert send(alice, upload=upload.client_id).status_code == 201


def test_a_draft_that_fails_fails_no_neighbour(alice, bob):
    upload = ready(alice)
    first, second, third = post_messages(
        [
            draft(alice, upload=str(uuid4())),
            draft(alice, upload=str(upload.client_id)),
            draft(alice, text="hi"),
        ]
    )
    assert first.code == "not_found"
    assert second.message.attachment.name == "海边.jpg"
    assert third.message.text == "hi"


def test_the_frame_for_others_is_that_of_the_log(alice, bob):
    head = EventLog.objects.head()
    [posted] = post_messages([draft(alice, upload=str(ready(alice).client_id))])
    missed = reading.read_after(bob, head)
    shown = missed.events[0]["message"]
    assert shown["attachment"] == posted.message.attachment.as_json()
    assert '"kind":"picture"' in posted.for_recipient


def test_a_file_without_measures_and_preview_says_so(alice, bob):
    upload = ready(
        alice,
        preview=False,
        name="报告.pdf",
        kind="file",
        mimetype="application/octet-stream",
        width=None,
        height=None,
    )
    shown = send(alice, upload=upload.client_id).json()["message"]["attachment"]
    assert set(shown) == {"url", "name", "mimetype", "kind", "size", "preview"}
    assert shown["preview"] is None


def test_a_voice_has_its_seconds(alice, bob):
    facts = {"kind": "voice", "mimetype": "audio/webm", "width": None, "height": None}
    upload = ready(alice, preview=False, duration=3.25, **facts)
    shown = send(alice, upload=upload.client_id).json()["message"]["attachment"]
    assert (shown["kind"], shown["duration"]) == ("voice", 3.25)


@pytest.mark.parametrize("duration", [float("inf"), MAX_SECONDS + 1, -1.0])
def test_no_row_has_a_duration_that_would_break_its_pages(alice, bob, duration):
    upload = ready(alice, preview=False, kind="video", mimetype="video/webm", duration=MAX_SECONDS)
    shown = send(alice, upload=upload.client_id).json()["message"]["attachment"]
    assert shown["duration"] == MAX_SECONDS
    for model in (Upload, Attachment):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.update(duration=duration)


def test_a_quote_of_a_file_shows_what_it_is(alice, bob):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    answer = send(bob, "alice", text="schön", quote=pk).json()["message"]
    shown = {"kind": "picture", "name": "海边.jpg", "preview": f"/attachments/{pk}/preview/"}
    assert answer["quote"]["attachment"] == shown
    *_first, page = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert page["quote"]["attachment"] == shown
    thread, message = get_message(alice, pk)
    services.recall(thread=thread, message=message)
    *_first, page = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert "attachment" not in page["quote"]


# The file goes with its message


def test_a_recall_deletes_file_and_preview(alice, bob, django_capture_on_commit_callbacks):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    file = the_file(pk)
    with django_capture_on_commit_callbacks(execute=True):
        assert Api(alice).post(f"messages/{pk}/recall/").status_code == 200
    assert not file.path.exists()
    assert not file.preview_path.exists()
    assert not Attachment.objects.exists()
    [message] = Api(bob).get("conversations/alice/messages/").json()["messages"]
    assert (message["state"], message["attachment"]) == ("recalled", None)


# Forwarding


@pytest.fixture
def carl(alice):
    carol = make_user("carol")
    befriend(alice, carol)
    return carol


def test_a_forwarded_file_is_a_file_of_its_own_without_a_second_upload(
    alice, bob, carl, django_capture_on_commit_callbacks
):
    pk = send(alice, upload=ready(alice, b"pixels").client_id).json()["message"]["id"]
    answer = send(alice, "carol", forward=pk)
    assert answer.status_code == 201
    message = answer.json()["message"]
    source, copy = the_file(pk), the_file(message["id"])
    assert message["attachment"]["name"] == "海边.jpg"
    assert message["attachment"]["url"] == f"/attachments/{message['id']}/"
    assert message["attachment"]["width"] == 1200
    assert os.path.samefile(source.path, copy.path)
    assert source.path != copy.path
    assert os.path.samefile(source.preview_path, copy.preview_path)
    with django_capture_on_commit_callbacks(execute=True):
        assert Api(alice).post(f"messages/{pk}/recall/").status_code == 200
    assert not source.path.exists()
    assert copy.path.read_bytes() == b"pixels"
    assert copy.preview_path.exists()


def test_a_forwarded_text_is_a_text(alice, bob, carl):
    pk = say(bob, alice, "下午开会").id
    message = send(alice, "carol", forward=pk).json()["message"]
    assert (message["text"], message["attachment"]) == ("下午开会", None)


def test_a_retry_of_a_forward_is_the_same_message_although_its_source_is_gone(alice, bob, carl):
    pk, client_id = say(alice, bob, "hi").id, uuid4()
    first = send(alice, "carol", forward=pk, client_id=client_id)
    Api(alice).post(f"messages/{pk}/recall/")
    again = send(alice, "carol", forward=pk, client_id=client_id)
    assert (again.status_code, again.json()) == (200, first.json())
    assert error_of(send(alice, "carol", forward=pk)) == (404, "not_found")


def test_nobody_forwards_what_they_do_not_see(alice, bob, carl, mallory):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    befriend(mallory, carl)
    files = len(os.listdir(attachments_folder()))
    assert error_of(send(mallory, "carol", forward=pk)) == (404, "not_found")
    assert error_of(send(carl, "alice", forward=pk)) == (404, "not_found")
    assert error_of(send(alice, "carol", forward=pk + 100)) == (404, "not_found")
    Api(bob).post(f"messages/{pk}/hide/")
    assert error_of(send(bob, "alice", forward=pk)) == (404, "not_found")
    friends.remove(friendship=alice.friendships.get(friend=bob))
    assert error_of(send(alice, "carol", forward=pk)) == (404, "not_found")
    assert len(os.listdir(attachments_folder())) == files


def test_a_refused_forward_leaves_no_second_name(alice, bob, carl):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    friends.block(owner=carl, target=alice)
    assert error_of(send(alice, "carol", forward=pk)) == (403, "blocked")
    assert len(os.listdir(attachments_folder())) == 1


def test_a_file_that_is_lost_is_not_forwarded_and_no_neighbour_fails(alice, bob, carl):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    the_file(pk).path.unlink()
    lost, fine = post_messages([draft(alice, "carol", forward=pk), draft(alice, text="hi")])
    assert lost.code == "not_found"
    assert fine.message.text == "hi"


def test_a_disk_that_refuses_says_so(alice, bob, carl, monkeypatch):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(OSError(28, "full")))
    assert error_of(send(alice, "carol", forward=pk)) == (503, "unavailable")


def refuse_links(monkeypatch, number):
    def refuse(*_names):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("chat.models.files.os.link", refuse)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EXDEV])
def test_where_the_disk_takes_no_second_name_a_forwarded_file_is_copied(
    alice, bob, carl, monkeypatch, number
):
    pk = send(alice, upload=ready(alice, b"pixels").client_id).json()["message"]["id"]
    source = the_file(pk)
    source.path.chmod(0o640)
    refuse_links(monkeypatch, number)
    copy = the_file(send(alice, "carol", forward=pk).json()["message"]["id"])
    assert copy.path.read_bytes() == b"pixels"
    assert copy.preview_path.read_bytes() == PREVIEW
    assert not os.path.samefile(source.path, copy.path)
    assert copy.path.stat().st_mode & 0o777 == 0o640


def test_where_the_disk_takes_no_second_name_a_large_file_is_refused_for_good(
    alice, bob, carl, monkeypatch
):
    pk = send(alice, upload=ready(alice, b"pixels").client_id).json()["message"]["id"]
    monkeypatch.setattr(files, "COPIED_BYTES", len(b"pixels") - 1)
    assert send(alice, "carol", forward=pk).status_code == 201
    refuse_links(monkeypatch, errno.EMLINK)
    assert error_of(send(alice, "carol", forward=pk)) == (413, "too_large")
    assert len(os.listdir(attachments_folder())) == 2


def test_a_copy_leaves_messages_their_room_on_the_disk(alice, bob, carl, monkeypatch, settings):
    pk = send(alice, upload=ready(alice, b"pixels").client_id).json()["message"]["id"]
    refuse_links(monkeypatch, errno.EPERM)
    settings.MIN_FREE = 2**62
    assert error_of(send(alice, "carol", forward=pk)) == (503, "unavailable")
    assert len(os.listdir(attachments_folder())) == 1


def test_a_file_whose_preview_is_lost_is_forwarded_without_it(alice, bob, carl):
    pk = send(alice, upload=ready(alice, b"pixels").client_id).json()["message"]["id"]
    the_file(pk).preview_path.unlink()
    answer = send(alice, "carol", forward=pk)
    assert answer.status_code == 201
    copy = the_file(answer.json()["message"]["id"])
    assert copy.path.read_bytes() == b"pixels"
    assert copy.preview == ""


def test_a_second_name_is_no_orphan_before_its_message_is_committed(alice, bob):
    """A second name has the age of the first, which may be years."""
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    source = the_file(pk)
    for path in (source.path, source.preview_path):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert attachments.find_orphans() == []
    files.copy_of(source)
    assert len(os.listdir(attachments_folder())) == len(os.listdir(previews_folder())) == 2
    assert attachments.find_orphans() == []


def test_a_conversation_that_was_never_opened_takes_a_file(alice, bob):
    assert not Conversation.objects.filter(messages__isnull=False).exists()
    assert send(alice, upload=ready(alice).client_id).status_code == 201
    assert Upload.objects.get().state == "sent"
