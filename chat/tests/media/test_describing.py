"""Stored files about which something is not known: imported ones, and lost previews."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import shutil
import sys
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from chat.media import describing, workshop
from chat.models import Attachment, Message
from chat.models.files import attachments_folder, parts_folder, previews_folder
from tests.cast import say

from . import samples
from .cast import photo
from .test_workshop import FAILING, FAILURES, WITHOUT_PILLOW


@pytest.fixture
def stored(alice, bob):
    """Make the file of a message as an earlier release imported it."""

    def make(content: bytes, mimetype: str = "image/jpeg", **facts) -> Attachment:
        message = Message.objects.get(pk=say(alice, bob, "x").id)
        attachments_folder().mkdir(exist_ok=True)
        kind = "picture" if mimetype.startswith("image/") else "file"
        file = Attachment.objects.create(
            message=message, conversation=message.conversation, file=f"{uuid4()}.bin", name="a",
            **{"mimetype": mimetype, "kind": kind} | facts,
        )  # fmt: skip
        file.path.write_bytes(content)
        return file

    return make


def describe_all():
    describer = describing.Describer()
    while (file := describer.next()) is not None:
        describing.describe(file)


def nothing_is_left():
    return not parts_folder().is_dir() or not list(parts_folder().iterdir())


def test_a_picture_gets_its_facts_and_preview_and_keeps_its_bytes(stored):
    content = photo((800, 600), orientation=6)
    file = stored(content)
    describe_all()
    file.refresh_from_db()
    assert (file.kind, file.mimetype) == ("picture", "image/jpeg")
    assert (file.width, file.height, file.size) == (600, 800, len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.preview_path.read_bytes()[8:12] == b"WEBP"
    assert file.path.read_bytes() == content, "the places in it are of whoever imported it"
    assert nothing_is_left()
    assert describing.Describer().next() is None


def test_what_was_claimed_is_believed_only_if_the_bytes_say_so(stored):
    page = stored(b"<html>", "image/jpeg")
    hidden = stored(photo((64, 48)), "application/pdf")
    film = stored(samples.film(), "text/plain")
    words = stored(b"words", "text/plain")
    describe_all()
    for file, kind, mimetype in (
        (page, "file", "application/octet-stream"), (hidden, "picture", "image/jpeg"),
        (film, "video", "video/quicktime"), (words, "file", "text/plain"),
    ):  # fmt: skip
        file.refresh_from_db()
        assert (file.kind, file.mimetype) == (kind, mimetype)
    assert film.width
    assert hidden.preview


@pytest.mark.parametrize("is_whole_folder", [True, False])
def test_a_lost_preview_is_made_again(stored, is_whole_folder):
    lost, kept = stored(photo((64, 48))), stored(photo((48, 64)))
    describe_all()
    for file in (lost, kept):
        file.refresh_from_db()
    before = {lost.preview, kept.preview}
    assert set(os.listdir(previews_folder())) >= before
    lost.preview_path.unlink()
    if is_whole_folder:
        shutil.rmtree(previews_folder())
    assert describing.Describer().count() == 1 + is_whole_folder
    describe_all()
    for file in (lost, kept):
        file.refresh_from_db()
        assert file.preview_path.exists()
    assert lost.preview not in before
    assert (kept.preview in before) is not is_whole_folder


@pytest.mark.parametrize(
    "script",
    [WITHOUT_PILLOW, FAILING.format(place="_clean", fails=FAILURES["killed"], spared=())],
    ids=["drawing", "cleaning"],
)
def test_a_failure_that_may_pass_makes_no_file_of_a_picture(stored, script):
    content = photo((64, 48))
    facts = {"sha256": hashlib.sha256(content).hexdigest(), "width": 64, "height": 48}
    file = stored(content, **facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workshop, "COMMAND", (sys.executable, "-c", script))
        describe_all()
    file.refresh_from_db()
    assert (file.kind, file.mimetype, file.width) == ("picture", "image/jpeg", 64)
    assert not file.preview
    assert nothing_is_left()
    describe_all()  # as after the next start
    file.refresh_from_db()
    assert file.preview


DAMAGED = photo((400, 300))[:3000]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"sha256": "0" * 64, "width": 400, "height": 300},
        {"sha256": hashlib.sha256(DAMAGED).hexdigest()},
    ],
    ids=["of an earlier release", "sent", "imported"],
)
def test_a_damaged_picture_is_a_file_from_then_on(stored, facts):
    file = stored(DAMAGED, **facts)
    describe_all()
    file.refresh_from_db()
    assert (file.kind, file.preview) == ("file", "")
    assert (file.width, file.height) == (None, None)
    assert file.mimetype == "application/octet-stream"
    assert describing.Describer().next() is None


def test_a_lost_file_is_passed_over(stored):
    stored(b"").path.unlink()
    file = stored(photo((64, 48)))
    describe_all()
    file.refresh_from_db()
    assert file.preview


def test_a_message_that_is_recalled_meanwhile_leaves_no_preview(stored):
    file = stored(photo((64, 48)))
    paths, facts = asyncio.run(describing.find_out(file))
    assert facts["has_preview"]
    Attachment.objects.filter(pk=file.pk).delete()
    describing.keep(file, paths, facts)
    assert not list(previews_folder().iterdir())
    assert nothing_is_left()


def test_without_a_painter_no_picture_is_called_damaged(stored, monkeypatch):
    stored(photo((64, 48)))
    monkeypatch.setattr(describing, "find_spec", lambda name: None)
    assert describing.Describer().next() is None


def test_what_is_kept_free_is_not_filled_with_previews(stored, settings):
    file = stored(photo((64, 48)))
    settings.MIN_FREE = 2**62
    describer = describing.Describer()
    assert describer.next() is None
    with pytest.raises(CommandError):
        call_command("make_previews", stdout=io.StringIO())
    settings.MIN_FREE = 0
    assert describer.next() == file, "it goes on from where it was"


def test_the_command_says_how_many_and_leaves_them_to_a_server_that_is_at_it(stored):
    stored(photo((64, 48)))
    with describing.alone() as is_alone:
        assert is_alone
        with pytest.raises(CommandError):
            call_command("make_previews", stdout=io.StringIO())
    said = io.StringIO()
    call_command("make_previews", stdout=said)
    assert "1" in said.getvalue().splitlines()[-1]
