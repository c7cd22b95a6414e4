"""Files on their way: pieces, each there once, up to the file that is ready to be sent."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from accounts.models import User
from chat import attachments
from chat.media import orders, processing, receiving, sweeping, workshop
from chat.models import Attachment, Upload, UsedQuota
from chat.models.files import attachments_folder, parts_folder, previews_folder
from tests.cast import Api, error_of, make_user

from .cast import MAKER, photo, ready, send
from .films import ogg

MB = 1024 * 1024


class Uploading:
    """One upload of one person, as a client does it."""

    def __init__(self, user: User, content: bytes = b"0123456789", kind="file", name="报告.pdf"):
        self.api = Api(user)
        self.id = str(uuid4())
        self.content, self.kind, self.name = content, kind, name

    def begin(self, **differently):
        facts = {"id": self.id, "name": self.name, "size": len(self.content), "kind": self.kind}
        return self.api.post("uploads/", **(facts | differently))

    def put(self, offset, piece=None, **more):
        piece = self.content[offset:] if piece is None else piece
        more.setdefault("content_type", "application/octet-stream")
        return self.api.client.put(f"/api/uploads/{self.id}/?offset={offset}", piece, **more)

    def look(self):
        return self.api.get(f"uploads/{self.id}/")

    def finish(self):
        return self.api.post(f"uploads/{self.id}/finish/")

    def give_up(self):
        return self.api.client.delete(f"/api/uploads/{self.id}/")

    def whole(self):
        """Send it all, and return A."""
        assert self.begin().status_code == 201
        assert self.put(0).json() == {"received": len(self.content)}
        answer = self.finish()
        assert answer.status_code == 200, answer.content
        return answer.json()["attachment"]

    @property
    def row(self) -> Upload:
        return Upload.objects.get(client_id=self.id)


@pytest.fixture
def one(alice, bob):
    return Uploading(alice)


# Pieces


def test_a_file_in_pieces_becomes_a_message(one, alice):
    assert one.begin().json() == {"received": 0, "piece": receiving.PIECE}
    assert one.put(0, b"0123").json() == {"received": 4}
    assert one.look().json() == {"received": 4, "state": "open"}
    assert one.put(4, b"456789").json() == {"received": 10}
    answer = one.finish()
    shown = {
        "url": None,
        "name": "报告.pdf",
        "mimetype": "application/octet-stream",
        "kind": "file",
        "size": 10,
        "preview": None,
    }
    assert (answer.status_code, answer.json()) == (200, {"attachment": shown})
    assert one.finish().json() == answer.json()
    assert one.look().json() == {"received": 10, "state": "ready"}
    message = send(alice, upload=one.id).json()["message"]
    attachment = Attachment.objects.get(message=message["id"])
    assert attachment.path.read_bytes() == one.content
    assert attachment.sha256 == hashlib.sha256(one.content).hexdigest()
    assert list(parts_folder().iterdir()) == []
    assert one.finish().json() == answer.json()
    assert one.look().json()["state"] == "sent"


def test_the_refusal_of_an_unfinished_file_says_how_much_is_there(one):
    one.begin()
    one.put(0, b"0123")
    answer = one.finish()
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "not_finished"
    assert answer.json()["received"] == 4


def test_a_retry_changes_nothing(one):
    assert one.begin().status_code == 201
    assert one.put(0, b"0123").json() == {"received": 4}
    assert one.put(0, b"0123").json() == {"received": 4}
    assert one.put(0, b"xx").json() == {"received": 4}
    again = one.begin()
    assert (again.status_code, again.json()["received"]) == (200, 4)
    assert one.row.part_path.read_bytes() == b"0123"


@pytest.mark.parametrize(("offset", "piece"), [(5, b"5"), (9, b"9"), (2, b"234567")])
def test_a_gap_or_an_overlap_is_told_where_to_go_on(one, offset, piece):
    one.begin()
    one.put(0, b"0123")
    answer = one.put(offset, piece)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "wrong_offset"
    assert answer.json()["received"] == 4
    assert one.row.part_path.read_bytes() == b"0123"


@pytest.mark.parametrize(
    ("offset", "piece"), [(0, b"0" * 11), (10, b"x"), (-1, b"0"), (2**70, b"0")]
)
def test_more_than_was_announced_is_refused(one, offset, piece):
    one.begin()
    assert error_of(one.put(offset, piece)) == (400, "invalid")
    assert one.look().json()["received"] == 0


@pytest.mark.parametrize("offset", ["", "x", "1.5", "٣"])
def test_an_offset_is_a_number(one, offset):
    one.begin()
    address = f"/api/uploads/{one.id}/?offset={offset}"
    answer = one.api.client.put(address, b"0", content_type="application/octet-stream")
    assert answer.status_code in (400, 409)
    assert one.look().json()["received"] == 0


def test_a_piece_is_bytes_and_at_most_a_mebibyte(alice, bob):
    large = Uploading(alice, bytes(3 * MB))
    large.begin()
    assert large.put(0, bytes(MB)).json() == {"received": MB}
    assert error_of(large.put(MB, bytes(MB + 1))) == (413, "too_large")
    assert error_of(large.put(MB, b"{}", content_type="application/json")) == (
        415,
        "unsupported_type",
    )
    assert large.look().json()["received"] == MB


def test_an_empty_piece_changes_nothing(one):
    one.begin()
    assert one.put(0, b"").status_code in (200, 415)  # the client of the tests names no type then
    assert one.look().json()["received"] == 0


# The announcement


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"id": "x"}, (400, "invalid")),
        ({"id": None}, (400, "invalid")),
        ({"size": 0}, (400, "invalid")),
        ({"size": -1}, (400, "invalid")),
        ({"size": True}, (400, "invalid")),
        ({"size": 1.5}, (400, "invalid")),
        ({"size": "10"}, (400, "invalid")),
        ({"size": None}, (400, "invalid")),
        ({"size": 2**80}, (413, "too_large")),
        ({"kind": "html"}, (400, "invalid")),
        ({"kind": None}, (400, "invalid")),
        ({"kind": ["file"]}, (400, "invalid")),
        ({"kind": "face"}, (400, "invalid")),
        ({"name": None}, (400, "invalid")),
        ({"name": 5}, (400, "invalid")),
        ({"name": "x" * 5000}, (400, "too_long")),
    ],
)
def test_an_announcement_that_is_wrong_is_refused(one, wrong, code):
    assert error_of(one.begin(**wrong)) == code
    assert not Upload.objects.exists()


def test_the_limit_in_words(one, alice, settings):
    settings.UPLOAD_LIMIT = 100 * MB
    one.api = Api(alice, headers={"accept-language": "zh-cn"})
    answer = one.begin(size=100 * MB + 1)
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "文件太大（最多 100 MB）。"
    assert one.begin(size=100 * MB).status_code == 201


@pytest.mark.parametrize("other", [{"size": 9}, {"kind": "picture"}, {"name": "x.pdf"}])
def test_one_id_is_one_file(one, other):
    one.begin()
    assert error_of(one.begin(**other)) == (409, "duplicate_id")
    assert Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("C:\\fakepath\\图.png", "图.png"),
        ("../../etc/passwd", "passwd"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\r\nb\tc.txt", "a b c.txt"),
        ("..", "file"),
        ("   ", "file"),
        ("a/", "file"),
        ("\0x.txt", "x.txt"),
        ("😀" * 100 + ".jpeg", "😀" * 62 + ".jpeg"),
    ],
)
def test_a_name_is_what_a_file_system_takes_and_shows_as_it_is(one, name, kept):
    assert one.begin(name=name).status_code == 201
    assert one.row.name == kept
    assert one.begin(name=name).status_code == 200


# The person


def test_an_upload_is_its_owners(one, bob):
    one.begin()
    theirs = Uploading(bob)
    theirs.id = one.id
    assert error_of(theirs.put(0)) == (404, "not_found")
    assert error_of(theirs.look()) == (404, "not_found")
    assert error_of(theirs.finish()) == (404, "not_found")
    assert error_of(theirs.give_up()) == (404, "not_found")
    assert theirs.begin().status_code == 201  # an id of bob's own
    assert Upload.objects.count() == 2


def test_without_a_session_there_is_nothing(one):
    one.begin()
    stranger = Uploading.__new__(Uploading)
    stranger.__dict__.update(one.__dict__, api=Api())
    for answer in (
        stranger.begin(),
        stranger.put(0),
        stranger.look(),
        stranger.finish(),
        stranger.give_up(),
    ):
        assert error_of(answer) == (401, "not_authenticated")


def test_without_the_token_nothing_is_written(one, alice):
    one.begin()
    one.api = Api(alice, enforce_csrf_checks=True)
    for answer in (one.begin(), one.put(0), one.finish(), one.give_up()):
        assert error_of(answer) == (403, "csrf")
    assert one.look().json()["received"] == 0


def test_who_is_muted_uploads_nothing(one, alice):
    one.begin()
    alice.muted_until = timezone.now() + timedelta(hours=1)
    alice.save()
    assert error_of(one.put(0)) == (403, "muted")
    assert error_of(Uploading(alice).begin()) == (403, "muted")


# Limits


def test_a_day_has_its_limit(alice, bob, settings):
    settings.UPLOAD_DAILY = 25
    first = Uploading(alice)
    first.whole()
    assert Uploading(alice).begin().status_code == 201
    answer = Uploading(alice).begin()
    assert error_of(answer) == (429, "rate_limited")
    assert 80_000 < int(answer["Retry-After"]) <= 86_400
    assert Uploading(bob).begin().status_code == 201


def test_what_is_given_up_counts_as_far_as_it_came(alice, bob, settings):
    settings.UPLOAD_DAILY = 25
    one = Uploading(alice)
    one.begin()
    one.put(0, b"0123")
    assert one.give_up().json() == {}
    assert error_of(one.look()) == (404, "not_found")
    for status in (201, 201, 429):
        assert Uploading(alice).begin().status_code == status


def test_what_is_given_up_within_a_minute_is_one_row(alice, settings):
    settings.UPLOAD_DAILY = 35
    now = timezone.now()
    for seconds in (1, 30, 59, 60):
        one = Uploading(alice)
        one.begin()
        one.put(0, b"01234")
        at = (now - timedelta(hours=1)).replace(second=0, microsecond=0)
        Upload.objects.update(created_at=at + timedelta(seconds=seconds))
        one.give_up()
    assert sorted(UsedQuota.objects.values_list("bytes", flat=True)) == [5, 15]
    assert Uploading(alice).begin().status_code == 201
    answer = Uploading(alice).begin()
    assert error_of(answer) == (429, "rate_limited")
    assert 22 * 3600 < int(answer["Retry-After"]) <= 23 * 3600


def test_a_full_disk_takes_no_file_and_text_still_goes(one, alice, settings):
    one.begin()
    settings.MIN_FREE = 2**62
    answer = one.put(0)
    assert error_of(answer) == (503, "unavailable")
    assert error_of(Uploading(alice).begin()) == (503, "unavailable")
    assert one.api.say("bob", "hi").status_code == 201
    settings.MIN_FREE = 0
    assert one.put(0).json() == {"received": 10}


def test_a_disk_that_refuses_loses_nothing(one, monkeypatch):
    one.begin()
    one.put(0, b"0123")
    monkeypatch.setattr(os, "pwrite", lambda *given: (_ for _ in ()).throw(OSError(28, "full")))
    assert error_of(one.put(4)) == (503, "unavailable")
    monkeypatch.undo()
    assert one.put(4).json() == {"received": 10}
    assert one.row.part_path.read_bytes() == one.content


def test_not_too_many_at_once(alice, bob):
    for _number in range(receiving.UNFINISHED_AT_MOST):
        assert Uploading(alice).begin().status_code == 201
    assert error_of(Uploading(alice).begin()) == (429, "rate_limited")


def test_the_one_that_was_left_for_the_longest_time_makes_place(
    alice, bob, django_capture_on_commit_callbacks
):
    begun = [Uploading(alice) for _number in range(receiving.UNFINISHED_AT_MOST)]
    for each in begun:
        each.begin()
    begun[3].put(0, b"0123")
    oldest, parts = begun[3].row, parts_folder()
    now = timezone.now()
    Upload.objects.update(changed_at=now - receiving.LEFT_FOR / 2)
    assert error_of(Uploading(alice).begin()) == (429, "rate_limited")
    Upload.objects.update(changed_at=now - 2 * receiving.LEFT_FOR)
    Upload.objects.filter(pk=oldest.pk).update(changed_at=now - 3 * receiving.LEFT_FOR)
    assert [path.name for path in parts.iterdir()] == [oldest.part]
    with django_capture_on_commit_callbacks(execute=True):
        assert Uploading(alice).begin().status_code == 201
    assert list(parts.iterdir()) == []
    assert [each.look().status_code for each in begun].count(200) == len(begun) - 1
    assert error_of(begun[3].look()) == (404, "not_found")
    assert UsedQuota.objects.get().bytes == 4


# Processing


def test_a_photo_loses_its_places_and_gets_its_preview(alice, bob):
    content = photo((800, 600), orientation=6)
    shown = Uploading(alice, content, "picture", "海边.jpg").whole()
    assert (shown["kind"], shown["mimetype"]) == ("picture", "image/jpeg")
    assert (shown["width"], shown["height"]) == (600, 800)
    [upload] = Upload.objects.all()
    kept = upload.path.read_bytes()
    assert MAKER.encode() in content
    assert MAKER.encode() not in kept
    assert len(kept) < len(content)
    assert upload.sha256 == hashlib.sha256(kept).hexdigest()
    assert upload.preview_path.read_bytes()[8:12] == b"WEBP"
    assert oct(upload.path.stat().st_mode)[-3:] == "600"
    message = send(alice, upload=upload.client_id).json()["message"]
    assert message["attachment"]["preview"] == f"/attachments/{message['id']}/preview/"


def test_what_is_no_picture_goes_as_a_file_and_says_so(alice, bob):
    one = Uploading(alice, b"<svg onload=alert(1)>", "picture", "x.svg")
    one.begin()
    one.put(0)
    answer = one.finish().json()
    assert answer["notice"] == "unreadable"
    assert (answer["attachment"]["kind"], answer["attachment"]["mimetype"]) == (
        "file",
        "application/octet-stream",
    )
    assert one.finish().json() == answer


def test_a_picture_with_too_many_pixels_goes_as_a_file_and_says_so(alice, bob):
    made = io.BytesIO()
    Image.new("1", (9000, 9000)).save(made, "PNG")
    one = Uploading(alice, made.getvalue(), "picture", "地图.png")
    one.begin()
    one.put(0)
    answer = one.finish().json()
    assert answer["notice"] == "too_large"
    assert (answer["attachment"]["kind"], answer["attachment"]["name"]) == ("file", "地图.png")
    assert one.finish().json() == answer


def test_what_was_announced_as_a_file_goes_without_a_notice(alice, bob):
    one = Uploading(alice, photo(), "file", "海边.jpg")
    one.begin()
    one.put(0)
    assert set(one.finish().json()) == {"attachment"}


def test_a_process_that_cannot_run_is_a_503_and_the_next_try_goes_on(one, monkeypatch):
    one.begin()
    one.put(0)

    def fail(order):
        raise workshop.BusyError

    monkeypatch.setattr(processing, "process", fail)
    assert error_of(one.finish()) == (503, "unavailable")
    assert one.look().json()["state"] == "processing"
    assert one.put(0).json() == {"received": 10}
    monkeypatch.undo()
    assert one.finish().status_code == 200
    assert len(os.listdir(attachments_folder())) == 1
    assert os.listdir(parts_folder()) == []


def test_a_part_that_the_disk_has_lost_is_sent_again(one):
    one.begin()
    one.put(0)
    one.row.part_path.write_bytes(b"01")
    answer = one.finish()
    assert answer.json()["error"]["code"] == "not_finished"
    assert answer.json()["received"] == 0
    assert one.put(0).json() == {"received": 10}
    assert one.finish().status_code == 200


def test_a_part_that_is_lost_while_it_is_processed_is_sent_again(one):
    one.begin()
    one.put(0)
    Upload.objects.update(state="processing")
    one.row.part_path.unlink()
    answer = one.finish()
    assert answer.json()["error"]["code"] == "not_finished"
    assert one.put(0).json() == {"received": 10}
    assert one.finish().status_code == 200


def test_who_gives_up_while_it_is_processed_leaves_nothing(one, monkeypatch):
    one.begin()
    one.put(0)
    whole = processing.process

    def meanwhile(order):
        done = whole(order)
        Upload.objects.all().delete()
        return done

    monkeypatch.setattr(processing, "process", meanwhile)
    assert one.finish().status_code == 404
    assert os.listdir(attachments_folder()) == os.listdir(parts_folder()) == []


def test_who_gives_up_before_it_is_opened_disturbs_no_other_tab(one, monkeypatch, caplog):
    one.begin()
    one.put(0)
    whole = processing.process

    def a_moment_later(order):
        os.unlink(order.source)
        Upload.objects.all().delete()
        return whole(order)

    monkeypatch.setattr(processing, "process", a_moment_later)
    assert error_of(one.finish()) == (404, "not_found")
    assert "refuses" not in caplog.text


def test_a_long_voice_is_a_file():
    def kind(seconds):
        done = orders.Processed(
            orders.Kind.VOICE, "audio/webm", 5, "", duration=seconds, is_clean=True
        )
        return processing._kind_of(done)

    assert {kind(59.9), kind(61.0), kind(None)} == {("voice", "")}
    assert kind(70.0) == ("file", "too_large")


def test_a_long_voice_has_no_length_as_a_file(alice):
    one = Uploading(alice, ogg(granules=48000 * 70), "voice", "x.ogg")
    one.whole()
    assert (one.row.kind, one.row.why, one.row.duration) == ("file", "too_large", None)


def test_a_sent_file_is_not_given_up(one, alice):
    one.whole()
    assert send(alice, upload=one.id).status_code == 201
    assert error_of(one.give_up()) == (409, "duplicate_id")
    assert Attachment.objects.get().path.exists()


# What is left


def test_giving_up_deletes_the_part_or_the_file(one, alice, django_capture_on_commit_callbacks):
    one.begin()
    one.put(0)
    with django_capture_on_commit_callbacks(execute=True):
        one.give_up()
    assert os.listdir(parts_folder()) == []
    ready = Uploading(alice, photo((40, 30)), "picture", "x.jpg")
    ready.whole()
    assert os.listdir(previews_folder())
    with django_capture_on_commit_callbacks(execute=True):
        assert ready.give_up().status_code == 200
    assert os.listdir(attachments_folder()) == os.listdir(previews_folder()) == []


def test_a_deleted_account_leaves_no_file(one, alice, django_capture_on_commit_callbacks):
    one.whole()
    with django_capture_on_commit_callbacks(execute=True):
        alice.delete()
    assert os.listdir(attachments_folder()) == []


def test_files_that_are_ready_are_no_orphans(one):
    one.whole()
    for path in attachments_folder().iterdir():
        os.utime(path, (1, 1))
    assert attachments.find_orphans() == []
    Upload.objects.all().update(file="")
    assert len(attachments.find_orphans()) == 1


def test_what_nobody_goes_on_with_is_swept_after_a_day(
    one, alice, django_capture_on_commit_callbacks
):
    one.whole()
    fresh = Uploading(make_user("dora"))
    fresh.begin()
    Upload.objects.filter(client_id=one.id).update(changed_at=timezone.now() - timedelta(hours=25))
    with django_capture_on_commit_callbacks(execute=True):
        for chore in sweeping.chores(timezone.now()):
            list(chore.work())
    assert [upload.client_id for upload in Upload.objects.all()] == [fresh.row.client_id]
    assert os.listdir(attachments_folder()) == []


def test_a_reason_is_no_trace_of_somebody_who_is_called_so(alice, bob):
    send(alice, upload=ready(alice, kind="file", why="unreadable").client_id)
    out = io.StringIO()
    call_command("verify_deletion", "unreadable", stdout=out, stderr=out)
    assert "chat_upload" not in out.getvalue()


def test_bytes_are_noted_only_of_an_upload_that_is_as_it_was_read(alice):
    upload = Uploading(alice)
    upload.begin()
    read, stale = upload.row, upload.row
    assert read.note_received(3)
    assert not stale.note_received(5)
    closed = upload.row
    Upload.objects.update(state=Upload.State.PROCESSING)
    assert not closed.note_received(5)
    assert upload.row.received == 3
    Upload.objects.all().delete()
    assert not read.note_received(4)
