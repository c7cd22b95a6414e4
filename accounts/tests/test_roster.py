"""A class gets its accounts: the whole list or none, and each a slip of paper."""

from __future__ import annotations

import re
import signal
import stat
from datetime import timedelta
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import roster
from accounts.models import RetiredUsername, User
from accounts.roster import make_password, read_roster

CLASS = "用户名,姓名,邮箱\nwangwei,王伟,WW@example.com\n李雷,,\nhan.mm,韩梅梅,han@example.com\n"
LONG_CELL = f'q1,"{"x" * 200_000}",'


@pytest.fixture(autouse=True)
def in_english(db, settings):
    settings.LANGUAGE_CODE = "en"


def read(text: str, encoding: str = "utf-8"):
    return read_roster(text.encode(encoding))


def refusals(text: str) -> list[str]:
    with pytest.raises(ValidationError) as error:
        read(text)
    return error.value.messages


class Class:
    def __init__(self, folder: Path) -> None:
        self.list, self.slips = folder / "class.csv", folder / "slips.html"
        self.list.write_text(CLASS)

    def enrol(self, *options: str) -> str:
        out = StringIO()
        slips = [] if "--dry-run" in options else ["--slips", str(self.slips)]
        call_command("import_roster", str(self.list), *slips, *options, stdout=out)
        return out.getvalue()

    def passwords(self) -> dict[str, str]:
        """Return the passwords by user name, as they are on the slips."""
        codes = re.findall("<code>(.*?)</code>", self.slips.read_text())
        return dict(zip(map(unescape, codes[::2]), codes[1::2], strict=True))


@pytest.fixture
def school(tmp_path):
    return Class(tmp_path)


# The list


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_list_is_read_as_excel_may_save_it(encoding, delimiter):
    text = CLASS.replace(",", delimiter).replace("\n", "\r\n")
    first, second, third = read(text, encoding)
    assert (first.username, first.name, first.email) == ("wangwei", "王伟", "ww@example.com")
    assert (second.username, second.name, second.email) == ("李雷", "", "")
    assert third.line == 4


def test_columns_stand_in_any_order_and_only_the_user_name_is_needed():
    [person] = read("邮箱, 姓名 ,用户名,\na@example.com,王伟,wangwei,\n")
    assert (person.username, person.name, person.email) == ("wangwei", "王伟", "a@example.com")
    assert [each.username for each in read('用户名\n"wangwei"\n\n,\nlilei')] == ["wangwei", "lilei"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "姓名,邮箱\nx,y\n",
        "用户名,电话\nab,1\n",
        "用户名,用户名\nab,cd\n",
        "wangwei,王伟,\n",
    ],
)
def test_a_list_without_its_columns_is_refused(text):
    [sentence] = refusals(text)
    assert sentence.startswith("Line 1: ")
    assert "用户名，姓名，邮箱" in sentence


def test_a_list_of_nobody_is_refused():
    assert refusals("用户名,姓名,邮箱\n,,\n") == ["There is nobody in the list."]


def test_each_bad_line_is_named_with_its_reason():
    User.objects.create_user("taken", email="taken@example.com")
    RetiredUsername.objects.retire("gone")
    lines = [
        "用户名,姓名,邮箱",
        "x,too short,",
        "admin,reserved,",
        "TAKEN,taken in another case,",
        "gone,held back,",
        "wangwei,fine,ww@example.com",
        "Ｗangwei,the same in another width,",
        "lilei,bad address,lilei@",
        "hanmm,an address twice,WW@example.com",
        "zhang,an address that is taken,taken@example.com",
        "zhao,a cell too many,,x",
        ",no name,",
        "qian,a\x07bell,",
    ]
    sentences = refusals("\n".join(lines))
    numbers = [int(re.match(r"Line (\d+): .", sentence)[1]) for sentence in sentences]
    assert numbers == [2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]
    assert "line 6" in sentences[4]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "lines",
    [
        ["wangwei,ok,", 'q1,"ill,', "q2,two,", "q3,three,"],
        ["wangwei,ok,", 'q1,"ill,', "q2,two,", 'q3,"three",'],
        ["wangwei,ok,", 'q1,"ill,', 'q2,two",'],
        ["wangwei,ok,", 'q1,ill,"', "q2,two,"],
        ["wangwei,ok,", '"q1,ill,', "q2,two,"],
        ["wangwei,ok,", 'q1,"ill"x,', "q2,two,"],
        ["wangwei,ok,", 'q1,"ill'],
        ["wangwei,ok,", LONG_CELL],
    ],
)
def test_a_quotation_mark_that_is_not_closed_in_its_line_swallows_nobody(lines, end):
    [sentence] = refusals(end.join(["用户名,姓名,邮箱", *lines]))
    goes_on = lines[1] not in ('q1,"ill"x,', LONG_CELL) and len(lines) > 2
    reason = "A cell may not hold a line break, or" if goes_on else "The quotation marks"
    assert sentence.startswith(f"Line 3: {reason}")


def test_a_quotation_mark_that_is_not_closed_in_the_header_is_named_too():
    assert refusals('用户名,"姓名\nq1,one\nq2,two')[0].startswith("Line 1: A cell may not")


def test_a_cell_of_two_lines_that_is_quoted_as_it_should_be_is_refused_as_that():
    """It cannot be told from a mark that is left open before other people's lines."""
    [sentence] = refusals('用户名,姓名\nq1,"Wang\nWei"\nq2,two')
    assert sentence == (
        "Line 2: A cell may not hold a line break, or a quotation mark is not closed."
    )


def test_before_it_all_other_bad_lines_are_named():
    sentences = refusals('用户名,姓名\nx,short\nq1,"ill\nq2,two')
    assert [sentence[:7] for sentence in sentences] == ["Line 2:", "Line 3:"]


def test_quotation_marks_that_match_are_read():
    names = [each.name for each in read('用户名,姓名\nq1,"Wang, ""W"" Wei"\n"q2",王"伟"\n')]
    assert names == ['Wang, "W" Wei', '王"伟"']


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x81", b"\x00" * 10, b'"' * 200_001])
def test_what_is_no_list_is_refused(content):
    with pytest.raises(ValidationError):
        read_roster(content)


# The accounts


def test_everybody_logs_in_with_their_slip_and_has_to_choose_a_password(school):
    printed = school.enrol()
    assert "3 accounts made" in printed
    passwords = school.passwords()
    assert set(passwords) == {"wangwei", "李雷", "han.mm"}
    for username, password in passwords.items():
        assert password not in printed
        client = Client()
        assert client.login(username=username, password=password)
        assert client.get("/").status_code == 302
        assert User.objects.get(username=username).must_change_password


@pytest.mark.django_db(transaction=True)
def test_a_stop_at_the_commit_deletes_no_slips_of_accounts_that_exist(school, monkeypatch):
    make = roster.make_accounts

    def make_and_stop(**facts):
        make(**facts)
        transaction.on_commit(lambda: signal.raise_signal(signal.SIGINT))

    monkeypatch.setattr(roster, "make_accounts", make_and_stop)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        school.enrol()
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(school.passwords()) == {"wangwei", "李雷", "han.mm"}
    assert User.objects.count() == 3


def test_names_stand_on_the_slips_and_beside_the_user_names(school):
    school.enrol()
    assert "王伟" in school.slips.read_text()
    assert User.objects.get(username="wangwei").real_name == "王伟"
    assert not User.objects.exclude(email="").exists()


def test_addresses_count_when_they_are_trusted(school):
    school.enrol("--trust-mail")
    assert User.objects.get(username="wangwei").email == "ww@example.com"


def test_the_slips_are_for_their_owner_only_and_say_where_the_chat_is(school):
    school.list.write_text("用户名,姓名\nlilei,<b>李雷</b>\n")
    school.enrol("--address", "http://192.168.1.10:8000/")
    assert stat.S_IMODE(school.slips.stat().st_mode) == 0o600
    page = school.slips.read_text()
    assert "http://192.168.1.10:8000/" in page
    assert "&lt;b&gt;李雷" in page
    assert "<script" not in page


def test_passwords_are_never_the_same_and_easy_to_read():
    made = {make_password() for _number in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch("[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){2}", each) for each in made)


def test_a_name_that_was_never_verified_is_free(school):
    long_ago = timezone.now() - timedelta(days=2)
    User.objects.create(username="wangwei", username_key="wangwei", unverified_since=long_ago)
    school.enrol()
    assert User.objects.get(username="wangwei").unverified_since is None


# All or nothing


def test_one_bad_line_and_nobody_gets_an_account(school):
    school.list.write_text(CLASS + "x,,\n")
    with pytest.raises(CommandError, match="Line 5") as error:
        school.enrol()
    assert "No account was made" in str(error.value)
    assert not User.objects.exists()
    assert not school.slips.exists()


def test_a_dry_run_makes_nothing(school):
    assert "3 accounts could be made" in school.enrol("--dry-run")
    assert not User.objects.exists()
    assert not school.slips.exists()


def test_without_a_place_for_the_slips_nothing_is_made(school):
    with pytest.raises(CommandError, match="--slips"):
        call_command("import_roster", str(school.list))
    assert not User.objects.exists()


def test_no_file_is_overwritten(school):
    school.slips.write_text("precious")
    with pytest.raises(CommandError, match="No account was made"):
        school.enrol()
    assert school.slips.read_text() == "precious"
    assert not User.objects.exists()


def test_a_list_that_is_not_there_is_said(school):
    school.list.unlink()
    with pytest.raises(CommandError, match="class.csv"):
        school.enrol()


@pytest.mark.django_db(transaction=True)
def test_who_registers_meanwhile_stops_it_all(school, monkeypatch):
    render = roster.render_to_string

    def register_meanwhile(*args):
        User.objects.create_user("han.mm")
        return render(*args)

    monkeypatch.setattr(roster, "render_to_string", register_meanwhile)
    with pytest.raises(CommandError, match="just now"):
        school.enrol()
    assert set(User.objects.values_list("username", flat=True)) == {"han.mm"}
    assert not school.slips.exists()


@pytest.mark.django_db(transaction=True)
def test_whatever_stops_it_no_slip_and_no_account_is_left(school, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(User, "save", stop)
    with pytest.raises(CommandError) as error:
        school.enrol()
    assert error.value.returncode == 130
    assert not User.objects.exists()
    assert not school.slips.exists()


def test_a_list_has_its_limits(monkeypatch):
    monkeypatch.setattr(roster, "_refuse_known", lambda person: None)  # two queries for each line
    assert refusals("用户名\n" + "x" * roster.BYTES_AT_MOST) == ["The file has at most 1024 KB."]
    names = "".join(f"u{number:04}\n" for number in range(roster.LINES_AT_MOST))
    assert "The list has at most 5000 lines." in refusals("用户名\n" + names)
    [person] = read("用户名\n" + "\n" * roster.LINES_AT_MOST + "wangwei")  # nobody's lines
    assert person.username == "wangwei"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("a" * 1017, "Please write at most 254 characters."),
        ("a" + "\u0301\u0327" * 100, "There are too many marks on one letter."),
        (
            "a" * 200_000,
            "The quotation marks of this line do not match, or it is no CSV.",
        ),
    ],
)
def test_a_cell_has_its_limits(cell, reason):
    assert refusals(f"用户名\n{cell}\n") == [f"Line 2: {reason}"]
