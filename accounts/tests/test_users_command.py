"""The list of accounts for the maintainer: its filters, its forms, and what it may not cost."""

from __future__ import annotations

import csv
import errno
import io
import json
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from accounts import listing
from accounts.models import User, UserSession
from webchat.base import tables

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def users(*options: str, language: str = "en") -> str:
    printed = io.StringIO()
    with translation.override(language):
        call_command("users", *options, stdout=printed)
    return printed.getvalue()


def names(*options: str) -> list[str]:
    return [each["username"] for each in json.loads(users("--json", *options))]


def seen(user: User, moment: datetime) -> None:
    """Let a session of theirs have been seen last at that moment."""
    store = SessionStore()
    store.create()
    UserSession.objects.create(session_id=store.session_key, user=user, last_seen_at=moment)


@pytest.fixture
def people(make_user):
    """ada was here today, ben 100 days ago, cleo never, since a year; dora joined yesterday."""
    ada, ben, cleo, dora = map(make_user, ["ada", "ben", "cleo", "dora"])
    now = timezone.now()
    User.objects.exclude(pk=dora.pk).update(date_joined=now - 365 * DAY)
    User.objects.filter(pk=dora.pk).update(date_joined=now - DAY)
    User.objects.filter(pk=ben.pk).update(last_login=now - 100 * DAY)
    User.objects.filter(pk=ada.pk).update(last_login=now - 200 * DAY)
    seen(ada, now)
    seen(ada, now - 50 * DAY)
    return ada, ben, cleo, dora


def test_a_person_was_here_when_a_session_or_the_last_log_in_was(people):
    ada, ben, cleo, dora = people
    found = {each.username: each.last_seen_at for each in User.objects.with_last_seen()}
    assert timezone.now() - found["ada"] < DAY
    assert found["ben"] == User.objects.get(pk=ben.pk).last_login
    assert found["cleo"] is found["dora"] is None


def test_a_log_in_after_the_sessions_that_are_left_counts(people):
    ben = User.objects.get(username="ben")
    seen(ben, timezone.now() - 150 * DAY)
    assert User.objects.with_last_seen().get(pk=ben.pk).last_seen_at == ben.last_login


def test_who_joined_yesterday_is_not_missed(people):
    assert names("--not-seen-for", "90") == ["ben", "cleo"]
    assert names("--not-seen-for", "101") == ["cleo"]
    assert names("--not-seen-for", "366") == []


def test_a_day_begins_in_the_zone_of_the_site(people):
    ada = people[0]
    UserSession.objects.filter(user=ada).delete()
    midnight = timezone.make_aware(datetime(2026, 9, 2))  # noqa: DTZ001
    seen(ada, midnight)
    User.objects.update(date_joined=midnight - 300 * DAY, last_login=None)
    assert "ada" in names("--seen-after", "2026-09-02")
    assert "ada" not in names("--seen-before", "2026-09-02")
    assert "ada" in names("--seen-before", "2026-09-03")
    assert names("--seen-after", "2026-09-03") == []


def test_filters_hold_together(people, make_user):
    ada, ben, cleo, dora = people
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    User.objects.filter(pk=ben.pk).update(is_superuser=True, is_active=False)
    User.objects.filter(pk=cleo.pk).update(unverified_since=timezone.now())
    User.objects.filter(pk=dora.pk).update(muted_until=timezone.now() + DAY)
    assert names("--staff") == ["ada", "ben"]
    assert names("--staff", "--banned") == ["ben"]
    assert names("--unverified") == ["cleo"]
    assert names("--muted") == ["dora"]
    User.objects.update(muted_until=timezone.now() - DAY)
    assert names("--muted") == []


@pytest.mark.parametrize(
    ("word", "found"), [("AD", ["ada"]), ("ＢＥＮ", ["ben"]), ("%", []), ("_", []), ("x" * 999, [])]
)
def test_a_word_is_found_in_any_case_and_width_and_is_no_pattern(people, word, found):
    assert names(word) == found


def test_a_real_name_is_shown_where_anybody_has_one_and_found(people):
    assert "Real name" not in users()
    User.objects.filter(username="cleo").update(real_name="欧阳=娜娜")
    assert names("娜娜") == ["cleo"]
    assert "cleo       欧阳=娜娜  " in users()
    User.objects.filter(username="cleo").update(real_name="=欧阳")
    assert "cleo,'=欧阳," in users("--csv")
    assert json.loads(users("--json", "cleo"))[0]["real_name"] == "=欧阳"


@pytest.mark.parametrize("word", ["", "\ud800", "\x00"])
def test_an_odd_word_is_no_error(people, word):
    users(word)


def test_an_address_is_found(people):
    User.objects.filter(username="cleo").update(email="cleo@example.com")
    assert names("Cleo@Example") == ["cleo"]


@pytest.mark.parametrize(
    "option",
    ["--not-seen-for=0", "--not-seen-for=999999", "--not-seen-for=-1", "--not-seen-for=1_0",
     "--not-seen-for=" + "9" * 9999, "--seen-before=0001-01-01", "--seen-before=9999-12-31",
     "--seen-after=2026-02-30", "--seen-after=2026-9-1", "--seen-after=" + "1" * 9999],
)  # fmt: skip
def test_what_is_no_day_is_refused(option):
    with pytest.raises((CommandError, SystemExit)):
        users(option)


@pytest.mark.parametrize(("language", "head"), [("zh-hans", "用户名"), ("en", "User name")])
def test_the_columns_are_straight_whatever_the_script(people, make_user, language, head):
    make_user("王伟和李雷")
    *rows, total = users(language=language).splitlines()
    assert rows[0].startswith(head)
    joined = timezone.localtime(User.objects.get(username="dora").date_joined).strftime("%Y-%m-%d")
    [row] = [each for each in rows if each.startswith("dora")]
    place = tables.width(row[: row.index(joined)])
    [wide] = [each for each in rows if each.startswith("王伟")]
    assert tables.width(wide[: wide.index("20")]) == place == 12
    assert "5" in total
    assert "Asia/Shanghai" in total


def test_times_are_local(people):
    User.objects.update(date_joined="2026-09-01T20:00:00Z")
    assert "2026-09-02 04:00" in users("ada")
    assert json.loads(users("ada", "--json"))[0]["joined"] == "2026-09-02T04:00:00+08:00"


def test_excel_opens_the_file_and_nobody_else_may(people, tmp_path):
    path = tmp_path / "users.csv"
    told = users("--csv", str(path))
    assert str(path) in told
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["User name", "ada", "ben", "cleo", "dora"]
    assert "Asia/Shanghai" in rows[0][2]
    with pytest.raises(CommandError, match="there already"):
        users("--csv", str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space")])
def test_of_a_table_that_is_not_written_to_its_end_nothing_stays(
    people, tmp_path, monkeypatch, error
):
    def half(_users):
        yield "a\n"
        raise error

    monkeypatch.setattr("accounts.listing.as_csv", half)
    with pytest.raises(CommandError) as refusal:
        users("--csv", str(tmp_path / "users.csv"))
    assert isinstance(error, KeyboardInterrupt) or str(tmp_path) in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_list_goes_to_the_output_too(people):
    assert users("--csv").startswith("\ufeffUser name,")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t=1"])
def test_no_cell_is_a_formula(people, cell):
    User.objects.filter(username="ada").update(username=cell)
    rows = list(csv.reader(io.StringIO(users("--csv"))))
    assert f"'{cell}" in [row[0] for row in rows]


def test_no_list_is_an_empty_one(db):
    assert json.loads(users("--json")) == []
    head, total = users().splitlines()
    assert head.startswith("User name")
    assert "0 accounts" in total


def test_a_page_is_read_at_a_time(people, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(listing, "ROWS_AT_ONCE", 2)
    with django_assert_num_queries(3):
        assert [user.username for user in listing.in_pages(User.objects.with_last_seen())] == [
            "ada", "ben", "cleo", "dora",
        ]  # fmt: skip
