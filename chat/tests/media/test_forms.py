"""A file without scripts: one form, the same way."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.forms import FILE_BYTES
from chat.models import Attachment, Message, Upload
from friends import services as friends
from tests.cast import Api
from webchat.base import errors
from webchat.serving import bodies

from .cast import MAKER, photo


def post(
    user, content=b"content", name="报告.pdf", mimetype="application/pdf", client_id=None, to="bob"
):
    file = SimpleUploadedFile(name, content, mimetype)
    data = {"file": file, "client_id": str(client_id or uuid4())}
    client = Api(user, headers={"accept-language": "zh-cn"}).client
    return client.post(f"/chat/{to}/file/", data)


def test_a_form_sends_a_file_once(alice, bob):
    client_id = uuid4()
    for _attempt in range(2):
        answer = post(alice, client_id=client_id)
        assert (answer.status_code, answer["Location"]) == (302, "/chat/bob/")
    [attachment] = Attachment.objects.all()
    assert (attachment.name, attachment.kind) == ("报告.pdf", "file")
    assert attachment.path.read_bytes() == b"content"
    assert Upload.objects.get().state == "sent"


def test_a_picture_is_cleaned_on_this_way_too(alice, bob):
    assert post(alice, photo((80, 60)), "海边.jpg", "image/jpeg").status_code == 302
    attachment = Attachment.objects.get()
    assert attachment.kind == "picture"
    assert MAKER.encode() not in attachment.path.read_bytes()


def test_a_picture_that_is_none_goes_as_a_file_and_the_page_says_so(alice, bob):
    answer = post(alice, b"<svg onload=alert(1)>", "x.svg", "image/svg+xml")
    assert Attachment.objects.get().kind == "file"
    page = answer.client.get(answer["Location"], headers={"accept-language": "zh-cn"})
    assert "这张图片无法识别，已按文件发送。" in page.content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "文件是空的"), (b"x" * (FILE_BYTES + 1), "文件太大（最多 1 MB）。")],
)
def test_a_mistake_is_said_in_words_on_the_page(alice, bob, content, words):
    answer = post(alice, content)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Message.objects.exists()


def test_the_largest_file_that_fits(alice, bob):
    assert post(alice, b"x" * FILE_BYTES).status_code == 302


def test_no_file_at_all(alice, bob):
    answer = Api(alice).client.post("/chat/bob/file/", {"client_id": str(uuid4())})
    assert answer.status_code == 422


def test_strangers_and_blocked_people(alice, bob, mallory):
    assert post(mallory).status_code == 404
    friends.block(owner=bob, target=alice)
    answer = post(alice)
    assert answer.status_code == 422
    assert not Message.objects.exists()
    assert Api(alice).client.get("/chat/bob/file/").status_code == 405


def id_in(answer):
    """The id of the file that is sent next from a page."""
    form = answer.content.decode().partition("file-form")[2]
    return UUID(re.search(r'name="client_id" value="([^"]*)"', form)[1])


def test_another_file_is_sent_from_the_page_of_a_refusal(alice, bob):
    client_id = uuid4()
    friends.block(owner=bob, target=alice)
    refused = post(alice, client_id=client_id)
    assert id_in(refused) == client_id  # the same file, sent again, comes once
    friends.unblock(owner=bob, target=alice)
    other = post(alice, b"another one", "相册.zip", "application/zip", client_id=client_id)
    assert other.status_code == 422
    assert "请重新选择文件再试" in other.content.decode()
    again = id_in(other)
    assert post(alice, b"another one", "相册.zip", "application/zip", again).status_code == 302
    assert Attachment.objects.get().name == "相册.zip"


def test_a_broken_id_is_not_given_back(alice, bob):
    assert id_in(post(alice, client_id="x")).version == 4


def test_the_page_has_the_form(alice, bob):
    page = Api(alice).client.get("/chat/bob/").content.decode()
    assert 'enctype="multipart/form-data"' in page


def test_a_body_that_was_not_kept_is_too_large_and_not_out_of_date(alice, bob):
    assert errors.BODY_BYTES == bodies.BODY_BYTES
    client = Api(alice, enforce_csrf_checks=True, headers={"accept-language": "zh-cn"}).client
    # What the server hands on of a body that it has not kept.
    answer = client.generic(
        "POST",
        "/chat/bob/file/",
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(5_000_000),
    )
    assert answer.status_code == 413
    assert "1 MB" in answer.content.decode()
