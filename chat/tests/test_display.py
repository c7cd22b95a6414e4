"""Times as lists show them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone, translation

from chat.templatetags.chat_display import relative_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("sent", "seen", "shown"),
    [
        # At 01:00 UTC the clocks go back from three to two.
        ("2026-10-25 00:50", "2026-10-25 01:10", "20 minutes ago"),
        ("2026-10-25 00:30", "2026-10-25 01:29", "59 minutes ago"),
        ("2026-10-25 00:10", "2026-10-25 01:20", "02:10"),
        # At 01:00 UTC they go forward from two to three.
        ("2026-03-29 00:50", "2026-03-29 01:10", "20 minutes ago"),
        ("2026-03-29 00:05", "2026-03-29 01:00", "55 minutes ago"),
        ("2026-10-24 21:30", "2026-10-25 12:00", "yesterday"),
    ],
)
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=["utc", "local"])
def test_a_night_in_which_the_clocks_change_is_counted_as_it_was(settings, sent, seen, shown, zone):
    settings.TIME_ZONE = "Europe/Berlin"
    moment = datetime.fromisoformat(sent).replace(tzinfo=UTC).astimezone(zone)
    now = datetime.fromisoformat(seen).replace(tzinfo=UTC)
    with (
        time_machine.travel(now, tick=False),
        timezone.override(BERLIN),
        translation.override("en"),
    ):
        assert relative_time(moment) == shown
