"""A list of a class in the browser: looked through, then its accounts, once, and their slips."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from datetime import timedelta
from html import unescape
from threading import Event, Semaphore, Thread

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts import hashers, roster
from accounts.models import Attempt, User
from chat.people import enrolling

from .conftest import acts, client_of

ROSTER = reverse("admin:accounts_user_roster")
PASTED = "用户名\t姓名\t邮箱\r\nwangwei\t王伟\tWW@example.com\r\n李雷\t\t\r\n"


@pytest.fixture
def office(db):
    """A superuser's browser."""
    return client_of(User.objects.create_superuser("boss"))


def look(client, text="", **more):
    return client.post(ROSTER, {"text": text, "look": "1"} | more)


def send(client, preview, **changed):
    """Send the form of a preview, as the browser does when its button is pressed."""
    form = preview.context["form"]
    data = {name: form[name].value() or "" for name in ("text", "ticket")}
    # A browser sends the ends of lines of a field like this.
    data["text"] = data["text"].replace("\n", "\r\n")
    if form["trust_mail"].value():
        data["trust_mail"] = "on"
    return client.post(ROSTER, data | {"enrol": "1"} | changed)


def slips(page):
    """Return the first passwords on a page of slips, by user name."""
    codes = [unescape(code) for code in re.findall("<code>(.*?)</code>", page.content.decode())]
    return dict(zip(codes[::2], codes[1::2], strict=True))


def names():
    return set(User.objects.exclude(username="boss").values_list("username", flat=True))


# Looking through


def test_a_list_is_shown_line_by_line_before_anything_is_made(office):
    page = look(office, PASTED)
    assert page.status_code == 200
    shown = page.content.decode()
    assert "2 accounts can be made" in shown
    assert "Make 2 accounts" in shown
    assert [row.shown for row in page.context["roster"].rows] == [
        ["wangwei", "王伟", "WW@example.com"],
        ["李雷", "", ""],
    ]
    assert names() == set()
    assert acts() == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "，"])
def test_a_file_is_read_as_excel_saves_it_and_becomes_the_text(office, encoding, delimiter):
    text = PASTED.replace("\t", delimiter)
    file = SimpleUploadedFile("class.csv", text.encode(encoding))
    page = look(office, file=file)
    assert page.status_code == 200
    assert page.context["form"]["text"].value() == text.replace("\r\n", "\n")
    assert set(slips(send(office, page))) == {"wangwei", "李雷"}


def test_each_bad_line_has_its_reason_and_all_that_was_typed_stays(office, alice):
    lines = ["用户名,姓名,邮箱", "x,too short,", "ALICE,taken,", "wangwei,fine,", "wangwei,twice,"]
    page = look(office, "\n".join(lines), trust_mail="on")
    assert page.status_code == 422
    found = {row.line: list(row.reasons) for row in page.context["roster"].rows}
    assert [len(reasons) for reasons in found.values()] == [1, 1, 0, 1]
    assert found[5] == ["The same stands in line 4."]
    shown = page.content.decode()
    assert shown.count("is-wrong") == 3
    assert 'name="enrol"' not in shown
    assert page.context["form"]["text"].value() == "\n".join(lines)
    assert page.context["form"]["trust_mail"].value() is True
    # Not even by whoever sends the button that is not there.
    assert send(office, page).status_code == 422
    assert names() == {"alice"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The list is empty: paste it, or choose a file."),
        (" \n ", "The list is empty: paste it, or choose a file."),
        ("wangwei\t王伟", "The first line should name the columns"),
        ("wangwei\nlilei", "Above user names alone, write 用户名."),
        ("用户名\t姓名", "There is nobody in the list."),
        ('用户名\nwangwei\n"lilei', "Line 3: "),
        ("用户名\n" + "\n".join(f"u{number:04}" for number in range(101)), "at most 101 lines"),
        ("用户名\n" + "x" * 65_536, "larger than 64 KB"),
        ("用户名\nab\x00c", "Null characters"),
        ("用户名\nab\x07c", "not allowed"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_in_words_and_kept(office, text, words):
    page = look(office, text)
    assert page.status_code == 422
    shown = unescape(page.content.decode())
    assert words in shown
    assert 'name="enrol"' not in shown
    assert page.context["form"]["text"].value() == text
    assert names() == set()


def test_empty_lines_are_nobody_s(office):
    lines = [f"u{number:04}" for number in range(enrolling.PEOPLE_AT_MOST)]
    page = look(office, "用户名\n\n" + "\n".join(lines) + "\n\t\t\n" * 50)
    assert page.status_code == 200
    assert len(page.context["roster"].rows) == enrolling.PEOPLE_AT_MOST


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xff\xff,", "neither UTF-8 nor GBK"),
        (b"PK\x03\x04" + bytes(range(128, 256)) * 40, "neither UTF-8 nor GBK"),
        (b"x" * (enrolling.BYTES_AT_MOST + 1), "larger than 64 KB"),
        (b"", "The list is empty"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_what_was_pasted_stays(office, content, words):
    page = look(office, file=SimpleUploadedFile("photo.xlsx", content))
    assert page.status_code == 422
    assert words in unescape(page.content.decode())


def test_as_many_as_fit_are_looked_through(office):
    people = [f"u{number:04}" for number in range(enrolling.PEOPLE_AT_MOST)]
    page = look(office, "\n".join(["用户名", *people]))
    assert page.status_code == 200
    assert len(page.context["roster"].people) == enrolling.PEOPLE_AT_MOST


# Making


def test_the_slips_open_the_accounts_which_ask_for_another_password(office):
    page = send(office, look(office, PASTED))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "王伟" in page.content.decode()
    for username, password in slips(page).items():
        client = Client()
        client.post("/login/", {"username": username, "password": password})
        assert client.get("/")["Location"].startswith("/password/change/")
    user = User.objects.get(username="wangwei")
    assert (user.real_name, user.email) == ("王伟", "")
    assert acts() == ["added", "added"]


def test_addresses_are_taken_as_verified_only_if_that_is_said(office):
    send(office, look(office, PASTED, trust_mail="on"))
    assert User.objects.get(username="wangwei").email == "ww@example.com"


def test_a_form_that_is_sent_twice_makes_the_class_once_and_shows_the_same_slips(office):
    preview = look(office, PASTED)
    first, second = send(office, preview), send(office, preview)
    assert slips(first) == slips(second)
    assert len(slips(first)) == 2
    assert names() == {"wangwei", "李雷"}
    assert acts() == ["added", "added"]


def test_the_slip_of_somebody_with_a_password_of_their_own_is_gone(office):
    preview = look(office, PASTED)
    password = slips(send(office, preview))["wangwei"]
    client = Client()
    client.post("/login/", {"username": "wangwei", "password": password})
    new = {"new_password1": "gruene-Wiese-8", "new_password2": "gruene-Wiese-8"}
    client.post("/password/change/", {"old_password": password} | new)
    assert set(slips(send(office, preview))) == {"李雷"}


@pytest.mark.parametrize("moment", ["hash_in_turn", "_look_through"])
def test_a_form_that_is_sent_twice_at_once_makes_the_class_once(office, monkeypatch, moment):
    preview = look(office, PASTED)
    real, second = getattr(enrolling, moment), []

    def overtaken(*args, **options):
        """The second request begins while the first is here, and is done before it goes on."""
        if not second:
            second.append(None)
            second[0] = send(office, preview)
        return real(*args, **options)

    monkeypatch.setattr(enrolling, moment, overtaken)
    # As in another process, which this lock does not hold up.
    monkeypatch.setattr(enrolling, "_enrolling", nullcontext())
    first = send(office, preview)
    assert first.status_code == second[0].status_code == 200
    assert slips(first) == slips(second[0])
    assert len(slips(first)) == 2
    assert acts() == ["added", "added"]


def test_of_two_presses_the_second_waits_and_hashes_nothing(monkeypatch):
    begun, done = [], []

    def enrol(upload):
        begun.append(upload)
        time.sleep(0.2)  # the other one comes
        done.append(upload)

    monkeypatch.setattr(enrolling, "_enrol", enrol)
    monkeypatch.setattr(enrolling.limits, "has_taken", lambda claim: bool(done))
    upload = enrolling.Upload(User(pk=1), "", trust_mail=False)
    presses = [Thread(target=enrolling._enrol_once, args=(upload,)) for _each in range(3)]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert begun == [upload]


def test_another_preview_of_the_same_list_is_another_secret(office):
    first, second = look(office, PASTED), look(office, PASTED)
    assert slips(send(office, first)) != {}
    # Made by the first; the second finds its names taken, and shows no password.
    page = send(office, second)
    assert page.status_code == 422
    assert slips(page) == {}
    assert page.context["form"]["text"].value() == PASTED.replace("\r\n", "\n")


def test_a_list_that_was_changed_after_the_look_is_looked_at_again(office):
    preview = look(office, PASTED)
    page = send(office, preview, text=PASTED + "hanmm\t\t\r\n")
    assert page.status_code == 200
    assert "The list has changed" in page.content.decode()
    assert names() == set()
    page = send(office, preview, trust_mail="on")
    assert "The list has changed" in page.content.decode()
    assert names() == set()


def test_the_ticket_is_one_superuser_s_and_lasts_an_hour(office, monkeypatch):
    preview = look(office, PASTED)
    other = client_of(User.objects.create_superuser("other"))
    assert "The list has changed" in send(other, preview).content.decode()
    for ticket in ("x", "", preview.context["form"]["ticket"].value() + "x", "é" * 5000):
        send(office, preview, ticket=ticket)
    monkeypatch.setattr(enrolling, "GOOD_FOR", timedelta(seconds=-1))
    assert "The list has changed" in send(office, preview).content.decode()
    assert names() == {"other"}


def test_where_a_name_is_taken_meanwhile_nobody_is_made(office, monkeypatch):
    preview = look(office, PASTED)

    def hash_slowly(passwords):
        User.objects.create_user("WANGWEI")
        return ["x" for _each in passwords]

    monkeypatch.setattr(enrolling, "hash_in_turn", hash_slowly)
    page = send(office, preview)
    assert page.status_code == 422
    assert "has taken one of the names" in page.content.decode()
    assert names() == {"WANGWEI"}
    assert slips(page) == {}
    assert not Attempt.objects.filter(limit="enrolled").exists()


def test_first_passwords_are_in_no_table(office):
    page = send(office, look(office, PASTED))
    from django.db import connection

    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            stored = repr(cursor.fetchall())
            for password in slips(page).values():
                assert password not in stored
    ticket = page.wsgi_request.POST["ticket"]
    assert ticket not in repr(list(Attempt.objects.values()))


def test_a_secret_and_a_name_make_one_password_each():
    first = roster.password_of("wangwei", secret="s")
    assert first == roster.password_of("WANGWEI", secret="s")
    assert re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){2}[a-hjkmnp-z2-9]{4}", first)
    others = {roster.password_of("wangwei", secret="t"), roster.password_of("lilei", secret="s")}
    assert len(others | {first}) == 3


# Who may


def test_only_superusers_make_a_class(desk, moderator, alice):
    for codename in ("add_user", "change_user"):
        moderator.user_permissions.add(Permission.objects.get(codename=codename))
    assert desk.get(ROSTER).status_code == 403
    assert look(desk, PASTED).status_code == 403
    assert client_of(alice).get(ROSTER)["Location"].startswith("/admin/login/")
    assert ROSTER not in desk.get(reverse("admin:accounts_user_changelist")).content.decode()


def test_a_form_without_its_token_makes_nobody(office):
    preview = look(office, PASTED)
    boss = User.objects.get(username="boss")
    assert send(client_of(boss, enforce_csrf_checks=True), preview).status_code == 403
    assert names() == set()


# The others


def test_whoever_logs_in_while_a_class_is_hashed_goes_first(monkeypatch):
    monkeypatch.setattr(hashers, "_hashing", Semaphore(1))
    monkeypatch.setattr(hashers, "make_password", lambda password: encode(password))
    order, has_begun = [], Event()

    def encode(password):
        order.append(hashers.Argon2Hasher().encode(password, "s" * 16) and password)
        if len(order) == 3:
            has_begun.set()

    def log_in(name):
        has_begun.wait()
        encode(name)

    others = [Thread(target=log_in, args=(f"login{number}",)) for number in range(3)]
    for thread in others:
        thread.start()
    hashers.hash_in_turn([f"first{number}" for number in range(40)])
    for thread in others:
        thread.join()
    assert len(order) == 43
    assert order[-1] == "first39"
