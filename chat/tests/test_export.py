from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from urllib.parse import quote

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client

from chat import export as exporting
from chat.models import Attachment
from chat.tests.test_attachments import attach
from tests.cast import Api, befriend, make_user, say


@pytest.fixture
def zip_of(db):
    def read(user) -> zipfile.ZipFile:
        client = Client(headers={"Accept-Language": "zh-CN", "Accept-Encoding": "gzip"})
        client.force_login(user)
        answer = client.post("/export/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
        return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))

    return read


def test_a_zip_holds_what_one_may_see_as_page_and_text(alice, bob, zip_of, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE_SIZE", 2)
    for number in range(5):
        say(alice, bob, f"第{number}条 <script>")
    secret = say(bob, alice, "nicht für alice")
    Api(alice).post(f"messages/{secret.id}/hide/")
    recalled = say(alice, bob, "zurück")
    Api(alice).post(f"messages/{recalled.id}/recall/")
    archive = zip_of(alice)
    assert archive.testzip() is None
    assert set(archive.namelist()) == {"index.html", "bob.html", "bob.txt"}
    page, text = archive.read("bob.html").decode(), archive.read("bob.txt").decode()
    for number in range(5):
        assert f"第{number}条 &lt;script&gt;" in page
        assert f"第{number}条 <script>" in text
    assert "<script>" not in page
    for shown in (page, text):
        assert "nicht für alice" not in shown
        assert "zurück" not in shown
        assert "你撤回了一条消息" in shown
    assert 'href="bob.html"' in archive.read("index.html").decode()


@pytest.mark.parametrize(
    "name", ["index", "Index", "ｉｎｄｅｘ", "con", "Aux", "NUL", "com1", "com¹", "lpt9", "con.bob"]
)
def test_every_friend_has_files_of_their_own_that_windows_can_unpack(alice, zip_of, name):
    friend = make_user(name)
    befriend(alice, friend)
    say(friend, alice, "da bin ich")
    archive = zip_of(alice)
    assert archive.namelist() == ["index.html", f"_{name}.html", f"_{name}.txt"]
    assert f'href="{quote(f"_{name}.html")}"' in archive.read("index.html").decode()
    assert "da bin ich" in archive.read(f"_{name}.html").decode()


@pytest.mark.parametrize("date", [0, 5_000_000_000])  # 1970, and beyond 2107
def test_a_file_with_a_date_that_no_zip_knows_is_in_it(alice, bob, zip_of, date):
    attachment = attach(bob, alice)
    os.utime(attachment.path, (date, date))
    archive = zip_of(alice)
    [name] = [name for name in archive.namelist() if name.startswith("attachments/")]
    assert archive.read(name) == attachment.path.read_bytes()


@pytest.mark.parametrize("name", ["indexer", "console", "com10", "lpt", "bob.con", "王伟.nul"])
def test_other_names_stay_as_they_are(alice, zip_of, name):
    friend = make_user(name)
    befriend(alice, friend)
    say(friend, alice, "da bin ich")
    assert zip_of(alice).namelist() == ["index.html", f"{name}.html", f"{name}.txt"]


def test_nothing_of_others_and_of_former_friends_is_in_it(alice, bob, mallory, zip_of):
    dora = make_user("dora")
    befriend(dora, mallory)
    say(dora, mallory, "unter uns")
    say(alice, bob, "vorbei")
    Api(alice).post("friends/bob/remove/")
    assert zip_of(alice).namelist() == ["index.html"]


def client_of(user):
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def test_only_so_many_run_at_once_and_each_makes_room_again(alice, bob, mallory, zip_of):
    say(alice, bob, "x")
    running = [client_of(user).post("/export/") for user in (alice, bob)]
    assert len(running) == exporting.AT_ONCE
    answer = client_of(mallory).post("/export/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    request_finished.disconnect(close_old_connections)  # as the client itself does
    for answer in running:
        answer.close()
    request_finished.connect(close_old_connections)
    for _time in range(3):
        assert zip_of(alice).namelist()


def test_one_export_of_an_account_runs_at_a_time(alice, bob):
    running = client_of(alice).post("/export/")
    answer = client_of(alice).post("/export/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert "being exported already" in answer.content.decode()
    request_finished.disconnect(close_old_connections)
    running.close()
    request_finished.connect(close_old_connections)


def test_five_exports_an_hour(alice, zip_of):
    for _time in range(5):
        zip_of(alice)
    answer = client_of(alice).post("/export/")
    assert answer.status_code == 429
    assert 600 < int(answer["Retry-After"]) <= 720
    assert client_of(alice).get("/export/").status_code == 200


def test_strangers_export_nothing(client, db):
    assert client.post("/export/").status_code == 302


def test_a_file_is_there_once_as_it_is_under_its_name_and_the_pages_lead_to_it(alice, bob, zip_of):
    dora = make_user("dora")
    befriend(alice, dora)
    sent = attach(bob, alice, b"%PDF" * 100, "application/pdf", '报 告<1>:"?.pdf. ')
    picture = attach(alice, bob, name="图.png")
    forwarded = attach(alice, dora, b"", "application/pdf", "other.pdf")
    forwarded.path.unlink()
    os.link(sent.path, forwarded.path)  # as forwarding does
    lost = attach(bob, alice, name="lost.png")
    lost.path.unlink()
    archive = zip_of(alice)
    files = [each for each in archive.infolist() if each.filename.startswith("attachments/")]
    assert {each.compress_type for each in files} == {zipfile.ZIP_STORED}
    names = {each.filename: each.file_size for each in files}
    assert len(names) == len(files) == 2
    assert names[f"attachments/{picture.message_id}-图.png"] == picture.size
    [shared] = [name for name in names if name.endswith(".pdf_")]
    assert archive.read(shared) == sent.path.read_bytes()
    for friend in ("bob", "dora"):
        assert f'href="{quote(shared)}"' in archive.read(f"{friend}.html").decode()
        assert shared in archive.read(f"{friend}.txt").decode()
    page = archive.read("bob.html").decode()
    assert f'<img src="{quote(f"attachments/{picture.message_id}-图.png")}"' in page
    assert "lost.png" in page
    assert f"{lost.message_id}-" not in page


def test_the_same_content_sent_twice_is_there_once(alice, bob, zip_of):
    for _time in range(2):
        attach(bob, alice)
    Attachment.objects.update(sha256="0" * 64)
    assert len([name for name in zip_of(alice).namelist() if "attachments/" in name]) == 1


def test_a_large_file_is_never_in_memory(alice, bob):
    attach(bob, alice, os.urandom(30_000_000), "video/mp4", "film.mp4")
    length, most = 0, 0
    tracemalloc.start()
    try:
        for piece in exporting.write_zip(alice, "zh-hans"):
            length += len(piece)
            most = max(most, len(piece))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 30_000_000
    assert most < 200_000
    assert peak < 8_000_000, "templates take some of it"


def test_a_server_that_sends_files_gets_them_by_name_and_the_zip_is_the_same(alice, bob):
    for sender, size in ((alice, 300_000), (bob, 70_000), (bob, 0)):
        attach(sender, alice if sender is bob else bob, os.urandom(size), "video/mp4", "a.mp4")
    found, in_pieces = b"", 0

    def send_file(path, length):
        nonlocal found
        assert path.stat().st_size == length
        found += path.read_bytes()

    answer = client_of(alice).post("/export/", **{"webchat.send_file": send_file})
    for piece in answer.streaming_content:
        found += piece
        in_pieces += len(piece)
    archive = zipfile.ZipFile(io.BytesIO(found))
    assert archive.testzip() is None
    names = [name for name in archive.namelist() if name.startswith("attachments/")]
    assert {archive.read(name) for name in names} == {
        each.path.read_bytes() for each in Attachment.objects.all()
    }
    assert in_pieces < len(found) - 370_000 + 1
