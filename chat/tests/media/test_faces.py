"""Profile pictures: chosen by their owner, seen by friends, and nowhere left when they go."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts import limits
from accounts.models import User
from accounts.services import delete_account
from chat import attachments
from chat.export import write_zip
from chat.faces import making, services
from chat.media import sweeping
from chat.models import Attachment, Event, EventLog, Upload
from chat.models.files import attachments_folder, new_name, parts_folder, previews_folder
from friends import services as friends
from friends.models import Friendship
from tests.cast import Api, befriend, error_of, make_user
from webchat.database import copies
from webchat.doctor import files as doctor

from .cast import MAKER, photo, ready, send
from .test_uploads import Uploading

pytestmark = pytest.mark.django_db(transaction=True)
MAKE = making.make


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let no process draw, where the picture itself does not matter."""

    def make(source):
        name = new_name()
        attachments_folder().mkdir(exist_ok=True)
        (attachments_folder() / name).write_bytes(source.read_bytes())
        return name

    monkeypatch.setattr(making, "make", make)


@pytest.fixture
def drawn(quick, monkeypatch):
    monkeypatch.setattr(making, "make", MAKE)


@pytest.fixture
def moderator(db):
    user = make_user("mona")
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="moderate_user"))
    return user


def uploaded(user: User, content: bytes = b"content") -> object:
    return ready(user, content).client_id


def choose(user: User, upload: object | None = None):
    return Api(user).post("me/avatar/", upload=str(upload or uploaded(user)))


def face_of(user: User) -> str:
    """Choose a face, and return its address."""
    answer = choose(user)
    assert answer.status_code == 200, answer.content
    return answer.json()["avatar"]


def take_away(user: User):
    return Api(user).client.delete("/api/me/avatar/")


def look(url: str, user: User | None = None, **more):
    client = Client(headers={"accept-language": "en"})
    if user is not None:
        client.force_login(user)
    return client.get(url, **more)


def content(answer) -> bytes:
    return b"".join(answer.streaming_content)


def files() -> set[str]:
    folders = (attachments_folder(), previews_folder(), parts_folder())
    return {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}


def zip_of(user: User) -> zipfile.ZipFile:
    stored = User.objects.get(pk=user.pk)
    return zipfile.ZipFile(io.BytesIO(b"".join(write_zip(stored, "zh-hans"))))


def events_of(user: User, after: int) -> list[dict]:
    return Api(user).get("events/", after=after).json()["events"]


# To choose one


def test_a_picture_becomes_a_face(alice, bob, drawn):
    one = Uploading(alice, photo((120, 80)), "picture", "我.jpg")
    one.whole()
    answer = choose(alice, one.id)
    assert answer.status_code == 200
    url = answer.json()["avatar"]
    assert Api(alice).get("me/").json()["avatar"] == url
    shown = content(look(url, alice))
    with Image.open(io.BytesIO(shown)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (256, 256))
    assert MAKER.encode() not in shown
    alice.refresh_from_db()
    assert url == f"/avatars/{alice.face}/"
    assert files() == {alice.face}  # the picture itself, its preview and its part are gone
    row = Upload.objects.get()
    assert (row.state, row.is_face, row.file, row.preview) == ("sent", True, "", "")


def test_without_a_face_there_is_none(alice, bob):
    assert Api(alice).get("me/").json()["avatar"] is None
    assert Api(bob).get("friends/").json()["friends"][0]["avatar"] is None


def test_a_retry_is_answered_alike_and_makes_nothing(alice, bob):
    upload = uploaded(alice)
    first = choose(alice, upload).json()
    head = EventLog.objects.head()
    assert choose(alice, upload).json() == first
    assert EventLog.objects.head() == head
    assert len(files()) == 1


def test_a_late_retry_does_not_bring_an_old_face_back(alice, bob):
    old = uploaded(alice)
    choose(alice, old)
    newer = face_of(alice)
    answer = choose(alice, old)
    assert (answer.status_code, answer.json()) == (200, {"avatar": newer})
    take_away(alice)
    assert choose(alice, old).json() == {"avatar": None}


def test_a_new_face_has_a_new_address_and_the_old_file_goes(alice, bob):
    old = face_of(alice)
    new = face_of(alice)
    assert new != old
    assert look(old, alice).status_code == 404
    alice.refresh_from_db()
    assert files() == {alice.face}


def test_a_face_is_taken_away_any_number_of_times(alice, bob):
    url = face_of(alice)
    for _attempt in range(2):
        answer = take_away(alice)
        assert (answer.status_code, answer.json()) == (200, {"avatar": None})
    assert look(url, alice).status_code == 404
    assert not files()
    assert Api(bob).get("friends/").json()["friends"][0]["avatar"] is None


def test_what_is_transparent_is_white(alice, bob, drawn):
    made = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(made, "PNG")
    url = choose(alice, uploaded(alice, made.getvalue())).json()["avatar"]
    with Image.open(io.BytesIO(content(look(url, alice)))) as picture:
        assert picture.mode == "RGB"
        assert min(picture.getpixel((128, 128))) > 250


@pytest.mark.parametrize("upload", [None, 7, "", "x" * 36, ["a"], {}])
def test_what_is_no_upload_is_invalid(alice, upload):
    assert error_of(Api(alice).post("me/avatar/", upload=upload)) == (400, "invalid")


def test_unknown_and_unfinished_uploads_and_those_of_others(alice, bob):
    assert error_of(choose(alice, uuid4())) == (404, "not_found")
    assert error_of(choose(alice, uploaded(bob))) == (404, "not_found")
    one = Uploading(alice, photo((40, 40)), "picture", "我.jpg")
    one.begin()
    assert error_of(choose(alice, one.id)) == (409, "not_finished")


def test_one_upload_is_one_message_or_one_face(alice, bob):
    upload = ready(alice, photo((80, 80)))
    assert send(alice, upload=upload.client_id).status_code == 201
    assert error_of(choose(alice, upload.client_id)) == (409, "duplicate_id")
    face = uploaded(alice)
    assert choose(alice, face).status_code == 200
    assert error_of(send(alice, upload=face)) == (409, "duplicate_id")


@pytest.mark.parametrize("bytes_of_it", [b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 300])
def test_what_cannot_be_read_is_refused_in_words(alice, bytes_of_it, drawn):
    one = Uploading(alice, bytes_of_it, "picture", "我.jpg")
    one.whole()
    answer = choose(alice, one.id)
    assert error_of(answer) == (400, "invalid")
    assert "无法识别" in answer.json()["error"]["message"]
    alice.refresh_from_db()
    assert alice.face == ""


def test_a_bomb_that_calls_itself_a_picture_costs_its_process(alice, drawn):
    """Its row says that it is a picture; the workshop finds that nobody should decode it."""
    made = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(made, "PNG")
    upload = ready(alice, made.getvalue(), mimetype="image/png")
    assert error_of(choose(alice, upload.client_id)) == (400, "invalid")
    assert files() == {upload.file}


def test_a_film_is_no_face(alice):
    upload = ready(alice, b"film", kind="video", mimetype="video/mp4")
    assert error_of(choose(alice, upload.client_id)) == (400, "invalid")


def test_a_file_that_the_disk_has_lost(alice, drawn):
    upload = ready(alice, photo((40, 40)))
    upload.path.unlink()
    assert error_of(choose(alice, upload.client_id)) == (404, "not_found")


def test_muted_people_show_nothing_new_and_may_take_theirs_away(alice, bob):
    url = face_of(alice)
    upload = uploaded(alice)
    User.objects.filter(pk=alice.pk).update(muted_until=timezone.now() + timedelta(hours=1))
    assert error_of(choose(alice, upload)) == (403, "muted")
    assert look(url, bob).status_code == 200
    assert take_away(alice).status_code == 200


def test_faces_are_limited_and_retries_are_not(alice, monkeypatch):
    monkeypatch.setattr(limits, "FACE", limits.Limit("face", 1, limits.HOUR))
    upload = uploaded(alice)
    for _attempt in range(3):
        assert choose(alice, upload).status_code == 200
    answer = choose(alice)
    assert error_of(answer) == (429, "rate_limited")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["get", "put", "patch"])
def test_other_methods(alice, method):
    answer = getattr(Api(alice).client, method)("/api/me/avatar/")
    assert error_of(answer) == (405, "method_not_allowed")


def test_nobody_is_nobody():
    assert error_of(Api().post("me/avatar/", upload=str(uuid4()))) == (401, "not_authenticated")
    assert error_of(Api().client.delete("/api/me/avatar/")) == (401, "not_authenticated")


def test_of_two_posts_at_once_one_is_late(alice, monkeypatch):
    """Both have made their face when the first is put in place."""
    upload = uploaded(alice)
    make, made = making.make, []

    def make_and_be_late(source):
        name = make(source)
        made.append(name)
        if len(made) == 1:
            services.choose(owner=User.objects.get(pk=alice.pk), client_id=upload)
        return name

    monkeypatch.setattr(making, "make", make_and_be_late)
    assert choose(alice, upload).status_code == 200
    alice.refresh_from_db()
    assert alice.face == made[1]
    assert files() == {alice.face}


@pytest.mark.parametrize("is_same", [True, False])
def test_tabs_that_choose_at_the_same_moment_leave_one_face(alice, bob, is_same):
    known = [Api(alice) for _tab in range(4)]
    uploads = [uploaded(alice) for _tab in known]
    asked = [uploads[0]] * 4 if is_same else uploads
    barrier = Barrier(4)

    def post(api, upload):
        try:
            barrier.wait()
            return api.post("me/avatar/", upload=str(upload))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(post, known, asked))
    assert [answer.status_code for answer in answers] == [200] * 4
    alice.refresh_from_db()
    left = {each.file for each in Upload.objects.exclude(file="")}
    assert files() == {alice.face, *left}
    assert len(left) == (3 if is_same else 0)
    faces = Event.objects.filter(user=bob, data__friend=alice.pk, kind="friend_changed")
    assert faces.count() == (1 if is_same else 4)


def test_an_account_that_goes_meanwhile_leaves_nothing(alice, bob, monkeypatch):
    upload = uploaded(alice)
    make = making.make

    def make_too_late(source):
        name = make(source)
        delete_account(user=User.objects.get(pk=alice.pk))
        return name

    monkeypatch.setattr(making, "make", make_too_late)
    assert choose(alice, upload).status_code in (401, 404)
    assert not files()


# To see one


def test_friends_have_it_wherever_they_are_listed(alice, bob):
    url = face_of(alice)
    api = Api(bob)
    [friend] = api.get("friends/").json()["friends"]
    [chat] = api.get("conversations/").json()["conversations"]
    [found] = api.get("search/", q="alice").json()["friends"]
    assert friend["avatar"] == chat["avatar"] == found["avatar"] == url
    api.say("alice", "你好")
    for page in ("/", "/chat/alice/", "/contacts/", "/contacts/alice/", "/search/?q=你好"):
        assert f'src="{url}"' in api.client.get(page).content.decode(), page
    for page in ("/", "/chat/bob/", "/me/", "/discover/"):
        assert f'src="{url}"' in Api(alice).client.get(page).content.decode(), page


def test_a_stranger_who_has_asked_sees_initials(alice, carol):
    url = face_of(alice)
    mine = face_of(carol)
    [request] = Api(alice).get("friends/requests/").json()["received"]
    assert "avatar" not in request
    page = Api(alice).client.get("/contacts/requests/").content.decode()
    assert "carol" in page
    assert mine not in page
    assert look(url, carol).status_code == look(mine, alice).status_code == 404


def test_who_may_see_it(alice, bob, mallory):
    url = face_of(alice)
    assert look(url, alice).status_code == look(url, bob).status_code == 200
    assert look(url, mallory).status_code == 404
    answer = look(url)
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]
    friends.block(owner=alice, target=bob)  # they are not told
    assert look(url, bob).status_code == 200
    friends.remove(friendship=Friendship.objects.get(owner=alice, friend=bob))
    assert look(url, bob).status_code == 404
    Friendship.objects.all().delete()
    befriend(bob, alice)
    assert look(url, bob).status_code == 200


def test_moderators_see_faces_and_no_other_files(alice, bob, mallory, moderator):
    url = face_of(bob)
    assert look(url, moderator).status_code == 200
    upload = ready(bob, b"secret", kind="file", mimetype="application/octet-stream")
    assert look(f"/avatars/{upload.file}/", moderator).status_code == 404
    assert look(f"/avatars/{upload.file}/", bob).status_code == 404


@pytest.mark.parametrize("name", ["x", "..", "0" * 31, "0" * 33, "A" * 32, "%2e%2e%2fdb.sqlite3"])
def test_names_that_are_none(alice, name):
    assert look(f"/avatars/{name}/", alice).status_code == 404


def test_nobody_without_a_face_shows_the_folder(alice, bob):
    assert look("/avatars//", alice).status_code == 404


def test_a_browser_keeps_it_for_a_day_and_a_public_computer_not_at_all(alice, bob):
    url = face_of(alice)
    answer = look(url, bob)
    assert answer["Cache-Control"] == "private, max-age=86400"
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    again = look(url, bob, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again["Cache-Control"]) == (304, "private, max-age=86400")
    client = Client()
    client.force_login(bob)
    session = client.session
    session.set_expiry(0)
    session.save()
    assert "no-store" in client.get(url)["Cache-Control"]


def test_a_face_without_its_file_is_not_there(alice, bob):
    url = face_of(alice)
    (attachments_folder() / url.split("/")[2]).unlink()
    assert look(url, bob).status_code == 404


# Live


def test_friends_and_own_pages_hear_of_it_and_nobody_else(alice, bob, carol, mallory):
    after = EventLog.objects.head()
    url = face_of(alice)
    [told] = events_of(bob, after)
    assert (told["kind"], told["old_username"]) == ("friend_changed", "alice")
    assert told["friend"] == {
        "username": "alice", "remark": "", "blocked": False, "avatar": url,
    }  # fmt: skip
    [own] = events_of(alice, after)
    assert (own["kind"], own["avatar"]) == ("avatar_changed", url)
    assert events_of(mallory, after) == events_of(carol, after) == []
    take_away(alice)
    assert events_of(alice, after)[-1]["avatar"] is None
    assert events_of(bob, after)[-1]["friend"]["avatar"] is None


def test_the_kind_of_ones_own_event_is_known_to_earlier_releases(alice):
    after = EventLog.objects.head()
    face_of(alice)
    assert set(Event.objects.filter(pk__gt=after).values_list("kind", flat=True)) == {
        "friend_changed"
    }


def test_an_ex_friend_is_told_nothing_of_it(alice, bob):
    after = EventLog.objects.head()
    friends.remove(friendship=Friendship.objects.get(owner=alice, friend=bob))
    face_of(alice)
    assert [each["kind"] for each in events_of(bob, after)] == ["friend_removed"]


# The form without scripts


def post_form(user: User, file: bytes | None = None, client_id=None, **data):
    client = Client(headers={"accept-language": "zh-cn"})
    client.force_login(user)
    if file is not None:
        data["file"] = SimpleUploadedFile("我.jpg", file, "image/jpeg")
        data["client_id"] = str(client_id or uuid4())
    return client.post("/me/avatar/", data, follow=True)


def test_a_form_does_the_same_and_shows_the_middle(alice, bob, drawn):
    picture = Image.new("RGB", (600, 200), "red")
    picture.paste("blue", (200, 0, 400, 200))
    made = io.BytesIO()
    picture.save(made, "PNG")
    client_id = uuid4()
    for _attempt in range(2):
        page = post_form(alice, made.getvalue(), client_id)
        assert page.redirect_chain == [("/me/", 302)]
    alice.refresh_from_db()
    with Image.open(attachments_folder() / alice.face) as face:
        red, _green, blue = face.getpixel((4, 128))
        assert blue > 200 > 60 > red
    assert files() == {alice.face}
    page = post_form(alice, remove="on").content.decode()
    assert "/avatars/" not in page
    assert not files()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"no picture", "这张图片无法识别"),
        (b"", "文件是空的"),
        (b"x" * 1_000_001, "文件太大（最多 1 MB）。"),
    ],
)
def test_a_mistake_is_said_on_the_page(alice, drawn, file, words):
    assert words in post_form(alice, file).content.decode()


def test_a_form_needs_a_session_and_a_file(alice):
    assert Client().post("/me/avatar/").status_code == 302
    assert "/login/" in Client().post("/me/avatar/")["Location"]
    assert Client().get("/me/avatar/").status_code in (302, 405)
    assert post_form(alice, client_id=uuid4()).redirect_chain == [("/me/", 302)]
    alice.refresh_from_db()
    assert alice.face == ""


# Everything that knows files knows faces


def test_the_deletion_of_an_account_leaves_nothing(alice, bob):
    url = face_of(alice)
    delete_account(user=alice)
    assert not files()
    assert look(url, bob).status_code == 404
    call_command("verify_deletion", "alice", verbosity=0)


@pytest.mark.parametrize("stuck", ["face", "sent", "unsent"])
def test_a_file_that_the_disk_does_not_let_go_keeps_no_other(alice, bob, stuck, caplog):
    face_of(alice)
    assert send(alice, upload=uploaded(alice)).status_code == 201
    alice.refresh_from_db()
    names = {
        "face": alice.face,
        "sent": Attachment.objects.get().file,
        "unsent": ready(alice).file,
    }
    path = attachments_folder() / names[stuck]
    path.unlink()
    path.mkdir()  # which no unlink removes
    try:
        delete_account(user=alice)
        assert list(attachments_folder().iterdir()) == [path]
        assert not list(previews_folder().iterdir())
        assert "could not be deleted" in caplog.text
    finally:
        path.rmdir()


def test_an_upload_that_the_disk_does_not_let_go_is_a_face_all_the_same(alice, bob):
    upload = ready(alice)
    upload.preview_path.unlink()
    upload.preview_path.mkdir()
    try:
        assert choose(alice, upload.client_id).status_code == 200
        assert not upload.path.exists()
    finally:
        upload.preview_path.rmdir()


def test_a_face_that_was_changed_since_goes_with_its_account(alice, bob):
    stale = User.objects.get(pk=alice.pk)
    face_of(alice)
    delete_account(user=stale)
    assert not files()


def test_a_ban_keeps_it(alice, bob):
    url = face_of(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert look(url, bob).status_code == 200


def test_no_face_is_an_orphan(alice, bob):
    face_of(alice)
    assert attachments.find_orphans(age=-60) == []
    assert sweeping.find_orphans(age=-60) == []
    User.objects.filter(pk=alice.pk).update(face="")
    assert len(attachments.find_orphans(age=-60)) == 1


def test_the_doctor_misses_a_face(alice, bob):
    url = face_of(alice)
    assert doctor.check_attachments().level == "ok"
    (attachments_folder() / url.split("/")[2]).unlink()
    assert "附件缺失：1 个" in doctor.check_attachments().message


def test_the_doctor_misses_no_face_that_comes_or_goes_meanwhile(alice, bob, monkeypatch):
    face_of(alice)
    listing = doctor._files_in

    def with_one_more(folder):
        found = list(listing(folder))
        face_of(bob)
        return found

    def with_one_less(folder):
        take_away(alice)
        return listing(folder)

    for meanwhile in (with_one_more, with_one_less):
        monkeypatch.setattr(doctor, "_files_in", meanwhile)
        assert doctor.check_attachments().level == "ok"
    bob.refresh_from_db()
    assert [path.name for path in attachments_folder().iterdir()] == [bob.face]


def test_an_export_has_ones_own_face_and_no_other(alice, bob):
    face_of(bob)
    assert "avatar.webp" not in zip_of(alice).namelist()
    face_of(alice)
    archive = zip_of(alice)
    assert archive.read("avatar.webp") == b"content"
    assert 'src="avatar.webp"' in archive.read("index.html").decode()
    alice.refresh_from_db()
    (attachments_folder() / alice.face).unlink()
    assert "avatar.webp" not in zip_of(alice).namelist()


def test_a_backup_holds_faces(alice, bob):
    face_of(alice)
    alice.refresh_from_db()
    with connection.cursor() as cursor:
        assert copies.files_in(cursor.connection) == {alice.face: ""}


def test_a_database_from_before_them_has_none():
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE accounts_user (id INTEGER)")
        assert copies.files_in(database) == {}


def test_an_old_upload_goes_without_the_face(alice, bob):
    face_of(alice)
    Upload.objects.update(changed_at=timezone.now() - timedelta(days=2))
    call_command("prune", verbosity=0)
    assert not Upload.objects.exists()
    alice.refresh_from_db()
    assert (attachments_folder() / alice.face).is_file()
