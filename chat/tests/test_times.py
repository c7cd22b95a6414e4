"""Times in lists have one form, which the scripts share (tests/js/clock.test.mjs)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from chat.strings import STRINGS
from chat.templatetags.chat_display import list_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=SHANGHAI)  # a Sunday

LISTED = [
    ("2026-03-01T12:00:10+08:00", "12:00"),
    ("2026-02-28T17:30:00+00:00", "01:30"),
    ("2026-02-28T23:59:00+08:00", "昨天"),
    ("2026-02-27T23:59:00+08:00", "星期五"),
    ("2026-02-23T00:00:00+08:00", "星期一"),
    ("2026-02-22T23:59:00+08:00", "02-22"),
    ("2025-12-31T08:00:00+08:00", "2025-12-31"),
    ("2026-03-02T00:05:00+08:00", "03-02"),
]


@pytest.mark.parametrize(("moment", "shown"), LISTED)
def test_a_list_shows_times_that_can_be_compared(monkeypatch, moment, shown):
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    with timezone.override(SHANGHAI), translation.override("zh-hans"):
        assert list_time(datetime.fromisoformat(moment)) == shown


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_said_of_no_time(nothing):
    assert list_time(nothing) == ""


def test_the_scripts_have_the_same_words():
    with translation.override("zh-hans"):
        assert str(STRINGS["yesterday"]) == "昨天"
        assert [str(STRINGS[f"weekday_{day}"]) for day in (0, 6)] == ["星期一", "星期日"]
