"""Profile pictures out of a folder: each by its user name, and nothing else."""

from __future__ import annotations

import io
import os
import unicodedata
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from accounts import pictures
from accounts.models import User
from chat.models import Event
from chat.models.files import attachments_folder, parts_folder
from tests.cast import befriend, make_user


@pytest.fixture(autouse=True)
def in_english(db, settings):
    settings.LANGUAGE_CODE = "en"


def photo(kind: str = "JPEG") -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(made, kind)
    return made.getvalue()


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    return made


def give(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_pictures", str(folder), *options, stdout=out)
    return out.getvalue()


def face_of(username: str) -> str:
    return User.objects.get(username=username).face


def files() -> list[str]:
    folders = [each for each in (attachments_folder(), parts_folder()) if each.is_dir()]
    return sorted(path.name for each in folders for path in each.iterdir())


def test_pictures_come_to_their_names_in_any_case_and_form(folder, alice, bob):
    make_user("émile")
    befriend(alice, bob)
    (folder / "ALICE.JPG").write_bytes(photo())
    (folder / "ｂob.png").write_bytes(photo("PNG"))
    (folder / f"{unicodedata.normalize('NFD', 'émile')}.webp").write_bytes(photo("WEBP"))
    assert "3 pictures are in place." in give(folder)
    faces = [face_of(name) for name in ("alice", "bob", "émile")]
    assert sorted(faces) == files()
    with Image.open(attachments_folder() / faces[0]) as picture:
        assert (picture.format, picture.size) == ("WEBP", (256, 256))
    # They hear of it: alice, and bob as her friend, and the other way round.
    assert Event.objects.filter(kind="friend_changed").count() == 5


def test_a_name_that_windows_wrote_in_gbk(folder):
    make_user("李雷")
    with open(os.fsencode(folder) + b"/" + "李雷.jpg".encode("gbk"), "wb") as file:
        file.write(photo())
    assert "1 pictures are in place." in give(folder)
    assert face_of("李雷")


def test_a_dry_run_tells_all_and_changes_nothing(folder, alice):
    (folder / "alice.jpg").write_bytes(photo())
    (folder / "nobody.jpg").write_bytes(photo())
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    said = give(folder, "--dry-run")
    assert "1 pictures fit. A dry run: nothing was changed." in said
    assert "nobody.jpg: nobody has this user name" in said
    assert "Thumbs.db: no picture" in said
    assert "DS_Store" not in said
    assert (face_of("alice"), files()) == ("", [])


def test_what_cannot_be_read_is_named_and_the_others_go_on(folder, alice, bob):
    (folder / "alice.jpg").write_bytes(b"no picture")
    (folder / "bob.jpg").write_bytes(photo())
    for options in (["--dry-run"], []):
        said = give(folder, *options)
        assert "alice.jpg: This picture cannot be read." in said
        assert "1 pictures" in said
    assert (face_of("alice"), files()) == ("", [face_of("bob")])


def test_no_link_is_followed(folder, alice, bob, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(photo())
    (folder / "alice.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "bob.jpg").mkdir()
    said = give(folder)
    assert "0 pictures are in place." in said
    assert "alice.jpg: no picture" in said
    assert not files()


def test_a_link_or_a_pipe_that_takes_the_place_of_a_picture(folder, alice, bob, tmp_path):
    """After the look, and before it is read."""
    (tmp_path / "secret.jpg").write_bytes(photo())
    for name in ("alice", "bob"):
        (folder / f"{name}.jpg").write_bytes(photo())
    found = pictures.look_through(folder)
    for name in ("alice", "bob"):
        (folder / f"{name}.jpg").unlink()
    (folder / "alice.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(folder / "bob.jpg")
    report = pictures.hand_out(found, {"alice": alice, "bob": bob})
    assert (report.given, len(report.refusals), files()) == (0, 2, [])
    assert report.refusals[1] == "bob.jpg: It is no file, or larger than 32 MB."


def test_two_pictures_of_one_name_are_none(folder, alice):
    (folder / "alice.jpg").write_bytes(photo())
    (folder / "Alice.png").write_bytes(photo("PNG"))
    assert give(folder).count("there are several pictures of this name") == 2
    assert face_of("alice") == ""


def test_who_has_a_picture_keeps_it_unless_told_otherwise(folder, alice):
    (folder / "alice.jpg").write_bytes(photo())
    give(folder)
    first = face_of("alice")
    assert "1 have a picture already" in give(folder)
    assert face_of("alice") == first
    give(folder, "--replace")
    assert face_of("alice") not in ("", first)


def test_bounds(folder, alice, monkeypatch):
    (folder / "alice.jpg").write_bytes(photo())
    os.truncate(folder / "alice.jpg", 33 * 1024**2)
    assert "larger than 32 MB" in give(folder)
    assert not files()
    monkeypatch.setattr(pictures, "FILES_AT_MOST", 1)
    (folder / "bob.jpg").write_bytes(photo())
    with pytest.raises(CommandError) as refused:
        give(folder)
    assert "more than 1 files" in str(refused.value)


def test_a_folder_that_is_not_there(folder):
    with pytest.raises(CommandError):
        give(folder / "nowhere")


def test_a_roster_comes_with_its_pictures(folder, tmp_path, alice):
    roster = tmp_path / "class.csv"
    roster.write_text("用户名\nwangwei\n李雷\n")
    for name in ("wangwei", "李雷", "alice"):
        (folder / f"{name}.jpg").write_bytes(photo())
    slips = ["--slips", str(tmp_path / "slips.html")]
    for options, words in ((["--dry-run"], "2 pictures fit"), (slips, "2 pictures are in place")):
        out = StringIO()
        call_command("import_roster", str(roster), *options, "--pictures", str(folder), stdout=out)
        assert words in out.getvalue()
        assert "alice.jpg: nobody has this user name" in out.getvalue()
    assert sorted([face_of("wangwei"), face_of("李雷")]) == files()
    assert face_of("alice") == ""  # not in the list


def test_without_the_folder_no_account_is_made(folder, tmp_path):
    roster = tmp_path / "class.csv"
    roster.write_text("用户名\nwangwei\n")
    options = ["--slips", str(tmp_path / "slips.html"), "--pictures", str(folder / "nowhere")]
    with pytest.raises(CommandError) as refused:
        call_command("import_roster", str(roster), *options)
    assert "No account was made." in str(refused.value)
    assert not User.objects.exists()
