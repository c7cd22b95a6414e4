"""The pictures of a class in the browser: looked through, then each to its user name."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.urls import reverse

from accounts.models import User
from chat import audit
from chat.models.files import attachments_folder, parts_folder
from chat.people import pictures
from chat.tests.media.cast import photo
from tests.cast import make_user

from .conftest import acts, client_of

PAGE = reverse("admin:accounts_user_pictures")
JSON = {"accept": "application/json"}


@pytest.fixture
def office(db):
    """A superuser's browser."""
    return client_of(User.objects.create_superuser("boss"))


def look(client, *names, **more):
    answer = client.post(PAGE, {"look": "1", "name": names, **more}, headers=JSON)
    return [tuple(each.values()) for each in answer.json()["outcomes"]]


def give(client, *files, headers=JSON, **more):
    sent = [SimpleUploadedFile(name, content, "image/jpeg") for name, content in files]
    return client.post(PAGE, {"file": sent, **more}, headers=headers)


def face_of(user):
    return User.objects.get(pk=user.pk).face


def files():
    folders = [each for each in (attachments_folder(), parts_folder()) if each.is_dir()]
    return sorted(path.name for each in folders for path in each.iterdir())


def test_a_look_tells_whose_they_are_and_changes_nothing(office, alice, bob):
    User.objects.filter(pk=bob.pk).update(face="0" * 32)
    make_user("李雷")
    names = ["ALICE.jpg", "C:\\fotos\\李雷.PNG", "bob.webp", "nobody.jpg", "alice.gif", "x" * 5000]
    assert look(office, *names) == [
        ("ALICE.jpg", "alice", True),
        ("李雷.PNG", "李雷", True),
        ("bob.webp", "bob has a picture already", False),
        ("nobody.jpg", "nobody has this user name", False),
        ("alice.gif", "no picture: JPEG, PNG and WebP are taken", False),
        ("x" * pictures.NAME_AT_MOST, "no picture: JPEG, PNG and WebP are taken", False),
    ]
    assert look(office, "bob.webp", replace="on") == [("bob.webp", "bob", True)]
    assert (face_of(alice), files(), acts()) == ("", [], [])


def test_each_picture_comes_to_its_name_with_an_entry_in_the_audit_log(office, alice, bob):
    answer = give(office, ("alice.jpg", photo((90, 60))), ("nobody.jpg", photo((90, 60))))
    assert [each["is_good"] for each in answer.json()["outcomes"]] == [True, False]
    first = face_of(alice)
    assert files() == [first]
    assert acts() == ["edited"]
    assert not give(office, ("alice.jpg", photo((90, 60)))).json()["outcomes"][0]["is_good"]
    assert face_of(alice) == first
    give(office, ("alice.jpg", photo((90, 60))), replace="on")
    assert face_of(alice) not in ("", first)


def test_no_picture_changes_without_an_entry(office, alice, monkeypatch):
    give(office, ("alice.jpg", photo((90, 60))))
    before = face_of(alice), files(), acts()
    monkeypatch.setattr(audit, "write", Mock(side_effect=OperationalError("disk I/O error")))
    assert give(office, ("alice.jpg", photo((90, 60))), replace="on").status_code == 503
    assert (face_of(alice), files(), acts()) == before


def test_what_cannot_be_taken_is_said_on_the_page(office, alice, bob):
    sent = [("alice.jpg", b"no picture"), ("bob.jpg", b"x" * 1_000_001)]
    page = give(office, *sent, headers={"accept": "text/html"}).content.decode()
    assert "This picture cannot be read." in page
    assert "larger than 1 MB" in page
    assert (face_of(alice), face_of(bob), files(), acts()) == ("", "", [], [])


def test_the_list_of_users_leads_there_for_superusers_alone(office, desk):
    users = reverse("admin:accounts_user_changelist")
    assert PAGE in office.get(users).content.decode()
    assert PAGE not in desk.get(users).content.decode()
    assert desk.get(PAGE).status_code == desk.post(PAGE, {"look": "1"}).status_code == 403
    assert office.get(PAGE).status_code == 200


def test_numbers_are_bounded_and_what_is_left_out_is_named(office, alice, bob, monkeypatch):
    monkeypatch.setattr(pictures, "NAMES_AT_MOST", 2)
    assert len(look(office, "a.jpg", "b.jpg", "c.jpg")) == 2
    monkeypatch.setattr(pictures, "FILES_AT_MOST", 1)
    sent = [("alice.jpg", b"no picture"), ("bob.jpg", photo((90, 60))), ("C:\\x.jpg", b"y")]
    outcomes = give(office, *sent).json()["outcomes"]
    assert [each["name"] for each in outcomes] == ["alice.jpg", "bob.jpg", "x.jpg"]
    assert [each["words"] for each in outcomes[1:]] == ["not taken: at most 1 at once"] * 2
    assert (face_of(bob), any(each["is_good"] for each in outcomes)) == ("", False)
