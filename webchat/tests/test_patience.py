from __future__ import annotations

import time

import pytest
from django.db import OperationalError, connection

from webchat.database.patience import TookTooLong, limit_statements

# It would count for minutes.
ENDLESS = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000000000)
SELECT max(n) FROM number
"""


def ask(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_what_takes_too_long_is_given_up_and_the_connection_goes_on(db):
    began = time.thread_time()
    with pytest.raises(TookTooLong), limit_statements(0.05):
        ask(ENDLESS)
    assert time.thread_time() - began < 1
    assert ask("SELECT 7") == 7
    assert ask(ENDLESS.replace("1000000000", "1000000")) == 1_000_000, "there is no limit any more"


def test_all_statements_of_the_block_count_together(db):
    with pytest.raises(TookTooLong), limit_statements(0.05):
        for _time in range(1000):
            ask(ENDLESS.replace("1000000000", "100000"))


def test_other_errors_stay_what_they_are(db):
    with pytest.raises(OperationalError), limit_statements(1):
        ask("SELECT nothing FROM nowhere")
